"""Look up explicit timm tags, and timm's records of each."""

from difflib import get_close_matches
from functools import cache
from typing import Any

import timm
from timm.models import get_deprecated_models, get_pretrained_cfg, is_model, list_models
from torch import Tensor, nn

import fgir.models.van  # noqa: F401 (registers it with timm)
from fgir.models.shapes import on_meta_device
from fgir.utils.errors import FgirError

# timm raises these at an argument, an image size or a state dict that a model does not admit.
REFUSALS = (AssertionError, AttributeError, RuntimeError, TypeError, ValueError)

# A sentence lists at most this many tags.
_LISTED = 12


@cache
def skeleton(tag: str) -> nn.Module:
    """Return timm's model of a tag, with its pretraining's classifier, on the meta device: shapes without numbers.

    All callers share it, so do not change it. Raises FgirError if timm has no such tag, or if a name without a tag
    would leave the choice of weights to timm.
    """
    check_tag(tag)
    return on_meta_device(lambda: timm.create_model(tag))


def settings(meta_model: nn.Module) -> dict[str, Any]:
    """Return timm's record of a tag's pretraining: mean, std, input_size, classifier, license, ..."""
    config = meta_model.pretrained_cfg
    assert isinstance(config, dict)
    return config


def is_classifier(key: str, meta_model: nn.Module) -> bool:
    """Say whether a key of the state dict belongs to the classifier of the pretraining."""
    names = settings(meta_model).get("classifier") or ()
    names = (names,) if isinstance(names, str) else names
    return any(key.startswith(f"{name}.") for name in names)


def check_fits(state: dict[str, Tensor], meta_model: nn.Module, origin: str) -> None:
    """Refuse a state dict whose names or shapes are not those of ``meta_model``, except for its classifier.

    Raises FgirError with the keys that are missing, unknown or of another shape; ``origin`` names the file.
    """
    wanted = {k: tuple(v.shape) for k, v in meta_model.state_dict().items() if not is_classifier(k, meta_model)}
    given = {k: tuple(v.shape) for k, v in state.items() if not is_classifier(k, meta_model)}
    faults = [f"{key} is missing" for key in wanted.keys() - given.keys()]
    faults += [f"{key} is unknown" for key in given.keys() - wanted.keys()]
    faults += [
        f"{key} is {given[key]} and should be {wanted[key]}"
        for key in wanted.keys() & given.keys()
        if wanted[key] != given[key]
    ]
    if faults:
        more = f" and {len(faults) - 3} more faults" if len(faults) > 3 else ""
        raise FgirError(
            f"{origin} does not fit {name_of(meta_model)}: {', '.join(sorted(faults)[:3])}{more}; name a file with "
            "this model's weights."
        )


def name_of(meta_model: nn.Module) -> str:
    """Return the tag of a model that timm built."""
    config = settings(meta_model)
    return ".".join(part for part in (config.get("architecture"), config.get("tag")) if part)


def reason(error: Exception) -> str:
    """Return the beginning of an error's message, on one line."""
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__


def check_tag(tag: str) -> None:
    """Refuse a tag that timm does not have, or a name without a tag. Raises FgirError with the nearest tag."""
    name = tag.split(".")[0]
    renamed = get_deprecated_models()
    if name in renamed:
        raise FgirError(_of_renamed(tag, renamed[name]))
    try:
        config = get_pretrained_cfg(tag, allow_unregistered=False)
    except RuntimeError:
        raise FgirError(f'timm has no model "{tag}"{_nearest(tag)}') from None
    if config and config.tag and not tag.endswith(f".{config.tag}"):
        tagged = tags_of(tag)
        more = f" (timm's own choice) or of {len(tagged) - 1} others" if len(tagged) > _LISTED else ""
        which = f"{tag}.{config.tag}" if more else ", ".join(tagged)
        raise FgirError(f'timm has more than one set of weights for "{tag}"; name one of {which}{more}.')


def tags_of(name: str) -> list[str]:
    """Return the explicit tags of a name of timm's, such as ``resnet50``; none if timm has no such name."""
    return sorted(list_models(f"{name}.*", include_tags=True)) if is_model(name) else []


def _of_renamed(tag: str, current: str | None) -> str:
    if current is None:
        return f'timm has removed "{tag}"; take another model.'
    chosen = "" if "." in current else f", one of {', '.join(tags_of(current)[:_LISTED])}"
    return f'timm has renamed "{tag}" to "{current}"; write that{chosen}.'


def _nearest(tag: str) -> str:
    """Return a hint with the nearest tag of the same name, or of all tags, if one is near."""
    same = tags_of(tag.split(".")[0])
    # A wrong name is near in meaning only if nearly all of it is the same.
    tags = {valid.replace(".", "_"): valid for valid in same or list_models(include_tags=True)}
    close = get_close_matches(tag.replace(".", "_"), tags, n=1, cutoff=0.3 if same else 0.8)
    return f'; did you mean "{tags[close[0]]}"?' if close else "; timm.list_models() lists them."
