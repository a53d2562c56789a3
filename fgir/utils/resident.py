"""Measure the peak resident memory of this process."""

import resource
import sys
from pathlib import Path

_KIB = 1024


def peak() -> int:
    """Return the largest resident set, in bytes, since the process began or since ``forget_peak``."""
    try:
        # Unlike ru_maxrss, it does not begin with the memory of the process that started this one.
        status = Path("/proc/self/status").read_text()
        return next(int(line.split()[1]) * _KIB for line in status.splitlines() if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else _KIB
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def forget_peak() -> None:
    """Restart the measurement of the peak, if the system can (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return
