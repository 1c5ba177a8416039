"""The context menu and `/listen` answer whoever asks, about their own voice only."""

from __future__ import annotations

import asyncio

import pytest

from bot import messages
from bot.discord_app import sentences
from bot.troubles import Trouble
from bot.verdicts import EMOTION_EMOJI
from emotify_core.errors import UndecodableAudioError
from tests.bot.discord_app.harness import AUDIO, Home, Running, Start, offered, send_note
from tests.bot.discord_app.recognizers import StandIn
from tests.fake_discord import FakeDiscord, Interaction, Permission, Upload

MENU = "How does this sound?"


@pytest.fixture
async def bot(start: Start, home: Home) -> Running:
    """A bot that listens only when it is asked."""
    return await start(listen="mention")


async def answered(fake: FakeDiscord, interaction: Interaction) -> str:
    """Wait for the answer to an interaction."""
    return (await fake.next_response(interaction)).content


async def test_the_menu_answers_about_ones_own_note(fake: FakeDiscord, bot: Running, home: Home) -> None:
    note = await send_note(home.ada, home.channel)
    request = await home.ada.context_menu(home.channel, MENU, note)
    reply = await fake.next_response(request)
    assert request.deferred
    assert not reply.ephemeral
    assert messages.NOTICE in reply.content
    await fake.reacted(reply, "✅", "❌")
    row = await bot.until_row("SELECT * FROM notes WHERE status = 'answered'")
    assert (row["message_id"], row["reply_id"]) == (note.id, reply.id)
    await home.ada.react(reply, "❌")
    await bot.until_marks("wrong")
    await fake.reacted(reply, *EMOTION_EMOJI)


async def test_the_menu_takes_any_audio_file(fake: FakeDiscord, bot: Running, home: Home) -> None:
    song = await home.ada.send_file(home.channel, "song.mp3", AUDIO, content_type="audio/mpeg")
    request = await home.ada.context_menu(home.channel, MENU, song)
    reply = await fake.next_response(request)
    await fake.reacted(reply, "✅", "❌")


async def test_the_menu_refuses_somebody_elses_voice(fake: FakeDiscord, bot: Running, home: Home) -> None:
    note = await send_note(home.ada, home.channel)
    request = await fake.user("Bob").context_menu(home.channel, MENU, note)
    assert await answered(fake, request) == sentences.NOT_YOURS
    assert request.ephemeral
    assert bot.recognizer.heard == []
    assert fake.cdn.downloads == []
    assert await bot.rows("SELECT * FROM people") == []


async def test_the_menu_refuses_what_was_forwarded(fake: FakeDiscord, bot: Running, home: Home) -> None:
    bob = fake.user("Bob")
    copy = await bob.forward(home.channel, await send_note(home.ada, home.channel))
    request = await bob.context_menu(home.channel, MENU, copy)
    assert await answered(fake, request) == sentences.FORWARDED
    assert bot.recognizer.heard == []


async def test_the_menu_says_that_there_is_nothing_to_hear(fake: FakeDiscord, bot: Running, home: Home) -> None:
    request = await home.ada.context_menu(home.channel, MENU, await home.ada.send_text(home.channel, "hello"))
    assert await answered(fake, request) == sentences.NO_SOUND
    assert request.ephemeral


