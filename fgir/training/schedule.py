"""Compute the learning rate of each update."""

import math

from fgir.study import TrainingOptions


def learning_rate(update: int, updates: int, peak: float, options: TrainingOptions) -> float:
    """Return the learning rate of update number ``update`` (from 0) of ``updates``.

    Linear warm-up, then cosine to the minimum, as in the published code (timm's CosineLRScheduler stepped after
    each update, warm-up not prefixed): the cosine's clock runs during the warm-up, and updates 0 and 1 share the
    first value. The schedule ``step`` takes a tenth of the rate every ``decay_every`` epochs, all of whose updates
    share it (FixRes, arXiv 1906.06423, section 5.1); its clock runs during the warm-up, too.
    """
    time = max(update - 1, 0)
    if time < options.warmup_steps:
        first = options.warmup_learning_rate
        return first + time * (peak - first) / options.warmup_steps
    if options.schedule == "step":
        return peak * 0.1 ** (update * options.epochs // updates // options.decay_every)
    low = options.min_learning_rate
    return low + 0.5 * (peak - low) * (1 + math.cos(math.pi * time / updates))
