"""Datasets in their official archives: what is there is used, what is not is fetched or asked for."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from fgir.data.presence import present
from fgir.data.sources.archive import acquire, located
from fgir.specs import SourceSpec, canonical
from fgir.study import load_study
from fgir.study.catalogue import Archived, Download
from fgir.utils.errors import FgirError
from fgir.workflow.specs import Specs


def spec_of(archives: Path, **keys: Any) -> SourceSpec:
    entry = Archived(source="archive", reader="ncfm", title="Fish", by_hand="Ask the fishermen.", **keys)
    return SourceSpec(recipe=1, dataset="fish", entry=entry, archives=str(archives))


def test_an_archive_placed_by_hand_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "fish").mkdir()
    with zipfile.ZipFile(tmp_path / "fish" / "train.zip", "w") as archive:
        archive.writestr("train/a.jpg", b"a")

    root = acquire(spec_of(tmp_path, files=[Download(file="train.zip")]))

    assert (root / "train" / "train" / "a.jpg").read_bytes() == b"a"


def test_what_must_be_fetched_by_hand_is_said_exactly(tmp_path: Path) -> None:
    with pytest.raises(FgirError) as error:
        acquire(spec_of(tmp_path, files=[Download(file="train.zip", gb=3.5)]))

    assert f"put the file train.zip (3.5 GB) into {tmp_path / 'fish'}" in str(error.value)
    assert "Ask the fishermen." in str(error.value)


def test_a_download_that_fails_says_what_can_be_done_by_hand(tmp_path: Path) -> None:
    nowhere = Download(file="train.zip", urls=["http://127.0.0.1:9/train.zip"])

    with pytest.raises(FgirError) as error:
        acquire(spec_of(tmp_path, files=[nowhere]))

    assert "http://127.0.0.1:9/train.zip: " in str(error.value)
    assert str(error.value).endswith(f"into {tmp_path / 'fish'} and rerun. Ask the fishermen.")


def test_a_folder_of_the_users_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine" / "train").mkdir(parents=True)

    assert acquire(spec_of(tmp_path / "unused", path=str(tmp_path / "mine"))) == tmp_path / "mine"


def test_folders_of_another_layout_stand_for_the_files(tmp_path: Path) -> None:
    (tmp_path / "fish" / "sea").mkdir(parents=True)
    wanted = spec_of(tmp_path, files=[Download(file="train.zip")], instead=["sea", "pond"])
    with pytest.raises(FgirError, match=r"put the file train\.zip"):
        acquire(wanted)
    (tmp_path / "fish" / "pond").mkdir()

    assert acquire(wanted) == tmp_path / "fish"
    assert present("fish", wanted.entry, tmp_path) == "yes"


def test_a_mirror_more_changes_no_spec_but_is_found_at_the_download(tmp_path: Path) -> None:
    specs = []
    for urls in ([], ["https://mirror.example/train.zip"]):
        entry = {"source": "archive", "reader": "ncfm", "classes": 8, "files": [{"file": "train.zip", "urls": urls}]}
        more = {"mirrors": [{"repo": "some/one"}], "class_names": "fish.txt", "instead": ["pond"]} if urls else {}
        (tmp_path / "datasets.yaml").write_text(yaml.safe_dump({"fish": entry | {"traps": urls} | more}))
        (tmp_path / "backbones.yaml").write_text("net: {timm: resnet18.a1_in1k}")
        study = {"name": "fish", "datasets": ["fish"], "backbones": ["net"]}
        study |= {f"{kind}_file": str(tmp_path / f"{kind}.yaml") for kind in ("datasets", "backbones")}
        (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
        specs.append(Specs(load_study(tmp_path / "study.yaml")).source("fish"))

    assert canonical(specs[0]) == canonical(specs[1])
    found = located(specs[0], tmp_path / "datasets.yaml").entry
    assert isinstance(found, Archived)
    assert found.files[0].urls == ["https://mirror.example/train.zip"]
    assert [mirror.repo for mirror in found.mirrors] == ["some/one"]
    assert (found.class_names, found.instead) == ("fish.txt", ["pond"])
