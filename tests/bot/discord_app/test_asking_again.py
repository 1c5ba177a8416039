"""A note that is asked for again gets one more answer, whatever happens to the answers on their way."""

from __future__ import annotations

import asyncio

import pytest

from bot import messages
from emotify_core.errors import UndecodableAudioError
from tests.bot.discord_app.harness import PATIENCE, Home, Start, answer_to, interrupted, offered, send_note
from tests.bot.discord_app.recognizers import StandIn
from tests.fake_discord import FakeDiscord, Message

MENU = "How does this sound?"
POST = ("POST", "/channels/*/messages")


async def ask_again(fake: FakeDiscord, home: Home, note: Message) -> Message:
    """Mention the bot under a note."""
    return await home.ada.send_text(home.channel, f"{fake.mention} try again", reply_to=note)


@pytest.mark.parametrize("after", [False, True])
async def test_after_a_restart_an_old_apology_is_not_taken_for_the_reply(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    monkeypatch.setattr("bot.discord_app.lifecycle.GRACE", 0.0)
    bot = await start(StandIn(error=UndecodableAudioError("noise")))
    note = await send_note(home.ada, home.channel)
    sorry = await answer_to(fake, note)
    await bot.until_row("SELECT * FROM notes WHERE reply_id = ?", sorry.id)
    bot.recognizer.error = None
    hold = fake.hold(*POST, after=after)
    await ask_again(fake, home, note)
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    await bot.end()
    if after:  # else the request died with the bot
        hold.release()
    bot = await start()
    reply = await offered(fake, note)
    row = await bot.until_row("SELECT * FROM notes WHERE status = 'answered'")
    assert row["reply_id"] == reply.id
    assert reply in fake.messages(home.channel)
    assert len(fake.messages(home.channel)) == 2
    assert sorry.reactions == {}


async def test_who_deletes_the_old_apology_is_answered_all_the_same(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start(StandIn(error=UndecodableAudioError("noise")))
    note = await send_note(home.ada, home.channel)
    sorry = await answer_to(fake, note)
    await bot.until_row("SELECT * FROM notes WHERE reply_id = ?", sorry.id)
    bot.recognizer.error, bot.recognizer.held = None, asyncio.Event()
    await ask_again(fake, home, note)
    await fake.until(lambda: len(bot.recognizer.heard) == 2)
    await home.ada.delete(sorry)
    await fake.gateway.round_trip()
    bot.recognizer.held.set()
    await offered(fake, note)


async def test_a_mention_that_is_delivered_twice_asks_once(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start(StandIn(error=UndecodableAudioError("noise")))
    note = await send_note(home.ada, home.channel)
    await answer_to(fake, note)
    asked = await ask_again(fake, home, note)
    sorry = await answer_to(fake, note)
    await bot.until_row("SELECT * FROM notes WHERE reply_id = ?", sorry.id)
    bot.recognizer.error = None
    (session,) = fake.gateway.live
    event = next(each for each in session.log if each["t"] == "MESSAGE_CREATE" and each["d"]["id"] == str(asked.id))
    session.dispatch("MESSAGE_CREATE", event["d"])
    await fake.settle()
    assert len(bot.recognizer.heard) == 2
    assert sorry.reactions == {}


async def test_who_asks_again_while_the_apology_is_on_its_way_can_do_so_after_it(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start(StandIn(error=UndecodableAudioError("noise")))
    hold = fake.hold(*POST)
    note = await send_note(home.ada, home.channel)
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    bot.recognizer.error = None
    early = await home.ada.context_menu(home.channel, MENU, note)
    assert (await fake.next_response(early)).content == messages.ALREADY_HEARD
    hold.release()
    await bot.until_row("SELECT * FROM notes WHERE reply_id IS NOT NULL")
    assert await bot.status(note.id) == "refused"
    late = await home.ada.context_menu(home.channel, MENU, note)
    reply = await fake.next_response(late)
    await fake.reacted(reply, "✅", "❌")


@pytest.mark.parametrize("way", ["mention", "menu"])
async def test_a_note_that_could_not_be_taken_up_after_a_restart_can_be_asked_for(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr("bot.discord_app.lifecycle.GRACE", 0.0)
    _, note = await interrupted(fake, start, home)
    path = f"/channels/*/messages/{note.id}"
    fake.fail("GET", path, 403, body={"code": 50001, "message": "no"}, times=None)
    await start()
    await fake.until(lambda: fake.calls_to("GET", path))
    if way == "menu":
        reply = await fake.next_response(await home.ada.context_menu(home.channel, MENU, note))
        await fake.reacted(reply, "✅", "❌")
    else:
        await ask_again(fake, home, note)
        await offered(fake, note)
