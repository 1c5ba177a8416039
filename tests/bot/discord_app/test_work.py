"""The bot knows what it is busy with, and lets it finish."""

from __future__ import annotations

import asyncio
import logging

import pytest

from bot.discord_app.work import Work


async def answer(work: Work, message_id: int, channel_id: int, *, until: asyncio.Event) -> None:
    with work.answering(message_id, channel_id):
        await until.wait()


async def test_a_note_is_in_work_until_it_is_answered() -> None:
    work, replied = Work(), asyncio.Event()
    task = asyncio.create_task(answer(work, 1, 7, until=replied))
    await asyncio.sleep(0)
    assert 1 in work
    replied.set()
    await task
    assert 1 not in work


async def test_settling_waits_for_the_notes_of_one_channel_only() -> None:
    work, here, elsewhere = Work(), asyncio.Event(), asyncio.Event()
    tasks = [
        asyncio.create_task(answer(work, 1, 7, until=here)),
        asyncio.create_task(answer(work, 2, 8, until=elsewhere)),
    ]
    await asyncio.sleep(0)
    settled = asyncio.create_task(work.settle(7))
    await asyncio.sleep(0)
    assert not settled.done()
    here.set()
    await settled
    assert 2 in work
    elsewhere.set()
    await asyncio.gather(*tasks)


async def test_settling_does_not_wait_for_the_note_that_asks() -> None:
    work = Work()
    with work.answering(1, 7):
        await work.settle(7)
        assert 1 in work


async def test_finishing_lets_notes_and_errands_end() -> None:
    work, done = Work(), []

    async def errand() -> None:
        await asyncio.sleep(0)
        done.append("errand")

    work.errand(errand(), name="errand")
    await work.finish(timeout=60)
    assert done == ["errand"]
    assert not work.is_open


async def test_finishing_cancels_what_takes_too_long() -> None:
    work = Work()
    task = asyncio.create_task(answer(work, 1, 7, until=asyncio.Event()))
    await asyncio.sleep(0)
    await work.finish(timeout=0)
    assert task.cancelled()
    assert 1 not in work


async def test_a_failing_errand_is_logged_and_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async def errand() -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        await Work().errand(errand(), name="adding reactions")
    assert "adding reactions" in caplog.text
