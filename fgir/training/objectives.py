"""What each regime minimises in one step."""

from torch import Tensor, nn
from torch.nn import functional as F

from fgir.study import Regime


def step_loss(model: nn.Module, regime: Regime, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss (scalar) and the logits (B, classes) that count for training accuracy, of one batch.

    ``images`` is (B, 3, S, S) normalised; for calmix, same-class pairs stand side by side.
    """
    if regime in ("cal", "calmix"):
        loss: Tensor
        logits: Tensor
        loss, logits = model.losses(images, labels, swap=regime == "calmix")  # type: ignore[operator]
        return loss, logits
    return head_loss(model, images, labels)


def head_loss(head: nn.Module, features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cross-entropy (scalar) and logits (B, classes) of what ``head`` makes of a batch of features."""
    logits: Tensor = head(features)
    return F.cross_entropy(logits, labels), logits
