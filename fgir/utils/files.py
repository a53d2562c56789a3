"""Write files and folders so that they appear whole or not at all."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fgir.utils.errors import FgirError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` on success, remove it on any failure.

    Raises FgirError if the disk is full or the folder is not writable.
    """
    path = Path(path)
    try:
        with naming_full_disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise FgirError(
            f"{path} cannot be written ({error.strerror}); name another place, or correct the folder's permissions."
        ) from error
    os.close(handle)
    temporary = Path(name)
    try:
        with naming_full_disk(path):
            yield temporary
            _flush(temporary)
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; rename it to ``path`` on success, remove it on any failure.

    Use it for folders whose name identifies their content: if another job finished the same one first, that one stays.
    Raises FgirError if the disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    try:
        with naming_full_disk(path):
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            _rename_unless_there(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _rename_unless_there(temporary: Path, path: Path) -> None:
    try:
        temporary.rename(path)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


# EFBIG: the file would be larger than a quota (ulimit -f) or the file system allows.
_FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL = "The disk is full: {} was not written; free some space and rerun."


@contextmanager
def naming_full_disk(path: Path) -> Iterator[None]:
    """Turn the error of a full disk into an FgirError that names ``path``."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL_DISK:
            raise FgirError(_FULL.format(path)) from error
        raise
    except Exception as error:
        # safetensors has an error of its own for it.
        if any(f"(os error {number})" in str(error) for number in _FULL_DISK):
            raise FgirError(_FULL.format(path)) from error
        raise


def _flush(path: Path) -> None:
    # Without it, a crash of the machine after the rename could leave an empty file under the final name.
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
