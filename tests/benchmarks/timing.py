"""Measuring: medians of many runs, since one run says nothing on a shared machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Result:
    """One row of the table."""

    what: str
    value: str
    spread: str
    aim: str = ""


def milliseconds(what: str, seconds: Sequence[float], *, aim: str = "", digits: int = 0) -> Result:
    """Summarise durations: the median, and the range that the middle half lies in."""
    low, middle, high = (f"{1000 * quartile:.{digits}f}" for quartile in statistics.quantiles(seconds, n=4))
    return Result(what, f"{middle} ms", f"{low} to {high} ms, {len(seconds)} runs", aim)


def time_calls(call: Callable[[], object], n_runs: int) -> list[float]:
    """Run something some times after one run that warms up, and return the seconds of each."""
    call()
    seconds = []
    for _ in range(n_runs):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


def descendants(pid: int) -> list[int]:
    """List a process and all processes that it started (Linux)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(each for child in children for each in descendants(int(child)))]


def resident_mib(pid: int, field: str) -> float:
    """Read the memory of one process: `Rss`, or `Pss`, in which shared pages count in parts."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(field)


def peak_mib(call: Callable[[], object]) -> float | None:
    """Measure by how much this process grows at most while something runs; None where the system does not tell."""
    reset, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    try:
        reset.write_text("5", encoding="ascii")  # forgets the peak so far
    except OSError:
        return None
    before = _status_mib(status, "VmRSS")
    call()
    return _status_mib(status, "VmHWM") - before


def _status_mib(status: Path, field: str) -> float:
    for line in status.read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(field)
