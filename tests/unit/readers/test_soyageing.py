"""SoyAgeing: five stages joined; the last one is val."""

from pathlib import Path

import pytest
from packed import delivered_images, split_of

from fgir.data.readers import soyageing
from fgir.utils.errors import FgirError

STAGES = ("R1", "R3", "R4", "R5", "R6")
CULTIVARS = ("yd012", "yd015")


def names_of(stage: str, part: str) -> list[str]:
    numbers = range(1, 6) if part == "train" else range(6, 11)
    return [f"{cultivar}_{stage}_{number}_{part}.png" for cultivar in CULTIVARS for number in numbers]


def stage_archive(root: Path, stage: str, lists: bool = True) -> None:
    names = [*names_of(stage, "test"), *names_of(stage, "train")]
    delivered_images(root, f"{stage}.zip", [f"{stage}/images/{name}" for name in names])
    if lists:
        folder = root / stage / stage / "anno"
        folder.mkdir()
        for part in ("train", "test"):
            rows = [f"{name} {CULTIVARS.index(name[:5]) + 1}\n" for name in names_of(stage, part)]
            (folder / f"{part}.txt").write_text("".join(rows))


@pytest.mark.parametrize("lists", [True, False])
def test_stages_follow_one_another_and_share_their_classes(tmp_path: Path, lists: bool) -> None:
    for stage in reversed(STAGES):
        stage_archive(tmp_path, stage, lists)

    listing = soyageing.read(tmp_path)

    assert listing.classes == ["yd012", "yd015"]
    first = [image.path for image in listing.images if image.class_name == "yd012" and image.part == "train_val"]
    assert first == [
        f"{stage}/{stage}/images/yd012_{stage}_{number}_train.png" for stage in STAGES for number in range(1, 6)
    ]
    assert sum(image.part == "test" for image in listing.images) == 50


def test_val_is_the_last_stage_and_nothing_else(tmp_path: Path) -> None:
    root = tmp_path / "soyageing"
    for stage in STAGES:
        stage_archive(root, stage)

    parts = split_of(root, "soyageing", tmp_path, classes=2)

    assert {path.split("/")[0] for path in parts["val"]} == {"R6"}
    assert {path.split("/")[0] for path in parts["train"]} == {"R1", "R3", "R4", "R5"}
    assert {path.split("/")[0] for path in parts["test"]} == set(STAGES)
    assert (len(parts["train"]), len(parts["val"]), len(parts["test"])) == (40, 10, 50)


def test_stages_that_number_cultivars_differently_are_refused(tmp_path: Path) -> None:
    for stage in STAGES:
        stage_archive(tmp_path, stage)
    annotations = tmp_path / "R4" / "R4" / "anno" / "train.txt"
    annotations.write_text("yd015_R4_1_train.png 1\n" + annotations.read_text())

    with pytest.raises(FgirError, match=r"R4/anno/train\.txt line 1: class 1 is yd015 here, but yd012 before"):
        soyageing.read(tmp_path)


def test_a_missing_stage_is_told(tmp_path: Path) -> None:
    for stage in STAGES[:-1]:
        stage_archive(tmp_path, stage)

    with pytest.raises(FgirError, match="holds no R6"):
        soyageing.read(tmp_path)
