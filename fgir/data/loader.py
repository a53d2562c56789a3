"""Batches of crops for training and evaluation, the same whatever the number of workers."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from fgir.data.crops import Images, centre_box, cut, draws, random_boxes
from fgir.utils.errors import FgirError
from fgir.utils.words import counted

Batch = tuple[Tensor, Tensor]

# One stream of random numbers for each use; streams 0 and 1 are the crops of an image and of its partner.
_PARTNER, _ORDER = 2, 3

_AHEAD = 2  # batches a worker


def steps_per_epoch(count: int, batch_size: int, pairs: bool) -> int:
    """Return batches an epoch of ``count`` images, the last partial batch dropped; with ``pairs`` each image brings
    another.

    Raises FgirError where there is not one whole batch.
    """
    if pairs and batch_size % 2:
        raise FgirError(f"batch_size {batch_size} is odd, but calmix takes images in pairs; make it even.")
    items = batch_size // 2 if pairs else batch_size
    if count < items:
        raise FgirError(
            f"The training part has {counted(count, 'image')}, but a batch takes {items}; lower training.batch_size "
            "or take more images."
        )
    return count // items


def train_batches(
    images: Images,
    labels: np.ndarray,
    rows: np.ndarray,
    size: int,
    batch_size: int,
    seed: int,
    epoch: int,
    pairs: bool,
    first_step: int = 0,
    workers: int = 0,
    share: tuple[int, int] = (0, 1),
) -> Iterator[Batch]:
    """Yield randomly cropped and mirrored batches of one epoch: uint8 (B, 3, size, size) in channels_last, int64 (B,).

    ``labels`` (N,) are those of every row of ``images``, ``rows`` those that take part. The order depends on
    (seed, epoch), a crop on (seed, epoch, row) alone. With ``pairs``, B/2 images stand each before another image
    of the same class (itself where the class has one), cropped independently. ``first_step`` batches are skipped.
    ``share`` (r, n) gives of each batch the r-th of n equal parts, B/n images.
    Raises FgirError as steps_per_epoch does and at an image that cannot be read.
    """
    steps = steps_per_epoch(len(rows), batch_size, pairs)
    _check_size(images, size)
    order = np.random.default_rng([seed, epoch, _ORDER]).permutation(len(rows))
    first = rows[order]
    count = len(images)
    boxes = random_boxes(draws(seed, epoch, 0, count)[first], images.side, size)
    if pairs:
        partners = _partners(labels[rows], draws(seed, epoch, _PARTNER, count)[rows, 0])
        other_boxes = random_boxes(draws(seed, epoch, 1, count)[first], images.side, size)
        first = np.stack([first, rows[partners[order]]], axis=1).reshape(-1)
        boxes = np.stack([boxes, other_boxes], axis=1).reshape(-1, 3)
    plan = _Plan(images, labels, first, boxes, size, batch_size, share)
    yield from _load(plan, range(first_step, steps), workers)


def test_batches(
    images: Images, labels: np.ndarray, rows: np.ndarray, size: int, batch_size: int, workers: int
) -> Iterator[Batch]:
    """Yield centre crops of ``rows`` in their order, the last batch maybe smaller; shapes as in train_batches."""
    _check_size(images, size)
    boxes = np.broadcast_to(centre_box(images.side, size), (len(rows), 3))
    steps = range(-(-len(rows) // batch_size))
    yield from _load(_Plan(images, labels, rows, boxes, size, batch_size), steps, workers)


def normalise(batch: Tensor, mean: Sequence[float], std: Sequence[float], device: torch.device) -> Tensor:
    """Return (x / 255 - mean) / std on ``device``, float32 (B, 3, S, S) in channels_last, of uint8 (B, 3, S, S)."""
    scale, shift = _affine(tuple(mean), tuple(std), batch.shape[3], device)
    pixels = batch.to(device, non_blocking=True).contiguous(memory_format=torch.channels_last)
    # In place: on a CPU, fetching another batch of memory from the system can cost more than the arithmetic.
    return pixels.float().mul_(scale).add_(shift)


@lru_cache(maxsize=16)
def _affine(mean: tuple[float, ...], std: tuple[float, ...], width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return scale and shift, each (1, 3, 1, width): whole rows of interleaved channels, five times as fast as (1, 3,
    1, 1).

    Kept, since a copy to the device at every batch would make the host wait.
    """
    deviation = torch.tensor(std, dtype=torch.float64)
    factors = torch.stack([1 / (255 * deviation), -torch.tensor(mean, dtype=torch.float64) / deviation])
    rows = factors.float().to(device).view(2, 1, 1, 1, -1).repeat(1, 1, 1, width, 1).permute(0, 1, 4, 2, 3)
    return rows[0], rows[1]


def _partners(labels: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Return for each image the position of a random other image of its class, or its own where there is none.

    Within the class, a step of 1 to n - 1 places from its own, around the end.
    """
    by_class = np.argsort(labels, kind="stable")
    _, start, inverse, count = np.unique(labels[by_class], return_index=True, return_inverse=True, return_counts=True)
    start, count = start[inverse], count[inverse]
    step = 1 + (uniform[by_class] * (count - 1)).astype(np.int64)
    partners = np.empty_like(by_class)
    partners[by_class] = by_class[start + (np.arange(len(labels)) - start + step) % count]
    return partners


@dataclass(frozen=True)
class _Plan:
    """Everything that an epoch reads, in order: rows (M,) and boxes (M, 3)."""

    images: Images
    labels: np.ndarray
    rows: np.ndarray
    boxes: np.ndarray
    size: int
    batch_size: int
    share: tuple[int, int] = (0, 1)

    def batch(self, number: int) -> Batch:
        number, each = number * self.share[1] + self.share[0], self.batch_size // self.share[1]
        part = slice(number * each, (number + 1) * each)
        rows = self.rows[part]
        crops = torch.from_numpy(cut(self.images, rows.tolist(), self.boxes[part], self.size)).permute(0, 3, 1, 2)
        labels = torch.from_numpy(self.labels[rows].astype(np.int64))
        # From pinned memory a GPU copies while it computes.
        return (crops.pin_memory(), labels.pin_memory()) if torch.cuda.is_available() else (crops, labels)


def _load(plan: _Plan, numbers: Iterable[int], workers: int) -> Iterator[Batch]:
    """Yield batches in the order of ``numbers``, made ahead of their use by ``workers`` threads.

    Threads serve, since Pillow and NumPy release the interpreter's lock where their time goes. Processes would each
    take the memory of torch, die of the signals by which a scheduler warns the whole job, and wrap errors.
    """
    if workers == 0:
        yield from map(plan.batch, numbers)
        return
    pool = ThreadPoolExecutor(workers)
    try:
        ahead: deque[Future[Batch]] = deque()
        for number in numbers:
            ahead.append(pool.submit(plan.batch, number))
            if len(ahead) > _AHEAD * workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _check_size(images: Images, size: int) -> None:
    if size > images.side:
        raise FgirError(f"Images of side {images.side} are too small for crops of {size}; resize them to more.")
