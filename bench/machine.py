"""The machine that the times are of: what it is, and whether it has something else to do."""

import os
import platform
from pathlib import Path

import jax

BUSY = 0.5  # runnable processes a core, others' work, from which on times are not to be trusted


def describe() -> dict:
    first = jax.devices()[0]
    return {
        "jax": f"{first.platform}: {first.device_kind}",
        "cpu": cpu_name(),
        "cores": cores(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_name() -> str:
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def load() -> float | None:
    """Runnable processes a core in the last minute; unknown on Windows."""
    return os.getloadavg()[0] / (os.cpu_count() or 1) if hasattr(os, "getloadavg") else None


def say_if_busy() -> None:
    now = load()
    if now is not None and now > BUSY:
        print(f"this machine is busy ({now:.1f} runnable processes a core in the last minute): times will be too long")
