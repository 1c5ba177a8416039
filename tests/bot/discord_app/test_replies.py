"""Whatever Discord does: at most one reply, no traceback for anybody, and the note stays recorded."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.bot.discord_app.harness import PATIENCE, Home, Start, answer_to, offered, send_note
from tests.bot.discord_app.recognizers import StandIn
from tests.fake_discord import FakeDiscord, Permission

MESSAGES = "/channels/*/messages"
REACTIONS = "/channels/*/messages/*/reactions/**"


async def test_a_note_deleted_while_it_is_heard_gets_no_reply(fake: FakeDiscord, start: Start, home: Home) -> None:
    recognizer = StandIn(held=asyncio.Event())
    bot = await start(recognizer)
    note = await send_note(home.ada, home.channel)
    await fake.until(lambda: recognizer.heard or None)
    await home.ada.delete(note)
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    assert recognizer.held is not None
    recognizer.held.set()
    await fake.settle()
    assert fake.calls_to("POST", MESSAGES) == []
    assert await bot.rows("SELECT * FROM predictions") == []


async def test_a_note_deleted_while_the_reply_leaves_gets_no_reply(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    hold = fake.hold("POST", MESSAGES)
    note = await send_note(home.ada, home.channel)
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    await home.ada.delete(note)
    hold.release()
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    await fake.settle()
    assert fake.messages(home.channel) == []
    assert len(fake.calls_to("POST", MESSAGES)) == 1
    assert await bot.rows("SELECT * FROM predictions") == []


async def test_a_note_of_whose_deletion_only_the_refusal_of_the_reply_tells_is_let_go(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    unknown = {"_errors": [{"code": "REPLIES_UNKNOWN_MESSAGE", "message": "Unknown message"}]}
    body = {"code": 50035, "message": "Invalid Form Body", "errors": {"message_reference": unknown}}
    fake.fail("POST", MESSAGES, 400, body=body)
    bot = await start()
    await send_note(home.ada, home.channel)
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    assert await bot.rows("SELECT * FROM predictions") == []


async def test_a_reply_that_crossed_the_deletion_is_taken_back(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    hold = fake.hold("POST", MESSAGES, after=True)
    note = await send_note(home.ada, home.channel)
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    await home.ada.delete(note)
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    hold.release()
    await fake.until(lambda: fake.calls_to("DELETE", "/channels/*/messages/*"))
    await fake.settle()
    assert fake.messages(home.channel) == []


async def test_a_note_whose_channel_is_deleted_gets_no_reply(fake: FakeDiscord, start: Start, home: Home) -> None:
    recognizer = StandIn(held=asyncio.Event())
    bot = await start(recognizer)
    note = await send_note(home.ada, home.channel)
    await fake.until(lambda: recognizer.heard or None)
    fake.delete_channel(home.channel)
    assert recognizer.held is not None
    recognizer.held.set()
    await bot.until_row("SELECT * FROM notes WHERE message_id = ? AND status = 'withdrawn'", note.id)
    assert fake.messages(home.channel) == []


async def test_where_the_bot_may_not_write_it_does_not_even_listen(
    fake: FakeDiscord, start: Start, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    fake.forbid(home.channel, Permission.SEND_MESSAGES)
    bot = await start()
    with caplog.at_level(logging.WARNING, "bot"):
        await send_note(home.ada, home.channel)
        await send_note(home.ada, home.channel)
        await fake.settle()
    assert fake.calls_to("POST") == []
    assert bot.recognizer.heard == []
    assert [f"channel {home.channel.id}" in record.message for record in caplog.records] == [True]


async def test_a_right_lost_unnoticed_leaves_silence_and_a_row(
    fake: FakeDiscord, start: Start, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    bot = await start()
    await fake.settle()
    fake.forbid(home.channel, Permission.SEND_MESSAGES, announce=False)
    note = await send_note(home.ada, home.channel)
    row = await bot.until_row("SELECT * FROM notes JOIN predictions ON note = id WHERE status = 'failed'")
    await fake.settle()
    assert row["message_id"] == note.id
    assert fake.messages(home.channel) == []
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_passing_server_error_still_gets_one_reply(
    fake: FakeDiscord, start: Start, home: Home, status: int
) -> None:
    await start()
    fake.fail("POST", MESSAGES, status)
    await offered(fake, await send_note(home.ada, home.channel))
    assert len(fake.messages(home.channel)) == 1


@pytest.mark.parametrize("status", [500, 503])
async def test_a_server_error_after_the_fact_makes_no_second_reply(
    fake: FakeDiscord, start: Start, home: Home, status: int
) -> None:
    bot = await start()
    fake.fail("POST", MESSAGES, status, after=True)
    note = await send_note(home.ada, home.channel)
    await offered(fake, note)
    await bot.until_row("SELECT * FROM notes WHERE status = 'answered' AND message_id = ?", note.id)
    assert len(fake.messages(home.channel)) == 1
    assert len(fake.calls_to("POST", MESSAGES)) == 2


@pytest.mark.parametrize("after", [False, True])
async def test_a_cut_connection_makes_no_second_reply(fake: FakeDiscord, start: Start, home: Home, after: bool) -> None:
    await start()
    fake.cut("POST", MESSAGES, after=after)
    await offered(fake, await send_note(home.ada, home.channel))
    assert len(fake.messages(home.channel)) == 1


async def test_a_rate_limit_is_waited_out(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    fake.rate_limit("POST", MESSAGES, retry_after=0.05)
    await offered(fake, await send_note(home.ada, home.channel))
    assert len(fake.messages(home.channel)) == 1


async def test_a_rate_limit_that_discord_py_raises_on_is_waited_out(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    await start()
    fake.fail(
        "POST", MESSAGES, 429, body={"message": "slow", "retry_after": 0.05}, headers={"Retry-After": "0.05"}, times=2
    )
    await offered(fake, await send_note(home.ada, home.channel))
    assert len(fake.messages(home.channel)) == 1


async def test_a_ban_leaves_silence_and_a_row(
    fake: FakeDiscord, start: Start, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    bot = await start()
    fake.ban_by_cloudflare("POST", MESSAGES, times=None)
    await send_note(home.ada, home.channel)
    await bot.until_row("SELECT * FROM notes JOIN predictions ON note = id WHERE status = 'failed'")
    assert fake.messages(home.channel) == []
    assert "Traceback" not in caplog.text


async def test_after_an_outage_the_next_note_is_answered(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    outage = fake.fail("POST", MESSAGES, 503, times=None)
    await send_note(home.ada, home.channel)
    await bot.until_row("SELECT * FROM notes WHERE status = 'failed'")
    outage.cancel()
    await offered(fake, await send_note(home.ada, home.channel))


async def test_without_the_history_the_reply_names_the_person(fake: FakeDiscord, start: Start, home: Home) -> None:
    fake.forbid(home.channel, Permission.READ_MESSAGE_HISTORY)
    await start()
    await send_note(home.ada, home.channel)
    reply = await fake.next_message(home.channel)
    assert reply.reference is None
    assert reply.content.startswith("**Ada**: ")
    assert reply.mentions == []


@pytest.mark.parametrize("name", ["שרה", "\N{RIGHT-TO-LEFT OVERRIDE}evil"])
async def test_a_name_from_right_to_left_does_not_turn_the_reply(
    fake: FakeDiscord, start: Start, home: Home, name: str
) -> None:
    fake.forbid(home.channel, Permission.READ_MESSAGE_HISTORY)
    await start()
    await send_note(fake.user(name), home.channel)
    reply = await fake.next_message(home.channel)
    isolated = f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}"  # Unicode Standard Annex 9
    assert reply.content.startswith(f"**{isolated}**: ")


async def test_losing_the_history_unnoticed_still_gets_one_reply(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    await fake.settle()
    fake.forbid(home.channel, Permission.READ_MESSAGE_HISTORY, announce=False)
    await send_note(home.ada, home.channel)
    reply = await fake.next_message(home.channel)
    assert reply.content.startswith("**Ada**: ")
    assert len(fake.messages(home.channel)) == 1


@pytest.mark.parametrize("announce", [True, False])
async def test_without_the_right_to_react_there_are_buttons(
    fake: FakeDiscord, start: Start, home: Home, announce: bool
) -> None:
    bot = await start()
    await fake.settle()
    fake.forbid(home.channel, Permission.ADD_REACTIONS, announce=announce)
    note = await send_note(home.ada, home.channel)
    reply = await answer_to(fake, note)
    await fake.until(lambda: reply.components)
    assert reply.reactions == {}
    click = await home.ada.click(reply, "❌")
    await bot.until_marks("wrong")
    await fake.until(lambda: click.responded and len(reply.components) == 3)
    await home.ada.click(reply, "😠")
    await bot.until_marks("angry")
    await home.ada.click(reply, "take back")
    await bot.until_marks()
    assert len(fake.messages(home.channel)) == 1


async def test_buttons_answer_to_the_author_only(fake: FakeDiscord, start: Start, home: Home) -> None:
    fake.forbid(home.channel, Permission.ADD_REACTIONS)
    bot = await start()
    reply = await answer_to(fake, await send_note(home.ada, home.channel))
    click = await fake.user("Bob").click(reply, "✅")
    await fake.until(lambda: click.followups)
    assert click.followups[0].ephemeral
    assert "Only the person" in click.followups[0].content
    assert await bot.marks() == []


async def test_buttons_tell_the_author_of_a_deleted_note_that_it_counts_no_more(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    fake.forbid(home.channel, Permission.ADD_REACTIONS)
    bot = await start()
    note = await send_note(home.ada, home.channel)
    reply = await answer_to(fake, note)
    await home.ada.delete(note)
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    click = await home.ada.click(reply, "✅")
    await fake.until(lambda: click.followups)
    assert click.followups[0].content.endswith("only while that message is there.")
    assert await bot.marks() == []


@pytest.mark.parametrize("status", [404, 500, 503])
async def test_failing_reactions_do_not_hold_anything_up(
    fake: FakeDiscord, start: Start, home: Home, status: int
) -> None:
    bot = await start()
    fault = fake.fail("PUT", REACTIONS, status, times=1)
    await answer_to(fake, await send_note(home.ada, home.channel))
    await bot.until_row("SELECT * FROM notes WHERE status = 'answered'")
    fault.cancel()
    await offered(fake, await send_note(home.ada, home.channel))


async def test_a_refusal_that_nobody_foresaw_leaves_silence_and_a_row(
    fake: FakeDiscord, start: Start, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    bot = await start()
    fake.fail("POST", MESSAGES, 400, body={"code": 240000, "message": "Message blocked by harmful links filter"})
    await send_note(home.ada, home.channel)
    await bot.until_row("SELECT * FROM notes JOIN predictions ON note = id WHERE status = 'failed'")
    assert fake.messages(home.channel) == []
    assert "Traceback" not in caplog.text


async def test_a_reply_that_cannot_be_taken_back_is_logged(
    fake: FakeDiscord, start: Start, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    bot = await start()
    hold = fake.hold("POST", MESSAGES, after=True)
    note = await send_note(home.ada, home.channel)
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    await home.ada.delete(note)
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    fake.fail("DELETE", "/channels/*/messages/*", 403, times=None)
    hold.release()
    await fake.until(lambda: fake.calls_to("DELETE", "/channels/*/messages/*"))
    await fake.settle()
    assert "could not be deleted" in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_locked_thread_is_left_in_silence(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    fake.fail("POST", MESSAGES, 400, body={"code": 160005, "message": "Thread is locked"})
    note = await send_note(home.ada, fake.thread(home.channel))
    await bot.until_row("SELECT * FROM notes WHERE status = 'failed' AND message_id = ?", note.id)
    assert len(fake.calls_to("POST", MESSAGES)) == 1


async def test_without_the_history_and_the_right_to_write_there_is_silence(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    fake.forbid(home.channel, Permission.READ_MESSAGE_HISTORY)
    bot = await start()
    await fake.settle()
    fake.forbid(home.channel, Permission.SEND_MESSAGES, announce=False)
    await send_note(home.ada, home.channel)
    await bot.until_row("SELECT * FROM notes WHERE status = 'failed'")
    assert fake.messages(home.channel) == []


async def test_reactions_under_a_ban_are_given_up_quietly(
    fake: FakeDiscord, start: Start, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    await start()
    fake.ban_by_cloudflare("PUT", REACTIONS, times=None)
    await answer_to(fake, await send_note(home.ada, home.channel))
    await fake.until(lambda: fake.calls_to("PUT", REACTIONS))
    await fake.settle()
    assert "No reaction under message" in caplog.text
    assert "Traceback" not in caplog.text


async def test_where_the_cache_of_permissions_is_wrong_the_bot_tries(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    granted = [role.permissions for role in home.guild.roles]
    for role in home.guild.roles:
        role.permissions = 0
    await start()
    await fake.settle()
    for role, permissions in zip(home.guild.roles, granted, strict=True):
        role.permissions = permissions  # without a word to the bot
    await offered(fake, await send_note(home.ada, home.channel))


async def test_buttons_take_effect_in_the_order_in_which_they_were_pressed(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    fake.forbid(home.channel, Permission.ADD_REACTIONS)
    bot = await start()
    reply = await answer_to(fake, await send_note(home.ada, home.channel))
    hold = fake.hold("POST", "/interactions/**", after=True)
    await home.ada.click(reply, "✅")
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    last = await home.ada.click(reply, "❌")
    await fake.until(lambda: last.deferred)
    await fake.gateway.round_trip()
    hold.release()
    await fake.until(lambda: len(reply.edits) == 2)
    await bot.end()
    assert await bot.marks() == ["wrong"]
    assert len(reply.components) == 3
    assert [each["emoji"]["name"] for each in reply.components[0]["components"] if each["style"] == 1] == ["❌"]
