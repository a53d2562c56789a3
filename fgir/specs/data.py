"""Specify the stages from a dataset's archive to its pixel store."""

from typing import Any, Literal

from pydantic import FieldSerializationInfo, field_serializer, field_validator

from fgir.study import GREY, Colour
from fgir.study.catalogue import AnyDataset, Archived, Dataset, Package, as_archive
from fgir.study.geometry import Transform, square, transform_of
from fgir.study.strict import Strict


class Elpv(Dataset):
    """The entry of elpv in its spec's text, written when it was a source of its own: by this its jobs are finished."""

    source: Literal["elpv"]
    package: Package

    @classmethod
    def of(cls, entry: Dataset) -> Dataset:
        """Return the entry whose text stands for ``entry``: one of this kind for elpv from its package, else itself."""
        if not isinstance(entry, Archived) or entry.reader != "elpv" or not entry.packaged:
            return entry
        shared = {name: getattr(entry, name) for name in Dataset.model_fields}
        return cls(source="elpv", package=Package(**entry.packaged.model_dump(exclude={"gb"})), **shared)


class SourceSpec(Strict):
    """Specify a dataset's download and its manifest."""

    recipe: int
    dataset: str
    entry: AnyDataset
    archives: str

    @field_validator("entry", mode="before")
    @classmethod
    def _read(cls, entry: Any) -> Any:
        return as_archive(entry)

    @field_serializer("entry")
    def _written(self, entry: Dataset, info: FieldSerializationInfo) -> dict[str, Any]:
        return Elpv.of(entry).model_dump(mode=info.mode, exclude_defaults=info.exclude_defaults)


class SplitSpec(Strict):
    """Specify a dataset's split."""

    recipe: int
    dataset: str
    classes: int
    train_val: int | None
    test: int | None
    train: int | None
    val: int | None
    test_fraction: float | None
    test_seed: int
    val_part: Literal["first", "official", "auto"]
    leaks: Literal["refuse", "report"]
    limit_per_class: int | None
    split_rule: Literal["first", "stratified"]
    train_fraction: float
    split_seed: int


class PixelsSpec(Strict):
    """Specify a pixel store: images resized to ``side`` x ``side``; null: images in their own aspect."""

    recipe: int
    dataset: str
    side: int | None = None
    background: Colour = GREY
    transform: str = ""
    """The transform that makes images in their own aspect; empty: they stay as they are."""

    @property
    def start(self) -> Transform:
        """Return the transform that makes the images of the store."""
        return transform_of(self.transform) if self.side is None else square(self.side)
