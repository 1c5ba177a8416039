"""The bot starts, says what is missing, carries on without it, and stops in good order."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from bot.discord_app import sentences
from bot.discord_app.failures import INTENT_MISSING, NO_STARTS_LEFT, NOT_DISCORD, WRONG_TOKEN, CannotRunError
from emotify_core.errors import ModelNotFoundError
from tests.bot.discord_app.harness import PATIENCE, Home, Running, Start, offered, send_note
from tests.bot.discord_app.recognizers import StandIn
from tests.fake_discord import FakeDiscord, Permission, Upload

MESSAGES = "/channels/*/messages"


async def failure_of(bot: Running) -> CannotRunError:
    """Wait until a bot gives up, and say why."""
    with pytest.raises(CannotRunError) as failure:
        await asyncio.wait_for(bot.life, PATIENCE)
    return failure.value


async def test_a_wrong_token_is_said_before_the_model_is_loaded(fake: FakeDiscord, start: Start) -> None:
    bot = await start(connect=False, discord_token="wrong")
    failure = await failure_of(bot)
    assert (str(failure), failure.exit_code) == (WRONG_TOKEN, 2)
    assert bot.recognizer.model_version == ""
    assert bot.recognizer.is_closed


async def test_a_token_that_is_withdrawn_ends_the_bot(fake: FakeDiscord, start: Start) -> None:
    bot = await start()
    await fake.gateway.close(4004)
    assert str(await failure_of(bot)) == WRONG_TOKEN


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/users/@me"), ("GET", "/oauth2/applications/@me"), ("GET", "/gateway/bot")]
)
async def test_an_outage_at_the_start_is_said_in_one_line(
    fake: FakeDiscord, start: Start, method: str, path: str
) -> None:
    fake.fail(method, path, 503, times=None)
    failure = await failure_of(await start(connect=False))
    assert failure.exit_code == 1
    assert "HTTP 503" in str(failure)
    assert "\n" not in str(failure)


@pytest.mark.parametrize(("remaining", "shards"), [(0, 1), (1, 2)])
async def test_a_bot_that_may_not_connect_any_more_today_does_not_cost_its_token(
    fake: FakeDiscord, start: Start, remaining: int, shards: int
) -> None:
    limit = {"total": 1000, "remaining": remaining, "reset_after": 5_399_000, "max_concurrency": 1}
    answer = {"url": fake.world.gateway_url, "shards": shards, "session_start_limit": limit}
    fake.fail("GET", "/gateway/bot", 200, body=answer, times=None)
    failure = await failure_of(await start(connect=False))
    assert (str(failure), failure.exit_code) == (NO_STARTS_LEFT.format(minutes=90), 1)
    assert fake.gateway.identified == 0


async def test_no_network_is_said_in_one_line(fake: FakeDiscord, start: Start) -> None:
    failure = await failure_of(await start(connect=False, discord_api=f"{fake.dead_host}/api/v10"))
    assert failure.exit_code == 1
    assert "cannot be reached" in str(failure)


async def test_a_host_that_does_not_exist_is_said_in_one_line(fake: FakeDiscord, start: Start) -> None:
    failure = await failure_of(await start(connect=False, discord_api="http://discord.invalid/api/v10"))
    assert failure.exit_code == 1
    assert "http://discord.invalid/api/v10" in str(failure)


async def test_an_address_that_is_not_discords_is_said_in_one_line(fake: FakeDiscord, start: Start) -> None:
    fake.fail("GET", "/users/@me", 200, body={"hello": "I am some other website"}, times=None)
    failure = await failure_of(await start(connect=False))
    assert (str(failure), failure.exit_code) == (NOT_DISCORD.format(api=fake.api), 2)


async def test_a_model_that_cannot_be_loaded_is_said_in_one_line(fake: FakeDiscord, start: Start) -> None:
    class Broken(StandIn):
        async def start(self) -> None:
            raise ModelNotFoundError("There is no champion.")

    failure = await failure_of(await start(Broken(), connect=False))
    assert (str(failure), failure.exit_code) == ("There is no champion.", 2)
    assert fake.gateway.identified == 0


@pytest.mark.parametrize("name", ["emotify.db", "pseudonym.key", "examples.key"])
async def test_a_store_that_cannot_be_opened_is_said_in_one_line(
    fake: FakeDiscord, start: Start, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(b"this is neither a database nor a key" * 100)
    failure = await failure_of(await start(connect=False))
    assert failure.exit_code == 2
    assert name in str(failure)


async def test_without_the_message_content_intent_the_rest_works(
    fake: FakeDiscord, start: Start, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    fake.application.message_content = False
    bot = await start()
    assert INTENT_MISSING in caplog.text
    await send_note(home.ada, home.channel)
    await fake.settle()
    assert bot.recognizer.heard == []
    await offered(fake, await send_note(home.ada, fake.dm(home.ada)))
    file = await home.ada.send_file(home.channel, "a.ogg", b"x", text=fake.mention, content_type="audio/ogg")
    await offered(fake, file)
    request = await home.ada.command(home.channel, "listen", clip=Upload("me.ogg", b"x"))
    await fake.next_response(request)


async def test_the_log_says_how_to_invite_the_bot_and_what_serves(
    fake: FakeDiscord, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await start()
    assert f"client_id={fake.application.id}" in caplog.text
    assert "stand-in-1" in caplog.text
    assert fake.token not in caplog.text


async def test_missing_permissions_are_said_in_plain_words(
    fake: FakeDiscord, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    guild = fake.guild("Strict", permissions=Permission.VIEW_CHANNEL)
    guild.roles[0].permissions = int(Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES)
    await start()
    async with asyncio.timeout(PATIENCE):
        while "Missing permissions" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert "Add Reactions: feedback is given with buttons" in caplog.text


async def test_commands_are_registered_once(fake: FakeDiscord, start: Start) -> None:
    bot = await start()
    assert {each["name"] for each in fake.commands[None]} == {
        "listen",
        "privacy",
        "forget-me",
        "help",
        "settings",
        "How does this sound?",
    }
    await bot.end()
    await start()
    assert len(fake.calls_to("PUT", "/applications/*/commands")) == 1


async def test_commands_that_cannot_be_registered_do_not_stop_the_bot(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    fake.fail("PUT", "/applications/*/commands", 403, times=1)
    bot = await start()
    await offered(fake, await send_note(home.ada, home.channel))
    await bot.end()
    await start()
    assert fake.commands[None]


async def test_the_gateway_of_the_api_is_used_after_an_invalid_session_too(
    fake: FakeDiscord, start: Start, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(*_: object, **__: object) -> None:
        """Do not wait between identifies, as discord.py does for Discord's sake."""

    monkeypatch.setattr("bot.discord_app.client.EmotifyBot.before_identify_hook", at_once)
    await start()
    fake.gateway.invalidate(resumable=False)
    await fake.until(lambda: fake.gateway.identified == 2)
    await fake.connected()
    await offered(fake, await send_note(home.ada, home.channel))


