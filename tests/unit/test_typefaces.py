"""Words in look-alike font faces."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from small_datasets import files_in

from fgir.data.manifest import write_manifest
from fgir.data.sources import typefaces
from fgir.data.sources.words import CONTRAST, WORDS, _mask, render
from fgir.results.parquet import read_rows
from fgir.specs import SourceSpec
from fgir.study.catalogue import Typefaces
from fgir.utils.errors import FgirError


def typefaces_spec(archives: Path, **keys: Any) -> SourceSpec:
    defaults = {"classes": 3, "train_val_per_class": 4, "test_per_class": 2, "size": 48}
    entry = Typefaces(source="typefaces", **(defaults | keys))
    return SourceSpec(recipe=1, dataset="typefaces", entry=entry, archives=str(archives))


def pixels_of(spec: SourceSpec) -> dict[str, np.ndarray]:
    root = typefaces.acquire(spec)
    return {row.path: np.asarray(Image.open(root / row.path)) for row in typefaces.rows(spec, root)}


def test_the_catalogue_admits_as_many_classes_as_there_are_faces() -> None:
    assert Typefaces(source="typefaces", classes=len(typefaces.FACES)).classes == len(set(typefaces.FACES))
    with pytest.raises(ValidationError):
        Typefaces(source="typefaces", classes=len(typefaces.FACES) + 1)


def test_the_manifest_has_the_parts_counts_and_object_sizes(tmp_path: Path) -> None:
    spec = typefaces_spec(tmp_path)

    write_manifest(spec, typefaces.acquire(spec), tmp_path / "manifest.parquet")

    rows = read_rows("manifest", tmp_path / "manifest.parquet")
    faces = ["DejaVuSans", "DejaVuSans-Oblique", "DejaVuSans-Bold"]
    expected = {(face, part): count for face in faces for part, count in (("train_val", 4), ("test", 2))}
    assert Counter((row["class_name"], row["part"]) for row in rows) == expected
    assert {row["label"]: row["class_name"] for row in rows} == dict(enumerate(faces))
    assert {(row["width"], row["height"]) for row in rows} == {(48, 48)}
    assert all(0 < row["object_size"] <= 48 for row in rows)


def test_the_same_entry_gives_the_same_pixels_and_another_seed_others(tmp_path: Path) -> None:
    first = pixels_of(typefaces_spec(tmp_path / "a"))
    again = pixels_of(typefaces_spec(tmp_path / "b"))
    other = pixels_of(typefaces_spec(tmp_path / "a", seed=1))

    assert first.keys() == again.keys() == other.keys()
    assert all((first[path] == again[path]).all() for path in first)
    assert not any((first[path] == other[path]).all() for path in first)


def test_more_training_images_and_classes_keep_the_images_that_were_there(tmp_path: Path) -> None:
    few = pixels_of(typefaces_spec(tmp_path))
    more = pixels_of(typefaces_spec(tmp_path, classes=4, train_val_per_class=6))

    assert len(more) > len(few)
    assert all((more[path] == few[path]).all() for path in few)


def test_images_that_are_there_are_not_rendered_again(tmp_path: Path) -> None:
    spec = typefaces_spec(tmp_path)
    index = typefaces.acquire(spec) / "objects.csv"
    before = index.stat()

    assert typefaces.acquire(spec) == index.parent
    assert index.stat() == before


def test_a_rendering_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typefaces, "FACES", (*typefaces.FACES[:2], "NoSuchFace"))

    with pytest.raises(OSError, match="cannot open resource"):
        typefaces.acquire(typefaces_spec(tmp_path))

    assert files_in(tmp_path) == ["typefaces"]


def test_a_lost_index_is_told(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"objects\.csv does not exist; delete the folder"):
        list(typefaces.rows(typefaces_spec(tmp_path), tmp_path))


@pytest.mark.parametrize("face", typefaces.FACES)
def test_every_face_draws_every_letter_of_the_words(face: str) -> None:
    from fontTools.ttLib import TTFont
    from matplotlib import get_data_path

    letters = TTFont(Path(get_data_path()) / "fonts" / "ttf" / f"{face}.ttf").getBestCmap()

    assert {letter for word in WORDS for letter in word} <= {chr(code) for code in letters}


def test_a_centre_crop_as_at_evaluation_holds_the_whole_word() -> None:
    side, crop = 128, int(128 / 1.34)
    border = (side - crop) // 2
    for number in range(200):
        mask = _mask(WORDS[number % len(WORDS)], "DejaVuSerif-Bold", side, np.random.default_rng(number))
        left, top, right, bottom = mask.getbbox() or (0, 0, 0, 0)
        assert border <= left < right <= border + crop
        assert border <= top < bottom <= border + crop


@pytest.mark.parametrize("side", [16, 128])
def test_a_word_stands_out_of_its_background(side: int) -> None:
    for number in range(40):
        image, object_size = render("DejaVuSerif-Bold", side, [0, number])
        assert image.size == (side, side)
        assert object_size > 1
        assert np.ptp(np.asarray(image).mean(axis=2)) > CONTRAST / 2


def test_words_vary_in_size_as_the_entry_promises() -> None:
    sizes = [render("DejaVuSans", 128, [0, 0, number])[1] for number in range(100)]

    assert min(sizes) < 0.35 * 128
    assert max(sizes) > 0.5 * 128
