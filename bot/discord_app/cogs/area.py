"""What every cog is made of."""

from __future__ import annotations

from discord.ext import commands

from bot.discord_app.services import Services


class Area(commands.Cog):
    """One area of the bot."""

    def __init__(self, bot: commands.AutoShardedBot, services: Services) -> None:
        self._bot = bot
        self._services = services
