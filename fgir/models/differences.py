"""Keep of a model's tensors those that differ from another's, and load them over the other's: adaptations are small."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fgir.models.apart import apart
from fgir.models.tags import reason
from fgir.utils.errors import FgirError
from fgir.utils.files import replacing


def changed(adapted: dict[str, Tensor], run: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of ``adapted`` that are not, to the bit, those of ``run``, on the CPU."""
    pairs = ((name, tensor.cpu(), run[name].cpu()) for name, tensor in adapted.items())
    return {name: tensor for name, tensor, old in pairs if not torch.equal(tensor, old)}


def write_tensors(tensors: dict[str, Tensor], out: Path, about: str) -> None:
    """Write tensors to a safetensors file, whose metadata hold ``about``."""
    with replacing(out) as temporary:
        save_file(apart(tensors), temporary, {"fgir": about})


def load_over(model: nn.Module, file: Path) -> None:
    """Load the tensors of an adaptation over those of its run, in place.

    Raises FgirError if the file is missing, damaged or of another model.
    """
    try:
        tensors = load_file(file)
        unknown = tensors.keys() - model.state_dict().keys()
        if unknown:
            raise RuntimeError(f"{min(unknown)} is unknown")
        model.load_state_dict(tensors, strict=False)
    except FileNotFoundError:
        raise FgirError(f"{file} does not exist; adapt the run first.") from None
    except (RuntimeError, SafetensorError) as error:
        raise FgirError(f"{file} does not fit the model ({reason(error)}); delete it and rerun.") from None
