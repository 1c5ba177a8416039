"""A voice note that is meant for the bot gets one reply, wherever it was sent; anything else gets none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot import messages
from bot.cooldown import BURST
from bot.recognition import RecognitionBusy, RecognitionFailed, RecognitionTimeout
from bot.troubles import Trouble
from emotify_core.errors import NoSpeechError, UndecodableAudioError
from tests.bot.discord_app.harness import AUDIO, Home, Start, answer_to, offered, send_note
from tests.bot.discord_app.recognizers import StandIn
from tests.fake_discord import FakeDiscord, Message, MessageFlag

OGG = "audio/ogg"


async def nothing_said(fake: FakeDiscord) -> bool:
    """Let the bot come to rest; tell whether it kept silent."""
    await fake.settle()
    return not fake.calls_to("POST", "/channels/*/messages") and not fake.typing


async def test_a_voice_note_gets_a_reply_with_reactions_and_a_row(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    note = await send_note(home.ada, home.channel)
    reply = await offered(fake, note)
    row = await bot.until_row("SELECT * FROM notes JOIN predictions ON note = id WHERE status = 'answered'")
    assert (row["message_id"], row["reply_id"], row["channel_id"]) == (note.id, reply.id, home.channel.id)
    assert (row["guild_id"], row["emotion"], row["model"]) == (home.guild.id, "sad", "stand-in-1")
    assert bot.recognizer.heard == [AUDIO]
    assert str(home.ada.id) not in str(row)


async def test_a_reply_pings_nobody_and_can_be_sent_only_once(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    note = await send_note(home.ada, home.channel)
    reply = await answer_to(fake, note)
    (call,) = fake.calls_to("POST", "/channels/*/messages")
    assert (call.fields["nonce"], call.fields["enforce_nonce"]) == (str(note.id), True)
    assert call.fields["allowed_mentions"] == {"parse": [], "replied_user": False}
    assert reply.mentions == []


async def test_the_bot_types_while_it_listens(fake: FakeDiscord, start: Start, home: Home) -> None:
    recognizer = StandIn(held=asyncio.Event())
    await start(recognizer)
    note = await send_note(home.ada, home.channel)
    await fake.until(lambda: fake.typing)
    assert fake.messages(home.channel) == []
    assert recognizer.held is not None
    recognizer.held.set()
    await answer_to(fake, note)
    assert fake.typing == [(home.channel, fake.bot_user)]


async def test_a_broken_typing_indicator_does_not_matter(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    fake.ban_by_cloudflare("POST", "/channels/*/typing", times=None)
    await offered(fake, await send_note(home.ada, home.channel))


async def test_the_first_reply_says_once_that_a_machine_listens(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    first = await offered(fake, await send_note(home.ada, home.channel))
    second = await offered(fake, await send_note(home.ada, home.channel))
    assert first.content.endswith(f"\n-# {messages.NOTICE}")
    assert messages.NOTICE not in second.content


@pytest.mark.parametrize("private", [False, True])
async def test_notes_in_threads_are_answered_there(fake: FakeDiscord, start: Start, home: Home, private: bool) -> None:
    thread = fake.thread(home.channel, private=private)
    await start()
    reply = await offered(fake, await send_note(home.ada, thread))
    assert reply.channel is thread


async def test_a_thread_that_opens_later_is_heard_too(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    await offered(fake, await send_note(home.ada, fake.thread(home.channel)))


async def test_notes_in_dms_are_answered(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    note = await send_note(home.ada, fake.dm(home.ada))
    await offered(fake, note)
    row = await bot.until_row("SELECT * FROM notes WHERE status = 'answered'")
    assert (row["channel_id"], row["guild_id"]) == (fake.dm(home.ada).id, None)


async def test_the_flag_makes_a_voice_message_whatever_its_type_is_called(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    await start()
    for content_type in ("audio/ogg; codecs=opus", "video/webm", None):
        await offered(fake, await send_note(home.ada, home.channel, content_type=content_type))


async def test_a_song_in_a_channel_is_left_alone(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    await home.ada.send_file(home.channel, "song.mp3", AUDIO, content_type="audio/mpeg")
    assert await nothing_said(fake)
    assert await bot.rows("SELECT * FROM notes") == []
    assert fake.cdn.downloads == []


@pytest.mark.parametrize("content_type", ["audio/mpeg", "audio/ogg; codecs=opus", "video/webm", None])
async def test_an_audio_file_is_answered_on_a_mention(
    fake: FakeDiscord, start: Start, home: Home, content_type: str | None
) -> None:
    await start()
    text = f"{fake.mention} how do I sound?"
    note = await home.ada.send_file(home.channel, "clip.bin", AUDIO, text=text, content_type=content_type)
    await offered(fake, note)


@pytest.mark.parametrize("content_type", ["audio/mpeg", "application/octet-stream", None])
async def test_an_audio_file_is_answered_in_a_dm(
    fake: FakeDiscord, start: Start, home: Home, content_type: str | None
) -> None:
    await start()
    await offered(fake, await home.ada.send_file(fake.dm(home.ada), "clip", AUDIO, content_type=content_type))


async def test_a_picture_in_a_dm_is_left_alone(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    await home.ada.send_file(fake.dm(home.ada), "cat.png", b"PNG", content_type="image/png")
    assert await nothing_said(fake)


async def test_of_several_attachments_the_first_with_sound_is_heard(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    dm = fake.dm(home.ada)
    files = [
        fake.attachment(dm, "cat.png", b"a cat", content_type="image/png"),
        fake.attachment(dm, "unknown", b"who knows", content_type=None),
        fake.attachment(dm, "first.ogg", b"first", content_type=OGG),
        fake.attachment(dm, "second.ogg", b"second", content_type=OGG),
    ]
    await offered(fake, await home.ada.send_files(dm, files))
    assert bot.recognizer.heard == [b"first"]


async def test_a_mention_under_ones_own_note_is_about_that_note(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start(listen="mention")
    note = await send_note(home.ada, home.channel)
    assert await nothing_said(fake)
    await home.ada.send_text(home.channel, f"{fake.mention} and this one?", reply_to=note)
    await offered(fake, note)


async def test_so_is_one_with_a_picture(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start(listen="mention")
    note = await send_note(home.ada, home.channel)
    text = f"{fake.mention} as here?"
    await home.ada.send_file(home.channel, "cat.png", b"PNG", text=text, content_type="image/png", reply_to=note)
    await offered(fake, note)


@pytest.mark.parametrize("error", [ZeroDivisionError(), NoSpeechError()])
async def test_a_mention_asks_again_about_a_note_that_failed_or_was_refused(
    fake: FakeDiscord, start: Start, home: Home, error: Exception
) -> None:
    bot = await start(StandIn(error=error))
    note = await send_note(home.ada, home.channel)
    sorry = await answer_to(fake, note)
    bot.recognizer.error = None
    await home.ada.send_text(home.channel, f"{fake.mention} try again", reply_to=note)
    row = await bot.until_row("SELECT * FROM notes WHERE status = 'answered'")
    assert row["reply_id"] != sorry.id
    reply = next(message for message in fake.messages(home.channel) if message.id == row["reply_id"])
    assert reply.reply_to is note
    await fake.reacted(reply, "✅", "❌")


async def test_a_mention_asks_again_about_a_note_whose_reply_was_deleted(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    note = await send_note(home.ada, home.channel)
    reply = await offered(fake, note)
    await home.ada.delete(reply)
    await bot.until_row("SELECT * FROM notes WHERE status = 'withdrawn'")
    await home.ada.send_text(home.channel, f"{fake.mention} try again", reply_to=note)
    row = await bot.until_row("SELECT * FROM notes WHERE status = 'answered'")
    assert row["reply_id"] != reply.id


async def test_a_mention_under_a_note_that_was_answered_brings_no_second_reply(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    note = await send_note(home.ada, home.channel)
    await offered(fake, note)
    await home.ada.send_text(home.channel, f"{fake.mention} and?", reply_to=note)
    await fake.settle()
    assert len(fake.calls_to("POST", "/channels/*/messages")) == len(bot.recognizer.heard) == 1


async def test_a_mention_under_somebody_elses_note_is_left_alone(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start(listen="mention")
    note = await send_note(home.ada, home.channel)
    await fake.user("Bob").send_text(home.channel, f"{fake.mention} and this one?", reply_to=note)
    assert await nothing_said(fake)


async def test_in_mention_mode_only_dms_and_mentions_are_answered(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start(listen="mention")
    await send_note(home.ada, home.channel)
    await send_note(home.ada, fake.thread(home.channel))
    assert await nothing_said(fake)
    await offered(fake, await send_note(home.ada, fake.dm(home.ada)))
    mentioned = await home.ada.send_file(home.channel, "a.ogg", AUDIO, text=fake.mention, content_type=OGG)
    await offered(fake, mentioned)


async def test_bots_are_not_heard(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    await send_note(fake.user("Robot", bot=True), home.channel)
    assert await nothing_said(fake)


async def test_forwarded_notes_are_not_heard(fake: FakeDiscord, start: Start, home: Home) -> None:
    bob = fake.user("Bob")
    await start(listen="mention")
    note = await send_note(home.ada, home.channel)
    await bob.forward(fake.dm(bob), note)
    assert await nothing_said(fake)


async def test_the_same_event_twice_gets_one_reply(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    recognizer = bot.recognizer
    note = await send_note(home.ada, home.channel)
    fake.gateway.repeat("MESSAGE_CREATE")
    await offered(fake, note)
    await fake.settle()
    assert len(fake.calls_to("POST", "/channels/*/messages")) == 1
    assert len(recognizer.heard) == 1
    assert len(await bot.rows("SELECT * FROM notes")) == 1


@pytest.mark.parametrize(
    ("fields", "trouble"),
    [({"duration": 1201.0}, Trouble.TOO_LONG), ({"size": 26214401}, Trouble.TOO_LARGE)],
)
async def test_what_is_too_long_or_large_is_refused_before_any_download(
    fake: FakeDiscord, start: Start, home: Home, fields: dict[str, Any], trouble: Trouble
) -> None:
    bot = await start()
    note = await send_note(home.ada, home.channel, **fields)
    reply = await answer_to(fake, note)
    await fake.settle()
    assert reply.content == messages.sorry(trouble, max_seconds=1200, max_bytes=26214400)
    assert fake.cdn.downloads == []
    assert reply.reactions == {}
    assert (await bot.status(note.id), fake.typing) == ("refused", [])


async def test_an_audio_file_that_says_how_long_it_is_is_refused_before_any_download(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    await start()
    song = await home.ada.send_file(fake.dm(home.ada), "song.mp3", AUDIO, content_type="audio/mpeg", duration=1201.0)
    reply = await answer_to(fake, song)
    assert reply.content == messages.sorry(Trouble.TOO_LONG, max_seconds=1200, max_bytes=26214400)
    assert fake.cdn.downloads == []


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (UndecodableAudioError("it is empty"), Trouble.UNDECODABLE),
        (NoSpeechError(), Trouble.NO_SPEECH),
        (RecognitionBusy("full"), Trouble.BUSY),
        (RecognitionTimeout("slow"), Trouble.TOO_SLOW),
        (RecognitionFailed("crash"), Trouble.FAILED),
        (ZeroDivisionError(), Trouble.FAILED),
    ],
)
async def test_what_goes_wrong_while_listening_is_said_in_one_friendly_sentence(
    fake: FakeDiscord, start: Start, home: Home, error: Exception, trouble: Trouble
) -> None:
    bot = await start(StandIn(error=error))
    note = await send_note(home.ada, home.channel)
    reply = await answer_to(fake, note)
    await fake.settle()
    assert reply.content == messages.sorry(trouble, max_seconds=1200, max_bytes=26214400)
    assert reply.reactions == {}
    assert await bot.status(note.id) in {"refused", "failed"}


async def test_after_a_burst_one_asks_once_to_wait(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start(cooldown=3600.0)
    for _ in range(BURST):
        await offered(fake, await send_note(home.ada, home.channel))
    refused = await answer_to(fake, await send_note(home.ada, home.channel))
    await send_note(home.ada, home.channel)
    await fake.settle()
    assert refused.content == messages.sorry(Trouble.COOLDOWN, max_seconds=1200, max_bytes=26214400)
    assert len(fake.messages(home.channel)) == BURST + 1
    assert len(bot.recognizer.heard) == BURST
    await offered(fake, await send_note(fake.user("Bob"), home.channel))


async def test_many_notes_at_once_get_one_reply_each(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    people = [fake.user(f"Person {n}") for n in range(8)]
    notes: list[Message] = [await send_note(person, home.channel) for person in people]
    for note in notes:
        await answer_to(fake, note)
    assert len(fake.messages(home.channel)) == 8


async def test_a_voice_message_without_its_attachment_is_left_alone(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    await start()
    await home.ada.send_files(home.channel, [], flags=MessageFlag.IS_VOICE_MESSAGE)
    assert await nothing_said(fake)
