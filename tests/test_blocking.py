from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType

import pytest
from blockbuster import BlockingError

from tests.blocking import no_blocking_calls

WAIT = "def {name}(lock):\n    return lock.acquire(timeout=10)\n"


def waiting(name: str, path: str) -> FunctionType:
    """Make a function that waits for a lock, as if it stood under that name in that file."""
    made: dict[str, FunctionType] = {}
    exec(compile(WAIT.format(name=name), path, "exec"), made)
    return made[name]


@contextmanager
def lock_held_a_moment() -> Iterator[threading.Lock]:
    lock = threading.Lock()
    lock.acquire()
    release = threading.Timer(0.05, lock.release)
    release.start()
    yield lock
    release.join()


async def test_what_waits_for_a_lock_on_the_event_loop_is_found() -> None:
    with lock_held_a_moment() as lock, no_blocking_calls(), pytest.raises(BlockingError):
        waiting("hear", "/checkout/bot/hearing.py")(lock)


async def test_the_lock_of_coverage_is_no_fault_of_ours() -> None:
    with lock_held_a_moment() as lock, no_blocking_calls():
        assert waiting("lock_data", "/site-packages/coverage/collector.py")(lock)
