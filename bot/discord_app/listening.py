"""What the bot listens to in a server: what a moderator chose there, else what the operator set."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import discord

from bot.discord_app.attachments import ListenMode
from bot.discord_app.services import Services
from bot.store import guild_scope

_NAME: Final = "listen"


async def listen_mode(services: Services, guild_id: int | None) -> ListenMode:
    """Read the mode of a server."""
    chosen = None if guild_id is None else await services.store.setting(guild_scope(guild_id), _NAME)
    match chosen:
        case "auto" | "mention" | "off":
            return chosen
    return services.settings.listen


def is_blind(mode: ListenMode, intents: discord.Intents) -> bool:
    """Tell whether the bot means to listen to every voice message, but sees none for want of the content intent."""
    return mode == "auto" and not intents.message_content


async def choose_listen_mode(services: Services, guild_id: int, mode: ListenMode) -> None:
    """Write the mode of a server."""
    await services.store.set_setting(guild_scope(guild_id), _NAME, mode, at=datetime.now(UTC))
