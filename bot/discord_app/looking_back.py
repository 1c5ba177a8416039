"""Looking for a message of the bot's own that may have left just before it was killed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import discord

from bot.discord_app.patience import is_gone

_CLOCKS_DIFFER: Final = timedelta(minutes=1)  # Discord's and ours, at most
_N_LATER_MESSAGES: Final = 100


def place_of(client: discord.Client, channel_id: int) -> discord.abc.Messageable:
    """Find a channel, which may not be cached."""
    cached = client.get_channel(channel_id)
    return cached if isinstance(cached, discord.abc.Messageable) else client.get_partial_messageable(channel_id)


async def find_ours(
    client: discord.Client,
    channel_id: int,
    *,
    after: int,
    since: datetime,
    is_it: Callable[[discord.Message], bool],
) -> discord.Message | None:
    """Look for a message of ours in a channel; None also if the channel is gone.

    Parameters
    ----------
    client : discord.Client
    channel_id : int
    after : int
        The message that it comes after, however long.
    since : datetime
        When it left at the earliest: in a busy channel, thousands of others may have come before.
    is_it : callable
        Tells whether a message of ours is the one.
    """
    start = max(after, discord.utils.time_snowflake(since - _CLOCKS_DIFFER))
    later = place_of(client, channel_id).history(
        after=discord.Object(start), limit=_N_LATER_MESSAGES, oldest_first=True
    )
    try:
        async for message in later:
            if message.author == client.user and is_it(message):
                return message
    except discord.NotFound as error:
        if not is_gone(error):
            raise
    return None
