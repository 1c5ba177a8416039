"""What Emotify may do on Discord: the permissions that it asks for, and what is missing, in plain words."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import discord

# Flag -> what stops working without it. Exactly what the invite link asks for, and nothing more.
PERMISSIONS: Final = MappingProxyType(
    {
        "view_channel": "it cannot see voice messages",
        "send_messages": "it cannot answer",
        "send_messages_in_threads": "it cannot answer in threads and forum posts",
        "read_message_history": "its answers cannot point at the voice message",
        "add_reactions": "feedback is given with buttons in place of reactions",
    }
)
SCOPES: Final = ("bot", "applications.commands")


def required_permissions() -> discord.Permissions:
    """Return the permissions that the invite link asks for."""
    return discord.Permissions(**dict.fromkeys(PERMISSIONS, True))


def invite_link(application_id: int) -> str:
    """Return the address where a moderator adds the bot to a server, with exactly the permissions that it needs."""
    return discord.utils.oauth_url(application_id, permissions=required_permissions(), scopes=SCOPES)


def missing_permissions(granted: discord.Permissions) -> list[str]:
    """Say in plain words which of the required permissions are missing and what that means."""
    return [
        f"{name.replace('_', ' ').title()}: {consequence}"
        for name, consequence in PERMISSIONS.items()
        if not getattr(granted, name)
    ]


def intents(*, message_content: bool) -> discord.Intents:
    """Return the events that the bot asks for: messages and reactions in servers and DMs, and nothing about members."""
    wanted = discord.Intents.none()
    wanted.guilds = True
    wanted.messages = True
    wanted.reactions = True
    wanted.message_content = message_content
    return wanted


def permissions_here(channel: object, me: discord.Member | None) -> discord.Permissions | None:
    """Return what the bot may do in a channel from which it hears; None where that is not known.

    In a DM and in a channel that is not cached it is not, nor in a server that came without its roles, nor where the
    cache says that the bot cannot even see the channel: then the cache is wrong. The bot tries, and Discord answers.
    """
    if (
        not isinstance(channel, discord.abc.GuildChannel | discord.Thread)
        or me is None
        or me.guild.default_role is None
    ):
        return None
    try:
        granted = channel.permissions_for(me)
    except discord.ClientException:  # a thread whose parent is hidden from the bot
        return None
    return granted if granted.view_channel else None


def may_send(channel: object, granted: discord.Permissions | None) -> bool:
    """Tell whether the bot may write in a channel, as far as it is known."""
    if granted is None:
        return True
    in_thread = isinstance(channel, discord.Thread)
    return granted.send_messages_in_threads if in_thread else granted.send_messages
