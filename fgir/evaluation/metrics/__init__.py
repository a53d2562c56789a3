"""From a metric's name to its figure: a file a metric, see ``fgir/results/metrics.py``."""
