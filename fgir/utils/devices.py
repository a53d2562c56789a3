"""The device at hand: which it is, how it computes, how much memory it took, under which versions."""

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
    """Return the GPU where there is one, else the CPU; what is float32 on it is computed in float32."""
    # Of its own accord torch convolves in TF32, which rounds to the 10 bits of float16.
    torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precision_of(device: torch.device, precision: str) -> str:
    """Return ``fp16`` for ``auto`` on a GPU, else ``fp32``."""
    return "fp16" if device.type == "cuda" and precision == "auto" else "fp32"


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Enter mixed float16 where precision_of says fp16; else nothing."""
    if precision_of(device, precision) == "fp16":
        return torch.autocast(device.type, dtype=torch.float16)
    return nullcontext()


def conditions(device: torch.device, precision: str) -> dict[str, Any]:
    """Return the columns of every table that say under which conditions a figure was found."""
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
    """Let peak_memory start from now; on a CPU, only where the system (Linux) can."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    resident.forget_peak()


def peak_memory(device: torch.device) -> int:
    """Return the most device memory that tensors took on a GPU; the largest resident set on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resident.peak()


def synchronise(device: torch.device) -> None:
    """Wait until the device has done all that it was given."""
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
