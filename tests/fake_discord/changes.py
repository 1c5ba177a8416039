"""Waiting without sleeping: whoever waits looks again whenever something has changed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
LOOK_AGAIN = 0.01  # seconds; for conditions on what the fake cannot see change, such as the bot's database


class Changes:
    """A bell that is rung at every change of the fake Discord's state."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def announce(self) -> None:
        """Wake everyone who waits."""
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def wait(self) -> None:
        """Wait for the next change."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await future
        finally:
            self._waiting.discard(future)

    async def until(self, condition: Callable[[], T | None], timeout: float) -> T:  # noqa: ASYNC109
        """Return the first truthy value of `condition`, or raise TimeoutError."""
        async with asyncio.timeout(timeout):
            while not (value := condition()):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.wait(), LOOK_AGAIN)
        return value
