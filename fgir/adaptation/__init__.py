"""Adapt a trained run to another test size: what changes, on which images, and what it costs."""
