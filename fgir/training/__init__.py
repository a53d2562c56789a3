"""Train weights: from pretrained weights to a run that has ended."""
