"""From a protocol's name to the logits of its views: a file a protocol, see ``fgir/study/protocols.py``."""
