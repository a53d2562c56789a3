"""Connect the processes that train one run together, each on its part of every batch. A process alone is rank 0 of 1.

Together they hold the batch that one process would hold: rank r has the r-th part. Every rank draws the random numbers
of the whole batch from the same generator state, and takes those of its part.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from fgir.utils.errors import FgirError

# NCCL's words for two processes on one GPU.
_SHARED = "Duplicate GPU detected"


@contextmanager
def joined(processes: int) -> Iterator[None]:
    """Join a group of ``processes`` processes while entered; do nothing if it is one.

    The rank comes from torchrun, or from the step of a Slurm job (srun, submitit). Raises FgirError if the processes do
    not find each other, or another has ended before this one.
    """
    if processes == 1:
        yield
        return
    if "RANK" not in os.environ:
        _export_of_slurm()
    with group():
        yield


@contextmanager
def group() -> Iterator[None]:
    """Join the group that torchrun's variables describe while entered, even a group of one.

    Uses NCCL if there is a GPU, which this process takes by its local rank; else gloo. Raises FgirError as ``joined``
    does.
    """
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)) % torch.cuda.device_count())
    _join()
    try:
        yield
    except RuntimeError as error:
        # gloo has no type of its own for this.
        if isinstance(error, dist.DistError) or "gloo" in str(error):
            raise FgirError("Another process of this run has ended; its message above gives the reason.") from error
        raise
    finally:
        dist.destroy_process_group()


def _join() -> None:
    gpu = torch.cuda.is_available()
    try:
        # With its GPU named, NCCL connects at once, and a fault shows here rather than at the first sum.
        own = torch.device("cuda", torch.cuda.current_device()) if gpu else None
        dist.init_process_group("nccl" if gpu else "gloo", device_id=own)
    except RuntimeError as error:
        if _SHARED in str(error):
            raise FgirError(
                "Two processes of this run were given one GPU, which NCCL refuses; ask in the profile for as many GPUs "
                "as `processes`, or for fewer processes."
            ) from error
        place, reason = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}", str(error).splitlines()[0]
        raise FgirError(
            f"The processes of this run did not all meet at {place} ({reason}); look above for the message of one that "
            "has ended, or set another MASTER_ADDR and MASTER_PORT."
        ) from error


def processes_here() -> int:
    """Return the number of the group's processes on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", 1)) if dist.is_initialized() else 1


def _export_of_slurm() -> None:
    """Set torch's variables from those of Slurm or submitit; keep MASTER_ADDR, as names of nodes may not resolve."""
    from submitit.helpers import TorchDistributedEnvironment

    # submitit sets this in its own jobs; nobody sets it for srun's tasks.
    os.environ.setdefault("SUBMITIT_EXECUTOR", "slurm")
    address = os.environ.get("MASTER_ADDR")
    # Every task sees the GPUs of its node in the same order: a process takes its own by number, not by hiding others.
    TorchDistributedEnvironment().export(set_cuda_visible_devices=False, overwrite=True)
    if address:
        os.environ["MASTER_ADDR"] = address
    # The port that submitit draws may be in use: Linux has outgoing connections from 32768 on.
    os.environ["MASTER_PORT"] = str(30100 + int(os.environ["MASTER_PORT"]) % 2600)


def alone() -> bool:
    """Say whether this process is in no group, not even a group of one."""
    return not dist.is_initialized()


def is_over_gloo() -> bool:
    """Say whether the processes of the group are connected by gloo, on CPUs, and not by NCCL, on GPUs."""
    return not alone() and dist.get_backend() == "gloo"


def rank() -> int:
    """Return the rank of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    """Return the number of processes in the group."""
    return dist.get_world_size() if dist.is_initialized() else 1


def whole_like(part: Tensor) -> Tensor:
    """Return an empty float32 tensor (size * B, ...) for the whole batch, in the memory format of ``part`` (B, ...)."""
    if alone():
        return torch.empty_like(part, dtype=torch.float32)
    channels_last = part.ndim == 4 and part.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    shape = (size() * len(part), *part.shape[1:])
    return torch.empty(shape, dtype=torch.float32, device=part.device, memory_format=layout)


def own_part(whole: Tensor, kinds: int = 1) -> Tensor:
    """Return this process's part (kinds * B / size, ...) of a tensor (kinds * B, ...), which holds kind after kind."""
    if alone():
        return whole
    return whole.unflatten(0, (kinds, size(), -1))[:, rank()].flatten(0, 1)


def gathered(part: Tensor) -> Tensor:
    """Return the parts (B / size, ...) of all processes as one tensor (B, ...) in batch order, without gradient."""
    if alone():
        return part
    parts = [torch.empty_like(part) for _ in range(size())]
    dist.all_gather(parts, part.contiguous())
    return torch.cat(parts)


def total(value: Tensor) -> Tensor:
    """Return the sum of a tensor over all processes, without gradient."""
    if alone():
        return value
    value = value.clone()
    dist.all_reduce(value)
    return value


@torch.no_grad()
def average_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Replace the gradients by their mean over all processes, which is the gradient of the whole batch."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if alone() or not gradients:
        return
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= size()
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def any_rank(here: bool, device: torch.device) -> bool:
    """Say whether ``here`` is true on any rank; waits for all of them."""
    return bool(total(torch.tensor(int(here), device=device)).item())


def wait() -> None:
    """Wait until every process has reached this line."""
    if not alone():
        dist.barrier()


class SumOverAll(torch.autograd.Function):
    """Sum a tensor over all processes. Its gradient is the sum of the gradients of all processes."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return total(value)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return total(gradients[0].contiguous())
