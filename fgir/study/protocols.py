"""How a trained model is evaluated: the registry of protocols. Nothing here loads torch.

``fgir/evaluation/protocols/<name>.py`` gives the logits of each view.
"""

from typing import NamedTuple


class Protocol(NamedTuple):
    """One way to evaluate a trained model: the mean of its logits over views of an image."""

    name: str
    views: int
    dense: bool = False
    """Does it need the attention of a method that is dense?"""
    begins_with: str | None = None
    """The protocol whose views its first ones are: where both are asked for, they are computed once."""


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol("centre", views=1),
        # The image and its mirror, whole and in three crops where attention is.
        Protocol("attention_crops", views=8, dense=True, begins_with="centre"),
    )
}
