"""Images are divided into train, val and test by rule and seed alone."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from small_datasets import files_in, split_spec

from fgir.data.split import test_count as count_of_test
from fgir.data.split import train_count as count_of_train
from fgir.data.split import write_split
from fgir.results.parquet import read_rows, write_rows
from fgir.utils.errors import FgirError

Row = dict[str, Any]


def manifest_of(folder: Path, labels: list[int], parts: list[str | None], **columns: list[Any]) -> Path:
    """A manifest as write_manifest makes it, without the images."""
    rows = [
        {"image": number, "path": f"{number}.png", "label": label, "class_name": str(label), "part": part}
        | {"width": 1, "height": 1, "digest": f"{number:032x}"}
        | {name: values[number] for name, values in columns.items()}
        for number, (label, part) in enumerate(zip(labels, parts, strict=True))
    ]
    write_rows("manifest", rows, folder / "manifest.parquet")
    return folder / "manifest.parquet"


def without_parts(folder: Path, counts: tuple[int, ...]) -> Path:
    """Images of the classes by turns, so that a class's rows do not stand together."""
    labels = [label for turn in range(max(counts)) for label, count in enumerate(counts) if turn < count]
    return manifest_of(folder, labels, [None] * len(labels))


def official(folder: Path, train_val: int, test: int) -> Path:
    labels = [0] * train_val + [1] * train_val + [0] * test + [1] * test
    return manifest_of(folder, labels, ["train_val"] * 2 * train_val + ["test"] * 2 * test)


def split_of(manifest: Path, **keys: Any) -> list[Row]:
    out = manifest.parent / "out" / "split.parquet"
    write_split(split_spec(**keys), manifest, out)
    return read_rows("split", out)


def images_in(rows: list[Row], part: str, label: int) -> list[int]:
    return [row["image"] for row in rows if (row["part"], row["label"]) == (part, label)]


def test_another_image_under_the_same_path_makes_another_split(tmp_path: Path) -> None:
    before = split_of(official(tmp_path, 7, 2))
    digests = [f"{number:032x}" for number in range(18)]

    after = split_of(
        manifest_of(
            tmp_path,
            [row["label"] for row in before],
            ["train_val"] * 14 + ["test"] * 4,
            digest=[*digests[:3], "ff", *digests[4:]],
        )
    )

    # A finished run is known by its split: it must not be put back as trained on the image that was there before.
    assert [row["image"] for row, old in zip(after, before, strict=True) if row != old] == [3]


def test_the_first_rows_of_each_class_train_and_the_rest_is_val(tmp_path: Path) -> None:
    rows = split_of(official(tmp_path, 7, 2), train_fraction=0.8)

    assert images_in(rows, "train", 0) == [0, 1, 2, 3, 4]
    assert images_in(rows, "val", 0) == [5, 6]
    assert images_in(rows, "train", 1) == [7, 8, 9, 10, 11]
    assert images_in(rows, "val", 1) == [12, 13]
    assert images_in(rows, "test", 0) + images_in(rows, "test", 1) == [14, 15, 16, 17]


@pytest.mark.parametrize("keys", [{}, {"split_rule": "stratified"}, {"limit_per_class": 4}])
def test_rows_keep_the_order_of_the_manifest(tmp_path: Path, keys: Row) -> None:
    rows = split_of(without_parts(tmp_path, (9, 12)), test_fraction=0.3, **keys)

    images = [row["image"] for row in rows]
    assert images == sorted(images)
    assert [row["path"] for row in rows] == [f"{image}.png" for image in images]


def test_the_stratified_rule_draws_as_many_but_not_the_first(tmp_path: Path) -> None:
    manifest = official(tmp_path, 20, 2)

    first, drawn = split_of(manifest), split_of(manifest, split_rule="stratified")

    assert len(images_in(drawn, "train", 0)) == len(images_in(first, "train", 0)) == 16
    assert images_in(drawn, "train", 0) != images_in(first, "train", 0)
    assert images_in(drawn, "test", 0) == images_in(first, "test", 0)


def test_a_test_part_is_drawn_from_each_class(tmp_path: Path) -> None:
    rows = split_of(without_parts(tmp_path, (8, 41)), test_fraction=0.25)

    assert (len(images_in(rows, "test", 0)), len(images_in(rows, "test", 1))) == (2, 10)
    assert len(rows) == 49


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    manifest, out = without_parts(tmp_path, (30, 30)), tmp_path / "split.parquet"
    contents = []
    for seed in (0, 0, 1):
        write_split(split_spec(test_fraction=0.3, test_seed=seed, limit_per_class=5), manifest, out)
        contents.append(out.read_bytes())

    assert contents[0] == contents[1] != contents[2]


