"""A study: which datasets, backbones, settings, sizes and seeds to cross, and how to train and measure them."""

import json
from collections.abc import Collection
from functools import cached_property
from itertools import product
from os.path import expanduser, normpath
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator

from fgir.catalogue import (
    Backbone,
    Dataset,
    backbone_entry,
    is_backbone,
    load_backbones,
    load_datasets,
    no_backbone,
)
from fgir.contradictions import contradictions
from fgir.errors import FgirError, nearest, raise_all
from fgir.folders import folder_faults
from fgir.places import FOLDER, NAME
from fgir.strict import Strict, read_yaml, validated, without_faults

Regime = Literal["frozen", "finetuned", "cal", "calmix"]
Setting = Literal["frozen", "finetuned", "cal", "cal_nc", "calmix", "calmix_nc"]
ResizeRule = Literal["ratio", "published"]
_Byte = Annotated[int, Field(ge=0, le=255)]
Colour = tuple[_Byte, _Byte, _Byte]
GREY: Colour = (128, 128, 128)
_Rate = Annotated[float, Field(gt=0)]
# Beyond that, an image of its own would not fit into the memory of a GPU with any backbone.
_Side = Annotated[int, Field(ge=16, le=8192)]

REGIMES: tuple[Regime, ...] = ("frozen", "finetuned", "cal", "calmix")
REGIME_OF: dict[Setting, Regime] = {
    "frozen": "frozen",
    "finetuned": "finetuned",
    "cal": "cal",
    "cal_nc": "cal",
    "calmix": "calmix",
    "calmix_nc": "calmix",
}
SETTINGS: tuple[Setting, ...] = tuple(REGIME_OF)
VIEWS: dict[Setting, int] = {"frozen": 1, "finetuned": 1, "cal": 8, "cal_nc": 1, "calmix": 8, "calmix_nc": 1}
# At inference a setting costs what this one costs: they differ in how the same network was trained.
COSTS_AS: dict[Setting, Setting] = {
    "frozen": "finetuned",
    "finetuned": "finetuned",
    "cal": "cal",
    "cal_nc": "cal_nc",
    "calmix": "cal",
    "calmix_nc": "cal_nc",
}

# They become parts of paths and of Snakemake's and Slurm's commands, which read other signs as their own.
Name = Annotated[str, Field(pattern=NAME)]
FolderName = Annotated[str, Field(pattern=FOLDER), AfterValidator(lambda path: _at_home(path))]


# In a validation's context: contradictions are said elsewhere.
_WITH_FAULTS = "with_faults"
# Of a dataset's test images, at most so many make the latency end to end.
STREAMED_IMAGES = 200
Scope = Literal["network", "end_to_end"]


class Run(NamedTuple):
    """One training."""

    dataset: str
    backbone: str
    regime: Regime
    train_size: int
    seed: int


class Cell(NamedTuple):
    """One row of the summary; the seeds are its replicates."""

    dataset: str
    backbone: str
    setting: Setting
    train_size: int
    test_size: int
    adaptation: str = "none"


class CostPoint(NamedTuple):
    """What the cost of inference depends on; ``of`` makes it. Its setting stands for all that cost the same."""

    backbone: str
    setting: Setting
    test_size: int
    classes: int

    @classmethod
    def of(cls, backbone: str, setting: Setting, test_size: int, classes: int) -> "CostPoint":
        """The point that any setting shares with those of the same network and views."""
        return cls(backbone, COSTS_AS[setting], test_size, classes)


class EndToEnd(NamedTuple):
    """What a timing from image files to the loss depends on; ``of`` makes it. Its setting stands as a cost point's."""

    dataset: str
    backbone: str
    setting: Setting
    test_size: int

    @classmethod
    def of(cls, cell: Cell) -> "EndToEnd":
        """Return what a cell shares with those of the same images, network and views."""
        return cls(cell.dataset, cell.backbone, COSTS_AS[cell.setting], cell.test_size)


def _at_home(path: str) -> str:
    """A path in its shortest form, with the user's folder for ``~``."""
    if expanduser(path).startswith("~"):
        raise ValueError(f"this machine knows no folder {path.split('/')[0]}; write the path out")
    return normpath(expanduser(path))


def _repeated(values: list[Any]) -> list[Any]:
    """The values that are there more than once, each once."""
    return [value for value in dict.fromkeys(values) if values.count(value) > 1]


