"""A restart loses no note and no reaction, and answers nothing twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot import messages
from bot.discord_app.work import Work
from bot.verdicts import EMOTION_EMOJI
from tests.bot.discord_app.harness import AUDIO, PATIENCE, Home, Running, Start, interrupted, offered, send_note
from tests.bot.discord_app.recognizers import StandIn
from tests.fake_discord import FakeDiscord, Message, Permission, Upload

MESSAGES = "/channels/*/messages"
MENU = "How does this sound?"


async def test_reactions_made_while_the_bot_was_away_count(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await bot.end()
    await fake.user("Bob").react(reply, "✅")
    await home.ada.react(reply, "❌", "😠")
    bot = await start()
    await bot.until_marks("wrong", "angry")


async def test_super_reactions_outlive_a_restart_and_count_if_made_meanwhile(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await home.ada.super_react(reply, "❌")
    await bot.until_marks("wrong")
    await bot.end()
    await home.ada.super_react(reply, "😠")
    await fake.user("Bob").super_react(reply, "😌")
    bot = await start()
    await bot.until_marks("wrong", "angry")


async def test_a_mark_outlives_a_restart_among_the_same_reactions_of_hundreds(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await home.ada.react(reply, "✅")
    await bot.until_marks("right")
    await bot.end()
    crowd = [fake.user(f"Fan {number}").user for number in range(250)]
    for place, each in enumerate(crowd):  # accounts older than Ada's, which Discord lists first
        each.id = place + 1
    reply.reactions["✅"] = [*crowd, *reply.reactions["✅"]]
    await home.ada.react(reply, "❌")
    bot = await start()
    await bot.until_marks("right", "wrong")


async def test_of_a_plain_and_a_super_reaction_one_is_word_enough_after_a_restart(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await home.ada.react(reply, "✅")
    await home.ada.super_react(reply, "✅")
    await bot.until_marks("right")
    await bot.end()
    await home.ada.react(reply, "❌")
    bot = await start()
    await bot.until_marks("right", "wrong")
    await home.ada.unreact(reply, "✅", "❌")
    await bot.until_marks("right")
    await home.ada.super_unreact(reply, "✅")
    await bot.until_marks()


async def test_a_cross_made_while_the_bot_was_away_brings_the_emotions(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await bot.end()
    await home.ada.react(reply, "❌")
    await start()
    await fake.reacted(reply, *EMOTION_EMOJI)


async def test_reactions_taken_back_while_the_bot_was_away_are_gone(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await home.ada.react(reply, "✅")
    await bot.until_marks("right")
    await bot.end()
    await home.ada.unreact(reply, "✅")
    bot = await start()
    await bot.until_marks()


async def test_reactions_that_a_restart_cut_off_are_offered_after_it(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.discord_app.lifecycle.GRACE", 0.0)
    bot = await start()
    hold = fake.hold("PUT", "/channels/*/messages/*/reactions/**")
    note = await send_note(home.ada, home.channel)
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    await bot.end()
    fake.heal()
    await start()
    await offered(fake, note)
    assert len(fake.messages(home.channel)) == 1


async def test_a_reply_that_cannot_be_seen_any_more_keeps_its_feedback(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await home.ada.react(reply, "✅")
    await bot.until_marks("right")
    await bot.end()
    fake.forbid(home.channel, Permission.VIEW_CHANNEL)
    bot = await start()
    await fake.until(lambda: fake.calls_to("GET", f"/channels/*/messages/{reply.id}"))
    await fake.settle()
    assert await bot.marks() == ["right"]


async def test_a_command_that_a_restart_cut_off_is_let_go(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.discord_app.lifecycle.GRACE", 0.0)
    bot = await start(StandIn(held=asyncio.Event()))
    await home.ada.command(home.channel, "listen", clip=Upload("me.ogg", AUDIO))
    await fake.until(lambda: bot.recognizer.heard or None)
    await bot.end()
    bot = await start()
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    assert [message for message in fake.messages(home.channel) if message.content] == []


async def test_feedback_on_an_answered_command_is_caught_up_with(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    request = await home.ada.command(home.channel, "listen", clip=Upload("me.ogg", AUDIO))
    reply = await fake.next_response(request)
    await fake.reacted(reply, "✅", "❌")
    await bot.end()
    await home.ada.react(reply, "✅")
    bot = await start()
    await bot.until_marks("right")


@pytest.mark.parametrize("gone", ["note", "reply"])
async def test_what_was_deleted_while_the_bot_was_away_is_let_go(
    fake: FakeDiscord, start: Start, home: Home, gone: str
) -> None:
    bot = await start()
    note = await send_note(home.ada, home.channel)
    reply = await offered(fake, note)
    await bot.end()
    await home.ada.delete(note if gone == "note" else reply)
    bot = await start()
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    await fake.until(lambda: fake.messages(home.channel) == [])
    await bot.until_row("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM replies_left)")


@pytest.mark.parametrize("change", ["delete", "take_files_out"])
async def test_a_note_answered_through_the_menu_that_went_while_the_bot_was_away_is_let_go(
    fake: FakeDiscord, start: Start, home: Home, change: str
) -> None:
    bot = await start(listen="mention")
    note = await send_note(home.ada, home.channel)
    request = await home.ada.context_menu(home.channel, MENU, note)
    reply = await fake.next_response(request)
    await fake.reacted(reply, "✅", "❌")
    await bot.end()
    await getattr(home.ada, change)(note)
    bot = await start(listen="mention")
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    assert await bot.rows("SELECT * FROM predictions") == []


async def test_buttons_keep_what_was_said_with_them(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    fake.fail("PUT", "/channels/*/messages/*/reactions/**", 403, body={"code": 50013, "message": "no"}, times=None)
    note = await send_note(home.ada, home.channel)
    reply = await fake.next_message(home.channel, reply_to=note)
    await fake.until(lambda: reply.components)
    await home.ada.click(reply, "✅")
    await bot.until_marks("right")
    await bot.end()
    bot = await start()
    await fake.until(lambda: fake.calls_to("GET", f"/channels/*/messages/{reply.id}"))
    await fake.settle()
    assert await bot.marks() == ["right"]


async def test_a_note_interrupted_while_it_was_heard_is_answered_after_the_restart(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.discord_app.lifecycle.GRACE", 0.0)
    bot, note = await interrupted(fake, start, home)
    assert await bot.status(note.id) == "received"
    bot = await start()
    await offered(fake, note)
    assert bot.recognizer.heard == [AUDIO]
    assert len(fake.messages(home.channel)) == 1


async def test_what_a_moderator_switched_off_meanwhile_is_not_answered(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.discord_app.lifecycle.GRACE", 0.0)
    bot = await start(StandIn(held=asyncio.Event()))
    note, private = [await send_note(home.ada, channel) for channel in (home.channel, fake.dm(home.ada))]
    await fake.until(lambda: len(bot.recognizer.heard) == 2)
    request = await fake.owner.command(home.channel, "settings", listen="off")
    await fake.next_response(request)
    await bot.end()
    bot = await start()
    await offered(fake, private)
    await bot.until_row("SELECT * FROM notes WHERE status = 'failed' AND message_id = ?", note.id)
    assert len(bot.recognizer.heard) == 1
    assert [message for message in fake.messages(home.channel) if message.reply_to is note] == []


async def replied_just_before_the_end(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> tuple[Running, Message]:
    """End a bot whose reply reached Discord, but which never heard so."""
    monkeypatch.setattr("bot.discord_app.lifecycle.GRACE", 0.0)
    bot = await start()
    hold = fake.hold("POST", MESSAGES, after=True)
    note = await send_note(home.ada, home.channel)
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    await bot.end()
    hold.release()
    return bot, note


async def test_a_reply_that_left_just_before_the_restart_is_found(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, note = await replied_just_before_the_end(fake, start, home, monkeypatch)
    assert await bot.status(note.id) == "predicted"
    bot = await start()
    row = await bot.until_row("SELECT * FROM notes WHERE status = 'answered'")
    (reply,) = fake.messages(home.channel)
    assert row["reply_id"] == reply.id
    await fake.reacted(reply, "✅", "❌")
    assert bot.recognizer.heard == []


async def test_a_reply_that_left_just_before_the_restart_goes_with_its_deleted_note(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, note = await replied_just_before_the_end(fake, start, home, monkeypatch)
    assert len(fake.messages(home.channel)) == 1
    await home.ada.delete(note)
    bot = await start()
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    await fake.until(lambda: fake.messages(home.channel) == [])


@pytest.mark.parametrize("command", ["menu", "listen"])
async def test_an_answer_to_a_command_that_left_just_before_the_restart_is_found(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr("bot.discord_app.lifecycle.GRACE", 0.0)
    bot = await start(listen="mention")
    hold = fake.hold("PATCH", "/webhooks/**", after=True)
    if command == "menu":
        request = await home.ada.context_menu(home.channel, MENU, await send_note(home.ada, home.channel))
    else:
        request = await home.ada.command(home.channel, "listen", clip=Upload("me.ogg", AUDIO))
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    await bot.end()
    hold.release()
    bot = await start(listen="mention")
    row = await bot.until_row("SELECT * FROM notes WHERE status = 'answered'")
    assert request.response is not None
    assert row["reply_id"] == request.response.id
    await fake.reacted(request.response, "✅", "❌")
    assert fake.messages(home.channel) == [request.response]
    await home.ada.react(request.response, "✅")
    await bot.until_marks("right")


@pytest.mark.parametrize("is_impatient", [False, True])
async def test_a_command_that_was_not_answered_before_the_restart_is_not_taken_for_the_reply(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch, is_impatient: bool
) -> None:
    monkeypatch.setattr("bot.discord_app.lifecycle.GRACE", 0.0)
    bot = await start(listen="mention")
    hold = fake.hold("PATCH", "/webhooks/**")
    note = await send_note(home.ada, home.channel)
    await home.ada.context_menu(home.channel, MENU, note)
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    if is_impatient:
        again = await home.ada.context_menu(home.channel, MENU, note)
        assert (await fake.next_response(again)).content == messages.ALREADY_HEARD
    await bot.end()
    bot = await start(listen="mention")
    reply = await offered(fake, note)
    row = await bot.until_row("SELECT * FROM notes WHERE status = 'answered'")
    assert row["reply_id"] == reply.id


async def test_the_reply_to_an_old_note_is_found_among_all_that_was_written_since(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.discord_app.lifecycle.GRACE", 0.0)
    monkeypatch.setattr("bot.discord_app.looking_back._CLOCKS_DIFFER", timedelta(0))
    note = await send_note(home.ada, home.channel)
    for _ in range(100):
        await home.ada.send_text(home.channel, "hello")
    bot = await start()
    hold = fake.hold("POST", MESSAGES, after=True)
    await home.ada.send_text(home.channel, fake.mention, reply_to=note)
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    await bot.end()
    hold.release()
    bot = await start()
    row = await bot.until_row("SELECT * FROM notes WHERE status = 'answered'")
    (reply,) = fake.messages(home.channel)
    assert row["reply_id"] == reply.id


@pytest.mark.parametrize("stage", ["received", "predicted"])
async def test_a_recording_taken_out_while_the_bot_was_away_takes_along_what_was_kept_of_it(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    monkeypatch.setattr("bot.discord_app.lifecycle.GRACE", 0.0)
    bot = await start(StandIn(held=asyncio.Event() if stage == "received" else None))
    fake.hold("POST", MESSAGES)
    note = await send_note(home.ada, home.channel)
    await bot.until_row("SELECT * FROM notes WHERE status = ?", stage)
    await bot.end()
    await home.ada.take_files_out(note)
    bot = await start()
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    assert await bot.rows("SELECT * FROM predictions") == []


async def test_a_channel_deleted_while_the_bot_was_away_takes_along_what_was_not_answered(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.discord_app.lifecycle.GRACE", 0.0)
    bot = await start()
    fake.hold("POST", MESSAGES)
    await send_note(home.ada, home.channel)
    await bot.until_row("SELECT * FROM notes WHERE status = 'predicted'")
    await bot.end()
    fake.delete_channel(home.channel)
    bot = await start()
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    assert await bot.rows("SELECT * FROM predictions") == []


@pytest.mark.parametrize("change", ["delete", "take_files_out"])
async def test_a_note_that_could_not_be_answered_and_was_deleted_while_the_bot_was_away_is_let_go(
    fake: FakeDiscord, start: Start, home: Home, change: str
) -> None:
    bot = await start()
    fake.fail("POST", MESSAGES, 403, body={"code": 50013, "message": "no"}, times=None)
    note, other = [await send_note(home.ada, home.channel) for _ in range(2)]
    await bot.until_row("SELECT * FROM notes WHERE status = 'failed' AND message_id = ?", note.id)
    await bot.until_row("SELECT * FROM notes WHERE status = 'failed' AND message_id = ?", other.id)
    await bot.end()
    await getattr(home.ada, change)(note)
    bot = await start()
    row = await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    assert row["message_id"] == note.id
    await fake.settle()
    assert await bot.rows("SELECT n.message_id FROM predictions JOIN notes n ON n.id = note") == [
        {"message_id": other.id}
    ]


async def test_a_note_deleted_while_the_bot_was_away_is_not_answered(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.discord_app.lifecycle.GRACE", 0.0)
    bot, note = await interrupted(fake, start, home)
    await home.ada.delete(note)
    bot = await start()
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    assert fake.messages(home.channel) == []


@pytest.mark.parametrize("failure", ["banned by Cloudflare", "refused on the way"])
async def test_what_discord_may_show_later_is_looked_for_again(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    monkeypatch.setattr("bot.discord_app.lifecycle.GRACE", 0.0)
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    bot.recognizer.held = asyncio.Event()
    notes = [await send_note(home.ada, home.channel) for _ in range(2)]
    await fake.until(lambda: len(bot.recognizer.heard) == 3)
    await bot.end()
    await home.ada.react(reply, "✅")
    monkeypatch.setattr("bot.discord_app.cogs.catching_up._PAUSES", (0.0, 0.0))
    fake.fail("GET", f"/channels/*/messages/{notes[0].id}", 403, body={"code": 50001, "message": "no"}, times=None)
    for message in (notes[1], reply):
        path = f"/channels/*/messages/{message.id}"
        if failure == "refused on the way":
            fake.fail("GET", path, 403, body="<html>blocked</html>", times=2)
        else:
            fake.ban_by_cloudflare("GET", path, times=2)
    bot = await start()
    await bot.until_marks("right")
    await offered(fake, notes[1])
    assert len(fake.calls_to("GET", f"/channels/*/messages/{notes[0].id}")) == 1
    assert await bot.status(notes[0].id) == "received"


async def test_a_newer_session_takes_over_what_the_one_before_would_look_for_again(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await bot.end()
    await home.ada.react(reply, "✅")
    waits, is_over = asyncio.Event(), asyncio.Event()

    async def pause(*_: object) -> bool:
        waits.set()
        return await is_over.wait()

    monkeypatch.setattr(Work, "pause", pause)
    path = f"/channels/*/messages/{reply.id}"
    fake.ban_by_cloudflare("GET", path)
    bot = await start()
    await asyncio.wait_for(waits.wait(), PATIENCE)
    fake.gateway.invalidate(resumable=False)
    await bot.until_marks("right")
    is_over.set()
    await bot.end()
    assert len(fake.calls_to("GET", path)) == 2


async def test_a_lost_connection_loses_and_repeats_nothing(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    first = await send_note(home.ada, home.channel)
    reply = await offered(fake, first)
    async with fake.gateway.outage():
        second = await send_note(home.ada, home.channel)
        await home.ada.react(reply, "✅")
    await offered(fake, second)
    await bot.until_marks("right")
    assert len(fake.messages(home.channel)) == 2