def test_images_of_one_class_do_not_change_the_choice_in_another(tmp_path: Path) -> None:
    keys = {"test_fraction": 0.3, "split_rule": "stratified", "limit_per_class": 6}
    labels = [0] * 20 + [1] * 20

    few = split_of(manifest_of(tmp_path, labels, [None] * 40), **keys)
    more = split_of(manifest_of(tmp_path, [*labels, *[1] * 15], [None] * 55), **keys)

    for part in ("train", "val", "test"):
        assert images_in(few, part, 0) == images_in(more, part, 0)


def test_a_limit_takes_at_most_so_many_of_each_part_and_class(tmp_path: Path) -> None:
    rows = split_of(official(tmp_path, 20, 3), limit_per_class=5)

    counts = Counter((row["part"], row["label"]) for row in rows)
    assert counts == {(part, label): n for part, n in (("train", 4), ("val", 1), ("test", 3)) for label in (0, 1)}


def test_a_larger_limit_keeps_what_a_smaller_one_took(tmp_path: Path) -> None:
    manifest = official(tmp_path, 20, 20)

    small, large = split_of(manifest, limit_per_class=5), split_of(manifest, limit_per_class=9)

    assert {row["image"] for row in small} < {row["image"] for row in large}


def test_the_rule_is_recorded(tmp_path: Path) -> None:
    manifest = without_parts(tmp_path, (9, 12))

    drawn = split_of(manifest, test_fraction=0.25, test_seed=3, limit_per_class=5, split_rule="stratified")
    plain = split_of(official(tmp_path, 6, 3), train_fraction=0.7)

    assert {row["rule"] for row in drawn} == {
        "test: stratified 0.25, seed 3; limit: 5 a class, seed 0; train: stratified 0.8, seed 0"
    }
    assert {row["rule"] for row in plain} == {
        "test: official; limit: none; train: the first int(0.7 n) rows of each class"
    }


@pytest.mark.parametrize(("images", "expected"), [(2, 1), (3, 1), (4, 1), (10, 2), (50, 12), (178, 44), (588, 147)])
def test_a_quarter_is_test_but_never_none_and_never_all(images: int, expected: int) -> None:
    assert count_of_test(images, 0.25) == expected


@pytest.mark.parametrize(("fraction", "expected"), [(0.01, 1), (0.99, 3)])
def test_extreme_test_fractions_leave_something_to_both_sides(fraction: float, expected: int) -> None:
    assert count_of_test(5, fraction) == expected


@pytest.mark.parametrize(
    ("images", "fraction", "expected"),
    [(1, 0.8, 1), (2, 0.8, 1), (3, 0.8, 2), (6, 0.8, 4), (100, 0.8, 80), (3, 0.2, 1), (4, 0.99, 3), (750, 0.2, 150)],
)
def test_train_takes_int_of_the_fraction_but_leaves_one_for_val(images: int, fraction: float, expected: int) -> None:
    assert count_of_train(images, fraction) == expected


def test_a_test_image_that_is_also_in_train_is_refused(tmp_path: Path) -> None:
    digests = [f"{number}" for number in range(8)]
    digests[6] = digests[1]
    manifest = manifest_of(tmp_path, [0, 0, 0, 1, 1, 1, 0, 1], ["train_val"] * 6 + ["test"] * 2, digest=digests)

    with pytest.raises(
        FgirError, match=r"1 image is in two parts, .*: test image 6\.png is train_val image 1\.png; remove"
    ):
        split_of(manifest)

    assert files_in(tmp_path) == ["manifest.parquet", "out", "out/split.faults.csv"]


def test_images_that_the_drawn_test_part_shares_with_train_are_all_listed(tmp_path: Path) -> None:
    manifest = manifest_of(tmp_path, [0] * 20 + [1] * 20, [None] * 40, digest=["a"] * 20 + ["b"] * 20)

    with pytest.raises(
        FgirError, match=r"10 images are in two parts, .* and 5 more; .*leaks: report .*split.faults.csv"
    ):
        split_of(manifest, test_fraction=0.25)

    assert len((tmp_path / "out/split.faults.csv").read_text().splitlines()) == 11


