"""Tensors that share memory, as those of layers that a model uses twice (CoaT's positions), made apart for a file."""

from collections.abc import Mapping

from torch import Tensor


def apart(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict on the CPU of which each tensor is whole and has memory of its own, as safetensors asks."""
    seen: set[int] = set()
    tensors = {}
    for name, tensor in state.items():
        tensor = tensor.detach().cpu().contiguous()
        memory = tensor.untyped_storage().data_ptr()
        tensors[name] = tensor.clone() if memory in seen else tensor
        seen.add(memory)
    return tensors
