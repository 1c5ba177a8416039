from __future__ import annotations

import threading
from types import FunctionType

import pytest
from blockbuster import BlockingError

from tests.blocking import no_blocking_calls

WAIT = "def {name}(lock):\n    return lock.acquire(timeout=0.01)\n"


def waiting(name: str, path: str) -> FunctionType:
    """Make a function that waits for a lock, as if it stood under that name in that file."""
    made: dict[str, FunctionType] = {}
    exec(compile(WAIT.format(name=name), path, "exec"), made)
    return made[name]


@pytest.fixture
def held() -> threading.Lock:
    """A lock that nobody releases: one that is held for a moment may be free before a slow machine asks for it."""
    lock = threading.Lock()
    lock.acquire()
    return lock


async def test_what_waits_for_a_lock_on_the_event_loop_is_found(held: threading.Lock) -> None:
    with no_blocking_calls(), pytest.raises(BlockingError):
        waiting("hear", "/checkout/bot/hearing.py")(held)


async def test_the_lock_of_coverage_is_no_fault_of_ours(held: threading.Lock) -> None:
    with no_blocking_calls():
        assert not waiting("lock_data", "/site-packages/coverage/collector.py")(held)