async def test_a_note_is_not_heard_a_second_time_through_the_menu(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    note = await send_note(home.ada, home.channel)
    await offered(fake, note)
    request = await home.ada.context_menu(home.channel, MENU, note)
    assert await answered(fake, request) == messages.ALREADY_HEARD
    assert len(bot.recognizer.heard) == 1


async def test_who_wants_no_listening_is_reminded_of_it_privately(fake: FakeDiscord, bot: Running, home: Home) -> None:
    shown = await fake.next_response(await home.ada.command(fake.dm(home.ada), "privacy"))
    click = await home.ada.click(shown, "Don't listen to my voice notes")
    await fake.until(lambda: click.followups)
    request = await home.ada.command(home.channel, "listen", clip=Upload("me.ogg", AUDIO))
    [told] = await fake.until(lambda: request.followups)
    assert (told.content, told.ephemeral) == (messages.OPTED_OUT, True)
    assert fake.messages(home.channel) == []
    assert bot.recognizer.heard == []


async def test_a_note_that_failed_can_be_tried_again_through_the_menu(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start(StandIn(error=ZeroDivisionError()))
    note = await send_note(home.ada, home.channel)
    await fake.next_message(home.channel, reply_to=note)
    bot.recognizer.error = None
    request = await home.ada.context_menu(home.channel, MENU, note)
    reply = await fake.next_response(request)
    await fake.reacted(reply, "✅", "❌")


async def test_the_menu_works_where_the_note_is_invisible_otherwise(
    start: Start, home: Home, fake: FakeDiscord
) -> None:
    fake.application.message_content = False
    await start()
    note = await send_note(home.ada, home.channel)
    request = await home.ada.context_menu(home.channel, MENU, note)
    reply = await fake.next_response(request)
    await fake.reacted(reply, "✅", "❌")


@pytest.mark.parametrize("place", ["channel", "dm"])
async def test_listen_answers_about_a_file(fake: FakeDiscord, bot: Running, home: Home, place: str) -> None:
    channel = home.channel if place == "channel" else fake.dm(home.ada)
    request = await home.ada.command(channel, "listen", clip=Upload("me.ogg", AUDIO))
    reply = await fake.next_response(request)
    assert request.deferred
    assert bot.recognizer.heard == [AUDIO]
    await fake.reacted(reply, "✅", "❌")
    await home.ada.react(reply, "😠")
    await bot.until_marks("angry")


async def test_listen_acknowledges_before_it_works(fake: FakeDiscord, start: Start, home: Home) -> None:
    recognizer = StandIn(held=asyncio.Event())
    await start(recognizer)
    request = await home.ada.command(home.channel, "listen", clip=Upload("me.ogg", AUDIO))
    await fake.until(lambda: request.deferred)
    assert recognizer.held is not None
    recognizer.held.set()
    await answered(fake, request)


async def test_listen_lets_the_bytes_decide_what_a_file_is(fake: FakeDiscord, bot: Running, home: Home) -> None:
    bot.recognizer.error = UndecodableAudioError("it is a picture")
    request = await home.ada.command(home.channel, "listen", clip=Upload("cat.png", b"PNG"))
    told = messages.sorry(Trouble.UNDECODABLE, max_seconds=1200, max_bytes=26214400)
    assert await answered(fake, request) == told


async def test_listen_refuses_what_is_too_large_before_any_download(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    await start(max_note_bytes=1024)
    request = await home.ada.command(home.channel, "listen", clip=Upload("me.ogg", AUDIO))
    assert await answered(fake, request) == messages.sorry(Trouble.TOO_LARGE, max_seconds=1200, max_bytes=1024)
    assert fake.cdn.downloads == []


async def test_where_the_bot_may_not_react_the_answer_has_buttons(fake: FakeDiscord, bot: Running, home: Home) -> None:
    fake.forbid(home.channel, Permission.ADD_REACTIONS)
    request = await home.ada.command(home.channel, "listen", clip=Upload("me.ogg", AUDIO))
    reply = await fake.next_response(request)
    assert reply.components
    await home.ada.click(reply, "✅")
    await bot.until_marks("right")


async def test_an_expired_interaction_leaves_a_row_and_no_traceback(
    fake: FakeDiscord, start: Start, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    recognizer = StandIn(held=asyncio.Event())
    bot = await start(recognizer)
    request = await home.ada.command(home.channel, "listen", clip=Upload("me.ogg", AUDIO))
    await fake.until(lambda: recognizer.heard or None)
    fake.expire(request)
    assert recognizer.held is not None
    recognizer.held.set()
    await bot.until_row("SELECT * FROM notes WHERE status = 'failed'")
    assert "Traceback" not in caplog.text


async def test_a_failed_acknowledgement_ends_quietly(
    fake: FakeDiscord, bot: Running, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    fake.fail("POST", "/interactions/**", 404, body={"code": 10062, "message": "Unknown interaction"}, times=None)
    await home.ada.command(home.channel, "listen", clip=Upload("me.ogg", AUDIO))
    await fake.settle()
    assert bot.recognizer.heard == []
    assert "Traceback" not in caplog.text
