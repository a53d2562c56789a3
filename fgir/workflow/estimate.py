"""Estimate what the jobs of a study take: as measured, or by multiply-adds and a stated throughput.

Snakemake imports it to parse: no torch.
"""

import math
from functools import cache
from typing import Any, Literal, NamedTuple

from fgir.study import METHODS, REGIME_OF, STREAMED_IMAGES, VIEWS, Regime, Setting
from fgir.workflow.images import images_of, number_of_images
from fgir.workflow.measured import Measured
from fgir.workflow.specs import Specs

# Where the catalogue does not say: of a middling backbone.
ASSUMED_GMACS, ASSUMED_PARAMS_M, ASSUMED_NATIVE_SIZE = 17.0, 90.0, 224
# Minutes of a job that are not computing: a queue's start, imports, reading the weights.
START_MINUTES = 10
BASE_MB = 6000
# Assumed: large photographs a second that one core reads and resizes, from a slow disk.
IMAGES_A_SECOND = 40


class Needs(NamedTuple):
    """Time limit and main memory of a job."""

    minutes: int
    megabytes: int


# Of the rules whose jobs take about the same in every study.
FIXED = {
    "download": Needs(240, 2000),
    "split": Needs(10, 4000),
    "weights": Needs(60, 8000),
    "choose": Needs(10, 1000),
    "adopt": Needs(10, 8000),
    "macs": Needs(30, 8000),
    "timing": Needs(30, 8000),
    # Its minutes depend on the number of images.
    "end_to_end": Needs(30, 8000),
    "cell": Needs(10, 1000),
    "summary": Needs(30, 4000),
    **dict.fromkeys(("figure", "resolution", "fixres", "fixres_figure"), Needs(10, 1000)),
}
READING_MB = 4000
# Of a vector that a classifier reads, or of a position of a map: the widest of common backbones.
ASSUMED_WIDTH = 2048
# Forward passes that an image of an epoch of an adaptation costs: a backward pass through a part takes two of it more.
ADAPTED_PASSES = {"last_block": 1.5, "position": 3.0}


class Estimate(NamedTuple):
    """Hours of a job on a GPU (or on ``plan.device``), computing alone."""

    hours: float
    evidence: Literal["measured", "stated"]


