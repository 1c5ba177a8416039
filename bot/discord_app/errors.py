"""The one place where failures of commands and buttons end: logged for the operator, one sentence for the person."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import discord
from discord import app_commands

from bot.discord_app import sentences
from bot.discord_app.patience import DISCORD_FAILURES
from bot.discord_app.services import services_of

_log = logging.getLogger(__name__)


class CommandTree(app_commands.CommandTree[Any]):
    """The slash commands and context menus, usable in servers, in DMs and wherever a person has installed the bot."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - what discord.py hands over
        super().__init__(
            client,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
        )

    async def on_error(self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError, /) -> None:
        """Answer a command that failed."""
        await apologise(interaction, error)


@asynccontextmanager
async def apologising(interaction: discord.Interaction[Any]) -> AsyncIterator[None]:
    """Let a button finish before the bot stops, and answer if its callback fails; discord.py would only log that."""
    try:
        with services_of(interaction).work.answering():
            yield
    except Exception as error:  # noqa: BLE001 - this is where they end
        await apologise(interaction, error)


async def apologise(interaction: discord.Interaction[Any], error: Exception) -> None:
    """Log a failure and say one sentence to the person, if Discord still lets us."""
    cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
    if not isinstance(cause, app_commands.AppCommandError):
        _log.error("An interaction failed: %s", _name(interaction), exc_info=_worth_a_traceback(cause))
    with contextlib.suppress(*DISCORD_FAILURES):  # the interaction may have expired, or Discord may be down
        await whisper(interaction, _sentence(cause))


async def whisper(interaction: discord.Interaction[Any], text: str) -> None:
    """Answer an interaction so that only the person sees it, whether or not it was answered before."""
    if interaction.response.is_done():
        await interaction.followup.send(text, ephemeral=True)
    else:
        await interaction.response.send_message(text, ephemeral=True)


def _sentence(cause: Exception) -> str:
    """Choose what to say."""
    if isinstance(cause, app_commands.NoPrivateMessage):
        return sentences.SERVERS_ONLY
    if isinstance(cause, app_commands.CheckFailure):
        return sentences.MODERATORS_ONLY
    if isinstance(
        cause, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch | app_commands.TransformerError
    ):
        return sentences.COMMAND_CHANGED
    return sentences.FAILED


def _worth_a_traceback(cause: Exception) -> Exception | None:
    """Keep the traceback of our own mistakes; Discord's failures say it all in one line."""
    return None if isinstance(cause, DISCORD_FAILURES) else cause


def _name(interaction: discord.Interaction[Any]) -> str:
    """Name a command or the kind of a button; the rest of its id tells who pressed it, or what they said."""
    data: Any = interaction.data or {}
    kind = ":".join(str(data.get("custom_id")).split(":")[:2])
    return f"{data.get('name') or kind} ({interaction.id})"
