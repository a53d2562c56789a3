"""Specify the tables: one row, or the cross of all rows."""

from itertools import product

from fgir.study import Scope, Setting
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

    def cells(self) -> list[CellSpec]:
        """Return every cell, in the order of the study."""
        return [self._cell(*identity) for identity in product(self.datasets, self.backbones, self.settings, self.sizes)]

    def _cell(
        self, dataset: DatasetLabel, backbone: BackboneLabel, setting: Setting, sizes: tuple[int, int]
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
            adaptation="none",
            classes=dataset.classes,
            seeds=self.seeds,
            scope=self.scope,
        )
