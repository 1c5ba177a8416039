"""Gateway intents: which events a session hears, and which of them the application must be allowed to ask for."""

from __future__ import annotations

from tests.fake_discord.model import Application, Channel

GUILDS = 1 << 0
GUILD_MEMBERS = 1 << 1
GUILD_PRESENCES = 1 << 8
GUILD_MESSAGES = 1 << 9
GUILD_MESSAGE_REACTIONS = 1 << 10
GUILD_MESSAGE_TYPING = 1 << 11
DIRECT_MESSAGES = 1 << 12
DIRECT_MESSAGE_REACTIONS = 1 << 13
DIRECT_MESSAGE_TYPING = 1 << 14
MESSAGE_CONTENT = 1 << 15


def for_messages(channel: Channel) -> int:
    return GUILD_MESSAGES if channel.guild else DIRECT_MESSAGES


def for_reactions(channel: Channel) -> int:
    return GUILD_MESSAGE_REACTIONS if channel.guild else DIRECT_MESSAGE_REACTIONS


def for_typing(channel: Channel) -> int:
    return GUILD_MESSAGE_TYPING if channel.guild else DIRECT_MESSAGE_TYPING


def disallowed(intents: int, application: Application) -> int:
    """Return the privileged intents that were asked for but are not switched on in the developer portal."""
    allowed = {
        GUILD_MEMBERS: application.members,
        GUILD_PRESENCES: application.presences,
        MESSAGE_CONTENT: application.message_content,
    }
    return sum(bit for bit, is_on in allowed.items() if intents & bit and not is_on)
