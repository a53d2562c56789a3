"""Windows of an image that lie below each other, as a test transform of several crops leaves them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from fgir.study import PROTOCOLS
from fgir.study.geometry import Transform


def test_transform(protocols: Sequence[str], transform: Transform) -> Transform:
    """Return the test transform that cuts all windows that the protocols look at; each has the centre as its first."""
    widest = max((PROTOCOLS[name] for name in protocols), key=lambda protocol: protocol.windows)
    return transform if widest.windows == 1 else transform.cutting(widest.crop)


def centre_of(images: Tensor) -> Tensor:
    """Return the first window (B, 3, S, S) of images (B, 3, n S, S); the images themselves if they have one."""
    return images if images.shape[2] == images.shape[3] else windows_of(images)[0]


def windows_of(images: Tensor) -> tuple[Tensor, ...]:
    """Return the windows (B, 3, S, S) of images (B, 3, n S, S), each in channels_last as a model wants it."""
    size = images.shape[3]
    return tuple(window.contiguous(memory_format=torch.channels_last) for window in images.split(size, 2))
