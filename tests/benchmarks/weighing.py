"""What processes use: each with its descendants, because who writes the database may be a child of who is asked.

Source: proc(5).
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PARENT, CPU = 1, slice(11, 15)  # of what follows the name: the parent's id; utime, stime, and those of ended children


def tree(pid: int) -> list[int]:
    """List a process and its descendants."""
    children: dict[int, list[int]] = {}
    for process in _all_processes():
        with suppress(OSError):  # it ended meanwhile
            children.setdefault(int(_stat(process)[PARENT]), []).append(process)
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found


def cpu_s(pid: int) -> float:
    """Return the processor time that a process and its descendants have used, in seconds."""
    return sum(_ticks(process) for process in tree(pid)) / TICKS_PER_S


def peak_memory_bytes(pid: int) -> int:
    """Return the largest memory (RSS) that each of a process and its descendants has had, together."""
    return sum(_kib(process, "VmHWM:") for process in tree(pid)) * 1024


def memory_bytes(pid: int) -> int:
    """Return the memory (RSS) that a process and its descendants have now."""
    return sum(_kib(process, "VmRSS:") for process in tree(pid)) * 1024


def _all_processes() -> Iterable[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _ticks(pid: int) -> int:
    try:
        return sum(int(ticks) for ticks in _stat(pid)[CPU])
    except OSError:  # it ended meanwhile: its parent has its time
        return 0


def _kib(pid: int, name: str) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith(name)), 0)
