"""Explain what is measured: how large objects appear in training and at test."""
