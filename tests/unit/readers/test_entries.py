"""What the catalogue says of the archived datasets is whole and agrees with itself."""

from importlib import import_module
from pathlib import Path

import pytest

from fgir.data.rows import Expected
from fgir.study.catalogue import Archived, load_datasets

CATALOGUE = load_datasets(Path(__file__).parents[3] / "config" / "datasets.yaml")
ENTRIES = {name: entry for name, entry in CATALOGUE.items() if isinstance(entry, Archived)}


@pytest.mark.parametrize("name", ENTRIES)
def test_the_reader_is_there(name: str) -> None:
    module = import_module(f"fgir.data.readers.{ENTRIES[name].reader}")

    assert callable(module.read)


@pytest.mark.parametrize("name", ENTRIES)
def test_counts_are_stated_and_add_up(name: str) -> None:
    entry = ENTRIES[name]

    if any("No counts are checked" in trap for trap in entry.traps):
        return
    assert None not in (entry.classes, entry.train_val, entry.test)
    if entry.train is not None:
        assert entry.train + entry.val == entry.train_val


@pytest.mark.parametrize("name", ENTRIES)
def test_what_cannot_be_downloaded_is_explained(name: str) -> None:
    entry = ENTRIES[name]

    assert entry.by_hand or entry.package or (entry.files and all(file.urls for file in entry.files))
    # A mirror counts by digests, or by counts and names.
    assert not entry.mirrors or all(file.checksum for file in entry.files)
    assert entry.title
    assert entry.citation
    assert entry.homepage


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.mirrors])
def test_what_a_mirror_is_held_against_is_whole(name: str) -> None:
    entry = ENTRIES[name]

    expected = Expected.of(entry, "a mirror")

    assert len(expected.classes) == entry.classes
    assert sum(expected.counts.values()) == entry.train_val + entry.test
    # Names that differ in spelling alone would be one class.
    spellings = [spelling for names in expected.classes for spelling in names]
    labels = [expected.label_of(spelling.upper().replace("_", " ")) for spelling in spellings]
    assert labels == [label for label, names in enumerate(expected.classes) for _ in names]


def test_the_published_studies_datasets_are_there() -> None:
    studied = (
        "aircraft cars cotton cub dafb dogs flowers food inat17 moe nabirds pets soyageing soygene soyglobal soylocal"
    )
    fixres = "vegfru birdsnap inat19 herbarium19 ncfm imagenet"
    packaged = {name for name, entry in ENTRIES.items() if entry.package}

    assert {*studied.split(), *fixres.split()} == set(ENTRIES) - packaged
