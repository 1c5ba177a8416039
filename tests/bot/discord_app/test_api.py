"""What is said to a person who used a command or a button survives a connection that breaks."""

from __future__ import annotations

import pytest

from tests.bot.discord_app.harness import AUDIO, PATIENCE, Home, Start, answer_to, offered, send_note
from tests.fake_discord import FakeDiscord, Permission, Upload

CALLBACK = "/interactions/*/*/callback"
ANSWER = "/webhooks/*/*/messages/@original"


@pytest.mark.parametrize("after", [False, True])
async def test_a_command_whose_acknowledgement_is_cut_off_is_answered(
    fake: FakeDiscord, start: Start, home: Home, after: bool
) -> None:
    bot = await start()
    fake.cut("POST", CALLBACK, after=after)
    request = await home.ada.command(home.channel, "listen", clip=Upload("me.ogg", AUDIO))
    reply = await fake.next_response(request, timeout=PATIENCE)
    await fake.reacted(reply, "✅", "❌", timeout=PATIENCE)
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
    question = await fake.next_response(await home.ada.command(home.channel, "forget-me"), timeout=PATIENCE)
    fake.cut("POST", CALLBACK, after=True)
    fake.cut("PATCH", ANSWER)
    await home.ada.click(question, "Delete everything about me")
    await fake.until(lambda: question.content.startswith("Done"), PATIENCE)
    assert await bot.rows("SELECT * FROM people") == []


async def test_an_answer_with_a_file_is_not_sent_again_without_it(fake: FakeDiscord, start: Start, home: Home) -> None:
    await start()
    fake.cut("PATCH", ANSWER)
    request = await home.ada.command(home.channel, "privacy")
    await fake.next_response(request, timeout=PATIENCE)
    assert len(fake.calls_to("PATCH", ANSWER)) == 1


async def test_what_another_process_of_the_bot_has_acknowledged_is_left_to_it(
    fake: FakeDiscord, start: Start, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    bot = await start()
    taken = {"code": 40060, "message": "Interaction has already been acknowledged."}
    fake.fail("POST", CALLBACK, 400, body=taken, times=None)
    await home.ada.command(home.channel, "listen", clip=Upload("me.ogg", AUDIO))
    await fake.settle(timeout=PATIENCE)
    assert bot.recognizer.heard == []
    assert "Traceback" not in caplog.text
