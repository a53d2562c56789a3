"""Build and train the network of ``finetuned``, of which the head alone learns."""

from fgir.methods.finetuned import build, loss

__all__ = ["build", "loss"]
