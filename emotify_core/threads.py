"""One thread for a note: the libraries of linear algebra would start one on each core, and wait for all of them."""

from __future__ import annotations

import functools
import os
from contextlib import ContextDecorator
from threading import Event, Lock, Thread
from typing import Final

from threadpoolctl import ThreadpoolController


class _OneThread(ContextDecorator):
    """Lets linear algebra run in the thread that asks for it; afterwards the process may do what it did before.

    The number of threads is one for the whole process, and threadpoolctl lets only the thread that has changed it
    change it again. So a thread of its own holds it, until the last of those that are inside at once has left. Where
    somebody else holds it, as by `threadpoolctl.threadpool_limits`, that number stands.
    """

    def __init__(self) -> None:
        self._begin()
        if hasattr(os, "register_at_fork"):  # no thread of the parent, neither holder nor who is inside, is in a child
            os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._lock = Lock()
        self._n_inside = 0
        self._is_last_out = Event()
        self._holder: Thread | None = None

    def __enter__(self) -> None:
        with self._lock:
            if self._n_inside == 0 and any(library.num_threads != 1 for library in _linear_algebra().lib_controllers):
                is_held, self._is_last_out = Event(), Event()
                holder = Thread(target=_hold, args=(is_held, self._is_last_out), daemon=True)
                holder.start()
                self._holder = holder
                is_held.wait()
            self._n_inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._n_inside -= 1
            if self._n_inside == 0 and self._holder is not None:
                self._is_last_out.set()
                self._holder.join()
                self._holder = None


def _hold(is_held: Event, is_last_out: Event) -> None:
    try:
        with _linear_algebra().limit(limits=1):
            is_held.set()
            is_last_out.wait()
    finally:
        is_held.set()  # whatever went wrong, nobody waits for it


@functools.cache
def _linear_algebra() -> ThreadpoolController:
    """Find the libraries, which takes milliseconds, once."""
    return ThreadpoolController().select(user_api="blas")


one_thread: Final = _OneThread()
"""A context, or a decorator of functions, within which linear algebra keeps to one thread."""
