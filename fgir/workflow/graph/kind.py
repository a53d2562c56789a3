"""A kind of job: all that is to say of a rule of the workflow but its command."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, ClassVar, NamedTuple

from fgir.study import SQUARE, address
from fgir.study.address import AXES, fixed
from fgir.study.geometry import Transform, side_of, store_name
from fgir.study.strict import Strict
from fgir.workflow.estimate import FIXED, Estimate, Estimates, Needs
from fgir.workflow.specs import Specs

Identity = Any  # a NamedTuple: what tells a job from others of its kind
Paths = dict[str, str | list[str]]  # by name, of a file or of a list of files
_READ = {int: int, float: float}


class Dataset(NamedTuple):
    """Name a job of a whole dataset."""

    dataset: str


class Kind(ABC):
    """The jobs of one rule of a study. A subclass says what tells them apart, what they read, write and need."""

    rule: str
    identity: type[Any]
    """The type that tells its jobs apart: a NamedTuple, most of whose fields are the wildcards of the rule."""
    outputs: ClassVar[dict[str, str]]
    """Patterns below the results folder, by name."""
    log: str
    """Pattern below the folder of logs and benchmarks, without a suffix."""
    last: str
    """The name of the output that is written last: where it is there, the job is done."""
    gpu = False
    """True where it computes on a GPU, if there is one."""

    def __init__(self, specs: Specs, estimates: Estimates) -> None:
        self.specs, self.estimates, self.study = specs, estimates, specs.study
        self.images = cache(self._images_of)
        of_type = self.identity.__annotations__
        self._fields = [(field, _READ.get(of_type[field], str)) for field in self.identity._fields if field not in AXES]
        # Most studies ask for what was published alone: then their paths have no part for it.
        self._axes = [
            (field, AXES[field]) for field in self.identity._fields if field in AXES and field in self.study.varied
        ]
        self.log = fixed(self.log, self.study.varied)

    @abstractmethod
    def identities(self) -> Iterable[Identity]:
        """Return every job that the study needs."""

    def spec(self, _job: Identity) -> Strict | None:
        """Return the job's spec; None, unless a kind says otherwise."""
        return None

    def inputs(self, _job: Identity) -> Paths:
        """Return what the job reads; nothing, unless a kind says otherwise."""
        return {}

    def needs(self, _job: Identity) -> Needs:
        """Return the time limit and the main memory of a first attempt."""
        return FIXED[self.rule]

    def estimate(self, _job: Identity) -> Estimate | None:
        """Return the hours on a GPU; None where a job computes nothing to speak of."""
        return None

    def disk(self, _job: Identity) -> int:
        """Return the bytes that the job writes, as far as they count."""
        return 0

    def of(self, wildcards: Any) -> Identity:
        """Return the job that wildcards stand for: the attributes of an object, texts all."""
        named = [read(getattr(wildcards, field)) for field, read in self._fields]
        return self.identity(*named, **self.axes(wildcards))

    def axes(self, wildcards: Any) -> dict[str, str]:
        """Return what wildcards say of the axes that the study asks more of than what was published."""
        return {field: axis.value(getattr(wildcards, field)) for field, axis in self._axes}

    def names(self, job: Identity) -> dict[str, Any]:
        """Return what names the job, as the columns of tables do."""
        return dict(job._asdict())

    def patterns(self) -> Paths:
        """Return the patterns of what one job writes: ``outputs``, unless a job writes several of a kind."""
        return {name: fixed(pattern, self.study.varied) for name, pattern in self.outputs.items()}

    def paths(self, job: Identity) -> Paths:
        """Return what the job writes."""
        names = job._asdict()
        return {name: self._fill(pattern, names) for name, pattern in self.patterns().items()}

    def done(self, job: Identity) -> str:
        """Return the file whose being there tells that the job is done."""
        written = self.paths(job)[self.last]
        return written if isinstance(written, str) else written[-1]

    def result(self, pattern: str, job: Identity | None = None, **more: Any) -> str:
        """Return a path of the results tree."""
        return f"{self.study.results}/{address.fill(pattern, *([job] if job else []), **more)}"

    def _images_of(self, dataset: str, size: int, crops: str = SQUARE) -> dict[str, str]:
        """Return what a job reads that looks at images of ``size`` pixels: the split, and the pixel store or where the
        images lie.
        """
        if self.study.data.pixels == "store":
            images = self.store(dataset, self.specs.start(size, crops))
        else:
            images = self.result(address.SOURCE, dataset=dataset)
        return {"split": self.result(address.SPLIT, dataset=dataset), "images": images}

    def store(self, dataset: str, start: Transform) -> str:
        """Return the pixel store of a dataset that holds images made by ``start``."""
        name = store_name(start)
        if side_of(start) is None:
            return self.result(address.RAGGED, dataset=dataset, made=name)
        return self.result(address.PIXELS, dataset=dataset, size=name)

    def _fill(self, pattern: str | list[str], names: Mapping[str, Any]) -> str | list[str]:
        if isinstance(pattern, list):
            return [self.result(alternative, **names) for alternative in pattern]
        return self.result(pattern, **names)
