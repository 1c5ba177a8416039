"""A request to Discord is repeated where that helps, and given up where it does not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest

from bot.discord_app.patience import LONGEST_WAIT, is_gone, may_pass, patiently, pause_after


def failure(status: int, code: int = 0, **headers: str) -> discord.HTTPException:
    response: Any = SimpleNamespace(
        status=status, reason="", headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    return discord.HTTPException(response, {"code": code, "message": ""})


class Line:
    """Requests that fail in turn, and then succeed."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.n_requests = 0

    async def request(self) -> str:
        self.n_requests += 1
        if self.failures:
            raise self.failures.pop(0)
        return "done"


async def test_a_429_that_discord_py_raises_is_waited_out() -> None:
    line = Line(failure(429, Retry_After="0"), failure(429, Retry_After="0.01"))
    assert await patiently(line.request) == "done"
    assert line.n_requests == 3


async def test_no_more_requests_than_allowed_are_made() -> None:
    line = Line(*[failure(429, Retry_After="0") for _ in range(9)])
    with pytest.raises(discord.HTTPException):
        await patiently(line.request, n_attempts=3)
    assert line.n_requests == 3


@pytest.mark.parametrize("status", [400, 403, 404, 500, 502, 504, 524])
async def test_what_asking_again_cannot_change_is_raised_at_once(status: int) -> None:
    line = Line(failure(status))
    with pytest.raises(discord.HTTPException):
        await patiently(line.request)
    assert line.n_requests == 1


@pytest.mark.parametrize("seconds", [LONGEST_WAIT + 1, 3600])
async def test_a_long_ban_is_not_waited_for(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep(_: float) -> None:
        raise AssertionError("it must not wait")

    monkeypatch.setattr("bot.discord_app.patience.asyncio.sleep", sleep)
    line = Line(failure(429, Retry_After=str(seconds)))
    with pytest.raises(discord.HTTPException):
        await patiently(line.request)
    assert line.n_requests == 1


async def test_a_mistake_of_ours_is_not_repeated() -> None:
    line = Line(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await patiently(line.request)
    assert line.n_requests == 1


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (failure(429, Retry_After="2.5"), 2.5),
        (failure(429, X_RateLimit_Reset_After="0.3"), 0.3),
        (failure(429), 1.0),
        (failure(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"), 1.0),
        (discord.RateLimited(7.0), 7.0),
        (failure(403), None),
        (failure(500), None),
    ],
)
def test_the_pause_is_what_discord_asks_for(error: Exception, pause: float | None) -> None:
    assert pause_after(error, 1) == pause


@pytest.mark.parametrize("error", [failure(503), aiohttp.ServerDisconnectedError(), TimeoutError()])
def test_an_outage_is_given_more_time_with_each_attempt(error: Exception) -> None:
    pauses = [pause_after(error, attempt) for attempt in (1, 2, 3)]
    assert pauses == sorted(pauses, key=lambda pause: pause or 0)
    assert all(pause is not None and 0 < pause < LONGEST_WAIT for pause in pauses)


def test_a_server_that_does_not_say_how_long_to_wait_is_given_more_time_with_each_attempt() -> None:
    assert [pause_after(failure(429), attempt) for attempt in (1, 2, 3)] == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    "error", [failure(429), failure(500), failure(503), failure(403), TimeoutError(), discord.RateLimited(99.0)]
)
def test_what_discord_has_not_decided_itself_may_pass(error: Exception) -> None:
    assert may_pass(error)


@pytest.mark.parametrize("error", [failure(403, 50001), failure(404, 10008), failure(404), failure(400, 50035)])
def test_what_discord_refuses_does_not_pass(error: Exception) -> None:
    assert not may_pass(error)


def test_only_an_unknown_message_or_channel_was_deleted() -> None:
    assert [is_gone(failure(404, code)) for code in (10003, 10008, 10004, 0)] == [True, True, False, False]
    assert not is_gone(failure(403, 50001))
