"""Derive random numbers from named things alone, so that a resumed run draws what it would have drawn."""

import hashlib
import os
import re

import torch

# The two values that torch's documentation of use_deterministic_algorithms names.
_OF_CUBLAS = (":4096:8", ":16:8")


def derive(*parts: int | str) -> int:
    """Return a seed of 63 bits for a purpose, e.g. ``derive(seed, "step", epoch, step)``."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def seed_all(*parts: int | str) -> None:
    """Seed the default generators of the CPU and the GPUs with ``derive(*parts)``, as torch.manual_seed would."""
    seed = derive(*parts)
    torch.default_generator.manual_seed(seed)
    # torch.manual_seed also keeps the seed, with a stack trace, for kinds of devices that are not here: at every step
    # that takes time, and memory that is never freed.
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)


def deterministic(strict: bool) -> None:
    """Ask torch for algorithms that give the same bits every time.

    At an operator that has none torch raises a RuntimeError if ``strict``, else it warns. Without ``strict`` it also
    prefers faster backward passes of attention, which give other bits every time on a GPU.
    """
    if os.environ.get("CUBLAS_WORKSPACE_CONFIG") not in _OF_CUBLAS:
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = _OF_CUBLAS[0]
    torch.use_deterministic_algorithms(True, warn_only=not strict)
    # Filling fresh memory finds reads of uninitialised values; it costs time and changes no result of ours.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False


def indeterminate(error: RuntimeError) -> str | None:
    """Return the operator that raised ``error`` for lack of a deterministic form; None for any other error."""
    found = re.search(r"(\S+) does not have a deterministic implementation", str(error))
    return found and found[1]
