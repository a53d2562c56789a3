"""Batches of crops for training and evaluation, the same whatever the number of workers."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fgir.data.parts import Part
from fgir.data.transforms import Pipeline, deterministic
from fgir.study.geometry import Transform
from fgir.utils.errors import FgirError
from fgir.utils.words import counted

Batch = tuple[Tensor, Tensor]

# One stream of random numbers for each use: 0 and 1 for the crops of an image and of its partner, 2 and 3 as below, and
# from 4 on two for the crops of each further copy.
_PARTNER, _ORDER = 2, 3
# Numbers of a row in the stream of partners, of which the first decides: another count would be other pairs.
_PER_PARTNER = 3

_AHEAD = 2  # batches a worker


class Epoch(NamedTuple):
    """All that decides the batches of an epoch but the images and their transform.

    With ``pairs``, each image brings another of its class. ``first_step`` batches are skipped. ``share`` (r, n) takes
    of each batch the r-th of n equal parts. ``repeats`` takes each image so many times, one after the other.
    """

    seed: int
    number: int
    batch_size: int
    pairs: bool = False
    first_step: int = 0
    share: tuple[int, int] = (0, 1)
    repeats: int = 1

    def stream(self, use: int) -> list[int]:
        """Return what starts the stream of random numbers of a use, which is independent of all others."""
        return [self.seed, self.number, use]


def steps_per_epoch(count: int, batch_size: int, pairs: bool) -> int:
    """Return batches an epoch of ``count`` images, the last partial batch dropped.

    With ``pairs`` each image brings another. Raises FgirError where there is not one whole batch.
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


def train_batches(part: Part, transform: Transform, epoch: Epoch, workers: int = 0) -> Iterator[Batch]:
    """Yield transformed batches of one epoch of a part: uint8 (B, 3, size, size) in channels_last, int64 (B,).

    The order depends on (seed, epoch), a crop on (seed, epoch, row) alone. With pairs, B/2 images stand each before
    another image of the same class (itself where the class has one), transformed independently; of a share of n, B is
    the n-th part of the batch size. Repeated images are transformed independently, and an epoch is no longer: it takes
    fewer of them. Raises FgirError as steps_per_epoch does, where the part's images were made
    otherwise than the transform begins, and at an image that cannot be read.
    """
    steps = steps_per_epoch(len(part.rows), epoch.batch_size, epoch.pairs)
    pipeline = Pipeline(transform.after(part.images.start))
    order = order_of(epoch, len(part.rows))
    copies = np.arange(len(order)) % epoch.repeats
    rows = leaders = part.rows[order]
    streams = np.where(copies > 0, 2 + 2 * copies, 0)
    if epoch.pairs:
        chosen = np.random.default_rng(epoch.stream(_PARTNER)).random((len(part.images), _PER_PARTNER))
        partners = part.rows[_partners(part.labels[part.rows], chosen[part.rows, 0])[order]]
        rows = np.stack([rows, partners], axis=1).reshape(-1)
        # A partner is cropped by numbers of the image that it stands beside, in a stream of their own.
        leaders, streams = leaders.repeat(2), np.stack([streams, streams + 1], axis=1).reshape(-1)
    plan = _Plan(part, rows, pipeline, epoch, leaders, streams)
    yield from _load(plan, range(epoch.first_step, steps), workers)


def order_of(epoch: Epoch, count: int) -> np.ndarray:
    """Return the places of ``count`` images in the order in which an epoch shows them, int64 (count,)."""
    order = np.random.default_rng(epoch.stream(_ORDER)).permutation(count)
    return order.repeat(epoch.repeats)[:count]


