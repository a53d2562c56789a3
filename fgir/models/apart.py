"""Copy tensors that share memory, such as those of a layer that a model uses twice (CoaT's positions), for a file."""

from collections.abc import Mapping

from torch import Tensor


def apart(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict on the CPU whose tensors are contiguous and share no memory, as safetensors requires."""
    seen: set[int] = set()
    tensors = {}
    for name, tensor in state.items():
        tensor = tensor.detach().cpu().contiguous()
        memory = tensor.untyped_storage().data_ptr()
        tensors[name] = tensor.clone() if memory in seen else tensor
        seen.add(memory)
    return tensors
