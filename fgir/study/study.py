"""Define a study: the datasets, backbones, settings, sizes and seeds to cross, and how to train and measure them."""

import json
from collections.abc import Collection
from functools import cached_property
from itertools import product
from os.path import expanduser, normpath
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator

from fgir.study.adaptations import Adaptation, load_adaptations, no_adaptation
from fgir.study.address import AXES
from fgir.study.catalogue import (
    Backbone,
    Dataset,
    backbone_entry,
    is_backbone,
    load_backbones,
    load_datasets,
    no_backbone,
)
from fgir.study.contradictions import contradictions
from fgir.study.folders import folder_faults
from fgir.study.geometry import CROPS
from fgir.study.identities import SQUARE, UNADAPTED, Cell, Run
from fgir.study.methods import METHODS, REGIMES, Regime
from fgir.study.options import DataOptions, PlanOptions, TimingOptions, TrainingOptions, TuningOptions, repeated
from fgir.study.places import FOLDER, NAME
from fgir.study.settings import COSTS_AS, PUBLISHED_SETTINGS, REGIME_OF, SETTINGS, Setting
from fgir.study.strict import Strict, read_yaml, validated, without_faults
from fgir.utils.errors import FgirError, nearest, raise_all

# With any backbone, a single larger image would not fit into the memory of a GPU.
_Side = Annotated[int, Field(ge=16, le=8192)]
if TYPE_CHECKING:
    CropsName = str
else:
    CropsName = Literal[tuple(CROPS)]
# Names become parts of paths and of Snakemake's and Slurm's commands, which give other characters a meaning.
Name = Annotated[str, Field(pattern=NAME)]
FolderName = Annotated[str, Field(pattern=FOLDER), AfterValidator(lambda path: _at_home(path))]
# In a validation's context: contradictions are reported elsewhere.
_WITH_FAULTS = "with_faults"


def _at_home(path: str) -> str:
    """Return a path in its shortest form, with the home folder in place of ``~``."""
    if expanduser(path).startswith("~"):
        raise ValueError(f"this machine has no home folder {path.split('/')[0]}; write the path out")
    return normpath(expanduser(path))


class Study(Strict):
    """Describe a study file. Every key but name, datasets and backbones has the published protocol as its default."""

    name: Name = Field(examples=["mine"])
    datasets: list[Name] = Field(min_length=1, examples=[["cub"]])
    backbones: list[Name] = Field(min_length=1, examples=[["resnet50.a1_in1k"]])
    settings: list[Setting] = Field(default=list(PUBLISHED_SETTINGS), min_length=1)
    train_sizes: list[_Side] = Field(default=[224], min_length=1)
    test_sizes: list[_Side] | None = Field(
        default=None, min_length=1, description="null: each run is tested at its train size"
    )
    crops: list[CropsName] = Field(
        default=[SQUARE],
        min_length=1,
        description="how an image becomes a crop. square: as published; fixres: random resized crops, tested on the "
        "centre; fixres_height: the same, but tests resize the height instead of the shorter side; fixed_scale: random "
        "crops of images in their own aspect",
    )
    adaptations: list[Name] = Field(
        default=[UNADAPTED],
        min_length=1,
        examples=[["none", "classifier_bn"]],
        description="what of a run is adapted to the test size, by the names of adaptations_file; none: nothing",
    )
    seeds: list[Annotated[int, Field(ge=0)]] = Field(default=[1, 10, 100], min_length=1)
    results: FolderName = Field(default="results", description="folder of everything the study writes")
    archives: FolderName = Field(default="data", description="folder of downloaded archives and weights")
    datasets_file: str = Field(default="config/datasets.yaml", min_length=1)
    backbones_file: str = Field(default="config/backbones.yaml", min_length=1)
    adaptations_file: str = Field(default="config/adaptations.yaml", min_length=1)
    published_file: str | None = Field(
        default=None,
        min_length=1,
        examples=["config/published/arxiv-2605.18700.csv"],
        description="CSV file of published accuracies to compare with; null: none",
    )
    data: DataOptions = DataOptions()
    training: TrainingOptions = TrainingOptions()
    tuning: TuningOptions = TuningOptions()
    timing: TimingOptions = TimingOptions()
    plan: PlanOptions = PlanOptions()

    @field_validator("datasets", "backbones", "settings", "train_sizes", "test_sizes", "crops", "adaptations", "seeds")
    @classmethod
    def _distinct(cls, values: list[Any] | None) -> list[Any] | None:
        if twice := repeated(values or []):
            raise ValueError(f"{', '.join(map(str, twice))} is named twice; each value may be named once")
        return values

    @model_validator(mode="after")
    def _agrees(self, info: ValidationInfo) -> "Study":
        if not (info.context or {}).get(_WITH_FAULTS) and (faults := contradictions(self)):
            raise ValueError("\n".join(faults))
        return self

    @property
    def regimes(self) -> list[Regime]:
        """Return the regimes that the settings need, in the order of REGIMES."""
        needed = {REGIME_OF[setting] for setting in self.settings}
        return [regime for regime in REGIMES if regime in needed]

    @property
    def learning(self) -> list[Regime]:
        """Return the regimes of which something is trained."""
        return [regime for regime in self.regimes if METHODS[regime].learns]

    @property
    def cost_settings(self) -> list[Setting]:
        """Return the settings that stand for those of the study in its cost points, each once."""
        return list(dict.fromkeys(COSTS_AS[setting] for setting in self.settings))

    def settings_of(self, regime: Regime) -> list[Setting]:
        """Return the study's settings of a regime: evaluations of the same weights, which share their first view."""
        return [setting for setting in SETTINGS if REGIME_OF[setting] == regime and setting in self.settings]

    @cached_property
    def dataset_entries(self) -> dict[str, Dataset]:
        """Return the catalogue entries of the study's datasets."""
        entries = load_datasets(self.datasets_file)
        unknown = [name for name in self.datasets if name not in entries]
        raise_all(f'{self.datasets_file} has no dataset "{name}"{nearest(name, entries)}' for name in unknown)
        return {name: entries[name] for name in self.datasets}

    @cached_property
    def backbone_entries(self) -> dict[str, Backbone]:
        """Return the catalogue entries of the study's backbones; an explicit timm tag needs none."""
        entries = load_backbones(self.backbones_file)
        unknown = [name for name in self.backbones if not is_backbone(name, entries)]
        raise_all(f"{self.backbones_file} has {no_backbone(name, entries)}" for name in unknown)
        return {name: backbone_entry(name, entries, self.backbones_file) for name in self.backbones}

    @cached_property
    def adaptation_entries(self) -> dict[str, Adaptation]:
        """Return the entries of the study's adaptations; ``none`` has none."""
        asked = [name for name in self.adaptations if name != UNADAPTED]
        entries = load_adaptations(self.adaptations_file) if asked else {}
        raise_all(no_adaptation(name, entries, self.adaptations_file) for name in asked if name not in entries)
        return {name: entries[name] for name in asked}

    @property
    def work(self) -> str:
        """Return the folder of resumable training state: beside the default results, inside any other."""
        return "work" if self.results == "results" else f"{self.results}/work"

    @property
    def logs(self) -> str:
        """Return the folder of logs and benchmarks: beside the default results, inside any other."""
        return "logs" if self.results == "results" else f"{self.results}/logs"

    def sizes(self) -> list[tuple[int, int]]:
        """Return the pairs of train size and test size."""
        return [(train, test) for train in self.train_sizes for test in self.tested_at(train)]

    @property
    def varied(self) -> frozenset[str]:
        """Return the axes that are parts of its paths, because it asks for more of them than what was published."""
        asked = {"crops": self.crops, "adaptation": self.adaptations}
        return frozenset(name for name, values in asked.items() if values != [AXES[name].published])

    def tested_at(self, train_size: int) -> list[int]:
        """Return the test sizes of the runs of a train size."""
        return self.test_sizes or [train_size]

    def runs(self) -> list[Run]:
        """Return every training of the study."""
        return [
            Run(dataset, backbone, regime, size, seed, crops)
            for dataset, backbone, regime, crops, size, seed in product(
                self.datasets, self.backbones, self.regimes, self.crops, self.train_sizes, self.seeds
            )
        ]

    def cells(self) -> list[Cell]:
        """Return every row of the summary."""
        return [
            Cell(dataset, backbone, setting, train, test, adaptation, crops)
            for dataset, backbone, setting, crops, (train, test), adaptation in product(
                self.datasets, self.backbones, self.settings, self.crops, self.sizes(), self.adaptations
            )
        ]


