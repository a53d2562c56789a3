"""From a dataset's archive to images ready for training, and the weights to begin with."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from fgir.specs import PixelsSpec, SourceSpec, SplitSpec, WeightsSpec
from fgir.study import address
from fgir.study.geometry import side_of, start_of, store_name
from fgir.workflow.estimate import Needs
from fgir.workflow.graph.kind import Dataset, Kind, Paths
from fgir.workflow.images import bytes_of_image


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


class RaggedStore(NamedTuple):
    """Name a pixel store of images in their own aspect, by the operations that made them."""

    dataset: str
    made: str


class _Stored(Kind):
    """Pixel stores: of all that the study's crops begin with, those of squares or the others."""

    squares: ClassVar[bool]

    def identities(self) -> Iterator[Store | RaggedStore]:
        study = self.study
        sizes = sorted({size for pair in study.sizes() for size in pair})
        starts = dict.fromkeys(self.specs.start(size, crops) for crops in study.crops for size in sizes)
        if study.data.pixels == "store":
            made = [store_name(start) for start in starts if (side_of(start) is not None) == self.squares]
            yield from (self._named(dataset, name) for dataset in study.datasets for name in made)

    @abstractmethod
    def _named(self, dataset: str, name: str) -> Store | RaggedStore:
        """Return the store of a name."""

    def inputs(self, job: Store | RaggedStore) -> Paths:
        return {"source": self.result(address.SOURCE, job), "split": self.result(address.SPLIT, job)}

    def needs(self, job: Store | RaggedStore) -> Needs:
        return self.estimates.reading(job.dataset)

    def names(self, job: Store | RaggedStore) -> dict[str, str]:
        return {"dataset": job.dataset}

    def disk(self, job: Store | RaggedStore) -> int:
        each = bytes_of_image(self.specs, job.dataset, start_of(str(job[1])))
        return int(sum(self.estimates.images(job.dataset)[:3]) * each)


class Pixels(_Stored):
    """Resize each image once."""

    rule, log, last, identity, squares = "pixels", "pixels/{dataset}-{size}", "pixels", Store, True
    outputs: ClassVar = {"pixels": address.PIXELS}

    def _named(self, dataset: str, name: str) -> Store:
        return Store(dataset, int(name))

    def spec(self, job: Store) -> PixelsSpec:
        return self.specs.pixels(job.dataset, job.size)


class Ragged(_Stored):
    """Decode each image once, and keep it in its own aspect."""

    rule, log, last, identity, squares = "ragged", "pixels/{dataset}-{made}", "pixels", RaggedStore, False
    outputs: ClassVar = {"pixels": address.RAGGED}

    def _named(self, dataset: str, name: str) -> RaggedStore:
        return RaggedStore(dataset, name)

    def spec(self, job: RaggedStore) -> PixelsSpec:
        return self.specs.ragged(job.dataset, start_of(job.made))


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
