"""Why the bot cannot run, in one or two plain sentences for the operator, and the exit code that says so."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import aiohttp
import discord

from bot.discord_app.patience import DISCORD_FAILURES
from bot.pseudonyms import PseudonymKeyError
from bot.store import StoreError
from emotify_core.errors import ModelError

PORTAL: Final = "https://discord.com/developers/applications"
WRONG_SETUP: Final = 2  # the operator has to change something
UNAVAILABLE: Final = 1  # something else failed; trying again later may help

NO_TOKEN: Final = (
    f"Emotify needs a Discord token: open {PORTAL}, make an application, and press “Reset Token” on its Bot page.\n"
    "Then put EMOTIFY_DISCORD_TOKEN=<the token> into the environment or into .env, and run `python -m bot` again."
)
INTENT_MISSING: Final = (
    "The message content intent is switched off, so voice messages in servers are invisible to the bot unless they "
    f"mention it. To switch it on: {PORTAL}, your application, Bot, “Message Content Intent”; then start again. "
    "Until then DMs, mentions, the context menu and /listen work."
)
WRONG_TOKEN: Final = (
    "Discord does not accept the token in EMOTIFY_DISCORD_TOKEN. "
    f"Copy it anew from the Bot page of your application at {PORTAL} (“Reset Token” shows a fresh one)."
)
NO_STARTS_LEFT: Final = (
    "This bot has connected to Discord as often as it may in a day, and one more time would cost it its token. "
    "Start it again in {minutes} minutes, and see what restarts it so often."
)
"""https://discord.com/developers/docs/events/gateway#session-start-limit"""
NOT_DISCORD: Final = "{api} does not answer as Discord's REST API does. Check EMOTIFY_DISCORD_API."


class CannotRunError(Exception):
    """The bot cannot start or go on; ``str(error)`` is for the operator."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def explain(error: Exception, api: str) -> CannotRunError | None:
    """Say why the bot cannot run; None for a mistake in the program, which deserves its traceback."""
    if isinstance(error, CannotRunError):
        return error
    if isinstance(error, PseudonymKeyError | StoreError | ModelError):
        return CannotRunError(str(error), WRONG_SETUP)
    return _explain_discord(error, api)


def _explain_discord(error: Exception, api: str) -> CannotRunError | None:
    """Say what Discord or the network did."""
    if isinstance(error, discord.ConnectionClosed):
        return _closed(error.code)
    if isinstance(error, discord.LoginFailure):
        return CannotRunError(WRONG_TOKEN, WRONG_SETUP)
    if isinstance(error, discord.HTTPException | discord.RateLimited):
        return _http(getattr(error, "status", 429), api)
    if isinstance(error, aiohttp.ClientError | OSError | discord.GatewayNotFound):
        told = f"Discord cannot be reached at {api} ({_reason(error)}): check the network, DNS and EMOTIFY_DISCORD_API."
        return CannotRunError(told, UNAVAILABLE)
    return None


def _http(status: int, api: str) -> CannotRunError:
    """Explain an HTTP error while starting."""
    if status == 401:
        return CannotRunError(WRONG_TOKEN, WRONG_SETUP)
    if status == 429:
        told = f"{api} asks this bot to slow down (HTTP 429). Wait some minutes before you start it again."
    elif status >= 500:
        told = f"{api} has a problem of its own (HTTP {status}). Try again later; see https://discordstatus.com."
    else:
        told = (
            f"{api} refused the bot with HTTP {status}. Check that EMOTIFY_DISCORD_API is Discord's v10 REST address."
        )
    return CannotRunError(told, UNAVAILABLE)


def _closed(code: int) -> CannotRunError:
    """Explain a close code: https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway."""
    if code == 4004:
        return CannotRunError(WRONG_TOKEN, WRONG_SETUP)
    return CannotRunError(f"Discord's gateway closed the connection for good (code {code}).", UNAVAILABLE)


def _reason(error: BaseException) -> str:
    """Name an error in a few words."""
    cause = getattr(error, "os_error", None) or error
    return (getattr(cause, "strerror", None) or str(cause) or type(cause).__name__).rstrip(".")


@contextmanager
def in_one_line() -> Iterator[None]:
    """Log lost connections in one line each: discord.py adds a traceback, and reconnects by itself."""
    loggers = [logging.getLogger(name) for name in ("discord.client", "discord.shard", "discord.gateway")]
    for logger in loggers:
        logger.addFilter(_without_traceback)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    """Replace the traceback of a lost connection by its reason; keep every record."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, (*DISCORD_FAILURES, discord.ConnectionClosed, discord.GatewayNotFound)):
        record.msg, record.args = f"{record.getMessage()} ({_reason(error)})", ()
        record.exc_info = record.exc_text = None
    return True
