"""The processes that train one run together, each on its share of every batch; alone, a process is a world of one.

A batch of a world is the batch of one process: rank r holds the r-th part of it, and what is drawn for the images of a
batch is drawn for all of it by every process, from the same generator state, so that each has its own part.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from fgir.errors import FgirError


def rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def mine(whole: Tensor, kinds: int = 1) -> Tensor:
    """This process's part (kinds * B / size, ...) of a tensor (kinds * B, ...) of the whole batch, kind after kind."""
    if size() == 1:
        return whole
    return whole.unflatten(0, (kinds, size(), -1))[:, rank()].flatten(0, 1)


def gathered(part: Tensor) -> Tensor:
    """The parts (B / size, ...) of all processes as one tensor (B, ...) in the order of the batch; no gradient."""
    if size() == 1:
        return part
    parts = [torch.empty_like(part) for _ in range(size())]
    dist.all_gather(parts, part.contiguous())
    return torch.cat(parts)


def total(value: Tensor) -> Tensor:
    """The sum of a tensor over all processes; no gradient."""
    if size() == 1:
        return value
    value = value.clone()
    dist.all_reduce(value)
    return value


@torch.no_grad()
def average_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Replace the gradients by their mean over all processes, which is the gradient of the whole batch."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if size() == 1 or not gradients:
        return
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= size()
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def any_of_us(mine: bool, device: torch.device) -> bool:
    """Is it so in any of the processes? Waits for all of them."""
    return bool(total(torch.tensor(int(mine), device=device)).item())


def wait() -> None:
    """Wait until every process is here."""
    if size() > 1:
        dist.barrier()


def check_batch(batch_size: int, pairs: bool) -> None:
    """FgirError where a batch cannot be shared equally, pairs unbroken."""
    unit = 2 * size() if pairs else size()
    if batch_size % unit:
        raise FgirError(
            f"A batch of {batch_size} images cannot be shared by {size()} processes; make training.batch_size a "
            f"multiple of {unit}."
        )


class SumOverAll(torch.autograd.Function):
    """The sum of a tensor over all processes, with its gradient: the sum over all processes of theirs."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return total(value)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return total(gradients[0].contiguous())
