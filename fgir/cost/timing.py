"""Throughput and latency of inference, on the device at hand. The command that calls it is a fresh process."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from fgir.data.loader import normalise
from fgir.devices import autocast, choose_device, conditions, peak_memory, reset_peak_memory, synchronise
from fgir.models.build import untrained
from fgir.specs import TimingSpec
from fgir.study import REGIME_OF, VIEWS, TimingOptions

Predict = Callable[[Tensor], Tensor]


def time_model(spec: TimingSpec) -> dict[str, Any]:
    """The row of table ``timing`` of one cost point.

    The real model with random weights, which cost as much as trained ones, on random images that are already on the
    device: no reading of images is in the figures. All views of the setting are. Too little device memory for the
    batch raises torch's OutOfMemoryError.
    """
    options = spec.timing
    device = choose_device()
    torch.manual_seed(0)
    predict, images = _prepare(spec, options, device)
    reset_peak_memory(device)
    # Drawn between the timed batches: a thread that draws the bar would take time from them.
    with Progress(console=Console(stderr=True), auto_refresh=False) as progress:
        bar = progress.add_task(f"Timing {spec.setting} at {spec.test_size}", total=2 * options.repeats)
        advance = partial(progress.update, bar, advance=1, refresh=True)
        throughput = options.batch_size / _seconds(predict, images, options, advance)
        memory = peak_memory(device)
        latency = 1000 * _seconds(predict, images[:1], options, advance)
    return {
        "backbone": spec.model.backbone,
        "setting": spec.setting,
        "test_size": spec.test_size,
        "classes": spec.classes,
        "views": VIEWS[spec.setting],
        "batch_size": options.batch_size,
        "repeats": options.repeats,
        **_quartiles("throughput", throughput),
        **_quartiles("latency", latency),
        "peak_memory": memory,
        **conditions(device, options.precision),
        "status": "ok",
    }


def _prepare(spec: TimingSpec, options: TimingOptions, device: torch.device) -> tuple[Predict, Tensor]:
    """What evaluation calls for a batch, and a batch of normalised images (B, 3, S, S)."""
    model = untrained(spec.model, REGIME_OF[spec.setting], spec.classes, spec.test_size, spec.cal)
    model = model.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    forward = model.predict if VIEWS[spec.setting] > 1 else model
    pixels = torch.randint(0, 256, (options.batch_size, 3, spec.test_size, spec.test_size), dtype=torch.uint8)
    images = normalise(pixels, model.backbone.mean, model.backbone.std, device)

    def predict(batch: Tensor) -> Tensor:
        # Entered anew for each batch, as in evaluation: autocast keeps its float16 weights only while it is entered.
        with autocast(device, options.precision):
            return forward(batch)

    return predict, images


@torch.inference_mode()
def _seconds(predict: Predict, batch: Tensor, options: TimingOptions, advance: Callable[[], None]) -> np.ndarray:
    """Seconds of each timed batch, float64 (repeats,), after the warm-up.

    The device is idle before each and has finished after it, so that a figure holds all of one batch's work.
    """
    for _ in range(options.warmup):
        predict(batch)
    seconds = []
    for _ in range(options.repeats):
        synchronise(batch.device)
        start = time.perf_counter()
        predict(batch)
        synchronise(batch.device)
        seconds.append(time.perf_counter() - start)
        advance()
    return np.array(seconds)


def _quartiles(name: str, figures: np.ndarray) -> dict[str, float]:
    low, median, high = np.quantile(figures, (0.25, 0.5, 0.75)).tolist()
    return {f"{name}_q1": low, name: median, f"{name}_q3": high}
