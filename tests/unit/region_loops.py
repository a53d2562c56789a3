"""Regions as the method defines them, one image at a time: what the batched ones are compared with."""

import torch
from torch import Tensor
from torch.nn import functional as F


def mask_of(attention: Tensor, threshold: float, size: int, interpolation: str) -> Tensor:
    aligned = {"bicubic": False, "bilinear": True}[interpolation]
    enlarged = F.interpolate(attention[None, None], (size, size), mode=interpolation, align_corners=aligned)
    return enlarged[0, 0] >= threshold * attention.max()


def box_of(mask: Tensor, padding: float) -> list[int]:
    size = len(mask)
    marked = mask.nonzero()
    if len(marked) == 0:
        return [0, size, 0, size]
    box = []
    for axis in (0, 1):
        first, last = marked[:, axis].min().item(), marked[:, axis].max().item()
        box += [max(int(first - padding * size), 0), min(int(last + padding * size) + 1, size)]
    return box


def resized(image: Tensor, box: list[int], height: int, width: int) -> Tensor:
    top, bottom, left, right = box
    part = image[None, :, top:bottom, left:right]
    return F.interpolate(part, (height, width), mode="bilinear", align_corners=True)[0]


def cropped(image: Tensor, box: list[int]) -> Tensor:
    return resized(image, box, *image.shape[1:])


def dropped(image: Tensor, mask: Tensor) -> Tensor:
    return image * (~mask)


def swapped(images: Tensor, boxes: list[list[int]]) -> Tensor:
    result = images.clone()
    for index, (top, bottom, left, right) in enumerate(boxes):
        other = index ^ 1
        result[index, :, top:bottom, left:right] = resized(images[other], boxes[other], bottom - top, right - left)
    return result


def peaked_maps(count: int, height: int, width: int, generator: torch.Generator) -> Tensor:
    """Maps like those of a trained network: mostly zero, with a few peaks."""
    noise = torch.randn(count, height, width, generator=generator)
    return (noise - 1).clamp(min=0) + 0.01 * noise.abs()
