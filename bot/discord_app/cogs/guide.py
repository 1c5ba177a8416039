"""`/help`."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.discord_app import access, sentences
from bot.discord_app.attachments import ListenMode
from bot.discord_app.cogs.area import Area
from bot.discord_app.listening import is_blind, listen_mode
from bot.store import StoreError


class Guide(Area):
    """Says what the bot does."""

    @app_commands.command(name="help", description="What I do, what I keep, and where people are there for you")
    async def help(self, request: discord.Interaction[Any]) -> None:
        """Explain the bot to one person, as it is where they ask."""
        with self._services.work.answering():
            await request.response.defer(ephemeral=True, thinking=True)
            await request.edit_original_response(content=sentences.help_where(await self._mode(request)))

    async def _mode(self, request: discord.Interaction[Any]) -> ListenMode | None:
        """Tell what the bot listens to where it was asked; None if it sees no messages there, or may not answer."""
        if request.guild_id is None:
            return None if request.context.private_channel else "auto"
        if self._bot.get_guild(request.guild_id) is None:
            return None
        try:
            mode = await listen_mode(self._services, request.guild_id)
        except StoreError:  # help lines are one command away, whatever happens
            mode = self._services.settings.listen
        is_mute = is_blind(mode, self._bot.intents) or _is_shut_out(request)
        return None if mode != "off" and is_mute else mode


def _is_shut_out(request: discord.Interaction[Any]) -> bool:
    """Tell whether a moderator has closed the channel to the bot."""
    granted = request.app_permissions
    return not (granted.view_channel and access.may_send(request.channel, granted))
