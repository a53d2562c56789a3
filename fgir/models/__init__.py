"""Turn batches into logits: any timm model, under a classifier or CAL."""
