"""Read the catalogue of datasets and backbones from YAML: typed, and strict about keys."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from fgir.study.strict import Strict, read_yaml, validated
from fgir.utils.errors import FgirError, near, nearest

# Images that Pillow reads; the last ones with a plugin, if it is installed.
IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".bmp", ".dib", ".gif", ".webp", ".tif", ".tiff"),
    *(".avif", ".jp2", ".j2k", ".jpx", ".ppm", ".pgm", ".pbm", ".pnm", ".tga"),
    *((".heic", ".heif", ".hif") if find_spec("pillow_heif") else ()),
)

# Names that people give to the folders of parts, in any case.
PARTS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val"}
PARTS |= {"test": "test", "testing": "test"}

# Values of red, green and blue.
_Mean = tuple[float, float, float]
_Deviation = tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]]


class Package(Strict):
    """Name one file of the Python package index, pinned by its checksum."""

    name: str
    version: str
    sha256: str = Field(min_length=64, max_length=64)


class Description(Strict):
    """Describe an entry to its readers. This decides no result, so no job's spec holds it."""

    title: str = ""
    licence: str = "not stated"
    terms: str = ""
    citation: str = ""
    homepage: str = ""
    disk_gb: float | None = Field(default=None, gt=0, description="size of the images on disk, GB")
    traps: list[str] = Field(default=[], description="what to know before trusting a figure on this dataset")


class Division(Strict):
    """Say how a dataset is divided and normalised: in the specs of the split and of models, not in the source's."""

    train: int | None = Field(
        default=None, ge=0, description="expected number of train images under the published rule"
    )
    val: int | None = Field(default=None, ge=0, description="expected number of val images under the published rule")
    train_fraction: float = Field(
        default=0.8,
        gt=0,
        lt=1,
        description="published p: int(n*p) rows of each class train, the rest are val",
    )
    val_part: Literal["first", "official", "auto"] = Field(
        default="first",
        description="first: val by that rule; official: the dataset's own val part, as published; auto: its own val "
        "part where it has one, else first",
    )
    mean: _Mean | None = Field(
        default=None, description="published mean, where normalisation is imagenet; null: ImageNet's"
    )
    std: _Deviation | None = Field(default=None, description="likewise, the standard deviation")


class Dataset(Description, Division):
    """Describe a dataset by the keys that every entry may have, whatever its source."""

    classes: int | None = Field(default=None, ge=2, description="number of classes; null: found in the data")
    train_val: int | None = Field(default=None, ge=0, description="expected number of train_val images")
    test: int | None = Field(default=None, ge=0, description="expected number of test images")
    test_fraction: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="part of each class that becomes test, where no official test part exists",
    )
    test_seed: int = Field(default=0, ge=0, description="seed of that stratified choice")
    leaks: Literal["refuse", "report"] = Field(
        default="refuse",
        description="test images that are also in train_val, and images in two classes: an error, or a printed list",
    )

    @model_validator(mode="after")
    def _adds_up(self) -> "Dataset":
        """Refuse counts that contradict each other, rather than find it out once the images are here."""
        parts, both = (self.train, self.val), self.train_val
        if None not in parts and both is not None and sum(filter(None, parts)) != both:
            raise ValueError(f"train and val are {self.train} and {self.val}, but train_val is {both}; correct one")
        for key, count in (("train_val", both), ("test", self.test)):
            if self.classes is not None and count is not None and count < self.classes:
                raise ValueError(f"{key} is {count}, fewer than the {self.classes} classes; correct one")
        return self


class Typefaces(Dataset):
    """Describe words that are rendered from matplotlib's fonts; a class is a font face."""

    source: Literal["typefaces"]
    classes: int = Field(default=12, ge=2, le=21, description="there are 21 faces")
    train_val_per_class: int = Field(default=60, ge=2)
    test_per_class: int = Field(default=20, ge=1)
    size: int = Field(default=128, ge=16, le=8192, description="side of the square images in pixels")
    seed: int = Field(default=0, ge=0)


class Folder(Dataset):
    """Describe the user's own images: train/<class>/, test/<class>/ and maybe val/<class>/, one tree, or CSV lists."""

    source: Literal["folder"]
    path: str = Field(min_length=1, description="the folder", examples=["~/pictures/mushrooms"])
    val_part: Literal["first", "official", "auto"] = "auto"
    train_csv: str | None = Field(
        default=None, min_length=1, description="CSV file class_id,dir of the train_val part, relative to path"
    )
    test_csv: str | None = Field(
        default=None, min_length=1, description="CSV file class_id,dir of the test part, relative to path"
    )


class Download(Strict):
    """Name one file of an archived dataset, downloaded or placed by hand as ``<archives>/<dataset>/<file>``."""

    file: str = Field(pattern=r"^[^/\\]+$", description="name of the file; .zip, .tar, .tgz, .tar.gz are unpacked")
    urls: list[str] = Field(default=[], description="mirrors in their order; none: to be placed by hand")
    checksum: str | None = Field(
        default=None, pattern=r"^(md5|sha1|sha256):[0-9a-f]+$", description="md5:… or sha256:…; null: unknown"
    )
    gb: float | None = Field(default=None, gt=0, description="size of the file, GB")


class PackagedArchive(Package):
    """A package of the Python package index that holds the images of a dataset. It is unpacked, never imported."""

    gb: float | None = Field(default=None, gt=0, description="size of the package, GB")


class Mirror(Strict):
    """Name a third party's copy of a dataset on the model hub. It counts if it equals the official one."""

    repo: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="owner/name")
    revision: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{40}$", description="its commit; null: the newest, which is shown and recorded"
    )


