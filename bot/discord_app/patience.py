"""Asking Discord again: how long to wait after which failure, and when to give up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeVar

import aiohttp
import discord

T = TypeVar("T")

# What a request to Discord can raise when it fails; everything else is a mistake of ours.
DISCORD_FAILURES: Final = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError, TimeoutError)
N_ATTEMPTS: Final = 4
# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json: unknown channel, unknown message
_UNKNOWN: Final = frozenset({10003, 10008})
LONGEST_WAIT: Final = 30.0  # seconds; a longer ban is no reason to keep a note in the air


async def patiently(request: Callable[[], Awaitable[T]], *, n_attempts: int = N_ATTEMPTS) -> T:
    """Make a request that may safely be repeated; wait and ask again where that helps, else raise what Discord said."""
    for attempt in range(1, n_attempts):
        try:
            return await request()
        except DISCORD_FAILURES as failure:
            pause = pause_after(failure, attempt)
            if pause is None or pause > LONGEST_WAIT:
                raise
            await asyncio.sleep(pause)
    return await request()


def pause_after(failure: BaseException, attempt: int) -> float | None:
    """Return the seconds to wait before asking again, None where asking again cannot help."""
    if isinstance(failure, discord.RateLimited):
        return failure.retry_after
    if not isinstance(failure, discord.HTTPException):
        return 0.5 * 2.0**attempt  # the connection broke
    if failure.status == 429:  # discord.py raises on a 429 without a Via header, and waits by itself on the others
        return _retry_after(failure, attempt)
    # discord.py has already asked five times on a 500, 502 and 504, and not again on the other server errors.
    return 0.5 * 2.0**attempt if failure.status >= 500 and failure.status not in {500, 502, 504, 524} else None


def may_pass(failure: BaseException) -> bool:
    """Tell whether a request that failed may succeed in some minutes: not where Discord itself refused it."""
    if not isinstance(failure, discord.HTTPException) or failure.status == 429 or failure.status >= 500:
        return True
    return failure.status == 403 and failure.code == 0  # it comes from something between Discord and the bot


def is_gone(failure: discord.HTTPException) -> bool:
    """Tell whether a message, or the channel around it, was deleted; any other 404 says only that a path is unknown."""
    return failure.status == 404 and failure.code in _UNKNOWN


def _retry_after(failure: discord.HTTPException, attempt: int) -> float:
    """Read the seconds that Discord asks to wait; where it does not say, more with each attempt."""
    return asked_to_wait(failure.response.headers, 2.0 ** (attempt - 1))


def asked_to_wait(headers: Mapping[str, str], unsaid: float) -> float:
    """Read the seconds that a 429 asks to wait from its headers; `unsaid` where they do not say."""
    try:
        return max(0.0, float(str(headers.get("Retry-After") or headers.get("X-RateLimit-Reset-After") or unsaid)))
    except ValueError:  # the header may also be a date
        return unsaid
