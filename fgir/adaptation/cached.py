"""Train the classifier of a run on features that are computed once for each image."""

import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fgir.adaptation.features import NAME, gigabytes, read_features, write_features
from fgir.data.loader import normalise, order_of, test_batches
from fgir.distributed import world
from fgir.methods.build import backbone_of
from fgir.specs import AdaptationSpec
from fgir.training.loop import Trainer
from fgir.utils.devices import autocast
from fgir.utils.errors import FgirError
from fgir.utils.progress import tracked

# Images that go through the network together, as in evaluations.
_BATCH = 32


def is_cached(spec: AdaptationSpec, images: int, width: int) -> bool:
    """Say whether what stands below the part is computed once: it is the same in every epoch, and its file may be."""
    how = spec.adaptation
    return how.reads_the_same and gigabytes(images, width) <= how.features_gb


class CachedTrainer(Trainer):
    """Train the classifier on a file of its inputs, in the order and by the updates of the plain way."""

    def _modules(self, rates: Any) -> list[tuple[nn.Module, float]]:
        return [(self.model.classifier, rates[0])]  # type: ignore[list-item]

    def _restore(self) -> None:
        super()._restore()
        begun, path = time.perf_counter(), self.work / NAME
        if world.rank() == 0:
            try:
                read_features(path, self.identity)
            except FgirError as reason:
                if path.exists():
                    print(f"Computed anew: {reason}", file=sys.stderr)
                width: Any = self.model.classifier.in_features  # type: ignore[union-attr]
                write_features(path, self.identity, self._computed(), (len(self.part.rows), width))
        world.wait()
        self.features = read_features(path, self.identity)
        self.progress.epoch_seconds += time.perf_counter() - begun

    def finish(self) -> None:
        """Delete the saved state and the features, once the results are written."""
        if world.rank() == 0:
            (self.work / NAME).unlink(missing_ok=True)
        super().finish()

    @torch.inference_mode()
    def _computed(self) -> Iterator[Tensor]:
        """Yield what the classifier reads of every image, in the order of the part's rows, (B, D)."""
        self.model.eval()
        backbone, model = backbone_of(self.model), self.model
        batches = test_batches(self.part, self.spec.geometry.test, _BATCH, self.workers)
        for batch, _ in tracked(batches, "Features", -(-len(self.part.rows) // _BATCH)):
            images = normalise(batch, backbone.mean, backbone.std, self.device)
            with autocast(self.device, self.options.precision):
                yield model.features(images)  # type: ignore[operator]

    def stream(self, epoch: Any) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the features (B, D) and labels (B,) of the batches that are left in an epoch."""
        order, labels = order_of(epoch, len(self.part.rows)), self.part.labels[self.part.rows]
        rank, ranks = epoch.share
        each = epoch.batch_size // ranks
        for step in range(epoch.first_step, self.steps):
            here = order[(step * ranks + rank) * each :][:each]
            yield torch.from_numpy(self.features[here]), torch.from_numpy(labels[here].astype(np.int64))

    def prepared(self, batch: Tensor) -> Tensor:
        """Return a batch on the device."""
        return batch.to(self.device, non_blocking=True)

    def losses_of(self, module: nn.Module, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss (scalar) and logits (B, classes) of a batch of features (B, D)."""
        logits: Tensor = self.model.classify(inputs)  # type: ignore[operator]
        return nn.functional.cross_entropy(logits, labels), logits
