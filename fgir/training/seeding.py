"""Randomness that depends on named things alone, so that a run taken up again draws what it would have drawn."""

import hashlib
import os

import torch


def derive(*parts: int | str) -> int:
    """A seed of 63 bits from what it is for, e.g. ``derive(seed, "step", epoch, step)``."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def seed_all(*parts: int | str) -> None:
    """Seed torch's generators (every device) for what ``parts`` name."""
    torch.manual_seed(derive(*parts))


def deterministic() -> None:
    """Ask torch for algorithms that give the same bits every time, where they exist."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling fresh memory finds reads of uninitialised values; it costs time and changes no result of ours.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
