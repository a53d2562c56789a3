"""Specify the tables: one row, or the cross of all rows."""

from itertools import product

from pydantic import Field

from fgir.study import Cell, Scope, Setting
from fgir.study.identities import SQUARE, UNADAPTED
from fgir.study.strict import Strict


class CellSpec(Strict):
    """Describe one row of the summary: its identity, and its names as shown."""

    dataset: str
    dataset_title: str
    backbone: str
    backbone_title: str
    family: str
    pretraining: str
    setting: Setting
    train_size: int
    test_size: int
    adaptation: str
    classes: int
    seeds: list[int]
    scope: Scope = "network"
    crops: str = SQUARE

    @property
    def cell(self) -> Cell:
        """Return the identity of the row."""
        return Cell(**{name: getattr(self, name) for name in Cell._fields})


class DatasetLabel(Strict):
    """Name a dataset as the tables show it."""

    name: str
    title: str
    classes: int


class BackboneLabel(Strict):
    """Name a backbone as the tables show it."""

    name: str
    title: str
    family: str
    pretraining: str


class SummarySpec(Strict):
    """Specify the summary by the lists that its cells cross. All cells would be too long for a command line."""

    recipe: int
    results: str
    datasets: list[DatasetLabel]
    backbones: list[BackboneLabel]
    settings: list[Setting]
    sizes: list[tuple[int, int]]
    seeds: list[int]
    scope: Scope = "network"
    crops: list[str] = Field(default=[SQUARE])
    adaptations: list[str] = Field(default=[UNADAPTED])

    def cells(self) -> list[CellSpec]:
        """Return every cell, in the order of the study."""
        crossed = product(self.datasets, self.backbones, self.settings, self.crops, self.sizes, self.adaptations)
        return [self._cell(*identity) for identity in crossed]

    def _cell(
        self,
        dataset: DatasetLabel,
        backbone: BackboneLabel,
        setting: Setting,
        crops: str,
        sizes: tuple[int, int],
        adaptation: str,
    ) -> CellSpec:
        return CellSpec(
            dataset=dataset.name,
            dataset_title=dataset.title,
            backbone=backbone.name,
            backbone_title=backbone.title,
            family=backbone.family,
            pretraining=backbone.pretraining,
            setting=setting,
            train_size=sizes[0],
            test_size=sizes[1],
            adaptation=adaptation,
            classes=dataset.classes,
            seeds=self.seeds,
            scope=self.scope,
            crops=crops,
        )