def test_a_drawn_test_part_that_shares_images_is_told_where_the_catalogue_lets_it_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = manifest_of(tmp_path, [0] * 4 + [1] * 4, [None] * 8, digest=["a"] * 4 + list("bcde"))

    rows = split_of(manifest, test_fraction=0.25, leaks="report")

    assert len(rows) == 8
    assert "1 image is in two parts" in capsys.readouterr().err


def test_twins_within_train_are_let_be(tmp_path: Path) -> None:
    digests = ["twin", "twin", *"abcdef"]
    manifest = manifest_of(tmp_path, [0, 0, 0, 1, 1, 1, 0, 1], ["train_val"] * 6 + ["test"] * 2, digest=digests)

    assert len(split_of(manifest)) == 8


WRONG = [
    ({"train_val": 13}, 'found 12 train_val images, but "train_val" of dataset "mine" in the catalogue says 13'),
    ({"test": 3}, 'found 4 test images, but "test" of dataset "mine" in the catalogue says 3'),
    ({"classes": 3}, 'has 2 classes, but dataset "mine" has 3'),
]


@pytest.mark.parametrize(("keys", "message"), WRONG)
def test_counts_unlike_the_catalogues_name_file_and_key(tmp_path: Path, keys: Row, message: str) -> None:
    manifest = official(tmp_path, 6, 2)

    with pytest.raises(FgirError) as error:
        split_of(manifest, **keys)

    assert str(error.value).startswith(str(manifest))
    assert message in str(error.value)
    assert files_in(tmp_path) == ["manifest.parquet"]


def test_counts_are_compared_before_a_limit(tmp_path: Path) -> None:
    assert len(split_of(official(tmp_path, 6, 4), train_val=12, test=8, limit_per_class=2)) == 8


def test_a_missing_test_fraction_is_told(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match=r"add test_fraction: 0\.25"):
        split_of(without_parts(tmp_path, (4, 4)))


def test_a_class_with_one_image_is_told(tmp_path: Path) -> None:
    with pytest.raises(FgirError, match='Class 1 of dataset "mine" has 1 image'):
        split_of(without_parts(tmp_path, (4, 1)), test_fraction=0.25)


@pytest.mark.parametrize(("lone", "missing"), [("train_val", "test"), ("test", "train_val")])
def test_a_class_without_a_part_is_told(tmp_path: Path, lone: str, missing: str) -> None:
    manifest = manifest_of(tmp_path, [0, 0, 1, 1], ["train_val", "test", lone, lone])

    with pytest.raises(FgirError, match=f'Class 1 of dataset "mine" has no {missing} image'):
        split_of(manifest)

    assert files_in(tmp_path) == ["manifest.parquet"]


def test_the_official_val_part_is_val_where_the_catalogue_says_so(tmp_path: Path) -> None:
    parts = ["train", "val", "test"] * 2 + ["train", "val"]
    manifest = manifest_of(tmp_path, [0, 0, 0, 1, 1, 1, 0, 1], parts)

    write_split(split_spec(val_part="official", train=3, val=3), manifest, tmp_path / "split.parquet")

    rows = read_rows("split", tmp_path / "split.parquet")
    assert [row["part"] for row in rows] == parts
    assert "train: official" in rows[0]["rule"]


def test_a_count_under_the_published_rule_that_differs_is_refused(tmp_path: Path) -> None:
    parts = ["train", "val", "test"] * 2
    manifest = manifest_of(tmp_path, [0, 0, 0, 1, 1, 1], parts)

    with pytest.raises(FgirError, match='found 2 val images, but "val"'):
        write_split(split_spec(val_part="official", val=3), manifest, tmp_path / "split.parquet")


def test_an_own_val_part_is_val_and_the_rule_divides_where_there_is_none(tmp_path: Path) -> None:
    parts: list[str | None] = ["train", "train", "train", "val", "test"] * 2
    manifest = manifest_of(tmp_path, [0] * 5 + [1] * 5, parts)
    other = manifest_of(tmp_path / "other", [0] * 6 + [1] * 6, (["train_val"] * 5 + ["test"]) * 2)

    rows, ruled = split_of(manifest, val_part="auto"), split_of(other, val_part="auto")

    assert [row["part"] for row in rows] == parts
    assert Counter(row["part"] for row in ruled) == {"train": 8, "val": 2, "test": 2}
