"""From a dataset's archive to images ready for training, and the weights to begin with."""

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from fgir.specs import PixelsSpec, SourceSpec, SplitSpec, WeightsSpec
from fgir.study import address
from fgir.study.geometry import resized_side
from fgir.workflow.estimate import Needs
from fgir.workflow.graph.kind import Dataset, Kind, Paths


class _OfDataset(Kind):
    """A job for each dataset."""

    identity = Dataset

    def identities(self) -> Iterator[Dataset]:
        yield from map(Dataset, self.study.datasets)


class Download(_OfDataset):
    """Get the files of a dataset."""

    rule, log, last = "download", "download/{dataset}", "source"
    outputs: ClassVar = {"source": address.SOURCE}

    def spec(self, job: Dataset) -> SourceSpec:
        return self.specs.source(job.dataset)


class Manifest(_OfDataset):
    """Open every image once and list them."""

    rule, log, last = "manifest", "manifest/{dataset}", "manifest"
    outputs: ClassVar = {"manifest": address.MANIFEST}

    def spec(self, job: Dataset) -> SourceSpec:
        return self.specs.source(job.dataset)

    def inputs(self, job: Dataset) -> Paths:
        return {"source": self.result(address.SOURCE, job)}

    def needs(self, job: Dataset) -> Needs:
        return self.estimates.reading(job.dataset)


class Split(_OfDataset):
    """Say which images train, judge and test."""

    rule, log, last = "split", "split/{dataset}", "split"
    outputs: ClassVar = {"split": address.SPLIT}

    def spec(self, job: Dataset) -> SplitSpec:
        return self.specs.split(job.dataset)

    def inputs(self, job: Dataset) -> Paths:
        return {"manifest": self.result(address.MANIFEST, job)}


class Store(NamedTuple):
    """Name a pixel store; ``size`` is the side of its images."""

    dataset: str
    size: int


class Pixels(Kind):
    """Resize each image once."""

    rule, log, last, identity = "pixels", "pixels/{dataset}-{size}", "pixels", Store
    outputs: ClassVar = {"pixels": address.PIXELS}

    def identities(self) -> Iterator[Store]:
        study = self.study
        sides = sorted({resized_side(size, study.data.resize_rule) for pair in study.sizes() for size in pair})
        if study.data.pixels == "store":
            yield from (Store(dataset, side) for dataset in study.datasets for side in sides)

    def spec(self, job: Store) -> PixelsSpec:
        return self.specs.pixels(job.dataset, job.size)

    def inputs(self, job: Store) -> Paths:
        return {"source": self.result(address.SOURCE, job), "split": self.result(address.SPLIT, job)}

    def needs(self, job: Store) -> Needs:
        return self.estimates.reading(job.dataset)

    def disk(self, job: Store) -> int:
        return sum(self.estimates.images(job.dataset)[:3]) * job.size * job.size * 3

    def names(self, job: Store) -> dict[str, str]:
        return {"dataset": job.dataset}


class Backbone(NamedTuple):
    """Name a weights file."""

    backbone: str


class Weights(Kind):
    """Bring a backbone's weights into one file."""

    rule, log, last, identity = "weights", "weights/{backbone}", "weights", Backbone
    outputs: ClassVar = {"weights": address.WEIGHTS}

    def identities(self) -> Iterator[Backbone]:
        yield from map(Backbone, self.study.backbones)

    def spec(self, job: Backbone) -> WeightsSpec:
        return self.specs.weights(job.backbone)

    def disk(self, job: Backbone) -> int:
        random = self.study.backbone_entries[job.backbone].weights.source == "none"
        return 0 if random else int(4 * self.estimates.parameters(job.backbone, classes=1000))
