"""The first signal asks the bot to stop, on every system."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

import pytest

from bot.discord_app.signals import Stopped, stop_on_signals, unless_stopped

PATIENCE = 60.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="os.kill would end the test run there")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_sets_the_event(number: signal.Signals) -> None:
    with stop_on_signals() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stop.wait(), PATIENCE)


async def test_it_works_where_the_loop_knows_no_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_here(*_: Any) -> None:
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", not_here)
    monkeypatch.setattr(asyncio.get_running_loop(), "remove_signal_handler", not_here)
    with stop_on_signals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(stop.wait(), PATIENCE)


async def test_a_second_signal_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(os, "_exit", ended.set_result)
    monkeypatch.setattr("logging.shutdown", lambda: None)
    with stop_on_signals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(stop.wait(), PATIENCE)
        os.kill(os.getpid(), signal.SIGTERM)
        assert await asyncio.wait_for(ended, PATIENCE) == 128 + signal.SIGTERM


async def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals():
        pass
    assert signal.getsignal(signal.SIGTERM) == before


async def test_unless_stopped_gives_a_result_or_gives_up() -> None:
    stop = asyncio.Event()
    assert await unless_stopped(stop, asyncio.sleep(0, "done")) == "done"
    stop.set()
    with pytest.raises(Stopped):
        await unless_stopped(stop, _for_ever())


async def test_unless_stopped_passes_errors_on() -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await unless_stopped(asyncio.Event(), fail())


async def _for_ever() -> None:
    await asyncio.Event().wait()


async def test_what_loses_a_cancellation_is_given_up_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.discord_app.signals._AGAIN", 0.01)
    n_lost, stop = 0, asyncio.Event()

    async def goes_on() -> None:  # as `asyncio.wait_for` of Python 3.11 does where its time is up in that moment
        nonlocal n_lost
        while n_lost < 2:
            try:
                await asyncio.sleep(PATIENCE)
            except asyncio.CancelledError:
                n_lost += 1
        await asyncio.sleep(PATIENCE)

    stop.set()
    with pytest.raises(Stopped):
        await asyncio.wait_for(unless_stopped(stop, goes_on()), PATIENCE)

    assert n_lost == 2
