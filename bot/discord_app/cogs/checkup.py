"""What the operator should know about the servers that the bot is in."""

from __future__ import annotations

import logging

import discord

from bot.discord_app.access import missing_permissions
from bot.discord_app.cogs.area import Area, listener

_log = logging.getLogger(__name__)


class Checkup(Area):
    """Says in the log when the bot is ready, and which permissions it lacks."""

    @listener
    async def on_ready(self) -> None:
        """Say that the bot is ready."""
        _log.info("Ready: listening in %d servers", len(self._bot.guilds))

    @listener
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Check a server at the start, and when it is back after an outage."""
        _check(guild)

    @listener
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Check a server that the bot was just added to."""
        _check(guild)


def _check(guild: discord.Guild) -> None:
    """Log what is missing in a server; single channels may still differ."""
    if (
        guild.me is not None
        and guild.default_role is not None
        and (missing := missing_permissions(guild.me.guild_permissions))
    ):
        _log.warning("Missing permissions in server %d: %s", guild.id, "; ".join(missing))
