"""Register the protocols: how a trained model is evaluated. Nothing here loads torch.

``fgir/evaluation/protocols/<name>.py`` gives the logits of each view.
"""

from typing import NamedTuple


class Protocol(NamedTuple):
    """Describe one way to evaluate a trained model: by the mean of its logits over views of an image."""

    name: str
    views: int
    dense: bool = False
    """True if it needs the attention of a dense method."""
    crop: str = "centre_crop"
    """The operation that ends its test transform. Windows that it cuts lie below each other, the centre first."""
    windows: int = 1
    """The number of windows that it cuts of an image."""
    begins_with: str | None = None
    """The protocol whose views are its first ones; if both are asked for, those are computed once."""


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol("centre", views=1),
        # The image and its mirror, whole and in three crops where attention is.
        Protocol("attention_crops", views=8, dense=True, begins_with="centre"),
        # The centre, the four corners, and the mirrors of these.
        Protocol("ten_crop", views=10, crop="ten_crop", windows=10, begins_with="centre"),
    )
}
