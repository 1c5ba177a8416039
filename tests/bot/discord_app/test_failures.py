"""Why the bot cannot run is said in plain words, with an exit code."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest

from bot.discord_app.failures import INTENT_MISSING, NO_TOKEN, UNAVAILABLE, WRONG_SETUP, explain, in_one_line

API = "https://discord.com/api/v10"


def http_error(status: int, kind: type[discord.HTTPException] = discord.HTTPException) -> discord.HTTPException:
    response: Any = SimpleNamespace(status=status, reason="", headers={})
    return kind(response, {"code": 0, "message": "no"})


def closed(code: int) -> discord.ConnectionClosed:
    socket: Any = SimpleNamespace(close_code=code)
    return discord.ConnectionClosed(socket, shard_id=0, code=code)


def no_gateway() -> discord.GatewayNotFound:
    made: discord.GatewayNotFound = discord.GatewayNotFound()  # type: ignore[no-untyped-call]
    return made


@pytest.mark.parametrize("error", [discord.LoginFailure("no"), http_error(401), closed(4004)])
def test_a_wrong_token_is_the_operators_to_change(error: Exception) -> None:
    explanation = explain(error, API)
    assert explanation is not None
    assert "token" in str(explanation)
    assert explanation.exit_code == WRONG_SETUP


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (http_error(500, discord.DiscordServerError), "HTTP 500"),
        (http_error(503, discord.DiscordServerError), "HTTP 503"),
        (http_error(429), "slow down (HTTP 429)"),
        (http_error(404, discord.NotFound), "EMOTIFY_DISCORD_API"),
        (discord.RateLimited(9.0), "429"),
        (closed(4013), "4013"),
        (aiohttp.ClientConnectionError("refused"), "cannot be reached"),
        (OSError(111, "Connection refused"), "Connection refused"),
        (TimeoutError(), "TimeoutError"),
        (no_gateway(), "gateway"),
    ],
)
def test_an_outage_is_said_in_one_line(error: Exception, word: str) -> None:
    explanation = explain(error, API)
    assert explanation is not None
    assert word in str(explanation)
    assert "\n" not in str(explanation)
    assert explanation.exit_code == UNAVAILABLE


def test_a_mistake_in_the_program_is_not_explained_away() -> None:
    assert explain(ZeroDivisionError(), API) is None


def test_how_to_get_a_token_fits_in_two_lines() -> None:
    assert NO_TOKEN.count("\n") == 1
    assert "https://discord.com/developers/applications" in NO_TOKEN


def test_the_missing_intent_is_named_with_the_place_to_switch_it_on() -> None:
    assert "Message Content Intent" in INTENT_MISSING


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(111, "Connection refused"), "Connection refused"),
        (closed(4000), "4000"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_a_lost_connection_is_logged_in_one_line(
    error: Exception, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with in_one_line():
        logging.getLogger("discord.shard").error("Attempting a reconnect in %.2fs", 1.5, exc_info=error)
    assert "Attempting a reconnect in 1.50s (" in caplog.text
    assert reason in caplog.text
    assert len(caplog.text.splitlines()) == 1


def test_a_mistake_keeps_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with in_one_line():
        logging.getLogger("discord.client").error("Ignoring exception", exc_info=ZeroDivisionError())
    assert "ZeroDivisionError" in caplog.text
    assert len(caplog.text.splitlines()) > 1
