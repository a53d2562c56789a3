"""From a study to the specs of its tables: the summary of all cells, and that of one."""

from collections.abc import Mapping

from fgir.specs import RECIPE, BackboneLabel, DatasetLabel, SummarySpec
from fgir.study import Cell, Study


def summary_of(study: Study, classes: Mapping[str, int]) -> SummarySpec:
    """Return the spec of the summary of a study; ``classes`` are the numbers of classes of its datasets."""
    return SummarySpec(
        recipe=RECIPE["summary"],
        results=study.results,
        datasets=[_dataset(study, name, classes[name]) for name in study.datasets],
        backbones=[_backbone(study, name) for name in study.backbones],
        settings=study.settings,
        sizes=study.sizes(),
        seeds=study.seeds,
        scope=study.timing.scope,
        crops=study.crops,
        adaptations=study.adaptations,
    )


def cell_of(study: Study, classes: Mapping[str, int], cell: Cell) -> SummarySpec:
    """Return the spec of one row of the summary: that of a study of this cell alone."""
    return SummarySpec(
        recipe=RECIPE["summary"],
        results=study.results,
        datasets=[_dataset(study, cell.dataset, classes[cell.dataset])],
        backbones=[_backbone(study, cell.backbone)],
        settings=[cell.setting],
        sizes=[(cell.train_size, cell.test_size)],
        seeds=study.seeds,
        scope=study.timing.scope,
        crops=[cell.crops],
        adaptations=[cell.adaptation],
    )


def _dataset(study: Study, name: str, classes: int) -> DatasetLabel:
    return DatasetLabel(name=name, title=study.dataset_entries[name].title or name, classes=classes)


def _backbone(study: Study, name: str) -> BackboneLabel:
    entry = study.backbone_entries[name]
    return BackboneLabel(name=name, title=entry.title or name, family=entry.family, pretraining=entry.pretraining)
