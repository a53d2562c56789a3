"""Time throughput and latency of inference on the device at hand. The command that calls it is a fresh process."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from fgir.cost.disturbance import columns_of, look, use_of
from fgir.cost.rounds import Measured, Round, timed, until_steady
from fgir.cost.verdict import Figure, verdict
from fgir.data.loader import normalise
from fgir.evaluation.views import logits_by
from fgir.methods.build import backbone_of, untrained
from fgir.specs import TimingSpec
from fgir.study import PROTOCOL_OF, PROTOCOLS, VIEWS, TimingOptions
from fgir.utils.devices import autocast, choose_device, conditions, peak_memory, reset_peak_memory, synchronise

Predict = Callable[[Tensor], Tensor]


def time_model(spec: TimingSpec) -> dict[str, Any]:
    """Return the row of table ``timing`` of one cost point.

    The real model with random weights, which cost as much as trained ones, on random images that are already on the
    device: no reading of images is in the figures. All views of the setting are. Measured until steady, or marked as
    unsteady. Too little device memory for the batch raises torch's OutOfMemoryError.
    """
    options = spec.timing
    start = look()
    device = choose_device()
    torch.manual_seed(0)
    predict, images = _prepare(spec, options, device)
    use = use_of(device, start)
    reset_peak_memory(device)
    # Drawn between the timed batches: a thread that draws the bar would take time from them.
    with Progress(console=Console(stderr=True), auto_refresh=False) as progress:
        what = f"{spec.setting} at {spec.test_size}"
        throughput = _measured(predict, images, options, progress, f"Throughput of {what}")
        memory = peak_memory(device)
        latency = _measured(predict, images[:1], options, progress, f"Latency of {what}")
    figures = {
        "throughput": Figure.median("images/s", options.batch_size / throughput.seconds, throughput),
        "latency": Figure.median("ms", 1000 * latency.seconds, latency),
    }
    return {
        "backbone": spec.model.backbone,
        "setting": spec.setting,
        "test_size": spec.test_size,
        "classes": spec.classes,
        "views": VIEWS[spec.setting],
        "batch_size": options.batch_size,
        "repeats": options.repeats,
        **figures["throughput"].columns("throughput"),
        "throughput_rounds": throughput.rounds,
        **figures["latency"].columns("latency"),
        "latency_rounds": latency.rounds,
        "peak_memory": memory,
        **columns_of(start, use),
        **conditions(device, options.precision),
        **verdict(figures, start, use, options.tolerance),
    }


def _prepare(spec: TimingSpec, options: TimingOptions, device: torch.device) -> tuple[Predict, Tensor]:
    """Return what evaluation calls for a batch, and a batch of normalised images (B, 3, S, S)."""
    model = untrained(spec.network).eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    protocols, backbone = [PROTOCOL_OF[spec.setting]], backbone_of(model)
    height = spec.test_size * PROTOCOLS[protocols[0]].windows
    pixels = torch.randint(0, 256, (options.batch_size, 3, height, spec.test_size), dtype=torch.uint8)
    images = normalise(pixels, backbone.mean, backbone.std, device)

    def predict(batch: Tensor) -> Tensor:
        # Entered anew for each batch, as in evaluation: autocast keeps its float16 weights only while it is entered.
        with autocast(device, options.precision):
            return logits_by(protocols, model, batch)[0]

    return predict, images


def _measured(predict: Predict, batch: Tensor, options: TimingOptions, progress: Progress, what: str) -> Measured:
    """Time rounds of batches, after the warm-up, until one is steady."""
    bar = progress.add_task(what, total=options.repeats)
    advance = partial(progress.update, bar, advance=1, refresh=True)

    def one_round() -> Round:
        progress.reset(bar)
        return timed(lambda: _seconds(predict, batch, options.repeats, advance))

    _warm_up(predict, batch, options.warmup)
    return until_steady(one_round, options.rounds, options.tolerance)


@torch.inference_mode()
def _warm_up(predict: Predict, batch: Tensor, batches: int) -> None:
    for _ in range(batches):
        predict(batch)


@torch.inference_mode()
def _seconds(predict: Predict, batch: Tensor, repeats: int, advance: Callable[[], None]) -> list[float]:
    """Return the seconds of each of ``repeats`` batches.

    The device is idle before each and has finished after it, so that a figure holds all of one batch's work.
    """
    seconds = []
    for _ in range(repeats):
        synchronise(batch.device)
        start = time.perf_counter()
        predict(batch)
        synchronise(batch.device)
        seconds.append(time.perf_counter() - start)
        advance()
    return seconds
