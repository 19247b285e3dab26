"""Peak growth of this process' resident size during one run (Linux; elsewhere unknown)."""

import ctypes
from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def mark() -> int | None:
    """Give freed memory back, reset the kernel's high-water mark, and return the resident size in bytes."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
        CLEAR.write_text("5")
        return read("VmRSS")
    except (OSError, AttributeError):
        return None


def growth(before: int | None) -> int | None:
    """Bytes by which the resident size rose above `before`, at its highest since `mark`."""
    return None if before is None else max(0, read("VmHWM") - before)


def read(name: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
