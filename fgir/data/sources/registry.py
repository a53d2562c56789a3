"""Sources by the name that a catalogue entry gives: ``source(entry.source)``."""

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from fgir.data.sources.image import Listing
from fgir.specs import SourceSpec


class Source(Protocol):
    """The functions that each module of this folder offers. All of them raise FgirError at bad input."""

    def acquire(self, spec: SourceSpec) -> Path:
        """Download, render or locate the images; return their root folder. What is there already is not made again."""

    def listing(self, spec: SourceSpec, root: Path) -> Listing:
        """Return the classes and every image, always in the same order."""


SOURCES = {
    "archive": "fgir.data.sources.archive",
    "folder": "fgir.data.sources.folder",
    "typefaces": "fgir.data.sources.typefaces",
}


def source(name: str) -> Source:
    """Return the source of this name, imported only now."""
    return cast(Source, import_module(SOURCES[name]))


def acquire(spec: SourceSpec) -> Path:
    """Download, render or locate the images of a dataset; return their root folder."""
    return source(spec.entry.source).acquire(spec)


def read(spec: SourceSpec, root: Path) -> Listing:
    """Return the classes and every image of a dataset, and what was passed over."""
    return source(spec.entry.source).listing(spec, root)
