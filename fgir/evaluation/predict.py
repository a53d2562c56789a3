"""Logits of every image of a part."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fgir.data.loader import normalise, test_batches
from fgir.data.parts import Part
from fgir.study import VIEWS, Setting
from fgir.utils.devices import autocast


@torch.inference_mode()
def predict_logits(
    model: nn.Module,
    settings: Sequence[Setting],
    part: Part,
    size: int,
    device: torch.device,
    precision: str,
    batch_size: int = 32,
    workers: int = 0,
) -> list[Tensor]:
    """Return logits (n, classes) by each setting, in float32 on the CPU, in the order of the part's rows.

    Settings with several views take the mean of the model's ``views``; the others the first, which is one forward pass.
    All of them share these views.
    """
    model.eval()
    backbone: Any = model.backbone
    batches = []
    for batch, _ in test_batches(part.images, part.labels, part.rows, size, batch_size, workers):
        images = normalise(batch, backbone.mean, backbone.std, device)
        with autocast(device, precision):
            batches.append(_by_setting(model, settings, images))
    return [torch.cat(logits).cpu() for logits in zip(*batches, strict=True)]


def _by_setting(model: Any, settings: Sequence[Setting], images: Tensor) -> list[Tensor]:
    many = any(VIEWS[setting] > 1 for setting in settings)
    views = (model.views(images) if many else model(images).unsqueeze(0)).float()
    return [views.mean(0) if VIEWS[setting] > 1 else views[0] for setting in settings]
