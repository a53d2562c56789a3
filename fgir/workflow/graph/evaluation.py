"""From a trained model to accuracy: one job evaluates a run at one size by all settings that the study has of it."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, NamedTuple

from fgir.specs import EvaluationSpec
from fgir.study import PROTOCOL_OF, PROTOCOLS, REGIME_OF, SQUARE, UNADAPTED, Regime, Run, Setting, address
from fgir.workflow.estimate import Estimate, Estimates, Needs
from fgir.workflow.graph.kind import Kind, Paths
from fgir.workflow.specs import Specs


class Evaluation(NamedTuple):
    """Name the evaluations of a run at one size; the study says by which settings."""

    dataset: str
    backbone: str
    regime: Regime
    train_size: int
    test_size: int
    seed: int
    adaptation: str = UNADAPTED
    crops: str = SQUARE

    @classmethod
    def at(cls, run: Run, test_size: int, adaptation: str = UNADAPTED) -> "Evaluation":
        """Return the evaluations of a run at a size."""
        return cls(*run[:4], test_size, run.seed, adaptation, run.crops)

    @property
    def run(self) -> Run:
        """The run whose weights they look at."""
        return Run(*self[:4], self.seed, self.crops)


class Evaluate(Kind):
    """Evaluate a run of which the study has one setting."""

    rule, last, identity = "evaluate", "metrics", Evaluation
    log = "evaluate/{dataset}-{backbone}-{setting}-{crops}{train_size}-{test_size}{adaptation}-seed{seed}"
    outputs: ClassVar = {"metrics": address.METRICS, "predictions": address.PREDICTIONS}
    gpu = True

    def __init__(self, specs: Specs, estimates: Estimates) -> None:
        super().__init__(specs, estimates)
        self.regimes = [regime for regime in self.study.regimes if self.evaluates(self.study.settings_of(regime))]
        self._costs = {regime: looked_at(self.settings(regime)) for regime in self.regimes}

    def evaluates(self, settings: list[Setting]) -> bool:
        """Say whether these settings of a regime are evaluated by such a job."""
        return len(settings) == 1

    def settings(self, regime: Regime) -> list[Setting]:
        """Return the settings by which a run of a regime is evaluated."""
        return self.study.settings_of(regime)

    def constraints(self) -> dict[str, str]:
        """Return the expression that a wildcard of the rule fits: the settings that it evaluates and no others."""
        return {"setting": alternatives(setting for regime in self.regimes for setting in self.settings(regime))}

    def identities(self) -> Iterator[Evaluation]:
        for run in self.study.runs():
            if run.regime in self.regimes:
                yield from (
                    Evaluation.at(run, size, adaptation)
                    for size in self.study.tested_at(run.train_size)
                    for adaptation in self.study.adaptations
                )

    def spec(self, job: Evaluation) -> EvaluationSpec:
        return self.specs.evaluation(job.run, job.test_size, job.adaptation)

    def inputs(self, job: Evaluation) -> Paths:
        images = self.images(job.dataset, job.test_size, job.crops)
        adapted = [] if job.adaptation == UNADAPTED else [self.result(address.ADAPTED_TENSORS, job)]
        return {**images, "model": self.result(address.MODEL, job), "adapted": adapted}

    def needs(self, job: Evaluation) -> Needs:
        minutes = sum(
            self.estimates.minutes("evaluation", job.dataset, job.backbone, setting, job.test_size)
            for setting in self._costs[job.regime]
        )
        return Needs(minutes, self.estimates.megabytes(*job[:3]))

    def estimate(self, job: Evaluation) -> Estimate:
        estimates = [
            self.estimates.evaluation(job.dataset, job.backbone, setting, job.test_size)
            for setting in self._costs[job.regime]
        ]
        stated = next((estimate for estimate in estimates if estimate.evidence == "stated"), estimates[0])
        return stated._replace(hours=sum(estimate.hours for estimate in estimates))

    def disk(self, job: Evaluation) -> int:
        # Of each image: its number, its class and five guesses with their probabilities.
        return 60 * self.estimates.images(job.dataset).test * len(self.settings(job.regime))

    def of(self, wildcards: Any) -> Evaluation:
        regime = getattr(wildcards, "regime", None) or REGIME_OF[wildcards.setting]
        sizes = int(wildcards.train_size), int(wildcards.test_size)
        axes: dict[str, Any] = self.axes(wildcards)
        return Evaluation(wildcards.dataset, wildcards.backbone, regime, *sizes, int(wildcards.seed), **axes)

    def names(self, job: Evaluation) -> dict[str, Any]:
        return {**job._asdict(), "setting": self._first(job)}

    def paths(self, job: Evaluation) -> Paths:
        names = self.names(job)
        return {name: self._fill(pattern, names) for name, pattern in self.patterns().items()}

    def _first(self, job: Evaluation) -> Setting:
        """Return the setting that stands for all of a job."""
        return self.settings(job.regime)[0]


class EvaluateTogether(Evaluate):
    """Evaluate a run of which the study has several settings: they share the images and the first view.

    A rule has one list of outputs, so that regimes are of one rule if their settings end alike: ``cal`` and ``cal_nc``,
    ``calmix`` and ``calmix_nc``.
    """

    rule, log = "evaluate_both", Evaluate.log.replace("{setting}", "{regime}")

    def __init__(self, specs: Specs, estimates: Estimates, endings: tuple[str, ...]) -> None:
        self.endings = endings
        super().__init__(specs, estimates)
        self.rule = rule_of(endings)

    def evaluates(self, settings: list[Setting]) -> bool:
        return len(settings) > 1 and endings_of(settings) == self.endings

    def constraints(self) -> dict[str, str]:
        return {"regime": alternatives(self.regimes)}

    def patterns(self) -> Paths:
        return {
            name: [str(pattern).replace("{setting}", f"{{regime}}{ending}") for ending in self.endings]
            for name, pattern in super().patterns().items()
        }


def evaluations_of(specs: Specs, estimates: Estimates) -> Iterator[Evaluate]:
    """Yield the kinds of evaluation that a study has: of single settings, and of each list of endings."""
    study = specs.study
    of_regimes = [study.settings_of(regime) for regime in study.regimes]
    if any(len(settings) == 1 for settings in of_regimes):
        yield Evaluate(specs, estimates)
    for endings in dict.fromkeys(endings_of(settings) for settings in of_regimes if len(settings) > 1):
        yield EvaluateTogether(specs, estimates, endings)


def looked_at(settings: list[Setting]) -> list[Setting]:
    """Return those settings of a regime whose views are not the first ones of another's: they are what it costs."""
    begun = {PROTOCOLS[PROTOCOL_OF[setting]].begins_with for setting in settings}
    return [setting for setting in settings if PROTOCOL_OF[setting] not in begun]


def endings_of(settings: list[Setting]) -> tuple[str, ...]:
    """Return what the names of a regime's settings have after that of the regime, with which each begins."""
    return tuple(setting.removeprefix(REGIME_OF[setting]) for setting in settings)


def evaluation_rule(settings: list[Setting]) -> str:
    """Return the rule that evaluates a run by these settings of its regime, all that a study has of it."""
    return Evaluate.rule if len(settings) == 1 else rule_of(endings_of(settings))


def rule_of(endings: tuple[str, ...]) -> str:
    """Return the rule of several settings that end so: the published pair has a name of its own."""
    if endings == ("", "_nc"):
        return EvaluateTogether.rule
    return re.sub(r"\W", "_", Evaluate.rule + "".join(endings))


def alternatives(names: Iterable[str]) -> str:
    """Return the expression that fits these names alone; of no names one that fits nothing."""
    escaped = list(map(re.escape, names))
    return "|".join(escaped) if escaped else "(?!)"
