"""Logits of every image of a part."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fgir.data.loader import normalise, test_batches
from fgir.data.parts import Part
from fgir.evaluation.views import logits_by
from fgir.evaluation.windows import test_transform
from fgir.methods.build import backbone_of
from fgir.study.geometry import Transform
from fgir.utils.devices import autocast

_BATCH = 32


@torch.inference_mode()
def predict_logits(
    model: nn.Module,
    protocols: Sequence[str],
    part: Part,
    transform: Transform,
    device: torch.device,
    precision: str,
    workers: int = 0,
) -> list[Tensor]:
    """Return logits (n, classes) by each protocol, in float32 on the CPU, in the order of the part's rows."""
    model.eval()
    backbone = backbone_of(model)
    batches = []
    for batch, _ in test_batches(part, test_transform(protocols, transform), _BATCH, workers):
        images = normalise(batch, backbone.mean, backbone.std, device)
        with autocast(device, precision):
            batches.append(logits_by(protocols, model, images))
    return [torch.cat(logits).cpu() for logits in zip(*batches, strict=True)]
