"""From a method's name to its network and its objective: a file a method, see ``fgir/study/methods.py``."""
