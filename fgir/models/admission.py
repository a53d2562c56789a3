"""Decide on shapes alone which image sizes a backbone admits: no weights are read and no numbers computed."""

from functools import cache, lru_cache
from typing import NamedTuple

from fgir.models.backbones import Backbone, convert, plan
from fgir.models.construction import patch_side
from fgir.models.layout import SizeRefused
from fgir.models.shapes import on_meta_device
from fgir.models.tags import settings, skeleton
from fgir.models.weights import RANDOM
from fgir.specs import ModelSpec
from fgir.utils.errors import FgirError

# Advised sizes are multiples of the model's patch or of _STEP; _TRIES of them are tried above and below.
_STEP, _TRIES = 32, 3


def check_size(model: ModelSpec, size: int, dense: bool, trained_at: int | None = None) -> None:
    """Refuse images of ``size`` pixels if the model, or the loading of its weights, does not admit them.

    The weights have the shapes of the pretraining, or of a run ``trained_at`` a size. timm resizes some position tables
    of some models, so this asks timm itself. ``dense`` is as in ``construction``. Raises FgirError with the nearest
    admitted sizes, or if there is no such tag or feature map.
    """
    refused = _refusal(model, size, dense, trained_at)
    if refused is None:
        return
    native = trained_at or int(settings(skeleton(model.timm))["input_size"][1])
    # A table that cannot be resized fits only the size that it was made for.
    near = [native] if refused.fixed else _admitted_near(model, size, native, dense, trained_at)
    advice = f"take {' or '.join(map(str, near))}" if near else "take another model"
    raise FgirError(f"{refused.sentence}; {advice}.")


class _Refusal(NamedTuple):
    """Give the reason why a size is refused, as the beginning of a sentence; ``fixed``: the weights fit one size."""

    sentence: str
    fixed: bool


@cache
def _refusal(model: ModelSpec, size: int, dense: bool, trained_at: int | None) -> _Refusal | None:
    meta_model = skeleton(model.timm)
    try:
        backbone = _on_meta(model, size, dense)
    except SizeRefused as error:
        return _Refusal(f"{model.timm} does not admit images of {size} px: {error.why}", fixed=False)
    if trained_at is not None:
        state, origin = _on_meta(model, trained_at, dense).net.state_dict(), f"trained at {trained_at} px"
    elif model.weights != RANDOM:
        state, origin = convert(meta_model.state_dict(), backbone.net), "with pretrained weights"
    else:
        return None
    try:
        on_meta_device(lambda: backbone.load(state, origin))
    except FgirError:
        return _Refusal(f"{model.timm} {origin} does not admit images of {size} px", fixed=True)
    return None


# A study crosses train and test sizes: each network is asked for several times. Without numbers it takes little memory.
@lru_cache(maxsize=64)
def _on_meta(model: ModelSpec, size: int, dense: bool) -> Backbone:
    how = plan(model, size, dense)
    return on_meta_device(lambda: Backbone(model, how))


def _admitted_near(model: ModelSpec, size: int, native: int, dense: bool, trained_at: int | None) -> list[int]:
    """Return the nearest admitted sizes below and above ``size``, among those tried."""
    step = patch_side(skeleton(model.timm)) or _STEP
    step *= max(1, _STEP // (2 * step))
    below = list(range((size - 1) // step * step, 0, -step))[:_TRIES]
    above = [(size // step + tried) * step for tried in range(1, _TRIES + 1)]
    below, above = [*below, native] if native < size else below, [*above, native] if native > size else above
    admitted = [
        next((side for side in sides if not _refusal(model, side, dense, trained_at)), None) for sides in (below, above)
    ]
    return [side for side in admitted if side]
