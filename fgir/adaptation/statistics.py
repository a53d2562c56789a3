"""Adapt without training: take new statistics of every batch norm at the test size."""

import time
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from fgir.data.loader import Epoch, normalise, test_batches, train_batches
from fgir.data.parts import open_part
from fgir.methods.build import backbone_of, load_model
from fgir.methods.learning import batch_norms, check_batch_norms
from fgir.specs import AdaptationSpec
from fgir.training.train import Inputs
from fgir.utils.devices import autocast, choose_device
from fgir.utils.progress import tracked
from fgir.utils.seeding import deterministic

Row = dict[str, Any]


class Renewed(NamedTuple):
    """Hold what came out: the model's tensors, a history of no epochs, and figures of the row."""

    state: dict[str, Tensor]
    history: list[Row]
    figures: Row


class Statistics:
    """Mean and variance of every batch norm over one pass of the training images at the test size.

    Each is the mean over the batches (a cumulative average), all norms taking their batch's own meanwhile, as in
    training; the tensors below and above stay as they are. Raises FgirError where there is no batch norm.
    """

    def __init__(self, spec: AdaptationSpec, inputs: Inputs) -> None:
        self.spec, self.inputs = spec, inputs

    @torch.no_grad()
    def result(self) -> Renewed:
        """Return the model with new statistics."""
        started, spec = time.perf_counter(), self.spec
        deterministic(strict=False)
        device = choose_device()
        model = load_model(spec.network, self.inputs.weights)
        model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        _renew(model, spec)
        begun, images = time.perf_counter(), 0
        backbone = backbone_of(model)
        for batch in self._batches():
            with autocast(device, spec.precision):
                model(normalise(batch, backbone.mean, backbone.std, device))
            images += len(batch)
        ended = time.perf_counter()
        figures: Row = {"features": False, "images": images, "passes": images, "steps": 0, "resumes": 0, "trainable": 0}
        figures |= {"batch_size": spec.adaptation.batch_size, "epoch_seconds": ended - begun}
        return Renewed(model.state_dict(), [], figures | {"job_seconds": ended - started, "status": "ok"})

    def _batches(self) -> Any:
        """Yield the images (B, 3, S, S) of the training part, shown once."""
        run, inputs = self.spec.training, self.inputs
        part = open_part(run.part, inputs.split, run.geometry.start, inputs.images, run.background)
        size, transform = self.spec.adaptation.batch_size, run.geometry.train
        if self.spec.adaptation.augmentation == "test":
            batches = test_batches(part, transform, min(size, len(part.rows)), inputs.workers)
        else:
            batches = train_batches(part, transform, Epoch(run.seed, 0, min(size, len(part.rows))), inputs.workers)
        yield from tracked((images for images, _ in batches), "Statistics", -(-len(part.rows) // size))


def _renew(model: nn.Module, spec: AdaptationSpec) -> None:
    """Forget the statistics of every batch norm, in place, and let it take those of the batches that follow."""
    check_batch_norms(backbone_of(model).net, spec.network)
    model.eval()
    for norm in batch_norms(model):
        norm.reset_running_stats()  # type: ignore[operator]
        norm.momentum = None  # type: ignore[assignment]
        norm.train()
