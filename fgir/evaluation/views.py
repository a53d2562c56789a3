"""Logits of a batch by protocols, which share the views that they have in common."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol

from torch import Tensor, nn

from fgir.evaluation.windows import centre_of
from fgir.study import PROTOCOLS


class Implementation(Protocol):
    """A file of ``fgir/evaluation/protocols``, by the name of its protocol."""

    def views(self, model: Any, images: Tensor) -> Tensor:
        """Return logits (V, B, classes) of the V views of normalised images (B, 3, S, S).

        A protocol of n windows gets them below each other, (B, 3, n S, S).
        """


def implementation(protocol: str) -> Implementation:
    """Return what makes the views of a protocol."""
    found: Any = import_module(f"fgir.evaluation.protocols.{protocol}")
    return found  # type: ignore[no-any-return]


def logits_by(protocols: Sequence[str], model: nn.Module, images: Tensor) -> list[Tensor]:
    """Return logits (B, classes) by each protocol, in float32: the mean over its views.

    ``images`` are normalised, (B, 3, n S, S) with n windows where a protocol looks at several.

    A protocol that another of them begins with takes the first of that one's views.
    """
    views: dict[str, Tensor] = {}
    for protocol in sorted((PROTOCOLS[name] for name in protocols), key=lambda protocol: -protocol.views):
        if protocol.name not in views:
            given = images if protocol.windows > 1 else centre_of(images)
            views[protocol.name] = implementation(protocol.name).views(model, given).float()
        if protocol.begins_with:
            views.setdefault(protocol.begins_with, views[protocol.name][: PROTOCOLS[protocol.begins_with].views])
    return [_mean(views[name]) for name in protocols]


def _mean(views: Tensor) -> Tensor:
    return views.mean(0) if len(views) > 1 else views[0]
