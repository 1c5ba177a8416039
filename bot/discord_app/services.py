"""What the cogs work with, built in one place and handed to each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import discord

from bot.config import Settings
from bot.conversation import Conversation
from bot.discord_app.asking import Asking
from bot.discord_app.downloads import Downloads
from bot.discord_app.standing import Standing
from bot.discord_app.turns import Turns
from bot.discord_app.work import Work
from bot.store import Store


@dataclass(frozen=True)
class Services:
    """Everything that a cog may need besides Discord."""

    settings: Settings
    store: Store
    conversation: Conversation
    downloads: Downloads
    turns: Turns
    work: Work
    asking: Asking
    standing: Standing


def services_of(interaction: discord.Interaction[Any]) -> Services:
    """Find the services where no cog is at hand: in buttons that were made before the last restart."""
    return cast("Services", interaction.client.services)
