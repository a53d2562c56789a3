"""Normalise by the statistics of the whole batch, however many processes share it.

On GPUs it is the library's, torch.nn.SyncBatchNorm. That refuses to work on a CPU, over gloo: there a few lines of our
own compute the same, so that processes can train together, and be tested, without a GPU.
"""

from types import MethodType

import torch
from timm.layers import convert_sync_batchnorm
from torch import Tensor, nn

from fgir.distributed import world


def synchronise(model: nn.Module) -> None:
    """Make every batch norm in ``model`` take its training statistics over all processes, in place.

    Parameters, buffers and their names stay; on GPUs the modules that hold them are others. A batch norm of timm that
    ends in an activation keeps it.
    """
    if world.alone():
        return
    if not world.is_over_gloo():
        # timm's: torch's own conversion would drop the activations of timm's layers.
        convert_sync_batchnorm(model)
        return
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            module.forward = MethodType(_forward, module)  # type: ignore[method-assign]


def _forward(norm: nn.BatchNorm2d, values: Tensor) -> Tensor:
    """Normalise values (B, C, ...) of this process's part of the batch; apply timm's dropout and activation."""
    if norm.training:
        normalised = _over_all(norm, values)
    else:
        normalised = nn.functional.batch_norm(
            values, norm.running_mean, norm.running_var, norm.weight, norm.bias, False, 0.0, norm.eps
        )
    for name in ("drop", "act"):
        layer = getattr(norm, name, None)
        normalised = normalised if layer is None else layer(normalised)
    return normalised


def _over_all(norm: nn.BatchNorm2d, values: Tensor) -> Tensor:
    over = [0, *range(2, values.ndim)]
    shape = (1, -1, *[1] * (values.ndim - 2))
    with torch.autocast(values.device.type, enabled=False):
        exact = values.float()
        count = exact.numel() / exact.shape[1] * world.size()
        mean = world.SumOverAll.apply(exact.sum(over)) / count
        centred = exact - mean.view(shape)
        variance = world.SumOverAll.apply(centred.square().sum(over)) / count
        _note(norm, mean.detach(), variance.detach() * count / max(count - 1, 1))
        scaled = centred * (variance + norm.eps).rsqrt().view(shape)
        if norm.affine:
            scaled = scaled * norm.weight.view(shape) + norm.bias.view(shape)
    return scaled.to(values.dtype)


@torch.no_grad()
def _note(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    """Move the running statistics as torch does, with the unbiased variance."""
    if norm.running_mean is None or norm.running_var is None or norm.num_batches_tracked is None:
        return
    norm.num_batches_tracked.add_(1)
    share = norm.momentum if norm.momentum is not None else 1 / float(norm.num_batches_tracked)
    norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), share)
    norm.running_var.lerp_(variance.to(norm.running_var.dtype), share)
