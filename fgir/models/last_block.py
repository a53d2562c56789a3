"""Find the last block of a network: the last stage of a convolutional one, the last block of a transformer."""

import re

from torch import nn

from fgir.models.last_norm import is_norm
from fgir.models.watching import Call, watched
from fgir.specs import ModelSpec

# The shortest beginning of a layer's name that ends in a number: layer4, blocks.11, stages.3, cell_9.
_BLOCK = re.compile(r"(.*?\d)(?:\.|$)")


def last_block(model: ModelSpec, size: int, dense: bool) -> list[str]:
    """Return the layers of the last block and all behind it, in the order of the pass, by name below ``Backbone.net``.

    A block is what shares the shortest beginning of a name that ends in a number, and multiplies; the last one begins
    no later than the last norm, as VGG's hidden layers are none. Of blocks that take maps (D, h, w) those at the end
    whose input has the size of the last map count together, as PNASNet's cells 9 to 11 do; if that is all blocks, or if
    they take tokens, the last one stands alone. Raises FgirError as ``watched`` does.
    """
    net, calls = watched(model, size, dense)
    layers = [call.name for call in calls if any(True for _ in net.get_submodule(call.name).parameters(recurse=False))]
    norms = [place for place, name in enumerate(layers) if is_norm(net.get_submodule(name))]
    encoder = layers[: norms[-1] + 1] if norms else layers
    multiplying = [name for name in encoder if _multiplies(net.get_submodule(name))]
    blocks = list(dict.fromkeys(filter(None, map(_block, multiplying)))) or multiplying[-1:]
    first = _first_of_stage(blocks, {call.name: call for call in calls})
    start = next(place for place, name in enumerate(layers) if first in (_block(name), name))
    return layers[start:]


def _block(name: str) -> str | None:
    found = _BLOCK.match(name)
    return found[1] if found else None


def _multiplies(module: nn.Module) -> bool:
    return any(parameter.ndim > 1 for parameter in module.parameters(recurse=False))


def _first_of_stage(blocks: list[str], calls: dict[str, Call]) -> str:
    """Return the first of the blocks that make up the last stage."""
    last = _map(calls, blocks[-1])
    stage = []
    for block in reversed(blocks):
        if last is None or _map(calls, block) != last:
            break
        stage.append(block)
    return stage[-1] if stage and len(stage) < len(blocks) else blocks[-1]


def _map(calls: dict[str, Call], block: str) -> tuple[int, ...] | None:
    """Return the size (h, w) of the map that a block takes; None if it takes none, or is not called as a whole."""
    taken = calls[block].taken if block in calls else ()
    return taken[2:] if len(taken) == 4 else None