class DataOptions(Strict):
    """How images are chosen, split and read."""

    limit_per_class: int | None = Field(
        default=None,
        ge=2,
        description="at most this many train_val and this many test images a class (seeded choice)",
    )
    split_rule: Literal["first", "stratified"] = Field(
        default="first",
        description="first: as published, the first int(n*p) rows of each class train, or the dataset's own val part "
        "where the catalogue says so; stratified: a seeded choice",
    )
    train_fraction: float | None = Field(
        default=None, gt=0, lt=1, description="p of the split rule; null: the catalogue's, 0.8 unless it says otherwise"
    )
    split_seed: int = Field(default=0, ge=0, description="seed of the stratified rule and of limit_per_class")
    pixels: Literal["store", "decode"] = Field(
        default="store",
        description="store: resize once into a shared uint8 file; decode: resize at every reading",
    )
    resize_rule: ResizeRule = Field(
        default="ratio",
        description="side of the square before a crop of K pixels. ratio: int(1.34 K); published: the same, but 36 for "
        "32 and 72 for 64",
    )
    background: Colour = Field(default=GREY, description="red, green and blue, 0 to 255, behind transparent images")
    normalisation: Literal["model", "imagenet"] = Field(
        default="model", description="mean and std of the backbone, or ImageNet's for all (as published)"
    )


class CalOptions(Strict):
    """Options of the regimes cal and calmix."""

    attention_maps: int = Field(default=32, ge=1)
    mask_interpolation: Literal["bicubic", "bilinear"] = Field(
        default="bicubic",
        description="how attention maps grow to image size; bilinear: results before May 2024",
    )
    centre_momentum: float = Field(default=0.05, gt=0, le=1, description="beta of the feature centre")


class TrainingOptions(Strict):
    """How weights are trained; the defaults are the published protocol."""

    epochs: int = Field(default=50, ge=1)
    batch_size: int = Field(default=8, ge=2, description="images a step; calmix draws batch_size/2 same-class pairs")
    batch_size_of: dict[str, Annotated[int, Field(ge=2)]] = Field(
        default={},
        examples=[{"cub": 16}],
        description="batch size of single datasets; their learning rates are the candidates x this / batch_size",
    )
    accumulation: int = Field(default=1, ge=1, description="batches whose gradients are averaged for one update")
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    clip_norm: float = Field(default=1.0, gt=0, description="largest total norm of the gradients")
    min_learning_rate: float = Field(default=1e-5, ge=0)
    warmup_steps: int = Field(default=500, ge=0)
    warmup_learning_rate: float = Field(default=1e-6, ge=0)
    frozen_batch_norm: Literal["eval", "train"] = Field(
        default="eval",
        description="frozen regime: batch-norm as at inference, or with batch statistics as published",
    )
    drop_path: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="stochastic depth of the backbone, rising from 0 in its first block to this in its last",
    )
    dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="dropout of the backbone's projections (ViT's attention and MLP), else of the vector it ends in",
    )
    precision: Literal["auto", "fp32"] = Field(
        default="auto", description="auto: mixed float16 on a GPU, float32 on a CPU"
    )
    cal: CalOptions = CalOptions()


class TuningOptions(Strict):
    """The learning-rate search: train on train, judge on val."""

    learning_rates: dict[Regime, Annotated[list[_Rate], Field(min_length=1)]] = Field(
        default={
            "frozen": [0.3, 0.1, 0.03, 0.01, 0.003],
            "finetuned": [0.03, 0.01, 0.003, 0.001],
            "cal": [0.03, 0.01, 0.003, 0.001],
            "calmix": [0.03, 0.01, 0.003, 0.001],
        },
        description="candidates of each regime; a single one is taken without a search",
    )
    epochs: int | None = Field(default=None, ge=1, description="null: as many as training")
    seed: int = Field(default=1, ge=0)
    min_train_top1: float = Field(
        default=50.0, ge=0, le=100, description="candidates below this train accuracy (%) are passed over"
    )

    @field_validator("learning_rates")
    @classmethod
    def _distinct(cls, grids: dict[str, list[float]]) -> dict[str, list[float]]:
        twice = [f"{rate:g} is named twice for {regime}" for regime, grid in grids.items() for rate in _repeated(grid)]
        if twice:
            raise ValueError(f"{', '.join(twice)}; name each candidate once")
        return {regime: sorted(grid, reverse=True) for regime, grid in grids.items()}


