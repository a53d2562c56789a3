"""A counter of how often a program waits for the device to give it a value; for benchmarks and tests."""

from collections import Counter
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten

# Operators whose result, or whose shape, the host must know before it goes on.
_WAITING = {
    aten._local_scalar_dense,  # .item(), float(t), bool(t), if t:
    aten.nonzero,
    aten.masked_select,
    aten.equal,
    aten._unique2,
    aten.unique_consecutive,
    aten.unique_dim,
}
_INDEXING = {aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_}


class HostRoundTrips(TorchDispatchMode):
    """Count, within a ``with`` block, the operators that make the host wait for the device.

    The count is the same on a CPU, where the wait costs nothing, so that a test needs no GPU. Indexing counts
    when an index is a mask, because the size of the result depends on the mask's values; a copy counts when it
    leaves a device for the CPU.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operators: Counter[str] = Counter()

    @property
    def count(self) -> int:
        return self.operators.total()

    def __torch_dispatch__(self, operator: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = operator(*args, **(kwargs or {}))
        packet = operator.overloadpacket
        if packet in _WAITING or (packet in _INDEXING and _masked(args[1])) or _fetches(packet, args, result):
            self.operators[str(packet)] += 1
        return result


def _masked(indices: Any) -> bool:
    return any(isinstance(index, Tensor) and index.dtype in (torch.bool, torch.uint8) for index in indices)


def _fetches(packet: Any, args: Any, result: Any) -> bool:
    if packet not in (aten._to_copy, aten.copy_):
        return False
    source = args[1] if packet is aten.copy_ else args[0]
    return result.device.type == "cpu" and source.device.type != "cpu"
