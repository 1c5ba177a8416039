"""Discord's permissions: the bits that a voice-note bot meets, and how overwrites combine."""

from __future__ import annotations

from enum import IntFlag

from tests.fake_discord.model import Channel, ChannelType, Guild, User


class Permission(IntFlag):
    """Bits of Discord's permission field."""

    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    USE_EXTERNAL_EMOJIS = 1 << 18
    USE_APPLICATION_COMMANDS = 1 << 31
    SEND_MESSAGES_IN_THREADS = 1 << 38
    SEND_VOICE_MESSAGES = 1 << 46


ALL = ~Permission(0)
MEMBER = (
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.SEND_VOICE_MESSAGES
)


def guild_permissions(guild: Guild, user: User) -> Permission:
    """Return what the roles of a member allow, before any channel narrows it."""
    if user is guild.owner:
        return ALL
    allowed = Permission(0)
    for role in guild.roles_of(user):
        allowed |= Permission(role.permissions)
    return ALL if Permission.ADMINISTRATOR in allowed else allowed


def channel_permissions(channel: Channel, user: User) -> Permission:
    """Return what a member may do in a channel: roles, then overwrites for everyone, for roles, for the member."""
    if channel.guild is None:
        return ALL if user in channel.recipients else Permission(0)
    if user not in channel.guild.members:
        return Permission(0)
    allowed = guild_permissions(channel.guild, user)
    if Permission.ADMINISTRATOR in allowed:
        return allowed
    overwrites = (channel.parent or channel).overwrites
    roles = [role.id for role in channel.guild.roles_of(user)]
    for layer in ([channel.guild.id], roles[1:], [user.id]):
        denied = allowed_here = 0
        for target in layer:
            allow, deny = overwrites.get(target, (0, 0))
            denied |= deny
            allowed_here |= allow
        allowed = allowed & ~Permission(denied) | Permission(allowed_here)
    return allowed if Permission.VIEW_CHANNEL in allowed else Permission(0)


def needed_to_send(channel: Channel) -> Permission:
    """Return the permission that sending takes: threads have one of their own."""
    threads = (ChannelType.PUBLIC_THREAD, ChannelType.PRIVATE_THREAD)
    return Permission.SEND_MESSAGES_IN_THREADS if channel.type in threads else Permission.SEND_MESSAGES
