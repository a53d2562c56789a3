"""From a trained model to one that is adapted to a test size."""

from collections.abc import Iterator
from typing import ClassVar

from fgir.specs import AdaptationSpec
from fgir.study import UNADAPTED, Adapted, address
from fgir.study.address import AXES
from fgir.workflow.estimate import Estimate, Needs
from fgir.workflow.graph.kind import Kind, Paths


class Adapt(Kind):
    """Adapt a run to a test size."""

    rule, last, identity = "adapt", "adapt", Adapted
    log = "adapt/{dataset}-{backbone}-{regime}-{crops}{train_size}-{test_size}{adaptation}-seed{seed}"
    outputs: ClassVar = {
        "adapted": address.ADAPTED_TENSORS,
        "history": address.ADAPTED_HISTORY,
        "adapt": address.ADAPT,
    }
    gpu = True

    @property
    def adaptations(self) -> list[str]:
        """The adaptations that the study asks for."""
        return [name for name in self.study.adaptations if name != UNADAPTED]

    def parts(self) -> list[str]:
        """Return what stands for them in paths, where the study asks for more than one state of a run."""
        return [AXES["adaptation"].part(name) for name in self.adaptations]

    def identities(self) -> Iterator[Adapted]:
        for run in self.study.runs():
            yield from (
                Adapted(*run[:4], size, run.seed, adaptation, run.crops)
                for size in self.study.tested_at(run.train_size)
                for adaptation in self.adaptations
            )

    def spec(self, job: Adapted) -> AdaptationSpec:
        return self.specs.adaptation(job)

    def inputs(self, job: Adapted) -> Paths:
        return {**self.images(job.dataset, job.test_size, job.crops), "model": self.result(address.MODEL, job)}

    def needs(self, job: Adapted) -> Needs:
        minutes = self.estimates.minutes("adaptation", *job[:2], (job.regime, job.adaptation), job.test_size)
        return Needs(minutes, self.estimates.megabytes(*job[:3]))

    def estimate(self, job: Adapted) -> Estimate:
        return self.estimates.adaptation(*job[:2], (job.regime, job.adaptation), job.test_size)
