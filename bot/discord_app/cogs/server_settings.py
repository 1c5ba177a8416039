"""`/settings`: what moderators decide for their server."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.discord_app import sentences
from bot.discord_app.attachments import ListenMode
from bot.discord_app.cogs.area import Area
from bot.discord_app.listening import choose_listen_mode, is_blind, listen_mode


class ServerSettings(Area):
    """Shows and changes the settings of a server."""

    @app_commands.command(name="settings", description="See or change what I listen to in this server")
    @app_commands.describe(listen="auto: every voice message; mention: only on a mention or request; off: nothing")
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.checks.has_permissions(manage_guild=True)
    async def settings(self, request: discord.Interaction[Any], listen: ListenMode | None = None) -> None:
        """Show the mode, or change it."""
        if request.guild_id is None:
            raise app_commands.NoPrivateMessage
        with self._services.work.answering():
            await request.response.defer(ephemeral=True, thinking=True)
            if listen is not None:
                await choose_listen_mode(self._services, request.guild_id, listen)
            mode = await listen_mode(self._services, request.guild_id)
            told = sentences.listening_to(mode, changed=listen is not None)
            blind = is_blind(mode, self._bot.intents)
            await request.edit_original_response(content=f"{told} {sentences.BLIND}" if blind else told)