class PlanOptions(Strict):
    """How the plan estimates hours; only time limits follow from it, never a result."""

    device: str | None = Field(
        default=None,
        min_length=1,
        examples=["NVIDIA H200"],
        description="device whose measured rows count, as the column device names it; null: any GPU, never a CPU",
    )
    teramacs: float = Field(
        default=10.0,
        gt=0,
        description="multiply-adds (10^12 a second) that it really does in training; used where nothing was measured",
    )
    margin: float = Field(default=2.0, ge=1, description="a job may run this many times the estimate")


class TimingOptions(Strict):
    """How throughput and latency are measured."""

    batch_size: int = Field(default=8, ge=1)
    warmup: int = Field(default=5, ge=0, description="batches before the clock starts")
    repeats: int = Field(default=30, ge=4, description="timed batches a round; 4 or more, or quartiles say nothing")
    max_repeats: int | None = Field(
        default=None,
        ge=4,
        description="timed batches at most: rounds are repeated until one is steady; null: five times repeats",
    )
    tolerance: float = Field(
        default=0.1,
        gt=0,
        description="a round is steady if its interquartile range and the difference of its halves are at most this "
        "share of the median, and no thread waited longer than this share of the time for a core",
    )
    precision: Literal["auto", "fp32"] = "auto"
    scope: Scope = Field(
        default="network",
        description="network: on images that are already on the device; end_to_end: besides, over whole passes of the "
        "test images, with decoding, transforms, transfer and loss, as published",
    )
    passes: int = Field(default=5, ge=3, description="passes over the test images of scope end_to_end")

    @property
    def rounds(self) -> int:
        """Rounds of ``repeats`` batches at most."""
        return 5 if self.max_repeats is None else self.max_repeats // self.repeats


class Study(Strict):
    """A study file. Every key but datasets and backbones has the published protocol as its default."""

    name: Name = Field(examples=["mine"])
    datasets: list[Name] = Field(min_length=1, examples=[["cub"]])
    backbones: list[Name] = Field(min_length=1, examples=[["resnet50.a1_in1k"]])
    settings: list[Setting] = Field(default=list(SETTINGS), min_length=1)
    train_sizes: list[_Side] = Field(default=[224], min_length=1)
    test_sizes: list[_Side] | None = Field(
        default=None, min_length=1, description="null: each run is tested at its train size"
    )
    seeds: list[Annotated[int, Field(ge=0)]] = Field(default=[1, 10, 100], min_length=1)
    results: FolderName = Field(default="results", description="folder of everything the study writes")
    archives: FolderName = Field(default="data", description="folder of downloaded archives and weights")
    datasets_file: str = Field(default="config/datasets.yaml", min_length=1)
    backbones_file: str = Field(default="config/backbones.yaml", min_length=1)
    published_file: str | None = Field(
        default=None,
        min_length=1,
        examples=["config/published.csv"],
        description="CSV file of published accuracies to compare with; null: none",
    )
    data: DataOptions = DataOptions()
    training: TrainingOptions = TrainingOptions()
    tuning: TuningOptions = TuningOptions()
    timing: TimingOptions = TimingOptions()
    plan: PlanOptions = PlanOptions()

    @field_validator("datasets", "backbones", "settings", "train_sizes", "test_sizes", "seeds")
    @classmethod
    def _distinct(cls, values: list[Any] | None) -> list[Any] | None:
        if twice := _repeated(values or []):
            raise ValueError(f"{', '.join(map(str, twice))} is named twice; each value may be named once")
        return values

    @model_validator(mode="after")
    def _agrees(self, info: ValidationInfo) -> "Study":
        if not (info.context or {}).get(_WITH_FAULTS) and (faults := contradictions(self)):
            raise ValueError("\n".join(faults))
        return self

    @property
    def regimes(self) -> list[Regime]:
        """The regimes that the settings need, in the order of REGIMES."""
        needed = {REGIME_OF[setting] for setting in self.settings}
        return [regime for regime in REGIMES if regime in needed]

    @property
    def cost_settings(self) -> list[Setting]:
        """The settings that stand for those of the study in its cost points, each once."""
        return list(dict.fromkeys(COSTS_AS[setting] for setting in self.settings))

    def settings_of(self, regime: Regime) -> list[Setting]:
        """The study's settings of a regime: evaluations of the same weights, which share their first view."""
        return [setting for setting in SETTINGS if REGIME_OF[setting] == regime and setting in self.settings]

    @cached_property
    def dataset_entries(self) -> dict[str, Dataset]:
        """The catalogue entries of the study's datasets."""
        entries = load_datasets(self.datasets_file)
        unknown = [name for name in self.datasets if name not in entries]
        raise_all(f'{self.datasets_file} has no dataset "{name}"{nearest(name, entries)}' for name in unknown)
        return {name: entries[name] for name in self.datasets}

    @cached_property
    def backbone_entries(self) -> dict[str, Backbone]:
        """The catalogue entries of the study's backbones; an explicit timm tag needs none."""
        entries = load_backbones(self.backbones_file)
        unknown = [name for name in self.backbones if not is_backbone(name, entries)]
        raise_all(f"{self.backbones_file} has {no_backbone(name, entries)}" for name in unknown)
        return {name: backbone_entry(name, entries, self.backbones_file) for name in self.backbones}

    @property
    def work(self) -> str:
        """Folder of resumable training state: beside the default results, inside any other."""
        return "work" if self.results == "results" else f"{self.results}/work"

    @property
    def logs(self) -> str:
        """Folder of logs and benchmarks: beside the default results, inside any other."""
        return "logs" if self.results == "results" else f"{self.results}/logs"

    def sizes(self) -> list[tuple[int, int]]:
        """Pairs of train size and test size."""
        return [(train, test) for train in self.train_sizes for test in self.tested_at(train)]

    def tested_at(self, train_size: int) -> list[int]:
        """The test sizes of the runs of a train size."""
        return self.test_sizes or [train_size]

    def runs(self) -> list[Run]:
        """Every training of the study."""
        return [
            Run(*identity)
            for identity in product(self.datasets, self.backbones, self.regimes, self.train_sizes, self.seeds)
        ]

    def cells(self) -> list[Cell]:
        """Every row of the summary."""
        return [
            Cell(dataset, backbone, setting, train, test)
            for dataset, backbone, setting, (train, test) in product(
                self.datasets, self.backbones, self.settings, self.sizes()
            )
        ]


