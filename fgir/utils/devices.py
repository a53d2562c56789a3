"""Choose the device, and report its precision, its peak memory and the software versions."""

import platform
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import fgir
from fgir.utils import resident
from fgir.utils.revision import revision


def choose_device() -> torch.device:
    """Return the GPU if there is one, else the CPU. float32 on it is computed in float32."""
    # By default torch convolves in TF32, which rounds to the 10 bits of float16.
    torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precision_of(device: torch.device, precision: str) -> str:
    """Return ``fp16`` for ``auto`` on a GPU, else ``fp32``."""
    return "fp16" if device.type == "cuda" and precision == "auto" else "fp32"


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Return a context of mixed float16 if ``precision_of`` says fp16, else one that changes nothing."""
    if precision_of(device, precision) == "fp16":
        return torch.autocast(device.type, dtype=torch.float16)
    return nullcontext()


def conditions(device: torch.device, precision: str) -> dict[str, Any]:
    """Return the columns that say under which conditions a figure was measured."""
    on_gpu = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if on_gpu else _cpu_name(),
        "driver": torch.version.cuda if on_gpu else None,
        "precision": precision_of(device, precision),
        "memory_format": "channels_last",
        "threads": torch.get_num_threads(),
        "torch": str(torch.__version__),
        "timm": version("timm"),
        "fgir": fgir.__version__ + revision(),
    }


def reset_peak_memory(device: torch.device) -> None:
    """Restart the measurement of ``peak_memory``; on a CPU, only if the system can (Linux)."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    resident.forget_peak()


def peak_memory(device: torch.device) -> int:
    """Return the peak memory in bytes: of tensors on a GPU, of the resident set on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resident.peak()


def synchronise(device: torch.device) -> None:
    """Wait until the device has finished its queued work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@cache
def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, names), "") or platform.processor() or platform.machine()
