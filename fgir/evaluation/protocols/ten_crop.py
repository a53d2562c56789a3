"""Ten crops: the centre, the four corners and the mirrors of these, as FixRes evaluates (arXiv 1906.06423, A.4)."""

import torch
from torch import Tensor, nn

from fgir.evaluation.windows import windows_of


def views(model: nn.Module, images: Tensor) -> Tensor:
    """Return logits (10, B, classes) of ten windows of S x S in each image, (B, 3, 10 S, S), the centre first.

    The windows go through the encoder one after the other: ten times as many images at once would need the memory.
    """
    return torch.stack([model(window) for window in windows_of(images)])
