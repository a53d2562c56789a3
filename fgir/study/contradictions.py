"""Find values of a study that contradict each other, though each is valid by itself."""

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

from fgir.study.geometry import keeps_aspect, resized_side
from fgir.study.methods import METHODS
from fgir.utils.errors import nearest

if TYPE_CHECKING:
    from fgir.study import Study


class _Rule(NamedTuple):
    """Bind a rule to the keys that it reads."""

    keys: tuple[str, ...]
    faults: Callable[["Study"], Iterator[str]]


def contradictions(study: "Study", unread: Collection[str] = ()) -> list[str]:
    """Return a sentence for each contradiction between values of a study.

    ``unread`` are keys whose values have faults of their own (``training``, ``training.epochs``). Rules that read them
    are left out, because the value there is a default that nobody asked for.
    """

    def is_read(key: str) -> bool:
        return key not in unread and key.split(".")[0] not in unread

    return [fault for rule in _RULES if all(map(is_read, rule.keys)) for fault in rule.faults(study)]


def _missing_candidates(study: "Study") -> Iterator[str]:
    without = [regime for regime in study.learning if regime not in study.tuning.learning_rates]
    if without:
        yield f"tuning.learning_rates names no candidates for {', '.join(without)}."


def _rates_of_nothing(study: "Study") -> Iterator[str]:
    for regime in study.tuning.learning_rates:
        if not METHODS[regime].learns:
            yield f"tuning.learning_rates names candidates for {regime}, of which nothing learns; leave it out."


def _foreign_datasets(study: "Study") -> Iterator[str]:
    for name in study.training.batch_size_of:
        if name not in study.datasets:
            what = "which is none of the study's datasets"
            yield f'training.batch_size_of names "{name}", {what}{nearest(name, study.datasets)}'


def _odd_pairs(study: "Study") -> Iterator[str]:
    sizes = {"batch_size": study.training.batch_size}
    sizes |= {f"batch_size_of.{dataset}": size for dataset, size in study.training.batch_size_of.items()}
    pairing = [regime for regime in study.regimes if METHODS[regime].pairs]
    for key, size in sizes.items():
        if pairing and size % 2:
            yield f"training.{key} is {size}; {pairing[0]} trains on pairs and needs an even number."


def _short_rounds(study: "Study") -> Iterator[str]:
    most, repeats = study.timing.max_repeats, study.timing.repeats
    if most is not None and most < repeats:
        yield f"timing.max_repeats is {most}, less than one round of timing.repeats ({repeats})."


def _small_images(study: "Study") -> Iterator[str]:
    bound = study.data.shorter_side
    for crops in filter(keeps_aspect, study.crops):
        size = max(test for _, test in study.sizes())
        side = resized_side(size, crops=crops)
        if bound is not None and bound < side:
            yield (
                f"data.shorter_side is {bound}, but images become {side} pixels high or wide before {crops} crops of "
                f"{size}; set it to {side} or more."
            )


def _nothing_reduced(study: "Study") -> Iterator[str]:
    whole = [crops for crops in study.crops if keeps_aspect(crops)]
    if study.data.reduced_decoding and study.data.shorter_side is None and whole:
        yield (
            f"data.reduced_decoding reduces no image of {whole[0]} crops, which are cut from images of their own size; "
            "set data.shorter_side, or leave it out."
        )


def _unread(study: "Study") -> Iterator[str]:
    """Yield keys that no other value lets anything read: they would only do all again."""
    training, data = study.training, study.data
    if training.schedule == "cosine" and training.decay_every != type(training)().decay_every:
        yield f"training.decay_every is {training.decay_every}, which schedule cosine does not read; leave it out."
    if data.shorter_side is not None and not any(map(keeps_aspect, study.crops)):
        yield f"data.shorter_side is {data.shorter_side}, but bounds no image of {study.crops[0]} crops; leave it out."


def _rising_rates(study: "Study") -> Iterator[str]:
    """Yield rates out of order: a rate rises from the warm-up's to its candidate, then falls to the least one."""
    training = study.training
    ends = {"min_learning_rate": (training.min_learning_rate, "learning rates would rise where they should fall")}
    if training.warmup_steps:
        ends["warmup_learning_rate"] = (training.warmup_learning_rate, "they would fall while they should warm up")
    for key, (end, consequence) in ends.items():
        above = [
            f"{', '.join(f'{rate:g}' for rate in rates)} of {owner}"
            for owner, grid in _rates(study)
            if (rates := [rate for rate in grid if rate < end])
        ]
        if above:
            yield f"training.{key} is {end:g}, above the candidates {'; '.join(above)}: {consequence}; lower it."


def _rates(study: "Study") -> Iterator[tuple[str, list[float]]]:
    """Yield the learning rates of each regime; datasets with a batch size of their own scale them by it."""
    sizes, size = study.training.batch_size_of, study.training.batch_size
    for regime in study.learning:
        grid = study.tuning.learning_rates.get(regime, [])
        if set(study.datasets) - set(sizes):
            yield regime, grid
        for dataset in filter(sizes.__contains__, study.datasets):
            yield (
                f"{regime} for {dataset} (x {sizes[dataset]} / {size})",
                [rate * sizes[dataset] / size for rate in grid],
            )


_RULES = (
    _Rule(("settings", "tuning.learning_rates"), _missing_candidates),
    _Rule(("tuning.learning_rates",), _rates_of_nothing),
    _Rule(("datasets", "training.batch_size_of"), _foreign_datasets),
    _Rule(("settings", "training.batch_size", "training.batch_size_of"), _odd_pairs),
    _Rule(("crops", "train_sizes", "test_sizes", "data.shorter_side"), _small_images),
    _Rule(("crops", "data.shorter_side", "data.reduced_decoding"), _nothing_reduced),
    _Rule(("crops", "data.shorter_side", "training.schedule", "training.decay_every"), _unread),
    _Rule(("timing.repeats", "timing.max_repeats"), _short_rounds),
    _Rule(
        (
            *("datasets", "settings", "tuning.learning_rates", "training.batch_size", "training.batch_size_of"),
            *("training.min_learning_rate", "training.warmup_steps", "training.warmup_learning_rate"),
        ),
        _rising_rates,
    ),
)
