"""Find what else the machine does during a timing: its load, other processes on the GPU, waits for a core."""

import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import torch

_MIB = 2**20
_QUERY_SECONDS = 20
_TASKS = Path("/proc/self/task")


class GpuUse(NamedTuple):
    """Hold the use of one GPU by others than this process; None: nvidia-smi does not say.

    processes: their number; memory: the bytes that they hold; utilization: % of the last second in which it computed.
    """

    processes: int | None = None
    memory: int | None = None
    utilization: float | None = None


class Start(NamedTuple):
    """Hold the state of the machine at the start: the load of the last minute a core, if known; GPUs by UUID."""

    load: float | None
    gpus: dict[str, GpuUse]


def look() -> Start:
    """Look at the machine, before this process computes: what a GPU does then, it does for others."""
    return Start(_load(), _gpus())


def use_of(device: torch.device, start: Start) -> GpuUse:
    """Return the use of ``device`` at the start; all None on a CPU."""
    if device.type != "cuda":
        return GpuUse()
    uuid = str(getattr(torch.cuda.get_device_properties(device), "uuid", ""))
    return start.gpus.get(uuid.removeprefix("GPU-"), GpuUse())


def columns_of(start: Start, use: GpuUse) -> dict[str, Any]:
    """Return the columns of a timing's row that say what else the machine did at the start."""
    return {
        "load": start.load,
        "gpu_processes": use.processes,
        "gpu_processes_memory": use.memory,
        "gpu_utilization": use.utilization,
    }


def waited() -> dict[str, int] | None:
    """Return the nanoseconds that each thread of this process was ready and waited for a core; None where not known.

    Linux counts them (Documentation/scheduler/sched-stats.rst: /proc/<pid>/schedstat).
    """
    try:
        return {task.name: int((task / "schedstat").read_text().split()[1]) for task in _TASKS.iterdir()}
    except (OSError, ValueError, IndexError):
        return None


def share_waited(before: dict[str, int] | None, after: dict[str, int] | None, seconds: float) -> float | None:
    """Return the share of ``seconds`` that the thread which waited most has waited for a core; None if unknown."""
    if not before or not after or seconds <= 0:
        return None
    return max(count - before.get(thread, 0) for thread, count in after.items()) / (1e9 * seconds)


def _load() -> float | None:
    try:
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    except (OSError, AttributeError):
        return None


def _gpus() -> dict[str, GpuUse]:
    gpus = {}
    processes = _ask("--query-compute-apps=gpu_uuid,pid,used_gpu_memory")
    for uuid, utilization in _ask("--query-gpu=uuid,utilization.gpu") or []:
        others = None
        if processes is not None:
            others = [row for row in processes if row[0] == uuid and row[1] != str(os.getpid())]
        memory = [_number(row[2]) for row in others or []]
        held = None if others is None or None in memory else int(sum(filter(None, memory)) * _MIB)
        use = GpuUse(None if others is None else len(others), held, _number(utilization))
        gpus[uuid.removeprefix("GPU-")] = use
    return gpus


def _ask(query: str) -> list[list[str]] | None:
    """Return the rows that nvidia-smi answers; None where there is none, or it fails."""
    command = ["nvidia-smi", query, "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_QUERY_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return None
    columns = query.count(",") + 1
    rows = [[field.strip() for field in line.split(",")] for line in answer.stdout.splitlines() if line.strip()]
    return [row for row in rows if len(row) == columns]


def _number(text: str) -> float | None:
    """Return a number of nvidia-smi, which writes [N/A] where it has none."""
    try:
        return float(text)
    except ValueError:
        return None
