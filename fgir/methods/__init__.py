"""Build the network of each method and compute its loss: a file a method, see ``fgir/study/methods.py``."""
