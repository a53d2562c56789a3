"""How weights are trained: from pretrained weights to a run that has ended."""
