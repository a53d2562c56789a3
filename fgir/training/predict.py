"""Logits of every image of a part."""

from typing import Any

import torch
from torch import Tensor, nn

from fgir.data.loader import normalise, test_batches
from fgir.data.parts import Part
from fgir.devices import autocast
from fgir.study import VIEWS, Setting


@torch.inference_mode()
def predict_logits(
    model: nn.Module,
    setting: Setting,
    part: Part,
    size: int,
    device: torch.device,
    precision: str,
    batch_size: int = 32,
    workers: int = 0,
) -> Tensor:
    """Logits (n, classes) in float32 on the CPU, in the order of the part's rows.

    Settings with several views take the mean of the model's ``predict``; the others one forward pass.
    """
    model.eval()
    forward: Any = model.predict if VIEWS[setting] > 1 else model
    backbone: Any = model.backbone
    logits = []
    for batch, _ in test_batches(part.images, part.labels, part.rows, size, batch_size, workers):
        images = normalise(batch, backbone.mean, backbone.std, device)
        with autocast(device, precision):
            logits.append(forward(images).float())
    return torch.cat(logits).cpu()
