"""The bot knows what it is busy with, and lets it finish."""

from __future__ import annotations

import asyncio
import logging

import pytest

from bot.discord_app.work import Work


async def answer(work: Work, until: asyncio.Event, done: list[str]) -> None:
    with work.answering():
        await until.wait()
        done.append("answer")


async def test_finishing_waits_for_answers() -> None:
    work, until, done = Work(asyncio.Event()), asyncio.Event(), list[str]()
    task = asyncio.create_task(answer(work, until, done))
    await asyncio.sleep(0)
    finishing = asyncio.create_task(work.finish(patience=60))
    await asyncio.sleep(0)
    assert not finishing.done()
    until.set()
    await finishing
    assert done == ["answer"]
    await task


async def test_finishing_waits_for_errands_that_an_answer_leaves_behind() -> None:
    work, until, done = Work(asyncio.Event()), asyncio.Event(), list[str]()

    async def errand() -> None:
        await asyncio.sleep(0)
        done.append("errand")

    async def answer_and_react() -> None:
        await answer(work, until, done)
        work.errand(errand(), name="errand")

    task = asyncio.create_task(answer_and_react())
    await asyncio.sleep(0)
    until.set()
    await work.finish(patience=60)
    assert done == ["answer", "errand"]
    await task


async def test_finishing_cancels_what_takes_too_long(caplog: pytest.LogCaptureFixture) -> None:
    work = Work(asyncio.Event())
    task = asyncio.create_task(answer(work, asyncio.Event(), []))
    await asyncio.sleep(0)
    await work.finish(patience=0)
    assert task.cancelled()
    assert "1 answers unfinished" in caplog.text


async def test_finishing_with_nothing_to_do_is_quiet(caplog: pytest.LogCaptureFixture) -> None:
    await Work(asyncio.Event()).finish(patience=60)
    assert caplog.text == ""


async def test_a_failing_errand_is_logged_and_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async def errand() -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        await Work(asyncio.Event()).errand(errand(), name="adding reactions")
    assert "adding reactions" in caplog.text


async def test_an_errand_that_pauses_ends_with_the_bot() -> None:
    stop = asyncio.Event()
    work = Work(stop)
    assert await work.pause(0.0)
    pausing = asyncio.create_task(work.pause(3600.0))
    await asyncio.sleep(0)
    stop.set()
    assert not await pausing


def test_no_note_is_taken_once_the_bot_is_asked_to_stop() -> None:
    stop = asyncio.Event()
    work = Work(stop)
    assert work.is_open
    stop.set()
    assert not work.is_open
