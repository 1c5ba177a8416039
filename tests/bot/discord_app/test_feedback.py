"""Reactions of a note's author are feedback, and nobody else's are."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest

from bot.verdicts import EMOTION_EMOJI
from emotify_core.emotions import Emotion
from emotify_core.errors import NoSpeechError
from tests.bot.discord_app.harness import AUDIO, PATIENCE, Home, Start, answer_to, offered, send_note
from tests.bot.discord_app.recognizers import StandIn
from tests.fake_discord import FakeDiscord, Permission, Upload

REACTIONS = "/channels/*/messages/*/reactions/**"
MESSAGES = "/channels/*/messages"


async def test_a_check_mark_confirms(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await home.ada.react(reply, "✅")
    await bot.until_marks("right")


async def test_a_cross_brings_the_eight_emotions_once_and_in_order(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await home.ada.react(reply, "❌")
    await fake.reacted(reply, *EMOTION_EMOJI)
    assert list(reply.reactions) == ["✅", "❌", *EMOTION_EMOJI]
    await home.ada.unreact(reply, "❌")
    await home.ada.react(reply, "❌")
    await bot.until_marks("wrong")
    await fake.settle()
    assert len(fake.calls_to("PUT", REACTIONS)) == 10
    assert len(fake.messages(home.channel)) == 1


async def test_a_cross_brings_the_emotions_again_after_a_moderator_cleared_them(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await home.ada.react(reply, "❌")
    await fake.reacted(reply, *EMOTION_EMOJI)
    await fake.owner.clear_reactions(reply)
    await bot.until_marks()
    await home.ada.react(reply, "❌")
    await bot.until_marks("wrong")
    await fake.settle()
    assert list(reply.reactions) == ["❌", *EMOTION_EMOJI]


async def test_a_check_mark_brings_no_emotions(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await home.ada.react(reply, "✅")
    await bot.until_marks("right")
    await fake.settle()
    assert list(reply.reactions) == ["✅", "❌"]


@pytest.mark.parametrize("emotion", list(Emotion))
async def test_an_emotion_names_what_it_was(fake: FakeDiscord, start: Start, home: Home, emotion: Emotion) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await home.ada.react(reply, emotion.emoji)
    await bot.until_marks(emotion.value)


async def test_the_last_word_counts_and_can_be_taken_back(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await home.ada.react(reply, "❌", "😠", "✅")
    await bot.until_marks("wrong", "angry", "right")
    await home.ada.unreact(reply, "✅")
    await bot.until_marks("wrong", "angry")
    await home.ada.unreact(reply, "😠", "❌")
    await bot.until_marks()


async def test_a_reaction_made_again_is_the_last_word_though_its_removal_was_missed(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await home.ada.react(reply, "✅", "❌")
    await bot.until_marks("right", "wrong")
    reply.reactions["✅"].remove(home.ada.user)  # while the bot was away
    await home.ada.react(reply, "✅")
    await bot.until_marks("wrong", "right")


async def test_of_a_plain_and_a_super_reaction_one_is_word_enough(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await home.ada.react(reply, "✅", "❌")
    await home.ada.super_react(reply, "✅", "😠")
    await bot.until_marks("wrong", "right", "angry")
    await home.ada.unreact(reply, "✅")
    await home.ada.super_unreact(reply, "😠")
    await bot.until_marks("wrong", "right")  # events of one reply are read in their order
    await home.ada.super_unreact(reply, "✅")
    await bot.until_marks("wrong")
    await home.ada.super_react(reply, "✅")
    await home.ada.react(reply, "✅")
    await home.ada.super_unreact(reply, "✅")
    await home.ada.unreact(reply, "❌")
    await bot.until_marks("right")
    await home.ada.unreact(reply, "✅")
    await bot.until_marks()


async def test_after_reactions_were_cleared_none_stands_in_for_another(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    for emoji in ("✅", None):
        await home.ada.react(reply, "✅")
        await home.ada.super_react(reply, "✅")
        await bot.until_marks("right")
        await fake.owner.clear_reactions(reply, emoji)
        await bot.until_marks()
        await home.ada.react(reply, "✅")
        await bot.until_marks("right")
        await home.ada.unreact(reply, "✅")
        await bot.until_marks()


async def test_reactions_are_read_in_the_order_in_which_they_came(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    for _ in range(10):
        await home.ada.react(reply, "😠")
        await home.ada.unreact(reply, "😠")
    await home.ada.react(reply, "✅")
    await bot.until_marks("right")
    await fake.settle()
    assert await bot.marks() == ["right"]


async def test_other_people_and_bots_change_nothing(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    for other in (fake.user("Bob"), fake.user("Robot", bot=True), fake.owner):
        await other.react(reply, "✅", "❌", "😠")
    await fake.settle()
    assert await bot.marks() == []
    assert len(fake.calls_to("PUT", REACTIONS)) == 2
    await home.ada.react(reply, "✅")
    await bot.until_marks("right")
    await fake.user("Eve").unreact(reply, "✅")
    await fake.settle()
    assert await bot.marks() == ["right"]


async def test_any_other_emoji_says_nothing(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await home.ada.react(reply, "🍕", "👍")
    await fake.settle()
    assert await bot.marks() == []


async def test_reactions_elsewhere_say_nothing(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    note = await send_note(home.ada, home.channel)
    await offered(fake, note)
    await home.ada.react(note, "✅")
    await fake.settle()
    assert await bot.marks() == []


async def test_a_reaction_that_overtakes_our_own_request_counts(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    hold = fake.hold("POST", MESSAGES, after=True)
    note = await send_note(home.ada, home.channel)
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    reply = await fake.next_message(home.channel, reply_to=note)
    await home.ada.react(reply, "✅")
    hold.release()
    await bot.until_marks("right")


async def test_a_moderator_who_clears_reactions_clears_the_feedback(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await home.ada.react(reply, "❌", "😠")
    await bot.until_marks("wrong", "angry")
    await fake.owner.clear_reactions(reply, "😠")
    await bot.until_marks("wrong")
    await fake.owner.clear_reactions(reply)
    await bot.until_marks()


@pytest.mark.parametrize("gone", ["note", "reply"])
async def test_a_deleted_note_or_reply_takes_its_features_along(
    fake: FakeDiscord, start: Start, home: Home, gone: str
) -> None:
    bot = await start()
    note = await send_note(home.ada, home.channel)
    reply = await offered(fake, note)
    await home.ada.react(reply, "✅")
    await bot.until_marks("right")
    await home.ada.delete(note if gone == "note" else reply)
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    assert await bot.rows("SELECT * FROM predictions") == []
    assert await bot.marks() == []


@pytest.mark.parametrize("gone", ["message", "recording"])
async def test_a_deleted_note_takes_along_what_answered_it_and_the_apology_before(
    fake: FakeDiscord, start: Start, home: Home, gone: str
) -> None:
    bot = await start(StandIn(error=NoSpeechError()))
    note = await send_note(home.ada, home.channel)
    await answer_to(fake, note)
    await fake.settle()
    bot.recognizer.error = None
    await home.ada.send_text(home.channel, fake.mention, reply_to=note)
    await offered(fake, note)
    other = await offered(fake, await send_note(home.ada, home.channel))
    if gone == "message":
        await home.ada.delete(note)
    else:
        await home.ada.take_files_out(note)
    await fake.until(lambda: fake.messages(home.channel) == [other])
    await bot.until_row("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM replies_left)")


async def test_a_deleted_reply_leaves_the_apology_before_it(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start(StandIn(error=NoSpeechError()))
    note = await send_note(home.ada, home.channel)
    apology = await answer_to(fake, note)
    await fake.settle()
    bot.recognizer.error = None
    await home.ada.send_text(home.channel, fake.mention, reply_to=note)
    await home.ada.delete(await offered(fake, note))
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    await fake.settle()
    assert fake.messages(home.channel) == [apology]


async def test_a_recording_that_is_taken_out_of_its_message_takes_its_features_along(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    text = f"{fake.mention} how do I sound?"
    notes = [await home.ada.send_file(home.channel, f"{i}.ogg", AUDIO, text=text) for i in range(2)]
    for note in notes:
        await home.ada.react(await offered(fake, note), "✅")
    await bot.until_marks("right", "right")
    await home.ada.edit(notes[0], f"{fake.mention} how do I really sound?")
    await home.ada.take_files_out(notes[1])
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    await fake.settle()
    assert [await bot.status(note.id) for note in notes] == ["answered", "withdrawn"]
    assert await bot.marks() == ["right"]


async def test_a_recording_that_was_taken_out_while_the_bot_was_away_is_let_go_too(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    note = await home.ada.send_file(home.channel, "note.ogg", AUDIO, text=fake.mention)
    await offered(fake, note)
    await bot.end()
    await home.ada.take_files_out(note)
    bot = await start()
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    assert await bot.rows("SELECT * FROM predictions") == []


@pytest.mark.parametrize("message_content", [True, False])
async def test_what_the_bot_may_not_see_and_its_own_edits_are_no_deletions(
    fake: FakeDiscord, start: Start, home: Home, message_content: bool
) -> None:
    fake.application.message_content = message_content
    bot = await start()
    note = await send_note(home.ada, home.channel)
    if message_content:
        reply = await offered(fake, note)
    else:
        request = await home.ada.context_menu(home.channel, "How does this sound?", note)
        reply = await fake.next_response(request)
        await fake.reacted(reply, "✅", "❌")
    await bot.until_row("SELECT * FROM notes WHERE status = 'answered'")
    fake.forbid(home.channel, Permission.ADD_REACTIONS)
    await home.ada.edit(note, "")
    await home.ada.react(reply, "❌")  # the bot edits its reply: the emotions are buttons
    await fake.until(lambda: len(reply.components) == 3)
    await fake.settle()
    assert await bot.status(note.id) == "answered"


async def test_many_deletions_at_once_are_heard_too(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    notes = [await send_note(home.ada, home.channel) for _ in range(2)]
    for note in notes:
        await offered(fake, note)
    await fake.owner.delete_many(notes)
    await bot.until_row("SELECT 1 WHERE (SELECT count(*) FROM notes WHERE status = 'withdrawn') = 2")
    assert await bot.rows("SELECT * FROM predictions") == []


@pytest.mark.parametrize("gone", ["channel", "thread"])
async def test_a_deleted_channel_takes_the_features_of_its_notes_along(
    fake: FakeDiscord, start: Start, home: Home, gone: str
) -> None:
    bot = await start()
    elsewhere, thread = fake.channel(home.guild, "elsewhere"), fake.thread(home.channel)
    for place in (elsewhere, home.channel, thread):
        await offered(fake, await send_note(home.ada, place))
    fake.delete_channel(home.channel if gone == "channel" else thread)
    deleted = [home.channel.id, thread.id] if gone == "channel" else [thread.id]
    n_deleted = f"(SELECT count(*) FROM notes WHERE status = 'withdrawn') = {len(deleted)}"
    await bot.until_row(f"SELECT 1 WHERE {n_deleted}")
    left = await bot.rows("SELECT channel_id FROM notes JOIN predictions ON note = id")
    assert [row["channel_id"] for row in left] == [
        place.id for place in (elsewhere, home.channel, thread) if place.id not in deleted
    ]


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_deleted_channel_takes_along_threads_that_were_archived(
    fake: FakeDiscord, start: Start, home: Home, restarts: bool
) -> None:
    bot = await start()
    thread, other = fake.thread(home.channel), fake.thread(fake.channel(home.guild, "elsewhere"))
    for place in (thread, other):
        await offered(fake, await send_note(home.ada, place))
    request = await home.ada.command(thread, "listen", clip=Upload("me.ogg", b"x"))
    await fake.next_response(request)
    await bot.until_row("SELECT 1 WHERE (SELECT count(*) FROM notes WHERE status = 'answered') = 3")
    fake.archive(thread)
    if restarts:
        await bot.end()
        bot = await start()
    fake.delete_channel(home.channel)
    await bot.until_row("SELECT 1 WHERE (SELECT count(*) FROM notes WHERE status = 'withdrawn') = 2")
    left = await bot.rows("SELECT channel_id FROM notes JOIN predictions ON note = id")
    assert [row["channel_id"] for row in left] == [other.id]


@pytest.mark.parametrize("status", [200, 403, 503])
async def test_a_server_that_sends_the_bot_away_keeps_the_feedback(
    fake: FakeDiscord, start: Start, home: Home, status: int
) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await home.ada.react(reply, "✅")
    await bot.until_marks("right")
    if status != 200:
        fake.fail("GET", "/channels/*", status, times=None)
    fake.remove_bot(home.guild)
    await fake.until(lambda: fake.calls_to("GET", "/channels/*"))
    await bot.end()
    assert await bot.marks() == ["right"]


async def test_a_deleted_server_takes_the_features_of_its_notes_along(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    places = [home.channel, fake.channel(home.guild, "other"), fake.channel(fake.guild("Elsewhere")), fake.dm(home.ada)]
    for place in places:
        await offered(fake, await send_note(home.ada, place))
    for place in places[:2]:
        place.deleted = True
    fake.remove_bot(home.guild)
    await bot.until_row("SELECT 1 WHERE (SELECT count(*) FROM notes WHERE status = 'withdrawn') = 2")
    left = await bot.rows("SELECT channel_id FROM notes JOIN predictions ON note = id")
    assert [row["channel_id"] for row in left] == [place.id for place in places[2:]]


async def test_a_server_deleted_while_the_bot_was_off_takes_the_features_of_its_notes_along(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    left, kept = fake.guild("Left"), fake.guild("Kept")
    places = [home.channel, fake.channel(left), fake.channel(kept), fake.dm(home.ada)]
    for place in places:
        await offered(fake, await send_note(home.ada, place))
    await bot.end()
    with closing(sqlite3.connect(bot.settings.database_path)) as database, database:
        database.execute("UPDATE notes SET received_at = '2020-01-01', answered_at = '2020-01-01'")
    home.channel.deleted = True
    for guild in (home.guild, left):
        fake.remove_bot(guild)
    bot = await start()
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    await fake.settle()
    stand = await bot.rows("SELECT channel_id FROM notes JOIN predictions ON note = id")
    assert [row["channel_id"] for row in stand] == [place.id for place in places[1:]]
    asked = {call.path for call in fake.calls_to("GET", "/channels/*")}
    assert asked == {f"/channels/{place.id}" for place in places[:2]}


async def test_feedback_in_dms_and_threads_counts(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    for place in (fake.dm(home.ada), fake.thread(home.channel)):
        reply = await offered(fake, await send_note(home.ada, place))
        await home.ada.react(reply, "✅")
    await bot.until_marks("right", "right")


async def test_without_the_right_to_react_the_emotions_are_buttons(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    fake.forbid(home.channel, Permission.ADD_REACTIONS)
    await home.ada.react(reply, "❌")
    await fake.until(lambda: len(reply.components) == 3)


async def test_emotions_of_a_deleted_reply_fail_quietly(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    fake.fail("PUT", REACTIONS, 404, body={"code": 10008, "message": "Unknown Message"}, times=None)
    await home.ada.react(reply, "❌")
    await bot.until_marks("wrong")
    await fake.settle()
    assert len(fake.calls_to("PUT", REACTIONS)) == 3


async def test_feedback_survives_a_restart(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await bot.end()
    bot = await start()
    await home.ada.react(reply, "❌")
    await bot.until_marks("wrong")
    await fake.reacted(reply, *EMOTION_EMOJI)
