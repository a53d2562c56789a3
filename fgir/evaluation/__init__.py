"""From a trained model to its accuracy."""