def test_batches(part: Part, transform: Transform, batch_size: int, workers: int) -> Iterator[Batch]:
    """Yield the part's images, transformed, in the order of its rows; the last batch may be smaller.

    Shapes and errors are those of train_batches. Raises FgirError at a transform that draws random numbers, too.
    """
    pipeline = deterministic(transform.after(part.images.start), "a test takes each image as it is")
    steps = range(-(-len(part.rows) // batch_size))
    none = np.zeros_like(part.rows)
    yield from _load(_Plan(part, part.rows, pipeline, Epoch(0, 0, batch_size), none, none), steps, workers)


def normalise(batch: Tensor, mean: Sequence[float], std: Sequence[float], device: torch.device) -> Tensor:
    """Return (x / 255 - mean) / std on ``device``, float32 (B, 3, S, S) in channels_last, of uint8 (B, 3, S, S)."""
    scale, shift = _affine(tuple(mean), tuple(std), batch.shape[3], device)
    pixels = batch.to(device, non_blocking=True).contiguous(memory_format=torch.channels_last)
    # In place: on a CPU, fetching another batch of memory from the system can cost more than the arithmetic.
    return pixels.float().mul_(scale).add_(shift)


@lru_cache(maxsize=16)
def _affine(mean: tuple[float, ...], std: tuple[float, ...], width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return scale and shift, each (1, 3, 1, width).

    Whole rows of interleaved channels are five times as fast as (1, 3, 1, 1). They are kept, since a copy to the device
    at every batch would make the host wait.
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


class _Draws:
    """A stream of uniform numbers in [0, 1) by row: those of a row are the same whatever others are drawn."""

    def __init__(self, stream: list[int], count: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(stream))
        self._generator, self._count, self._at = np.random.Generator(self._bits), count, 0

    def of(self, row: int) -> list[float]:
        """Return the numbers of a row. They are not drawn for all rows at once, which for millions takes gigabytes."""
        # Each number takes one step of the generator, which goes around after 2^128.
        self._bits.advance((row * self._count - self._at) % 2**128)
        self._at = (row + 1) * self._count
        return self._generator.random(self._count).tolist()


@dataclass(frozen=True)
class _Plan:
    """Everything that an epoch reads, in order: rows (M,) of a part; the row and the stream of each one's numbers."""

    part: Part
    rows: np.ndarray
    pipeline: Pipeline
    epoch: Epoch
    leaders: np.ndarray
    streams: np.ndarray

    def batch(self, number: int) -> Batch:
        """Return a batch, made now."""
        rank, ranks = self.epoch.share
        number, each = number * ranks + rank, self.epoch.batch_size // ranks
        here = slice(number * each, (number + 1) * each)
        rows = self.rows[here]
        crops = torch.from_numpy(self._crops(rows.tolist(), self._uniform(here))).permute(0, 3, 1, 2)
        labels = torch.from_numpy(self.part.labels[rows].astype(np.int64))
        # From pinned memory a GPU copies while it computes.
        return (crops.pin_memory(), labels.pin_memory()) if torch.cuda.is_available() else (crops, labels)

    def _uniform(self, here: slice) -> list[list[float]]:
        """Return the numbers that each crop of a batch takes."""
        leaders, streams = self.leaders[here].tolist(), self.streams[here].tolist()
        if not self.pipeline.draws:
            return [[]] * len(leaders)
        draws = {use: _Draws(self.epoch.stream(use), self.pipeline.draws) for use in set(streams)}
        return [draws[use].of(row) for row, use in zip(leaders, streams, strict=True)]

    def _crops(self, rows: list[int], uniform: list[list[float]]) -> np.ndarray:
        """Return crops, uint8 (B, h, w, 3), of a batch's rows."""
        images, crops = self.part.images, np.empty(0)
        for place, (row, numbers) in enumerate(zip(rows, uniform, strict=True)):
            pixels = self.pipeline(images[row], numbers)
            if place == 0:
                shape = pixels.shape
                crops = np.empty((len(rows), *shape), np.uint8)
            elif pixels.shape != shape:
                both = " and ".join(f"{width} x {height}" for height, width, _ in (shape, pixels.shape))
                raise FgirError(f"A batch holds crops of {both}; end the transform with one size.")
            _copy(pixels, crops[place])
        return crops


def _copy(pixels: np.ndarray, out: np.ndarray) -> None:
    """Copy pixels (h, w, 3) into a place of a batch."""
    if pixels.strides[1] > 0:
        out[:] = pixels
        return
    # NumPy mirrors the three channels one by one eight times as fast as together.
    for channel in range(3):
        out[:, :, channel] = pixels[:, :, channel]


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