class Estimates:
    """Images, hours, minutes and megabytes of a study's jobs, each looked up once: planning asks for every job."""

    def __init__(self, specs: Specs) -> None:
        self.specs, self.study, self.measured = specs, specs.study, Measured(specs)
        self.images = cache(lambda dataset: images_of(specs, dataset))
        self.minutes, self.megabytes = cache(self._minutes), cache(self._megabytes)
        self.reading = cache(self._reading)

    def knows(self, backbone: str) -> bool:
        """Say whether the catalogue has how many multiply-adds the backbone takes."""
        return self.study.backbone_entries[backbone].gmacs is not None

    def gmacs(self, backbone: str, size: int) -> float:
        """Return the multiply-adds of one image of ``size`` pixels, in G: they grow with the area."""
        entry = self.study.backbone_entries[backbone]
        native = entry.native_size or ASSUMED_NATIVE_SIZE
        return (entry.gmacs or ASSUMED_GMACS) * (size / native) ** 2

    def train(self, dataset: str, backbone: str, regime: Regime, size: int) -> Estimate:
        """Return the estimate of one final training."""
        train, val, *_ = self.images(dataset)
        passes = (train + val) * self.study.training.epochs * METHODS[regime].shown * METHODS[regime].passes
        return self._estimate(backbone, size, passes, self.measured.training_pass(backbone, regime, size))

    def search(self, dataset: str, backbone: str, regime: Regime, size: int) -> Estimate:
        """Return the estimate of one job of a search: a candidate, or all of a frozen backbone's, which share their
        pass.
        """
        train, val, *_ = self.images(dataset)
        epochs = self.study.tuning.epochs or self.study.training.epochs
        passes = train * epochs * METHODS[regime].shown * METHODS[regime].passes + val
        return self._estimate(backbone, size, passes, self.measured.training_pass(backbone, regime, size))

    def adaptation(self, dataset: str, backbone: str, kind: tuple[Regime, str], size: int) -> Estimate:
        """Return the estimate of one adaptation; ``kind``: the run's regime, and the adaptation's name."""
        train, val, *_ = self.images(dataset)
        regime, name = kind
        entry = self.study.adaptation_entries[name]
        passes = (train + val) * ADAPTED_PASSES.get(entry.part, 1.0)
        if entry.trains and not self.features(dataset, regime, name):
            passes *= entry.epochs
        return self._estimate(backbone, size, passes, self.measured.training_pass(backbone, regime, size))

    def features(self, dataset: str, regime: Regime, name: str) -> int:
        """Return the bytes of what the classifier reads of all images, if an adaptation computes it once; else 0."""
        entry, (train, val, *_) = self.study.adaptation_entries[name], self.images(dataset)
        width = self.study.training.cal.attention_maps * ASSUMED_WIDTH if METHODS[regime].dense else ASSUMED_WIDTH
        size = 4 * (train + val) * width
        return size if entry.reads_the_same and size <= 1e9 * entry.features_gb else 0

    def evaluation(self, dataset: str, backbone: str, setting: Setting, size: int) -> Estimate:
        """Return the estimate of one evaluation."""
        passes = self.images(dataset).test * VIEWS[setting]
        return self._estimate(backbone, size, passes, self.measured.inference_pass(backbone, setting, size))

    def end_to_end(self, dataset: str, backbone: str, setting: Setting, size: int) -> Estimate:
        """Return the estimate of a timing from image files to the loss; its reading is in its time limit alone."""
        passes = self._streamed(dataset) * VIEWS[setting]
        return self._estimate(backbone, size, passes, self.measured.inference_pass(backbone, setting, size))

    def _streamed(self, dataset: str) -> int:
        """Return how many images such a timing reads: all test images a pass, and some of them at batch 1."""
        test = self.images(dataset).test
        return self.study.timing.passes * (test + min(test, STREAMED_IMAGES))

    def parameters(self, backbone: str, classes: int, dense: bool = False) -> float:
        """Return roughly the numbers that a model holds: with ``dense``, CAL's head of 32 x 1,024 a class."""
        entry = self.study.backbone_entries[backbone]
        maps = self.study.training.cal.attention_maps
        head = 2 * maps * 1024 * classes if dense else 2048 * classes
        return 1e6 * (entry.params_m or ASSUMED_PARAMS_M) + head

    def _estimate(self, backbone: str, size: int, passes: float, seconds: float | None) -> Estimate:
        """Return the estimate of so many forward passes of one image, each of so many seconds; None: not measured."""
        if seconds is not None:
            return Estimate(passes * seconds / 3600, "measured")
        return Estimate(passes * self.gmacs(backbone, size) / (1000 * self.study.plan.teramacs) / 3600, "stated")

    def _minutes(
        self,
        stage: Literal["train", "search", "adaptation", "evaluation", "end_to_end"],
        dataset: str,
        backbone: str,
        kind: Any,
        size: int,
    ) -> int:
        """Time limit: hours times ``plan.margin``, and a start. ``kind``: the regime, with an adaptation's
        name, or an evaluation's setting.
        """
        hours = getattr(self, stage)(dataset, backbone, kind, size).hours
        if stage == "end_to_end":
            hours += self._streamed(dataset) / IMAGES_A_SECOND / 3600
        return math.ceil(60 * hours * self.study.plan.margin) + START_MINUTES

    def _reading(self, dataset: str) -> Needs:
        """Return the estimate of a job that reads every image of a dataset once, on one core."""
        seconds = number_of_images(self.specs, dataset) / IMAGES_A_SECOND
        return Needs(math.ceil(seconds / 60 * self.study.plan.margin) + START_MINUTES, READING_MB)

    def _megabytes(self, dataset: str, backbone: str, kind: str) -> int:
        """Return the main memory of a job: four copies of the model's numbers (weights, gradients, momentum, what is
        saved).
        """
        regime: Regime = REGIME_OF.get(kind, kind)  # type: ignore[call-overload]
        numbers = self.parameters(backbone, self.specs.classes[dataset], METHODS[regime].dense)
        return BASE_MB + math.ceil(4 * 4 * numbers / 1e6 / 1000) * 1000
