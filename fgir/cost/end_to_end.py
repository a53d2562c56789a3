"""Time throughput and latency from image files to the loss, as the study published them (arXiv 2605.18700).

Its figure is the number of test images times 5 over the seconds of 5 passes through the test loader, which decodes,
resizes, crops, normalises and copies each image; latency is the inverse at batch 1.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor
from torch.nn.functional import cross_entropy

from fgir.cost.disturbance import columns_of, look, use_of
from fgir.cost.rounds import Measured, timed, until_steady
from fgir.cost.verdict import Figure, verdict
from fgir.data.loader import normalise, test_batches
from fgir.data.parts import Part, open_part
from fgir.evaluation.views import logits_by
from fgir.evaluation.windows import test_transform
from fgir.methods.build import backbone_of, untrained
from fgir.specs import EndToEndSpec
from fgir.study import PROTOCOL_OF, STREAMED_IMAGES, VIEWS
from fgir.utils.devices import autocast, choose_device, conditions, peak_memory, reset_peak_memory

_REFRESH_SECONDS = 1.0


def time_end_to_end(spec: EndToEndSpec, source: Path, split: Path, workers: int) -> dict[str, Any]:
    """Return the row of table ``end_to_end`` of one dataset, backbone, setting and size.

    The real model with random weights. Images are decoded from the dataset's files at every pass, also where there is
    a pixel store. FgirError where a file is missing or no image; torch's OutOfMemoryError where the batch does not fit.
    """
    start = look()
    device = choose_device()
    torch.manual_seed(0)
    stream = _Stream(spec, open_part("test", split, spec.geometry.start, source, spec.background), device, workers)
    use = use_of(device, start)
    rows, few = stream.part.rows, spread(stream.part.rows, STREAMED_IMAGES)
    reset_peak_memory(device)
    with Progress(console=Console(stderr=True), auto_refresh=False) as progress:
        what = f"{spec.setting} on {spec.dataset} at {spec.test_size}"
        throughput = _measured(stream, rows, spec.batch_size, progress, f"Throughput of {what}")
        memory = peak_memory(device)
        latency = _measured(stream, few, 1, progress, f"Latency of {what}")
    figures = {
        "throughput": Figure(
            "images/s end to end", len(rows) / throughput.seconds.mean(), len(rows) / throughput.seconds, throughput
        ),
        "latency": Figure(
            "ms end to end", 1000 * latency.seconds.mean() / len(few), 1000 * latency.seconds / len(few), latency
        ),
    }
    return {
        **spec.model_dump(include={"dataset", "setting", "test_size", "crops", "classes", "batch_size", "passes"}),
        "backbone": spec.model.backbone,
        "views": VIEWS[spec.setting],
        "images": len(rows),
        "latency_images": len(few),
        "workers": workers,
        **figures["throughput"].columns("throughput"),
        **figures["latency"].columns("latency"),
        "peak_memory": memory,
        **columns_of(start, use),
        **conditions(device, spec.precision),
        **verdict(figures, start, use, spec.tolerance),
    }


def spread(rows: np.ndarray, most: int) -> np.ndarray:
    """Return at most ``most`` of ``rows``, int64 (n,), evenly spread over them: their order is that of the classes."""
    return rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(np.int64)]


class _Stream:
    """Pass test images from files to the loss."""

    def __init__(self, spec: EndToEndSpec, part: Part, device: torch.device, workers: int) -> None:
        self.spec, self.part, self.device, self.workers = spec, part, device, workers
        model = untrained(spec.network)
        self.model = model.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def run(self, rows: np.ndarray, batch_size: int, advance: Callable[[int], None]) -> Tensor:
        """Return the summed cross-entropy of ``rows``, once the device has made it."""
        spec, part, backbone = self.spec, self.part._replace(rows=rows), backbone_of(self.model)
        protocols = [PROTOCOL_OF[spec.setting]]
        total = torch.zeros((), device=self.device)
        transform = test_transform(protocols, spec.geometry.test)
        for batch, labels in test_batches(part, transform, batch_size, self.workers):
            images = normalise(batch, backbone.mean, backbone.std, self.device)
            with autocast(self.device, spec.precision):
                (logits,) = logits_by(protocols, self.model, images)
            total += cross_entropy(logits.float(), labels.to(self.device, non_blocking=True), reduction="sum")
            advance(len(labels))
        return total.cpu()


def _measured(stream: _Stream, rows: np.ndarray, batch_size: int, progress: Progress, what: str) -> Measured:
    """Time the passes over ``rows``, after the warm-up; they are not repeated, however far they lie apart."""
    spec = stream.spec
    bar = progress.add_task(what, total=spec.passes * len(rows))
    drawn = time.perf_counter()

    def advance(images: int) -> None:
        nonlocal drawn
        # Seldom, and between batches: drawing takes time from what is timed.
        refresh = time.perf_counter() - drawn > _REFRESH_SECONDS
        progress.update(bar, advance=images, refresh=refresh)
        drawn = time.perf_counter() if refresh else drawn

    def one_pass() -> float:
        start = time.perf_counter()
        stream.run(rows, batch_size, advance)
        return time.perf_counter() - start

    stream.run(rows[: spec.warmup * batch_size], batch_size, lambda images: None)
    return until_steady(lambda: timed(lambda: [one_pass() for _ in range(spec.passes)]), 1, spec.tolerance)
