"""Mirrors on the model hub: tried after the official source, and counting only where they equal it."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import local_hub
import pytest
from local_hub import COMMIT, OLDER, Hub, parquet, picture, serving
from small_datasets import files_in

from fgir.data.manifest import write_manifest, write_source
from fgir.data.sources.archive import acquire
from fgir.results.parquet import read_rows
from fgir.specs import SourceSpec
from fgir.study.catalogue import Archived, Download, Mirror
from fgir.utils.errors import FgirError

# As the official archive names and numbers them, and as a mirror does.
OFFICIAL = ["001.Laysan_Albatross", "002.Auk", "003.Chuck_will_Widow"]
THEIRS = ["auk", "Chuck will Widow", "laysan albatross"]
TRAIN, TEST = [0, 0, 1, 1, 2, 2], [0, 1, 2]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(Hub()) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        yield served


def zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("birds/a.jpg", "a")
    return content.getvalue()


def spec(folder: Path, *mirrors: str, **keys: Any) -> SourceSpec:
    """The spec of three birds with six train_val and three test images, whose official archive is nowhere."""
    (folder / "birds.txt").write_text("".join(f"{name}\n" for name in OFFICIAL))
    files = keys.pop("files", [Download(file="birds.zip", checksum=f"md5:{hashlib.md5(zipped()).hexdigest()}")])
    defaults: dict[str, Any] = {"classes": 3, "train_val": 6, "test": 3, "class_names": str(folder / "birds.txt")}
    defaults |= {"title": "Birds", "licence": "CC-BY", "terms": "Be kind.", "by_hand": "Ask the ornithologists."}
    defaults |= {"mirrors": [Mirror(repo=repo) for repo in mirrors]}
    entry = Archived(source="archive", reader="cub", files=files, **(defaults | keys))
    return SourceSpec(recipe=1, dataset="birds", entry=entry, archives=str(folder / "data"))


def rows(train: bytes | None = None, test: bytes | None = None) -> dict[str, bytes]:
    """Files of a mirror that equals the official dataset, but for what is given."""
    return {
        "data__train-00000-of-00001.parquet": train or parquet(TRAIN, THEIRS),
        "data__test-00000-of-00001.parquet": test or parquet(TEST, THEIRS, first=100),
    }


def test_an_official_archive_in_a_mirror_counts_by_its_digest(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.add("some/one", **{"old__birds.zip": zipped(), "README.md": b"-"})

    root = acquire(spec(tmp_path, "some/one"))

    assert (root / "birds/birds/a.jpg").read_text() == "a"
    printed = " ".join(capsys.readouterr().err.split())
    assert "Birds, licence: CC-BY. Be kind." in printed
    assert f"birds.zip is from some/one@{COMMIT}, a third-party copy" in printed


def test_the_official_source_comes_first(hub: Hub, tmp_path: Path) -> None:
    hub.add("official/site", **{"birds.zip": zipped()})
    hub.add("some/one", **{"birds.zip": zipped()})
    url = f"{hub.url}/datasets/official/site/resolve/{COMMIT}/birds.zip"

    acquire(spec(tmp_path, "some/one", files=[Download(file="birds.zip", urls=[url])]))

    assert [path for path, _ in hub.asked] == [url.removeprefix(hub.url)]


def test_an_official_source_that_fails_is_told_before_the_mirrors_are_tried(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.add("some/one", **{"birds.zip": zipped()})
    checksum = f"md5:{hashlib.md5(zipped()).hexdigest()}"
    gone = Download(file="birds.zip", urls=[f"{hub.url}/gone/birds.zip"], checksum=checksum)

    acquire(spec(tmp_path, "some/one", files=[gone]))

    printed = " ".join(capsys.readouterr().err.split())
    assert printed.index("The official source of birds.zip does not give it") < printed.index(
        "birds.zip is from some/one@"
    )


def test_an_archive_of_another_digest_is_refused_and_leaves_nothing(hub: Hub, tmp_path: Path) -> None:
    hub.add("some/one", **{"birds.zip": b"other"})

    with pytest.raises(FgirError) as error:
        acquire(spec(tmp_path, "some/one"))

    assert "/datasets/some/one/resolve/" in str(error.value)
    assert str(error.value).endswith(f"into {tmp_path / 'data/birds'} and rerun. Ask the ornithologists.")
    assert files_in(tmp_path / "data/birds") == []
    assert len([path for path, _ in hub.asked if path.endswith("birds.zip")]) == 1


def test_rows_become_images_under_the_official_labels(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.add("some/one", **rows())

    root = acquire(spec(tmp_path, "some/one"))
    write_manifest(spec(tmp_path, "some/one"), root, tmp_path / "manifest.parquet")

    found = read_rows("manifest", tmp_path / "manifest.parquet")
    # Theirs are auk, widow, albatross; the official ones albatross, auk, widow.
    assert [row["label"] for row in found] == [1, 1, 2, 2, 0, 0, 1, 2, 0]
    assert [row["class_name"] for row in found[-3:]] == [OFFICIAL[1], OFFICIAL[2], OFFICIAL[0]]
    assert [row["part"] for row in found] == ["train_val"] * 6 + ["test"] * 3
    assert [(root / row["path"]).read_bytes() for row in found[-3:]] == [picture(100), picture(101), picture(102)]
    printed = " ".join(capsys.readouterr().err.split())
    assert f"birds is from some/one@{COMMIT}, a third-party copy" in printed
    assert "the val part is another" in printed


def test_where_the_images_are_from_is_recorded_and_they_are_fetched_once(hub: Hub, tmp_path: Path) -> None:
    hub.add("some/one", **rows())
    root = acquire(spec(tmp_path, "some/one"))
    asked = len(hub.asked)

    write_source(spec(tmp_path, "some/one"), acquire(spec(tmp_path, "some/one")), tmp_path / "source.json")

    assert len(hub.asked) == asked
    assert json.loads((tmp_path / "source.json").read_text())["mirror"] == f"some/one@{COMMIT}"
    assert files_in(root.parent)[0] == "mirror"
    assert not [name for name in files_in(root.parent) if name.startswith(".")]


def test_a_pinned_commit_is_what_is_asked_for(hub: Hub, tmp_path: Path) -> None:
    hub.add("some/one", **rows())

    root = acquire(spec(tmp_path, mirrors=[Mirror(repo="some/one", revision=OLDER)]))

    assert json.loads((root / "mirror.json").read_text())["commit"] == OLDER
    assert all(OLDER in path for path, _ in hub.asked)


def test_another_commit_than_the_pinned_one_is_refused(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("some/one", **rows())
    monkeypatch.setattr(local_hub, "_commit", lambda asked: COMMIT)

    with pytest.raises(FgirError, match=f"some/one@{OLDER}: the hub answers with another commit, {COMMIT}"):
        acquire(spec(tmp_path, mirrors=[Mirror(repo="some/one", revision=OLDER)]))


def test_rows_that_broke_off_go_on_where_they_were(hub: Hub, tmp_path: Path) -> None:
    hub.add("some/one", **rows())
    hub.broken = {"train-00000-of-00001.parquet"}

    acquire(spec(tmp_path, "some/one"))

    spans = [span for path, span in hub.asked if path.endswith("train-00000-of-00001.parquet")]
    assert spans == [None, f"bytes={len(parquet(TRAIN, THEIRS)) // 2}-"]


REFUSED = {
    "fewer images": (rows(train=parquet(TRAIN[:5], THEIRS)), "has 5 train_val, 3 test images, but the official"),
    "other classes": (
        rows(train=parquet(TRAIN, ["auk", "gull", "laysan albatross"])),
        "has other classes than the official dataset, e.g. gull",
    ),
    "more classes": (rows(train=parquet(TRAIN, [*THEIRS, "dodo"])), "has other classes than the official dataset"),
    "a class missing in a part": (rows(test=parquet([0, 1, 1], THEIRS)), "has no test image of 001.Laysan_Albatross"),
    "no test part": ({"data__train-0.parquet": parquet(TRAIN, THEIRS)}, "of a train and a test part"),
    "no rows": ({"README.md": b"-", "birds.tar": b"-"}, "holds neither the official archives nor Parquet files"),
    "no names of classes": (
        rows(train=parquet(TRAIN, THEIRS, features={"label": {"_type": "Value"}})),
        "does not say which columns",
    ),
    "labels below zero": (rows(train=parquet([-1, *TRAIN[1:]], THEIRS)), "has images without a class"),
    "no images in the rows": (
        rows(train=parquet(TRAIN, THEIRS, images=[{"bytes": None, "path": "http://x"}] * 6)),
        "has rows without an image",
    ),
    "damaged": (rows(train=b"PAR1 and no more"), "a Parquet file is damaged"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_mirror_that_is_not_the_official_dataset_is_refused_and_leaves_nothing(
    hub: Hub, tmp_path: Path, fault: str
) -> None:
    files, printed = REFUSED[fault]
    hub.add("some/one", **files)

    with pytest.raises(FgirError) as error:
        acquire(spec(tmp_path, "some/one"))

    assert f"some/one@{COMMIT}" in str(error.value)
    assert printed in str(error.value)
    assert "put the file birds.zip" in str(error.value)
    assert not (tmp_path / "data/birds").exists() or files_in(tmp_path / "data/birds") == []


def test_the_next_mirror_is_taken_where_one_is_refused_or_gone(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.add("some/other", **rows(train=parquet(TRAIN[:5], THEIRS)))
    hub.add("some/one", **rows())

    root = acquire(spec(tmp_path, "gone/away", "some/other", "some/one"))

    assert json.loads((root / "mirror.json").read_text())["repo"] == "some/one"
    printed = " ".join(capsys.readouterr().err.split())
    assert "Passed over: gone/away: there is no such repository or revision; some/other@" in printed


def test_without_official_names_and_counts_rows_do_not_count(hub: Hub, tmp_path: Path) -> None:
    hub.add("some/one", **rows())

    with pytest.raises(FgirError, match="the catalogue has no class names and counts to hold it against"):
        acquire(spec(tmp_path, "some/one", test=None))


def test_a_hub_that_is_not_there_is_told_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(FgirError, match=r"some/one: no connection to the server.*put the file birds.zip"):
        acquire(spec(tmp_path, "some/one"))


def test_an_index_that_is_none_is_told(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add("some/one", **rows())
    monkeypatch.setattr(local_hub, "_commit", lambda asked: "newest")

    with pytest.raises(FgirError, match=r"some/one: the hub does not say its commit and files.*put the file"):
        acquire(spec(tmp_path, "some/one"))


def test_a_part_called_validation_is_the_test_part_where_there_is_no_other(hub: Hub, tmp_path: Path) -> None:
    train, test = rows().values()
    hub.add("some/one", **{"data__train-0.parquet": train, "data__validation-0.parquet": test})

    root = acquire(spec(tmp_path, "some/one"))

    assert len(list((root / "test").iterdir())) == 3


@pytest.mark.parametrize(
    ("val_part", "parts"), [("official", {"train", "val", "test"}), ("first", {"train_val", "test"})]
)
def test_an_official_val_part_is_kept_where_the_dataset_has_one(
    hub: Hub, tmp_path: Path, val_part: str, parts: set[str]
) -> None:
    halves = {
        f"data__{split}-0.parquet": parquet([0, 1, 2], THEIRS, first)
        for first, split in enumerate(("train", "validation"))
    }
    hub.add("some/one", **halves, **{"data__test-0.parquet": rows()["data__test-00000-of-00001.parquet"]})

    root = acquire(spec(tmp_path, "some/one", val_part=val_part, train=3, val=3))

    assert {path.name for path in root.iterdir() if path.is_dir()} == parts
