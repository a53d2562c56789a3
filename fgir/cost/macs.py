"""Multiply-adds of inference, counted on the real model."""

import warnings
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from fgir.methods.build import untrained
from fgir.models.shapes import Undrawn
from fgir.specs import MacsSpec
from fgir.study import VIEWS
from fgir.utils.devices import conditions
from fgir.utils.progress import waiting

with warnings.catch_warnings():
    # On import fvcore scripts its losses, which torch calls deprecated.
    warnings.simplefilter("ignore", FutureWarning)
    from fvcore.nn import FlopCountAnalysis
    from fvcore.nn.jit_handles import addmm_flop_jit, einsum_flop_jit, get_shape, linear_flop_jit


def _attention(inputs: list[Any], outputs: list[Any]) -> int:
    """Count the products of queries (..., L, E) with keys (..., S, E), and of the weights with values (..., S, V)."""
    query, key, value = (get_shape(tensor) for tensor in inputs[:3])
    return prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _convolution(inputs: list[Any], outputs: list[Any]) -> int:
    """Count a convolution: a filter for every number of the result, or if transposed, for every number of the input."""
    transposed = len(inputs) > 7 and inputs[6].toIValue()
    every = get_shape(inputs[0] if transposed else outputs[0])
    return prod(every) * prod(get_shape(inputs[1])[1:])


def _product(inputs: list[Any], outputs: list[Any]) -> int:
    """Count a matrix product, whatever is broadcast: every number of the result is a sum over the inner dimension."""
    return prod(get_shape(outputs[0])) * get_shape(inputs[0])[-1]


COUNTED = {
    "aten::_convolution": _convolution,
    "aten::_convolution_mode": _convolution,
    "aten::linear": linear_flop_jit,
    "aten::addmm": addmm_flop_jit,
    "aten::einsum": einsum_flop_jit,
    "aten::bmm": _product,
    "aten::mm": _product,
    "aten::matmul": _product,
    "aten::scaled_dot_product_attention": _attention,
}

# A MAC is one multiply-add of a convolution, a linear layer, a matrix product or attention. What only adds, scales,
# compares, normalises, resamples or moves numbers has none; fvcore would count some of it, at a guess per element.
_FREE_NAMES = """
    abs adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d add addcmul all amax amin any argmax argmin
    as_strided avg_pool1d avg_pool2d batch_norm bernoulli bitwise_and bitwise_or broadcast_tensors ceil celu
    channel_shuffle clamp_max clamp_min clone col2im cos cumsum diff div dropout elu erf exp expand_as
    feature_dropout fill flip frobenius_norm gelu glu grid_sampler group_norm hardsigmoid hardswish hardtanh
    im2col index_fill index_select instance_norm layer_norm le leaky_relu linalg_vector_norm linspace log
    log_softmax logical_and logical_not logical_or lt max_pool1d max_pool2d maximum mean meshgrid min minimum
    mish movedim mul ne neg new_ones norm normal numpy_T ones_like pad pixel_shuffle pixel_unshuffle pow prelu
    rand randn reciprocal relu6 repeat repeat_interleave reshape_as rms_norm round rsqrt rsub scatter selu
    sigmoid sign silu sin softmax softplus sort sqrt square std std_mean sub sum swapaxes take_along_dim tanh
    tile topk tril triu true_divide unflatten unfold uniform unsafe_chunk upsample_bicubic2d
    _upsample_bicubic2d_aa upsample_bilinear2d _upsample_bilinear2d_aa upsample_nearest2d var var_mean view_as
    where zero
"""
FREE = frozenset(f"aten::{name}{suffix}" for name in _FREE_NAMES.split() for suffix in ("", "_"))


def count_macs(spec: MacsSpec, classes: int) -> dict[str, Any]:
    """Return one row of table macs: multiply-adds of one view and of an image, by fvcore; one view also by torch.

    Counted in evaluation for a batch of one, on the CPU, so that every machine gives the same figures. Where an
    operator has no count, the totals are null and the status is ``uncounted``.
    """
    views = VIEWS[spec.setting]
    with waiting(f"Counting {spec.model.backbone} at {spec.test_size} with {classes} classes"):
        with Undrawn():
            model = untrained(spec.network(classes)).eval()
        # torch's counter stumbles over models that hand a parameter to a submodule, unless it needs no gradient.
        model.requires_grad_(False)
        image = torch.zeros(1, 3, spec.test_size, spec.test_size)
        macs, uncounted = macs_by_fvcore(model, image)
        macs_torch = macs_by_torch(model, image)
    here = conditions(image.device, "fp32")
    return {
        "backbone": spec.model.backbone,
        "setting": spec.setting,
        "test_size": spec.test_size,
        "classes": classes,
        "views": views,
        "parameters": sum(p.numel() for p in model.parameters()),
        "macs_view": macs,
        "macs_image": None if macs is None else macs * views,
        "macs_view_torch": macs_torch,
        "uncounted_ops": uncounted,
        **{key: here[key] for key in ("torch", "timm", "fgir")},
        "status": "uncounted" if uncounted else "ok",
        "error": f"No count of multiply-adds for {', '.join(uncounted)}." if uncounted else None,
    }


@torch.no_grad()
def macs_by_fvcore(model: nn.Module, image: Tensor) -> tuple[int | None, list[str]]:
    """Return the multiply-adds of ``model(image)``, and the operators that nobody counts; None where there are any."""
    analysis = FlopCountAnalysis(model, image).clear_op_handles().set_op_handle(**COUNTED, **dict.fromkeys(FREE))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    total = int(analysis.total())
    uncounted = sorted(analysis.unsupported_ops())
    return (None if uncounted else total), uncounted


@torch.no_grad()
def macs_by_torch(model: nn.Module, image: Tensor) -> int:
    """Return the multiply-adds of ``model(image)`` by torch's own counter, which counts two for each.

    Attention is computed by its plain definition, since the counter does not know the fused one of a CPU.
    """
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(image)
    return counter.get_total_flops() // 2
