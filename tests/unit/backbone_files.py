"""Specs and files of backbones for tests."""

from pathlib import Path

import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

from fgir.models.shapes import Undrawn
from fgir.models.weights import RANDOM, write_weights
from fgir.specs import ModelSpec, WeightsSpec
from fgir.study.catalogue import FileWeights, NoWeights


def model_spec(tag: str, weights: str = RANDOM, pool: str | None = None) -> ModelSpec:
    return ModelSpec(backbone="net", timm=tag, pool=pool, mean=None, std=None, weights=weights)


def random_state(tag: str) -> dict[str, Tensor]:
    """Numbers for every tensor of timm's own construction; none stays as initialised, norms and biases included."""
    torch.manual_seed(1)
    with Undrawn():
        state = timm.create_model(tag).state_dict()
    # Positive, because some are variances.
    return {name: torch.rand_like(tensor) if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def write_file(tag: str, state: dict[str, Tensor], folder: Path) -> tuple[Path, str]:
    """The file that write_weights makes of a state dict, and the label of its origin."""
    local = folder / "local.safetensors"
    save_file(state, local)
    out = folder / "weights.safetensors"
    write_weights(weights_spec(tag, FileWeights(source="file", path=str(local))), out)
    return out, f"file {local}"


def weights_spec(tag: str, weights: FileWeights | NoWeights) -> WeightsSpec:
    return WeightsSpec(recipe=1, backbone="net", timm=tag, weights=weights, archives="data")