def load_study(path: str | Path) -> Study:
    """Return the study of a file. Raises FgirError that names the file and key that are wrong."""
    return study_of(read_yaml(path), path)


def read_study(path: str | Path) -> Study:
    """Return the study of a file without looking its names up in the catalogues; raises as ``load_study`` does."""
    study: Study = validated(Study, read_yaml(path), path)
    return study


def study_of(content: dict[str, Any], origin: str | Path) -> Study:
    """Return the study in the content of a file, which was read from ``origin``, once its names and folders are valid.

    Raises FgirError that lists everything that is wrong, a line each.
    """
    try:
        study: Study = validated(Study, content, origin)
    except FgirError as error:
        raise_all([str(error), *_further_faults(content, origin)])
        raise
    raise_all([*_not_in_catalogues(study), *(f"{origin}: {fault}" for fault in folder_faults(study))])
    return study


def _further_faults(content: dict[str, Any], origin: str | Path) -> list[str]:
    """Return further faults of a study that has some, as far as the rest of it can be read."""
    sound, wrong = without_faults(Study, content)
    needed = {"name": "unread", "datasets": ["unread"], "backbones": ["unread"]}
    try:
        study = Study.model_validate(needed | sound, context={_WITH_FAULTS: True})
    except ValidationError:
        return []
    # A contradiction, which has no key, was reported where it was found.
    agree = [] if "" in wrong else contradictions(study, wrong)
    folders = [] if wrong & {"results", "archives"} else folder_faults(study, [] if "datasets" in wrong else None)
    return [*(f"{origin}: {fault}" for fault in [*agree, *folders]), *_not_in_catalogues(study, wrong)]


def _not_in_catalogues(study: Study, unread: Collection[str] = ()) -> list[str]:
    faults = []
    for kind in ("dataset", "backbone", "adaptation"):
        if not {f"{kind}s", f"{kind}s_file"}.isdisjoint(unread):
            continue
        try:
            getattr(study, f"{kind}_entries")
        except FgirError as error:
            faults.append(str(error))
    return faults


def json_schema() -> str:
    """Return the JSON schema of study files, for editors and for reading."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Study.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"
