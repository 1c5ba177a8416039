from __future__ import annotations

import asyncio

from bot.outbox import Outbox


def test_a_note_is_in_work_until_it_is_done_with() -> None:
    outbox = Outbox()
    outbox.begin(1)
    assert 1 in outbox
    outbox.hand_over(1, "a")
    assert 1 in outbox
    outbox.end(1)
    outbox.end(1)
    assert 1 not in outbox


async def test_there_is_nothing_to_wait_for_while_no_answer_is_on_its_way() -> None:
    outbox = Outbox()
    outbox.begin(1)
    outbox.hand_over(2, "b")
    assert not await outbox.settled("a")


async def test_waits_until_every_answer_to_the_person_is_sent() -> None:
    outbox = Outbox()
    outbox.hand_over(1, "a")
    outbox.hand_over(2, "a")
    waiting = asyncio.create_task(outbox.settled("a"))
    outbox.end(1)
    await asyncio.wait([waiting], timeout=0)
    assert not waiting.done()
    outbox.end(2)
    assert await waiting


async def test_waits_for_the_answers_to_everybody_if_nobody_is_named() -> None:
    outbox = Outbox()
    assert not await outbox.settled()
    outbox.hand_over(1, "a")
    outbox.hand_over(2, "b")
    waiting = asyncio.create_task(outbox.settled())
    outbox.end(1)
    await asyncio.wait([waiting], timeout=0)
    assert not waiting.done()
    outbox.end(2)
    assert await waiting


async def test_patience_ends() -> None:
    outbox = Outbox()
    outbox.hand_over(1, "a")
    assert await outbox.settled("a", patience=0)  # one was on its way
