"""Stopping on SIGTERM and SIGINT: the first asks the bot to finish, the second ends it at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
_log = logging.getLogger(__name__)
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AGAIN = 5.0  # seconds after which what was given up and goes on is given up again


class Stopped(Exception):  # noqa: N818 - not an error
    """The operator asked the bot to stop."""


@contextmanager
def stop_on_signals() -> Iterator[asyncio.Event]:
    """Provide an event that the first SIGINT or SIGTERM sets; a second one ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def received(number: int) -> None:
        if stop.is_set():
            logging.shutdown()
            os._exit(128 + number)  # workers and children see their pipe close
        _log.info("Stopping: finishing what is in work. A second signal ends the bot at once")
        stop.set()

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        _listen(loop, number, received)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            signal.signal(number, handler)


def _listen(loop: asyncio.AbstractEventLoop, number: int, received: Any) -> None:  # noqa: ANN401 - a plain callback
    """Call back in the loop on a signal, also where the loop cannot do that by itself (Windows)."""
    try:
        loop.add_signal_handler(number, received, number)
    except NotImplementedError:
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(received, number))


async def unless_stopped(stop: asyncio.Event, coroutine: Coroutine[Any, Any, T]) -> T:
    """Await a coroutine, but give it up as soon as the bot is asked to stop.

    Raises
    ------
    Stopped
        If that happens first.
    """
    task = asyncio.ensure_future(coroutine)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Stopped
        return task.result()
    finally:
        stopping.cancel()
        while not task.done():  # a cancellation is lost where what is waited for ends in the same moment
            task.cancel()
            await asyncio.wait({task}, timeout=_AGAIN)
        await asyncio.gather(task, stopping, return_exceptions=True)
