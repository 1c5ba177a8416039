"""Find calls that block the event loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from blockbuster import BlockBuster, blockbuster_ctx


@contextmanager
def no_blocking_calls(modules: list[str] | None = None) -> Iterator[BlockBuster]:
    """Raise `BlockingError` on calls that block the event loop: those made by way of `modules`, or all.

    Coverage guards what it collects with a lock of its own, and so would be found where two threads are traced at once.
    """
    with blockbuster_ctx(modules) as detector:
        detector.functions["threading.Lock.acquire"].can_block_in("coverage/collector.py", {"lock_data"})
        yield detector