async def test_an_event_that_cannot_be_read_does_not_end_the_connection(
    fake: FakeDiscord, start: Start, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    bot = await start()
    for session in fake.gateway.live:
        session.dispatch("MESSAGE_CREATE", {"id": "not a number"})
    await offered(fake, await send_note(home.ada, home.channel))
    assert "A MESSAGE_CREATE event could not be read" in caplog.text
    assert not bot.life.done()


async def test_stopping_lets_the_note_in_work_finish(fake: FakeDiscord, start: Start, home: Home) -> None:
    recognizer = StandIn(held=asyncio.Event())
    bot = await start(recognizer)
    note = await send_note(home.ada, home.channel)
    await fake.until(lambda: recognizer.heard or None)
    bot.stop.set()
    late = await send_note(fake.user("Bob"), home.channel)
    await fake.gateway.round_trip()
    assert recognizer.held is not None
    recognizer.held.set()
    await asyncio.wait_for(bot.life, PATIENCE)
    assert await bot.status(note.id) == "answered"
    assert await bot.status(late.id) == "received"
    (reply,) = fake.messages(home.channel)
    assert list(reply.reactions) == ["✅", "❌"]
    assert fake.gateway.live == []
    assert recognizer.is_closed


async def test_a_note_that_comes_while_the_bot_stops_is_answered_after_the_restart(
    fake: FakeDiscord, start: Start, home: Home
) -> None:
    recognizer = StandIn(held=asyncio.Event())
    bot = await start(recognizer)
    await send_note(home.ada, home.channel)
    await fake.until(lambda: recognizer.heard or None)
    bot.stop.set()
    late = await send_note(fake.user("Bob"), home.channel)
    await bot.until_row("SELECT * FROM notes WHERE message_id = ?", late.id)
    assert recognizer.held is not None
    recognizer.held.set()
    await asyncio.wait_for(bot.life, PATIENCE)
    assert len(recognizer.heard) == 1
    await start()
    await offered(fake, late)
    assert len(fake.messages(home.channel)) == 2


async def test_stopping_while_starting_is_quick(fake: FakeDiscord, start: Start) -> None:
    class Slow(StandIn):
        async def start(self) -> None:
            await asyncio.Event().wait()

    bot = await start(Slow(), connect=False)
    await fake.until(lambda: fake.calls_to("GET", "/gateway/bot"))
    await asyncio.wait_for(bot.end(), PATIENCE)
    assert bot.recognizer.is_closed


async def test_a_server_that_is_joined_later_is_checked_too(
    fake: FakeDiscord, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await start()
    guild = fake.guild("Strict", permissions=Permission.VIEW_CHANNEL, with_bot=False)
    guild.roles[0].permissions = int(Permission.VIEW_CHANNEL)
    fake.invite_bot(guild)
    async with asyncio.timeout(PATIENCE):
        while f"Missing permissions in server {guild.id}" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert "it cannot answer" in caplog.text


async def test_while_it_stops_the_bot_asks_to_try_again_later(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start(StandIn(held=asyncio.Event()))
    await send_note(home.ada, home.channel)
    await fake.until(lambda: bot.recognizer.heard or None)
    bot.stop.set()
    request = await home.ada.command(home.channel, "listen", clip=Upload("me.ogg", b"x"))
    assert (await fake.next_response(request)).content == sentences.STOPPING
