"""What is said to a person who used a command or a button survives a connection that breaks."""

from __future__ import annotations

import json

import pytest

from tests.bot.discord_app.harness import AUDIO, Home, Start, answer_to, offered, send_note
from tests.fake_discord import FakeDiscord, Permission, Upload

CALLBACK = "/interactions/*/*/callback"
MESSAGES = "/channels/*/messages"
ANSWER = "/webhooks/*/*/messages/@original"


@pytest.mark.parametrize("after", [False, True])
async def test_a_command_whose_acknowledgement_is_cut_off_is_answered(
    fake: FakeDiscord, start: Start, home: Home, after: bool
) -> None:
    bot = await start()
    fake.cut("POST", CALLBACK, after=after)
    request = await home.ada.command(home.channel, "listen", clip=Upload("me.ogg", AUDIO))
    reply = await fake.next_response(request)
    await fake.reacted(reply, "✅", "❌")
    assert len(bot.recognizer.heard) == 1


async def test_a_button_counts_whose_acknowledgement_comes_with_a_server_error(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    fake.forbid(home.channel, Permission.ADD_REACTIONS)
    bot = await start()
    reply = await answer_to(fake, await send_note(home.ada, home.channel))
    fake.fail("POST", CALLBACK, 500, after=True)
    await home.ada.click(reply, "✅")
    await bot.until_marks("right")


async def test_who_wants_to_be_forgotten_is_and_hears_it_though_both_confirmations_are_lost(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    await offered(fake, await send_note(home.ada, home.channel))
    question = await fake.next_response(await home.ada.command(home.channel, "forget-me"))
    fake.cut("POST", CALLBACK, after=True)
    fake.cut("PATCH", ANSWER)
    await home.ada.click(question, "Delete everything about me")
    await fake.until(lambda: question.content.startswith("Done"))
    assert await bot.rows("SELECT * FROM people") == []


@pytest.mark.parametrize("after", [False, True])
async def test_an_answer_with_a_file_that_was_cut_off_is_sent_again_with_the_whole_file(
    fake: FakeDiscord, start: Start, home: Home, after: bool
) -> None:
    await start()
    fake.cut("PATCH", ANSWER, after=after)
    shown = await fake.next_response(await home.ada.command(home.channel, "privacy"))
    await fake.until(lambda: len(fake.calls_to("PATCH", ANSWER)) == 2)
    await fake.settle()
    assert "0 voice notes" in shown.content
    [file] = shown.attachments
    assert json.loads(file.content)["notes"] == []


async def test_a_refusal_is_understood_whatever_its_content_type_names(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    bot = await start()
    gone = {"code": 10008, "message": "Unknown Message"}
    fake.fail("POST", MESSAGES, 404, body=gone, headers={"Content-Type": "application/json; charset=utf-8"})
    note = await send_note(home.ada, home.channel)
    await bot.until_row("SELECT * FROM notes WHERE message_id = ? AND status = 'withdrawn'", note.id)


@pytest.mark.parametrize("page", [b"<html>Bad gateway</html>", b"\xff\xfe"])
async def test_a_page_that_calls_itself_json_is_an_outage_like_any_other(
    fake: FakeDiscord, start: Start, home: Home, page: bytes
) -> None:
    await start()
    fake.fail("POST", MESSAGES, 502, body=page, headers={"Content-Type": "application/json"})
    await answer_to(fake, await send_note(home.ada, home.channel))


@pytest.mark.parametrize("body", [{"message": "slow down"}, {"retry_after": None}, {"retry_after": "soon"}])
async def test_a_rate_limit_says_how_long_it_lasts_in_its_headers_too(
    fake: FakeDiscord, start: Start, home: Home, body: dict[str, str | None]
) -> None:
    await start()
    fake.fail("POST", MESSAGES, 429, body=body, headers={"Via": "1.1 google", "Retry-After": "0.01"})
    await answer_to(fake, await send_note(home.ada, home.channel))


async def test_what_another_process_of_the_bot_has_acknowledged_is_left_to_it(
    fake: FakeDiscord, start: Start, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    bot = await start()
    taken = {"code": 40060, "message": "Interaction has already been acknowledged."}
    fake.fail("POST", CALLBACK, 400, body=taken, times=None)
    await home.ada.command(home.channel, "listen", clip=Upload("me.ogg", AUDIO))
    await fake.settle()
    assert bot.recognizer.heard == []
    assert "Traceback" not in caplog.text
