"""Look up what like jobs of a study were measured to take. Reads a file only when asked, and loads no torch."""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from fgir.results.parquet import read_row
from fgir.study import METHODS, REGIME_OF, CostPoint, Regime, Run, Setting, address
from fgir.utils.errors import FgirError
from fgir.workflow.specs import Specs


class Measured:
    """Seconds of a forward pass of one image, from the first row of the study that was measured on its device.

    That is a GPU, or the device that ``plan.device`` names: what a CPU took says nothing of a job on a GPU.
    ``passed_over`` names the devices of the rows that did not count.
    """

    def __init__(self, specs: Specs) -> None:
        self.study, self.passed_over = specs.study, set[str]()
        self._classes = sorted({specs.classes[dataset] for dataset in self.study.datasets})
        self.training_pass, self.inference_pass = cache(self._training_pass), cache(self._inference_pass)

    def _training_pass(self, backbone: str, regime: Regime, size: int) -> float | None:
        """Return a pass in training; from a training, or else from a timing of the regime at that size. None: nothing
        measured.
        """
        study = self.study
        runs = (Run(dataset, backbone, regime, size, seed) for dataset in study.datasets for seed in study.seeds)
        for row in self._rows("train", (address.fill(address.TRAIN, run) for run in runs)):
            if row["images"]:
                return row["epoch_seconds"] * (row["processes"] or 1) / (row["images"] * METHODS[regime].passes)
        if study.timing.precision != study.training.precision:
            return None
        settings = (setting for setting in study.settings if REGIME_OF[setting] == regime)
        return next(filter(None, (self.inference_pass(backbone, setting, size) for setting in settings)), None)

    def _inference_pass(self, backbone: str, setting: Setting, size: int) -> float | None:
        """Return a pass in inference; from a timing, whatever the number of classes. None: nothing measured."""
        points = (CostPoint.of(backbone, setting, size, classes) for classes in self._classes)
        for row in self._rows("timing", (address.fill(address.TIMING, point) for point in points)):
            return 1 / (row["throughput"] * row["views"])
        return None

    def _rows(self, table: str, paths: Iterable[str]) -> Iterator[dict[str, Any]]:
        for path in paths:
            file = Path(self.study.results, path)
            if not file.exists():
                continue
            try:
                row = read_row(table, file)
            except FgirError:  # the job that needs this file says so
                continue
            wanted = self.study.plan.device
            if row["device"] != wanted if wanted else row["driver"] is None:
                self.passed_over.add(row["device"])
            # An unsteady timing is still nearer to the truth than a stated speed.
            elif row["status"] in ("ok", "unsteady"):
                yield row
