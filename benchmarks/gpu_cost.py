"""Multiply-adds against time of five study backbones: float32, float16 and bfloat16, eager and compiled."""

import gc
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from gpu_files import ROOT
from gpu_part import Part, reason
from torch import Tensor, nn

from fgir.cost.macs import macs_by_torch
from fgir.methods.build import untrained
from fgir.specs import Network
from fgir.study.catalogue import load_backbones
from fgir.utils.devices import choose_device, synchronise
from fgir.workflow.models import model_spec

BACKBONES = ["resnet101", "vit_b16", "convnext_base_in22k", "swin_base_patch4_window7_224_in22k", "vgg19_bn"]
BATCHES = (8, 64)
TABLE = "Multiply-adds against time, {} images a batch, images/s"
CLASSES = 200


def main() -> None:
    part = Part(__doc__)
    device = choose_device()
    names, size, batches = (["tf_efficientnet_lite0"], 64, (2,)) if part.quick else (BACKBONES, 224, BATCHES)
    macs = {name: giga_macs(name, size) for name in names}
    # What every reader needs first; compiling, which may take a minute each, with what time is left.
    for name in names:
        if part.left() > 0:
            eager(part, name, macs[name], size, batches, device)
    for batch in batches:
        for name in names:
            if part.left() > 30:
                cells = compiled(name, size, batch, device)
                part.row(f"Compiled, {batch} images a batch", backbone=name, GMACs=macs[name], **cells)
            else:
                part.note(f"{name} at batch {batch} was not compiled: the time was over.")
    part.note("Weights are random, images lie on the device, the mode is that of inference; medians of batches.")


def network(name: str, size: int) -> nn.Module:
    """Return a backbone of the catalogue with a linear head, its numbers random."""
    entry = load_backbones(ROOT / "config/backbones.yaml")[name]
    return untrained(Network(model_spec(name, entry, "model"), "finetuned", CLASSES, size)).eval()


def giga_macs(name: str, size: int) -> float:
    """Return the multiply-adds of one image in thousand millions, by torch's counter."""
    model = network(name, size).requires_grad_(False).to("meta")
    return round(macs_by_torch(model, torch.zeros(1, 3, size, size, device="meta")) / 1e9, 2)


def eager(part: Part, name: str, macs: float, size: int, batches: tuple[int, ...], device: torch.device) -> None:
    """Add a row for each batch size: images a second in each precision, or why there is no figure."""
    model = placed(name, size, device)
    for batch in batches:
        images = batch_of(batch, size, device)
        precisions = {"fp32": None, "fp16": torch.float16, "bf16": torch.bfloat16}
        cells = {label: figure(partial(rate, model, images, dtype)) for label, dtype in precisions.items()}
        part.row(TABLE.format(batch), backbone=name, GMACs=macs, **cells)


def compiled(name: str, size: int, batch: int, device: torch.device) -> dict[str, Any]:
    """Return images a second of the compiled network, and the seconds that compiling took."""
    model, images = placed(name, size, device), batch_of(batch, size, device)
    # Each network is compiled for its one shape; what was compiled before is of no more use.
    torch.compiler.reset()
    ready = torch.compile(model, dynamic=False)
    start = time.perf_counter()
    cells: dict[str, Any] = {"fp16 compiled": figure(partial(rate, ready, images, torch.float16))}
    cells["seconds with compiling"] = round(time.perf_counter() - start, 1)
    cells["fp16 eager"] = figure(partial(rate, model, images, torch.float16))
    return cells


def placed(name: str, size: int, device: torch.device) -> nn.Module:
    """Return the network on the device, as the suite lays it out."""
    gc.collect()
    return network(name, size).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def batch_of(count: int, size: int, device: torch.device) -> Tensor:
    """Return so many random images on the device, as the suite lays them out."""
    return torch.randn(count, 3, size, size, device=device).contiguous(memory_format=torch.channels_last)


def figure(measure: Callable[[], float]) -> float | str:
    """Return what ``measure`` does, or the reason why it cannot: one figure must not cost the others."""
    try:
        return measure()
    except Exception as error:
        return reason(error)


@torch.inference_mode()
def rate(model: Any, images: Tensor, dtype: torch.dtype | None) -> float:
    """Return images a second, of the median batch after a warm-up; about half a second of work."""

    def once() -> float:
        synchronise(images.device)
        start = time.perf_counter()
        with torch.autocast(images.device.type, dtype=dtype) if dtype else nullcontext():
            model(images)
        synchronise(images.device)
        return time.perf_counter() - start

    warm = [once() for _ in range(4)]
    repeats = int(min(max(0.5 / warm[-1], 3), 50))
    return round(len(images) / statistics.median(once() for _ in range(repeats)), 1)


if __name__ == "__main__":
    main()
