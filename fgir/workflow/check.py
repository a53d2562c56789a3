"""All that can be known to be wrong with a study before any of its jobs, and without opening an image."""

import os
import re
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from fgir.data.sources.archive import root_of
from fgir.specs import Network
from fgir.study import METHODS, Study, address
from fgir.study.catalogue import Archived, Dataset, FileWeights, Folder, NoWeights
from fgir.study.folders import file_instead
from fgir.utils.errors import FgirError
from fgir.utils.progress import tracked
from fgir.workflow.batches import too_small, too_small_to_adapt
from fgir.workflow.models import cal_of, model_spec
from fgir.workflow.specs import Specs

_SYNSET = re.compile(r"n\d{8}")
# Bytes of one name in a path, in the file systems that are in use.
_LONGEST = 255


def faults_of(study: Study) -> list[str]:
    """Return all that makes a study fail later, each a sentence: places, files, counts, tags, sizes.

    Takes seconds: models are built, without numbers, at the study's sizes.
    """
    further = [*_backbones(study), *_adaptations(study)]
    return [*_places(study), *_files(study), *_published(study), *_datasets(study), *further]


def _places(study: Study) -> Iterator[str]:
    for key in ("results", "archives"):
        folder = Path(getattr(study, key)).absolute()
        if any(len(os.fsencode(part)) > _LONGEST for part in folder.parts):
            yield f"{key}: {folder} has a name of more than {_LONGEST} bytes in it; name another."
            continue
        if sentence := file_instead(key, folder):
            yield sentence
            continue
        there = next(path for path in (folder, *folder.parents) if os.path.exists(path))
        if not os.access(there, os.W_OK | os.X_OK):
            yield f"{key}: {folder} cannot be written: {there} does not let you; name another."


def _files(study: Study) -> Iterator[str]:
    for name, archived in study.dataset_entries.items():
        if isinstance(archived, Archived) and archived.path and not os.path.isdir(root_of(name, archived, "")):
            correct = f'correct "path" of dataset "{name}" in {study.datasets_file}'
            what = f"{archived.path} is no folder" if os.path.lexists(archived.path) else None
            yield f"{what or f'The folder {archived.path} does not exist'}; {correct}."
    for name, entry in study.backbone_entries.items():
        brought = os.path.exists(Path(study.results, address.fill(address.WEIGHTS, backbone=name)))
        if isinstance(entry.weights, FileWeights) and not brought and not os.path.isfile(entry.weights.path):
            what = "is no file" if os.path.exists(entry.weights.path) else "does not exist"
            yield (
                f'{entry.weights.path}, the weights of backbone "{name}", {what}; correct weights.path in '
                f"{study.backbones_file} or put the file there."
            )


def _published(study: Study) -> Iterator[str]:
    from fgir.results.published import published_of

    try:
        published_of(study.published_file)
    except FgirError as error:
        yield str(error)


def _datasets(study: Study) -> Iterator[str]:
    """Yield of the user's own folders what is missing of them; of each dataset too few images for a batch."""
    from fgir.data.faults import of_classes, of_counts, sentences
    from fgir.data.sources.registry import acquire, read

    for name, entry in study.dataset_entries.items():
        try:
            specs = Specs(study.model_copy(update={"datasets": [name], "dataset_entries": {name: entry}}))
            if isinstance(entry, Folder):
                spec = specs.source(name)
                root = acquire(spec)
                listing = read(spec, root)
                yield from sentences([*of_counts(spec, root, listing), *of_classes(spec, listing)], name)
            yield from _of_pretrained(study, name, entry, listing.classes if isinstance(entry, Folder) else None)
            yield from too_small(specs, name)
            yield from too_small_to_adapt(specs, name)
        except FgirError as error:
            yield str(error)


def _of_pretrained(study: Study, name: str, entry: Dataset, classes: Sequence[str] | None) -> Iterator[str]:
    """Yield why a dataset cannot be evaluated by the weights' own classifier, as far as its entry says that."""
    if study.learning == study.regimes:
        return
    if classes is None and (not isinstance(entry, Archived) or entry.reader != "imagenet"):
        yield (
            f'Dataset "{name}" has other classes than the weights\' own classifier; the setting pretrained is for '
            "ImageNet, and for folders of classes that have the names of its synsets, such as n02123045."
        )
    elif classes and (strange := [text for text in classes if not _SYNSET.fullmatch(text)]):
        yield (
            f'Dataset "{name}": the class {strange[0]} has no name of an ImageNet synset, such as n02123045; rename '
            "its folder, or leave the setting pretrained out."
        )


def _backbones(study: Study) -> Iterator[str]:
    """Yield of each backbone whether its tag is known, and admits the study's sizes, with a map where a regime wants
    one.
    """
    from fgir.models.admission import check_size
    from fgir.models.own_classifier import knows_its_classes
    from fgir.models.tags import check_tag

    if study.learning != study.regimes:
        for name, entry in study.backbone_entries.items():
            if isinstance(entry.weights, NoWeights):
                yield f'Backbone "{name}" has random weights: the setting pretrained needs a classifier of its own.'
            elif not isinstance(entry.weights, FileWeights) and not knows_its_classes(entry.timm):
                yield f'Backbone "{name}": the weights of {entry.timm} have no classifier for the setting pretrained.'
    # A map asks for more than a vector: where both are wanted, the advice is that for the map.
    dense = sorted({METHODS[regime].dense for regime in study.regimes}, reverse=True)
    asked = [(name, size, needs) for name in study.backbone_entries for size in study.sizes() for needs in dense]
    faults: dict[str, str] = {}

    def refused(name: str, size: int, needs: bool, trained_at: int | None = None) -> bool:
        model = model_spec(name, study.backbone_entries[name], study.data.normalisation)
        try:
            check_tag(model.timm)
            check_size(model, size, needs, trained_at)
        except FgirError as error:
            # One line a size, whatever the reason.
            faults.setdefault(f"{name} {str(error).partition(' px')[0]}", f'Backbone "{name}": {error}')
            return True
        return False

    for name, (train, test), needs in tracked(asked, "Building models") if len(asked) > 1 else asked:
        unfit = refused(name, train, needs)
        if test != train:
            refused(name, test, needs, None if unfit else train)
    yield from faults.values()


def _adaptations(study: Study) -> Iterator[str]:
    """Yield of each adaptation whether each backbone has the part that it changes, under each regime."""
    from fgir.methods.learning import check_part
    from fgir.models.admission import check_size

    faults: dict[str, None] = {}
    parts, (_, size) = dict.fromkeys(entry.part for entry in study.adaptation_entries.values()), study.sizes()[0]
    for name, regime, part in product(study.backbone_entries, study.regimes, parts):
        model = model_spec(name, study.backbone_entries[name], study.data.normalisation)
        try:
            check_size(model, size, METHODS[regime].dense)
        except FgirError:  # it has a sentence already
            continue
        try:
            check_part(Network(model, regime, 2, size, cal_of(regime, study.training.cal)), part)
        except FgirError as error:
            faults[str(error)] = None
    yield from faults