def load_study(path: str | Path) -> Study:
    """Read a study file; FgirError names the file and key that are wrong."""
    return study_of(read_yaml(path), path)


def read_study(path: str | Path) -> Study:
    """Read a study file without looking its names up in the catalogues; FgirError as ``load_study``."""
    study: Study = validated(Study, read_yaml(path), path)
    return study


def study_of(content: dict[str, Any], origin: str | Path) -> Study:
    """Validate the content of a study file that was read from ``origin``, its names and folders included.

    FgirError lists all that is wrong, a line each.
    """
    try:
        study: Study = validated(Study, content, origin)
    except FgirError as error:
        raise_all([str(error), *_further_faults(content, origin)])
        raise
    raise_all([*_not_in_catalogues(study), *(f"{origin}: {fault}" for fault in folder_faults(study))])
    return study


def _further_faults(content: dict[str, Any], origin: str | Path) -> list[str]:
    """What is wrong with a study that has faults already, as far as the rest of it can be read."""
    sound, wrong = without_faults(Study, content)
    needed = {"name": "unread", "datasets": ["unread"], "backbones": ["unread"]}
    try:
        study = Study.model_validate(needed | sound, context={_WITH_FAULTS: True})
    except ValidationError:
        return []
    # A contradiction, which has no key, was said where it was found.
    agree = [] if "" in wrong else contradictions(study, wrong)
    folders = [] if wrong & {"results", "archives"} else folder_faults(study, [] if "datasets" in wrong else None)
    return [*(f"{origin}: {fault}" for fault in [*agree, *folders]), *_not_in_catalogues(study, wrong)]


def _not_in_catalogues(study: Study, unread: Collection[str] = ()) -> list[str]:
    faults = []
    for kind in ("dataset", "backbone"):
        if not {f"{kind}s", f"{kind}s_file"}.isdisjoint(unread):
            continue
        try:
            getattr(study, f"{kind}_entries")
        except FgirError as error:
            faults.append(str(error))
    return faults


def json_schema() -> str:
    """The JSON schema of study files, for editors and for reading."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Study.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"
