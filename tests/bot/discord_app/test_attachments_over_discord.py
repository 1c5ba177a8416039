"""The audio comes from Discord's CDN or not at all, and a person is told in one sentence."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from bot import messages
from bot.troubles import Trouble
from tests.bot.discord_app.harness import AUDIO, PATIENCE, Home, Start, answer_to, offered, send_note
from tests.fake_discord import FakeDiscord, Permission

UNREACHABLE = messages.sorry(Trouble.UNREACHABLE, max_seconds=1200, max_bytes=26214400)
TOO_LARGE = messages.sorry(Trouble.TOO_LARGE, max_seconds=1200, max_bytes=26214400)


@pytest.mark.parametrize("status", [302, 404, 500, 503])
async def test_a_failing_cdn_is_said_in_one_sentence(fake: FakeDiscord, start: Start, home: Home, status: int) -> None:
    bot = await start()
    fake.cdn.status(status)
    note = await send_note(home.ada, home.channel)
    assert (await answer_to(fake, note)).content == UNREACHABLE
    assert await bot.status(note.id) == "failed"


async def test_a_cdn_that_hangs_up_is_said_in_one_sentence(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    fake.cdn.dead()
    assert (await answer_to(fake, await send_note(home.ada, home.channel))).content == UNREACHABLE


async def test_a_download_that_broke_once_is_begun_anew(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    for break_it in (partial(fake.cdn.status, 503), partial(fake.cdn.status, 429), partial(fake.cdn.truncated, 10)):
        break_it(times=1)
        await offered(fake, await send_note(home.ada, home.channel))
    fake.cdn.dead(times=1)
    await offered(fake, await send_note(home.ada, home.channel))
    assert bot.recognizer.heard == [AUDIO] * 4


async def test_a_cdn_that_is_gone_is_said_in_one_sentence(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    note = await send_note(home.ada, home.channel, url=f"{fake.dead_host}/attachments/1/2/a.ogg")
    assert (await answer_to(fake, note)).content == UNREACHABLE


async def test_a_truncated_download_is_said_in_one_sentence(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    fake.cdn.truncated(10)
    assert (await answer_to(fake, await send_note(home.ada, home.channel))).content == UNREACHABLE
    assert bot.recognizer.heard == []


async def test_no_other_host_is_asked(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    note = await send_note(home.ada, home.channel, url=f"{fake.elsewhere}/a.ogg")
    assert (await answer_to(fake, note)).content == UNREACHABLE
    assert fake.elsewhere_requests == []


async def test_no_redirect_is_followed(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    fake.cdn.redirect(f"{fake.elsewhere}/a.ogg")
    assert (await answer_to(fake, await send_note(home.ada, home.channel))).content == UNREACHABLE
    assert fake.elsewhere_requests == []


async def test_a_size_that_lies_is_found_out(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start(max_note_bytes=10_000)
    note = await send_note(home.ada, home.channel, b"x" * 10_001, size=100)
    told = messages.sorry(Trouble.TOO_LARGE, max_seconds=1200, max_bytes=10_000)
    assert (await answer_to(fake, note)).content == told
    assert bot.recognizer.heard == []


async def test_a_download_without_end_is_cut_off(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start(max_note_bytes=10_000)
    fake.cdn.endless()
    told = messages.sorry(Trouble.TOO_LARGE, max_seconds=1200, max_bytes=10_000)
    assert (await answer_to(fake, await send_note(home.ada, home.channel))).content == told


async def test_an_expired_address_is_asked_for_anew_once(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    fake.cdn.status(404, times=1)
    await offered(fake, await send_note(home.ada, home.channel))
    assert bot.recognizer.heard == [AUDIO]
    assert len(fake.calls_to("GET", "/channels/*/messages/*")) == 1


async def test_an_address_that_cannot_be_renewed_is_said_in_one_sentence(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    fake.forbid(home.channel, Permission.READ_MESSAGE_HISTORY)
    await start()
    fake.cdn.status(403)
    await send_note(home.ada, home.channel)
    reply = await fake.next_message(home.channel)
    assert reply.content == f"**Ada**: {UNREACHABLE}"


async def test_a_note_deleted_before_its_download_gets_no_reply(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    fake.cdn.status(404)
    hold = fake.hold("GET", "/channels/*/messages/*")
    note = await send_note(home.ada, home.channel)
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    await home.ada.delete(note)
    hold.release()
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    await fake.settle()
    assert fake.messages(home.channel) == []


async def test_a_note_that_lost_its_attachment_gets_no_reply(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    fake.cdn.status(404)
    hold = fake.hold("GET", "/channels/*/messages/*")
    note = await send_note(home.ada, home.channel)
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    note.attachments.clear()
    hold.release()
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    await fake.settle()
    assert fake.messages(home.channel) == []
