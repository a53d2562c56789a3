"""The jobs that measure what inference costs: it depends on the cost point alone, so that cells share them."""

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

from fgir.specs import EndToEndSpec, MacsSpec, TimingSpec
from fgir.study import CostPoint, EndToEnd, Setting, address
from fgir.workflow.estimate import FIXED, Estimate, Needs
from fgir.workflow.graph.kind import Kind, Paths


class Counted(NamedTuple):
    """Name a job of MACs, which are counted for all numbers of classes of the study."""

    backbone: str
    setting: Setting
    test_size: int


class Macs(Kind):
    """Count multiply-adds and parameters. A job for each number of classes would be over as soon as it had started."""

    rule, log, last, identity = "macs", "macs/{backbone}-{setting}-{test_size}", "macs", Counted
    outputs: ClassVar = {"macs": address.MACS}

    def identities(self) -> Iterator[Counted]:
        yield from dict.fromkeys(Counted(*point[:3]) for point in _points(self))

    def spec(self, job: Counted) -> MacsSpec:
        return self.specs.macs(*job)

    def patterns(self) -> Paths:
        return {"macs": [address.MACS.replace("{classes}", str(count)) for count in self.specs.class_counts()]}


class Timing(Kind):
    """Measure throughput and latency of the network."""

    rule, log, last = "timing", "timing/{backbone}-{setting}-{test_size}-classes{classes}", "timing"
    identity = CostPoint
    outputs: ClassVar = {"timing": address.TIMING}
    gpu = True

    def identities(self) -> Iterator[CostPoint]:
        return _points(self)

    def spec(self, job: CostPoint) -> TimingSpec:
        return self.specs.timing(job)


class Stream(Kind):
    """Measure throughput and latency from the image files to the loss, as published: they depend on the dataset too."""

    rule, log, last = "end_to_end", "end_to_end/{dataset}-{backbone}-{setting}-{crops}{test_size}", "timing"
    identity = EndToEnd
    outputs: ClassVar = {"timing": address.END_TO_END}
    gpu = True

    def identities(self) -> Iterator[EndToEnd]:
        if self.study.timing.scope == "end_to_end":
            yield from dict.fromkeys(map(EndToEnd.of, self.study.cells()))

    def spec(self, job: EndToEnd) -> EndToEndSpec:
        return self.specs.end_to_end(job)

    def inputs(self, job: EndToEnd) -> Paths:
        return {"source": self.result(address.SOURCE, job), "split": self.result(address.SPLIT, job)}

    def needs(self, job: EndToEnd) -> Needs:
        return FIXED[self.rule]._replace(minutes=self.estimates.minutes("end_to_end", *job[:4]))

    def estimate(self, job: EndToEnd) -> Estimate:
        return self.estimates.end_to_end(*job[:4])


def _points(kind: Any) -> Iterator[CostPoint]:
    yield from dict.fromkeys(kind.specs.cost_point(cell) for cell in kind.study.cells())