class Provenance(Strict):
    """Say where else the images of a dataset can be had. Another place makes them no other images."""

    mirrors: list[Mirror] = Field(default=[], description="third-party copies, tried in order after the files' urls")
    class_names: str | None = Field(
        default=None,
        description="file of the official class names, by label, one a line (a tab, and another name it goes by); "
        "a mirror without the official archives is held against it",
    )
    instead: list[str] = Field(default=[], description="folders that stand for the files where all of them are there")
    by_hand: str = Field(default="", description="what only the user can do: where to register, what to fetch")


class Archived(Dataset, Provenance):
    """Describe a dataset in its official archives, read by a reader of its own (fgir/data/readers/)."""

    source: Literal["archive"]
    reader: str = Field(pattern=r"^[a-z0-9_]+$", description="name of a module of fgir/data/readers/")
    files: list[Download] = Field(default=[])
    package: PackagedArchive | None = Field(
        default=None, description="package of the Python package index that holds it all, in place of files"
    )
    path: str | None = Field(
        default=None,
        min_length=1,
        description="a folder that holds the unpacked archives already; null: the files are unpacked",
    )
    leaks: Literal["refuse", "report"] = "report"

    @property
    def packaged(self) -> PackagedArchive | None:
        """Return the package that the images come from; None where they come from files or lie in ``path``."""
        return None if self.path else self.package

    @model_validator(mode="after")
    def _one_place(self) -> "Archived":
        """Refuse what would be passed over beside a package."""
        if self.package and (self.files or self.mirrors or self.instead):
            raise ValueError("package holds all of the dataset, so files, mirrors and instead say nothing; remove them")
        return self


AnyDataset = Annotated[
    Typefaces | Folder | Archived,
    Field(discriminator="source", examples=[{"source": "folder", "path": "~/pictures/mushrooms"}]),
]


class PackagedWeights(Strict):
    """Name weights inside a package of the Python package index."""

    source: Literal["package"]
    package: Package
    file: str = Field(description="the weights' path inside the package")
    names: Literal["efficientnet_lite"] = Field(description="the map from the file's key names to timm's")


class TimmWeights(Strict):
    """Name the weights that timm downloads for the backbone's tag."""

    source: Literal["timm"]


class FileWeights(Strict):
    """Name weights in a local file (.safetensors, or .pth, which is read with weights_only)."""

    source: Literal["file"]
    path: str = Field(min_length=1, description="the file", examples=["weights/mine.safetensors"])


class NoWeights(Strict):
    """Ask for random initialisation."""

    source: Literal["none"]


AnyWeights = Annotated[
    PackagedWeights | TimmWeights | FileWeights | NoWeights,
    Field(discriminator="source", examples=[{"source": "timm"}]),
]


class Backbone(Strict):
    """Bind a backbone's name in studies to one explicit timm tag."""

    timm: str = Field(min_length=1, description="explicit timm tag", examples=["resnet101.a1h_in1k"])
    title: str = ""
    family: str = ""
    pretraining: str = ""
    licence: str = "not stated"
    weights: AnyWeights = TimmWeights(source="timm")
    pool: Literal["token", "mean"] | None = Field(
        default=None, description="what the linear head reads; null: what timm's own classifier does"
    )
    mean: _Mean | None = Field(default=None, description="null: the model's own")
    std: _Deviation | None = Field(default=None, description="null: the model's own")
    native_size: int | None = Field(default=None, ge=1)
    params_m: float | None = Field(default=None, gt=0, description="parameters without classifier, in millions")
    gmacs: float | None = Field(default=None, gt=0, description="multiply-adds of one image at the native size, in G")


def as_archive(entry: Any) -> Any:
    """Return an entry ``source: elpv``, as it was written before packages were archives, as one of an archive.

    Any other is returned as it is.
    """
    if not isinstance(entry, dict) or entry.get("source") != "elpv":
        return entry
    return {"reader": "elpv", "leaks": "refuse", "package": {}} | entry | {"source": "archive"}


def load_datasets(path: str | Path) -> dict[str, Dataset]:
    """Return the catalogue of datasets. Raises FgirError that names the file and key that are wrong."""
    entries = {name: as_archive(entry) for name, entry in read_yaml(path).items()}
    return validated(dict[str, AnyDataset], entries, path)


def load_backbones(path: str | Path) -> dict[str, Backbone]:
    """Return the catalogue of backbones. Raises FgirError that names the file and key that are wrong."""
    return validated(dict[str, Backbone], read_yaml(path), path)


def backbone_entry(name: str, entries: dict[str, Backbone], file: str) -> Backbone:
    """Return the catalogue entry of a backbone; an explicit timm tag (model.weights) needs none."""
    if not is_backbone(name, entries):
        raise FgirError(f"{file} has {no_backbone(name, entries)}")
    return entries[name] if name in entries else Backbone(timm=name)


def is_backbone(name: str, entries: dict[str, Backbone]) -> bool:
    """Say whether a name is in the catalogue, or may be an explicit timm tag."""
    return name in entries or "." in name


def no_backbone(name: str, entries: dict[str, Backbone]) -> str:
    """Return a sentence about a name that is no backbone, with the entries of that model, or else the nearest name."""
    missing = f'no backbone "{name}"'
    model = near(name, {entry.timm.split(".")[0] for entry in entries.values()}, 1)
    same_model = [f'"{key}" ({entry.timm})' for key, entry in entries.items() if entry.timm.split(".")[0] == model]
    if name not in entries and same_model:
        return (
            f"{missing}; did you mean {' or '.join(same_model)}? Other weights need no entry: write them as timm does, "
            f"{model}.TAG."
        )
    return f"{missing}{nearest(name, entries)} An explicit timm tag (model.weights) needs no entry."
