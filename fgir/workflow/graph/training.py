"""From weights and images to a trained model: the search for a learning rate, and the training."""

from collections.abc import Iterator
from typing import Any, ClassVar

from fgir.specs import AdoptSpec, ChoiceSpec, RunSpec, SearchSpec
from fgir.study import METHODS, Candidate, Regime, Run, Search, address
from fgir.workflow.estimate import Estimate, Needs
from fgir.workflow.graph.kind import Identity, Kind, Paths


class _Training(Kind):
    """Jobs that train on the images of a dataset."""

    gpu = True

    def inputs(self, job: Identity) -> Paths:
        images = self.images(job.dataset, job.train_size, job.crops)
        return {**images, "weights": self.result(address.WEIGHTS, backbone=job.backbone)}

    def _needs(self, stage: Any, job: Identity) -> Needs:
        return Needs(self.estimates.minutes(stage, *job[:4]), self.estimates.megabytes(*job[:3]))


class _OfSearch(_Training):
    """Jobs that try learning rates, where a regime has more than one to try."""

    shares_pass: ClassVar[bool]
    """True where all candidates of a regime are one job: its backbone is frozen, so that they share each pass."""

    @property
    def regimes(self) -> list[Regime]:
        """The regimes of the study whose candidates are such jobs."""
        return [regime for regime in self.study.learning if _shares_pass(regime) == self.shares_pass]

    def needs(self, job: Identity) -> Needs:
        return self._needs("search", job)

    def estimate(self, job: Identity) -> Estimate:
        return self.estimates.search(*job[:4])

    def names(self, job: Identity) -> dict[str, Any]:
        return {**job._asdict(), "seed": self.study.tuning.seed}


class Tune(_OfSearch):
    """Try one learning rate of a regime that trains the backbone."""

    rule, last, identity, shares_pass = "tune", "candidate", Candidate, False
    log = "tune/{dataset}-{backbone}-{regime}-{crops}{train_size}-lr{learning_rate}"
    outputs: ClassVar = {"candidate": address.CANDIDATE}

    def identities(self) -> Iterator[Candidate]:
        for search in _searches(self):
            if search.regime in self.regimes:
                rates = self.specs.rates(search.dataset, search.regime)
                yield from (Candidate(*search[:4], rate, search.crops) for rate in rates)

    def spec(self, job: Candidate) -> SearchSpec:
        return self.specs.search(job.search, [job.learning_rate])


class TuneFrozen(_OfSearch):
    """Try all learning rates of a frozen backbone, which share one pass over the images."""

    rule, last, identity, shares_pass = "tune_frozen", "candidates", Search, True
    log = "tune/{dataset}-{backbone}-{regime}-{crops}{train_size}"
    outputs: ClassVar = {"candidates": address.CANDIDATES}

    def identities(self) -> Iterator[Search]:
        yield from (search for search in _searches(self) if search.regime in self.regimes)

    def spec(self, job: Search) -> SearchSpec:
        return self.specs.search(job, self.specs.rates(job.dataset, job.regime))


class Choose(Kind):
    """Choose among the learning rates that were tried."""

    rule, last, identity = "choose", "best", Search
    log = "choose/{dataset}-{backbone}-{regime}-{crops}{train_size}"
    outputs: ClassVar = {"best": address.BEST}

    def identities(self) -> Iterator[Search]:
        return _searches(self)

    def spec(self, job: Search) -> ChoiceSpec:
        return self.specs.choice(job)

    def inputs(self, job: Search) -> Paths:
        if _shares_pass(job.regime):
            return {"candidates": [self.result(address.CANDIDATES, job)]}
        rates = self.specs.rates(job.dataset, job.regime)
        return {"candidates": [self.result(address.CANDIDATE, job, learning_rate=rate) for rate in rates]}


class Train(_Training):
    """Train a run."""

    rule, last, identity = "train", "train", Run
    log = "train/{dataset}-{backbone}-{regime}-{crops}{train_size}-seed{seed}"
    outputs: ClassVar = {"model": address.MODEL, "history": address.HISTORY, "train": address.TRAIN}

    @property
    def regimes(self) -> list[Regime]:
        """The regimes of the study of which something is trained."""
        return self.study.learning

    def identities(self) -> Iterator[Run]:
        yield from (run for run in self.study.runs() if run.regime in self.regimes)

    def spec(self, job: Run) -> RunSpec:
        return self.specs.run(job)

    def inputs(self, job: Run) -> Paths:
        best: str | list[str] = self.result(address.BEST, job) if _is_searched(self, job.regime) else []
        return {**super().inputs(job), "best": best}

    def needs(self, job: Run) -> Needs:
        return self._needs("train", job)

    def estimate(self, job: Run) -> Estimate:
        return self.estimates.train(*job[:4])

    def disk(self, job: Run) -> int:
        classes, dense = self.specs.classes[job.dataset], METHODS[job.regime].dense
        return int(4 * self.estimates.parameters(job.backbone, classes, dense))


class Adopt(Kind):
    """Make a run of the pretrained weights as they are, with their own classifier."""

    rule, last, identity = "adopt", "train", Run
    log = "adopt/{dataset}-{backbone}-{regime}-{crops}{train_size}-seed{seed}"
    outputs: ClassVar = Train.outputs

    @property
    def regimes(self) -> list[Regime]:
        """The regimes of the study of which nothing is trained."""
        return [regime for regime in self.study.regimes if not METHODS[regime].learns]

    def identities(self) -> Iterator[Run]:
        yield from (run for run in self.study.runs() if run.regime in self.regimes)

    def spec(self, job: Run) -> AdoptSpec:
        return self.specs.adopted(job)

    def inputs(self, job: Run) -> Paths:
        weights = self.result(address.WEIGHTS, backbone=job.backbone)
        return {"manifest": self.result(address.MANIFEST, job), "weights": weights}

    def disk(self, job: Run) -> int:
        return int(4 * self.estimates.parameters(job.backbone, self.specs.classes[job.dataset]))


def _shares_pass(regime: Regime) -> bool:
    return not METHODS[regime].trains_backbone


def _is_searched(kind: Kind, regime: Regime) -> bool:
    return len(kind.study.tuning.learning_rates[regime]) > 1


def _searches(kind: Kind) -> Iterator[Search]:
    runs = (run for run in kind.study.runs() if METHODS[run.regime].learns)
    searches = dict.fromkeys(Search(*run[:4], run.crops) for run in runs)
    yield from (search for search in searches if _is_searched(kind, search.regime))
