"""Say how many multiply-adds each operator of torch has: one table, read by fvcore's counter.

A multiply-add is one of a convolution, a linear layer, a matrix product or attention. What only adds, scales, compares,
normalises, resamples or moves numbers has none; fvcore would count some of it, at a guess per element. An operator that
is not in the table has no count, and so has the model.
"""

import warnings
from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

with warnings.catch_warnings():
    # On import fvcore scripts its losses, which torch calls deprecated.
    warnings.simplefilter("ignore", FutureWarning)
    from fvcore.nn import FlopCountAnalysis
    from fvcore.nn.jit_handles import addmm_flop_jit, einsum_flop_jit, get_shape, linear_flop_jit

# Multiply-adds of an operator from the shapes of what it is given and what it gives.
Count = Callable[[list[Any], list[Any]], int]


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


class Operators(NamedTuple):
    """List operators of torch (``aten::``) of one kind, and how their multiply-adds are counted; None: they have none.

    Operators that have none may also work in place: their names with an underscore at the end are meant as well.
    """

    kind: str
    names: str
    macs: Count | None = None


TABLE = (
    Operators("convolution", "_convolution _convolution_mode", _convolution),
    Operators("linear layer", "linear", linear_flop_jit),
    Operators("linear layer with its bias as an operand", "addmm", addmm_flop_jit),
    Operators("matrix product", "matmul mm bmm", _product),
    Operators("sum of products by subscripts", "einsum", einsum_flop_jit),
    Operators("attention", "scaled_dot_product_attention", _attention),
    Operators("addition and scaling", "add addcmul cumsum diff div mul neg rsub sub true_divide"),
    Operators(
        "function of each number",
        "abs ceil clamp_max clamp_min cos erf exp log pow reciprocal round rsqrt sign sin sqrt square",
    ),
    Operators(
        "activation",
        "celu elu gelu glu hardsigmoid hardswish hardtanh leaky_relu log_softmax mish prelu relu6 selu sigmoid "
        "silu softmax softplus tanh",
    ),
    Operators("comparison", "all any bitwise_and bitwise_or le logical_and logical_not logical_or lt ne where"),
    Operators("sum, mean and spread", "mean std std_mean sum var var_mean"),
    Operators("extremes and order", "amax amin argmax argmin maximum min minimum sort topk"),
    Operators("normalisation", "batch_norm group_norm instance_norm layer_norm rms_norm"),
    Operators("norm of a vector", "frobenius_norm linalg_vector_norm norm"),
    Operators(
        "pooling",
        "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d avg_pool1d avg_pool2d max_pool1d max_pool2d",
    ),
    Operators(
        "resampling",
        "grid_sampler upsample_bicubic2d _upsample_bicubic2d_aa upsample_bilinear2d _upsample_bilinear2d_aa "
        "upsample_nearest2d",
    ),
    Operators("dropout, none in evaluation", "bernoulli dropout feature_dropout"),
    Operators("new numbers", "fill linspace new_ones normal ones_like rand randn uniform zero"),
    Operators("choice of numbers", "index_fill index_select scatter take_along_dim tril triu unsafe_chunk"),
    Operators(
        "other shape",
        "as_strided broadcast_tensors expand_as meshgrid pad repeat repeat_interleave reshape_as tile unflatten "
        "view_as",
    ),
    Operators("other order", "channel_shuffle clone flip movedim numpy_T pixel_shuffle pixel_unshuffle swapaxes"),
    Operators("windows", "col2im im2col unfold"),
)
HANDLES: dict[str, Count | None] = {
    f"aten::{name}{suffix}": operators.macs
    for operators in TABLE
    for name in operators.names.split()
    for suffix in (("",) if operators.macs else ("", "_"))
}


@torch.no_grad()
def macs_by_fvcore(model: nn.Module, image: Tensor) -> tuple[int | None, list[str]]:
    """Return the multiply-adds of ``model(image)``, and the operators that nobody counts; None where there are any."""
    analysis = FlopCountAnalysis(model, image).clear_op_handles().set_op_handle(**HANDLES)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    total = int(analysis.total())
    uncounted = sorted(analysis.unsupported_ops())
    return (None if uncounted else total), uncounted
