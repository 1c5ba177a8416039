"""What the bot is busy with, so that nothing is dropped when it stops."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

_log = logging.getLogger(__name__)


class Work:
    """The tasks that answer people, and the errands that nobody waits for (adding reactions, catching up).

    Parameters
    ----------
    stop : asyncio.Event
        Set as soon as the bot is asked to stop.
    """

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._answers: set[asyncio.Task[Any]] = set()
        self._errands: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        """Whether new notes are taken; not once the bot is stopping."""
        return not self._stop.is_set()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count the current task among those that answer somebody."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a mistake of the programmer
        self._answers.add(task)
        try:
            yield
        finally:
            self._answers.discard(task)

    def errand(self, coroutine: Coroutine[Any, Any, object], *, name: str) -> asyncio.Task[None]:
        """Run something beside the conversation; its failure is logged and changes nothing."""
        task = asyncio.create_task(_log_failure(coroutine, name), name=name)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
        return task

    async def pause(self, seconds: float) -> bool:
        """Wait within an errand; False as soon as the bot is asked to stop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        return self.is_open

    async def finish(self, *, patience: float) -> None:
        """Let what is in work finish, and cancel what takes longer than `patience` seconds."""
        tasks = self._answers | self._errands
        # A finished answer may have left an errand behind, such as adding its reactions: hence the loop.
        deadline = asyncio.get_running_loop().time() + patience
        while tasks and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(tasks, timeout=left)
            tasks = {task for task in self._answers | self._errands if not task.done()}
        if tasks:
            _log.warning("Stopping with %d answers unfinished; they are taken up at the next start", len(tasks))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _log_failure(coroutine: Coroutine[Any, Any, object], name: str) -> None:
    """Await a coroutine whose failure concerns nobody."""
    try:
        await coroutine
    except Exception:  # noqa: BLE001 - it is logged
        _log.exception("An errand failed: %s", name)
