"""Accuracy against cost of backbones, trained and evaluated in many ways, in fine-grained image recognition."""

__version__ = "0.1.0"
