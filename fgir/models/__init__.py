"""How batches become logits: any timm model, a classifier or CAL on it."""
