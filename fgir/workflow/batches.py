"""Say, by counts alone, when a dataset has too few images for one batch."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

from fgir.data.sources.image import Listing
from fgir.study import METHODS, DataOptions
from fgir.study.catalogue import Dataset, Folder, Typefaces
from fgir.utils.words import counted
from fgir.workflow.images import images_of
from fgir.workflow.specs import Specs


class Counts(NamedTuple):
    """Images of the part that a search trains on, and of the part that the final run does."""

    train: int
    train_val: int


def too_small(specs: Specs, dataset: str) -> Iterator[str]:
    """Yield a sentence where the images of a dataset, as far as they can be counted, do not fill a batch."""
    counts = _counts(specs, dataset)
    options, grids = specs.study.training, specs.study.tuning.learning_rates
    key = f"batch_size_of.{dataset}" if dataset in options.batch_size_of else "batch_size"
    size = options.batch_size_of.get(dataset, options.batch_size)
    if counts is None:
        return
    for regime in specs.study.learning:
        searched = len(grids[regime]) > 1
        count = counts.train if searched else counts.train_val
        items = size // METHODS[regime].shown
        if count < items:
            images = f"{counted(count, 'image')} to {'search' if searched else 'train'} with"
            yield (
                f'Dataset "{dataset}" has {images}, fewer than the {items} of a batch of {regime}; lower training.{key}'
                " or add images."
            )
            return


def too_small_to_adapt(specs: Specs, dataset: str) -> Iterator[str]:
    """Yield a sentence for each adaptation whose batches take more images than a dataset has to train with."""
    study = specs.study
    if not study.adaptation_entries or (counts := _counts(specs, dataset)) is None:
        return
    for name, entry in study.adaptation_entries.items():
        if entry.trains and counts.train_val < entry.batch_size:
            yield (
                f'Dataset "{dataset}" has {counted(counts.train_val, "image")} to train with, fewer than the '
                f'{entry.batch_size} of a batch of adaptation "{name}"; in {study.adaptations_file} name one with a '
                "smaller batch_size, and a smaller learning_rate."
            )


def never_warm(specs: Specs, dataset: str) -> Iterator[str]:
    """Yield a sentence where the warm-up lasts as long as all of a training: its learning rate is never reached."""
    counts, options = _counts(specs, dataset), specs.study.training
    if counts is None:
        return
    size, regimes = options.batch_size_of.get(dataset, options.batch_size), defaultdict[int, list[str]](list)
    for regime in specs.study.learning:
        # As the loader: the last batch, if it is not full, is left out.
        batches = counts.train_val // (size // METHODS[regime].shown)
        regimes[options.epochs * ceil(batches / options.accumulation)].append(regime)
    for updates, names in regimes.items():
        if updates <= options.warmup_steps:
            yield (
                f"{dataset}: all {counted(updates, 'update')} of a training ({', '.join(names)}) are warm-up, and its "
                f"learning rate is never reached; lower training.warmup_steps ({options.warmup_steps}) or train longer."
            )


def _counts(specs: Specs, dataset: str) -> Counts | None:
    """Return what is counted: the user's own files, or what the catalogue says; None where neither is known."""
    from fgir.data.sources.registry import acquire, read

    entry = specs.study.dataset_entries[dataset]
    if isinstance(entry, Folder):
        spec = specs.source(dataset)
        return _of_listing(read(spec, acquire(spec)), entry, specs.study.data)
    if isinstance(entry, Typefaces) or (entry.train_val and entry.test):
        images = images_of(specs, dataset)
        return Counts(images.train, images.train + images.val)
    return None


def _of_listing(listing: Listing, entry: Dataset, options: DataOptions) -> Counts:
    """Count class by class, as the split will divide them."""
    from fgir.data.split import test_count, train_count

    parts: dict[str, Counter[str | None]] = defaultdict(Counter)
    for image in listing.images:
        parts[image.class_name][image.part] += 1
    fraction = options.train_fraction or entry.train_fraction
    keeps_val = entry.val_part != "first" and options.split_rule == "first" and not options.limit_per_class
    train = train_val = 0
    for of_class in parts.values():
        drawn = of_class[None] - (test_count(of_class[None], entry.test_fraction or 0) if of_class[None] else 0)
        trained = drawn + of_class["train_val"] + of_class["train"] + of_class["val"]
        limited = min(trained, options.limit_per_class or trained)
        train += of_class["train"] if keeps_val and of_class["val"] else train_count(limited, fraction)
        train_val += limited
    return Counts(train, train_val)
