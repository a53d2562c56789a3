"""Attention crops, as CAL was published: each image and its mirror, whole and in 3 crops where its attention is."""

import torch
from torch import Tensor

from fgir.models import regions
from fgir.models.cal import CAL

# Threshold relative to the peak of the mean attention map, padding relative to the side.
CROPS = ((0.3, 0.1), (0.2, 0.1), (0.1, 0.05))


def views(model: CAL, images: Tensor) -> Tensor:
    """Return logits (8, B, classes), in float32, of images (B, 3, S, S): the image as it is, its mirror, their crops.

    An image and its mirror go through the encoder together: 4 passes of 2B images, which keeps the peak of memory at a
    quarter of that of one pass of 8B.
    """
    both = torch.cat((images, images.flip(3)))
    maps, logits = model.attend(both)
    found = [logits]
    for threshold, padding in CROPS:
        mask = regions.masks(maps.mean(1), threshold, both.shape[2:], model.mask_interpolation)
        found.append(model(regions.crop(both, regions.boxes(mask, padding))))
    return torch.cat(found).unflatten(0, (2 * len(found), -1))
