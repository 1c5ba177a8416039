"""`/help`."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.discord_app import sentences
from bot.discord_app.cogs.area import Area


class Guide(Area):
    """Says what the bot does."""

    @app_commands.command(name="help", description="What I do, what I keep, and where people are there for you")
    async def help(self, request: discord.Interaction[Any]) -> None:
        """Explain the bot to one person."""
        await request.response.send_message(sentences.HELP, ephemeral=True)
