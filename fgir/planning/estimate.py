"""What the jobs of a study take, by multiply-adds and a stated throughput. Snakemake imports it to parse: no torch."""

import math
from functools import cache

from fgir.catalogue import Dataset, Typefaces
from fgir.jobs import Specs
from fgir.study import REGIME_OF, VIEWS, Regime, Setting

# Where the catalogue does not say: of a middling backbone, of a middling dataset.
ASSUMED_GMACS, ASSUMED_PARAMS_M, ASSUMED_NATIVE_SIZE = 17.0, 90.0, 224
ASSUMED_IMAGES_PER_CLASS = 60
# Forward passes that an image of train costs: a backward pass takes two more. CAL sees each image, its crop and its
# drop; CALMix besides its swap, and with each image another of its class.
PASSES: dict[Regime, int] = {"frozen": 1, "finetuned": 3, "cal": 3 * 3, "calmix": 2 * 4 * 3}
# Minutes of a job that are not computing: a queue's start, imports, reading the weights.
START_MINUTES = 10
BASE_MB = 6000


class Estimates:
    """Hours, minutes and megabytes of a study's jobs. GPU hours are those of a GPU of ``plan.teramacs``."""

    def __init__(self, specs: Specs) -> None:
        self.specs, self.study = specs, specs.study
        # Snakemake asks for each job, and again for each attempt.
        self.minutes, self.megabytes = cache(self._minutes), cache(self._megabytes)

    def knows(self, backbone: str) -> bool:
        """Does the catalogue say how many multiply-adds the backbone takes?"""
        return self.study.backbone_entries[backbone].gmacs is not None

    def gmacs(self, backbone: str, size: int) -> float:
        """Multiply-adds of one image of ``size`` pixels, in G: they grow with the area."""
        entry = self.study.backbone_entries[backbone]
        native = entry.native_size or ASSUMED_NATIVE_SIZE
        return (entry.gmacs or ASSUMED_GMACS) * (size / native) ** 2

    def images(self, dataset: str) -> tuple[int, int, int]:
        """Images of train, val and test."""
        train_val, test = self._official(dataset, self.study.dataset_entries[dataset])
        if limit := self.study.data.limit_per_class:
            most = limit * self.specs.classes[dataset]
            train_val, test = min(train_val, most), min(test, most)
        entry, fraction = self.study.dataset_entries[dataset], self.study.data.train_fraction
        published = fraction is None and not limit and self.study.data.split_rule == "first" and entry.train
        train = published or int(train_val * (fraction or entry.train_fraction))
        return train, train_val - train, test

    def train_hours(self, dataset: str, backbone: str, regime: Regime, size: int) -> float:
        """GPU hours of one final training."""
        train, val, _ = self.images(dataset)
        return self._hours(backbone, size, (train + val) * self.study.training.epochs * PASSES[regime])

    def search_hours(self, dataset: str, backbone: str, regime: Regime, size: int) -> float:
        """GPU hours of one job of a search: a candidate, or all of a frozen backbone's, which share their pass."""
        train, val, _ = self.images(dataset)
        epochs = self.study.tuning.epochs or self.study.training.epochs
        return self._hours(backbone, size, train * epochs * PASSES[regime] + val)

    def evaluation_hours(self, dataset: str, backbone: str, setting: Setting, size: int) -> float:
        """GPU hours of one evaluation."""
        return self._hours(backbone, size, self.images(dataset)[2] * VIEWS[setting])

    def parameters(self, backbone: str, regime: Regime, classes: int) -> float:
        """Roughly, the numbers that a run's model holds: with the head of CAL, 32 maps x 1,024 features a class."""
        entry = self.study.backbone_entries[backbone]
        maps = self.study.training.cal.attention_maps
        head = 2 * maps * 1024 * classes if regime in ("cal", "calmix") else 2048 * classes
        return 1e6 * (entry.params_m or ASSUMED_PARAMS_M) + head

    def _official(self, dataset: str, entry: Dataset) -> tuple[int, int]:
        classes = self.specs.classes[dataset]
        if isinstance(entry, Typefaces):
            return classes * entry.train_val_per_class, classes * entry.test_per_class
        train_val = entry.train_val or ASSUMED_IMAGES_PER_CLASS * classes // 2
        return train_val, entry.test or ASSUMED_IMAGES_PER_CLASS * classes // 2

    def _hours(self, backbone: str, size: int, passes: float) -> float:
        return passes * self.gmacs(backbone, size) / (1000 * self.study.plan.teramacs) / 3600

    def _minutes(self, stage: str, dataset: str, backbone: str, kind: str, size: int) -> int:
        """Time limit of a job of tune, train or evaluate: the estimate times ``plan.margin``, and its start."""
        hours = getattr(self, f"{stage}_hours")(dataset, backbone, kind, size)
        return math.ceil(60 * hours * self.study.plan.margin) + START_MINUTES

    def _megabytes(self, dataset: str, backbone: str, kind: str) -> int:
        """Main memory of a job: four copies of the model's numbers (weights, gradients, momentum, what is saved)."""
        regime: Regime = REGIME_OF.get(kind, kind)  # type: ignore[call-overload]
        numbers = self.parameters(backbone, regime, self.specs.classes[dataset])
        return BASE_MB + math.ceil(4 * 4 * numbers / 1e6 / 1000) * 1000
