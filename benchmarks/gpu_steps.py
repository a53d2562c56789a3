"""What a step of training waits for: its loader, the device; and whether it gives the same bits again."""

import gc
import itertools
import os
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from gpu_files import Files
from gpu_part import Part, reason
from roundtrips import HostRoundTrips
from torch import Tensor

from fgir.data.parts import open_part
from fgir.specs import RunSpec
from fgir.training.loop import Trainer
from fgir.utils.devices import choose_device, synchronise
from fgir.utils.seeding import indeterminate

STUDY = {
    "resnet101": "resnet101.a1h_in1k",
    "vit_b16": "vit_base_patch16_224.orig_in21k",
    "convnext_base": "convnext_base.fb_in22k",
    "swin_base": "swin_base_patch4_window7_224.ms_in22k",
    "efficientnet_lite0": "tf_efficientnet_lite0.in1k",
}
TINY = {"conv": "test_efficientnet.r160_in1k", "vit": "test_vit.r160_in1k"}
Group = list[tuple[Tensor, Tensor]]


def main() -> None:
    part = Part(__doc__)
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        backbones, size, each = (TINY, 64, 8) if part.quick else (STUDY, 224, 40)
        files = Files(Path(folder), backbones, size, each)
        names = list(backbones)
        for name, regime, batch in itertools.product(names[:2], ("finetuned", "cal"), (8, 32)):
            if regime == "finetuned" or (name, batch) == (names[0], 8):
                measured(part, files, files.run(name, regime, epochs=1, batch_size=batch))
        # Its step has all that those of the other regimes have.
        for name in names:
            checked(part, files, files.run(name, "calmix", epochs=1))


class Watched(Trainer):
    """A training that notes how long it waits for batches; or that is fed one batch again and again."""

    def __init__(self, files: Files, spec: RunSpec, workers: int, steps: int, again: bool = False, strict: bool = True):
        part = open_part("train_val", files.split, spec.geometry.start, files.pixels)
        work = files.folder / "work"
        super().__init__(spec, [0.01], part, files.weights(spec.model.backbone), files.split, work, workers, strict)
        self.most, self.again, self.waited = steps, again, 0.0
        self.model.train()

    def _groups(self) -> Iterator[Group]:
        groups = super()._groups()
        if self.again:
            groups = itertools.repeat(next(groups))
        while True:
            start = time.perf_counter()
            group = next(groups, None)
            self.waited += time.perf_counter() - start
            if group is None:
                return
            yield group

    def run(self, warm_up: int) -> float:
        """Take the steps; return the images a second of those after the warm-up."""
        groups = itertools.chain.from_iterable(self._groups() for _ in itertools.count())
        self._take(itertools.islice(groups, warm_up))
        self.waited, start = 0.0, time.perf_counter()
        self._take(itertools.islice(groups, self.most))
        self.seconds = time.perf_counter() - start
        return self.most * self.options.batch_size / self.seconds

    def _take(self, groups: Iterator[Group]) -> None:
        for group in groups:
            self._update(group)
            # After its last step the epoch begins anew.
            self.progress.step %= self.steps
        synchronise(self.device)


def measured(part: Part, files: Files, spec: RunSpec) -> None:
    """Add the row of a training: its pace, that of its loader, and what the one costs the other."""
    if part.left() < 0:
        return
    cells: dict[str, Any] = {"backbone": spec.model.backbone, "regime": spec.regime, "batch": spec.training.batch_size}
    workers, steps, warm_up = (1, 3, 1) if part.quick else (max(1, min(len(os.sched_getaffinity(0)) - 1, 7)), 25, 8)
    try:
        with_loader = Watched(files, spec, workers, steps)
        cells["training images/s"] = round(with_loader.run(warm_up), 1)
        cells["waits for batches, host"] = f"{100 * with_loader.waited / with_loader.seconds:.1f} %"
        del with_loader
        gc.collect()
        without = Watched(files, spec, workers, steps, again=True)
        cells["with one batch again and again"] = round(without.run(warm_up), 1)
        cells["the loader's images/s"] = round(loader_rate(without), 1)
        cells["share lost to data"] = lost(cells)
    except Exception as error:
        cells["error"] = reason(error)
    part.row(f"Training and its loader, {workers} workers", **cells)


def lost(cells: dict[str, Any]) -> str:
    """Return the share of a step that its data takes: the GPU could do without it what it does of one batch."""
    share = 1 - cells["training images/s"] / cells["with one batch again and again"]
    return f"{100 * max(share, 0):.1f} %"


def loader_rate(trainer: Watched) -> float:
    """Return the images a second that the loader makes when nobody trains."""
    groups = Trainer._groups(trainer)
    start, count = time.perf_counter(), 0
    for group in groups:
        count += sum(len(labels) for _, labels in group)
    return count / (time.perf_counter() - start)


def checked(part: Part, files: Files, spec: RunSpec) -> None:
    """Add the row of a training: does a step wait for the device, and do two give the same bits?"""
    if part.left() < 0:
        return
    cells: dict[str, Any] = {
        "backbone": spec.model.backbone,
        "regime": spec.regime,
        "without deterministic form": "none",
    }
    strict = True
    try:
        first = weights_of(trained(files, spec, strict))
    except RuntimeError as error:
        cells["without deterministic form"] = indeterminate(error) or reason(error)
        strict = False
    try:
        if not strict:
            first = weights_of(trained(files, spec, strict))
        other = trained(files, spec, strict)
        again = weights_of(other)
        cells["same bits"] = "yes" if all(torch.equal(first[name], again[name]) for name in first) else "no"
        cells["waits of a step"] = waits(other, part.on_gpu)
    except Exception as error:
        cells["error"] = reason(error)
    part.row("Bits and waits, batch 8", **cells)


def trained(files: Files, spec: RunSpec, strict: bool) -> Watched:
    """Return a training after a few steps."""
    gc.collect()
    trainer = Watched(files, spec, 0, 3, strict=strict)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.run(1)
    return trainer


def weights_of(trainer: Watched) -> dict[str, Tensor]:
    """Return what the training has made of the weights."""
    return {name: tensor.cpu() for name, tensor in trainer.model.state_dict().items()}


def waits(trainer: Watched, on_gpu: bool) -> str:
    """Return where a further step waits for the device: none, or torch's words."""
    [group] = itertools.islice(trainer._groups(), 1)
    if not on_gpu:
        with HostRoundTrips() as trips:
            trainer._update(group)
        return ", ".join(trips.operators) or "none"
    torch.cuda.set_sync_debug_mode("error")
    try:
        trainer._update(group)
    except RuntimeError as error:
        return reason(error)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return "none"


if __name__ == "__main__":
    choose_device()
    main()
