"""Work in several processes, which Ctrl-C ends without a word."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from multiprocessing import resource_tracker
from typing import Any

from joblib import Parallel


def in_processes(work: Iterable[Any], *, n_jobs: int, batch_size: int | str = "auto") -> Iterator[Any]:
    """Do work in several processes, and give the results in order, as they come.

    Parameters
    ----------
    work : iterable
        Calls as `joblib.delayed` makes them.
    n_jobs : int
        Processes; with one, it is done in this one.
    batch_size : int or "auto"
        Calls sent to a process at once.

    Returns
    -------
    iterator
    """
    with nullcontext() if n_jobs == 1 else _interrupts_held():
        return iter(Parallel(n_jobs=n_jobs, batch_size=batch_size, return_as="generator")(work))


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back; the processes and threads that are started meanwhile never get it, and this one ends them.

    A terminal sends it to all processes at once: each that is starting would print a traceback, and joblib's thread
    that ends them waits for ever if the program dies that it asks for their children.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # until Python 3.12 it lets interrupts through again when it has started
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
