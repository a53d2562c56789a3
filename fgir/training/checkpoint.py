"""The resumable state of a training: whole or not at all, the previous one kept, only tensors and numbers read.

A file is the safetensors bytes of the state followed by their BLAKE2b digest, so that damage anywhere is noticed.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load, save

from fgir.models.apart import apart
from fgir.utils import log
from fgir.utils.files import replacing

_DIGEST_SIZE = 32


class Checkpoint(NamedTuple):
    """Hold the state from which a training resumes."""

    tensors: dict[str, torch.Tensor]
    numbers: dict[str, Any]
    """Numbers and texts, as JSON."""


class Refused(Exception):
    """Report why a checkpoint is not used."""


def write_checkpoint(folder: Path, identity: str, checkpoint: Checkpoint) -> None:
    """Write the newest state of the run that ``identity`` names; the one before becomes ``previous``."""
    metadata = {"identity": identity, "numbers": json.dumps(checkpoint.numbers)}
    data = save(apart(checkpoint.tensors), metadata)
    newest, previous = _paths(folder)
    with replacing(newest.with_name("next.state")) as temporary:
        temporary.write_bytes(data + _digest(data))
    if newest.exists():
        newest.replace(previous)
    newest.with_name("next.state").replace(newest)


def read_checkpoint(folder: Path, identity: str) -> Checkpoint | None:
    """Return the newest usable state, or None; print on stderr why a state was skipped."""
    for path in _paths(folder):
        try:
            return _read(path, identity)
        except FileNotFoundError:
            continue
        except Refused as reason:
            print(f"{path} is not used: {reason}", file=sys.stderr)
    return None


def remove_checkpoints(folder: Path) -> None:
    """Delete the states of a finished run, and the history that could be read while it trained."""
    for path in (*_paths(folder), folder / "next.state", folder / log.NAME, *folder.glob("history*.parquet")):
        path.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _read(path: Path, identity: str) -> Checkpoint:
    content = path.read_bytes()
    data, digest = content[:-_DIGEST_SIZE], content[-_DIGEST_SIZE:]
    if len(content) <= _DIGEST_SIZE or _digest(data) != digest:
        raise Refused("it is damaged.")
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata = header["__metadata__"]
    if metadata["identity"] != identity:
        raise Refused("it belongs to another spec, split or weights file.")
    return Checkpoint(load(data), json.loads(metadata["numbers"]))


def _paths(folder: Path) -> tuple[Path, Path]:
    return folder / "newest.state", folder / "previous.state"


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_SIZE).digest()
