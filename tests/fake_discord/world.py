"""The state of the fake Discord, found by identifier, and the events that its changes cause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fake_discord import errors
from tests.fake_discord.changes import Changes
from tests.fake_discord.model import (
    Application,
    Attachment,
    Channel,
    ChannelType,
    Guild,
    Interaction,
    Message,
    Payload,
    Role,
    User,
)
from tests.fake_discord.payloads import guild_create_payload
from tests.fake_discord.permissions import MEMBER, Permission, channel_permissions
from tests.fake_discord.snowflakes import Snowflakes


@dataclass(frozen=True)
class Event:
    """Something that the gateway tells the bot.

    Parameters
    ----------
    name : str
        Discord's name of it, such as MESSAGE_CREATE.
    data : dict
        What a session with the message-content intent gets.
    intent : int
        The intent bit without which a session does not hear of it, 0 for none.
    blanked : dict, optional
        What a session without the message-content intent gets, where that differs.
    """

    name: str
    data: Payload
    intent: int = 0
    blanked: Payload | None = None


@dataclass(eq=False)
class World:
    """Everything that exists, and where its events go."""

    token: str
    application: Application
    me: User
    snowflake: Snowflakes
    changes: Changes
    users: dict[int, User] = field(default_factory=dict)
    guilds: dict[int, Guild] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    attachments: dict[int, Attachment] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)  # every one ever made, the deleted and ephemeral ones too
    interactions: dict[str, Interaction] = field(default_factory=dict)  # by token
    commands: dict[int | None, list[Payload]] = field(default_factory=dict)  # by guild, None for the global ones
    typing: list[tuple[Channel, User]] = field(default_factory=list)
    cdn: str = ""  # base of attachment links
    gateway_url: str = ""
    emit: Callable[[Event], None] = lambda _event: None

    def tell(self, event: Event, channel: Channel | None = None) -> None:
        """Send an event to the bot, if it can see where that happened, and wake whoever waits."""
        if channel is None or Permission.VIEW_CHANNEL in channel_permissions(channel, self.me):
            self.emit(event)
        self.changes.announce()

    def user(self, identifier: Any) -> User:
        if (user := self.users.get(_snowflake(identifier))) is None:
            raise errors.unknown_user()
        return user

    def guild(self, identifier: Any) -> Guild:
        if (guild := self.guilds.get(_snowflake(identifier))) is None:
            raise errors.unknown_guild()
        if self.me not in guild.members:
            raise errors.missing_access()
        return guild

    def channel(self, identifier: Any) -> Channel:
        channel = self.channels.get(_snowflake(identifier))
        if channel is None or channel.deleted:
            raise errors.unknown_channel()
        return channel

    def message(self, channel: Channel, identifier: Any) -> Message:
        if (message := channel.messages.get(_snowflake(identifier))) is None:
            raise errors.unknown_message()
        return message

    def channels_of(self, guild: Guild) -> list[Channel]:
        return [channel for channel in self.channels.values() if channel.guild is guild and not channel.deleted]


def _snowflake(identifier: Any) -> int:
    """Read an identifier as Discord does: digits only."""
    text = str(identifier)
    if not (text.isascii() and text.isdigit()):
        raise errors.invalid_form("id", "NUMBER_TYPE_COERCE", f'Value "{text}" is not snowflake.')
    return int(text)


def new_world(*, token: str, bot_name: str, message_content: bool, members: bool, presences: bool) -> World:
    """Return a world in which only the bot and its owner exist."""
    snowflake = Snowflakes()
    owner = User(snowflake(), "Olga Owner")
    me = User(snowflake(), bot_name, bot=True)
    application = Application(me.id, bot_name, owner, message_content, members, presences)
    world = World(token, application, me, snowflake, Changes())
    world.users |= {owner.id: owner, me.id: me}
    return world


def add_user(world: World, name: str, *, bot: bool = False) -> User:
    user = User(world.snowflake(), name, bot=bot)
    world.users[user.id] = user
    return user


def add_guild(world: World, name: str, *, permissions: Permission, with_bot: bool = True) -> Guild:
    """Make a guild; its everyone-role allows what members usually may, the bot's role what is given."""
    identifier = world.snowflake()
    everyone = Role(identifier, "@everyone", MEMBER)
    bots = Role(world.snowflake(), world.me.name, permissions)
    owner = world.application.owner
    guild = Guild(identifier, name, owner, [everyone, bots], {owner: []})
    world.guilds[guild.id] = guild
    if with_bot:
        guild.members[world.me] = [bots]
        tell_guild(world, guild)
    return guild


def tell_guild(world: World, guild: Guild) -> None:
    """Send GUILD_CREATE."""
    world.tell(Event("GUILD_CREATE", guild_create_payload(guild, world.channels_of(guild), world.me), intent=1))


def add_channel(
    world: World, guild: Guild, name: str, *, parent: Channel | None = None, private: bool = False
) -> Channel:
    kind = ChannelType.GUILD_TEXT
    if parent is not None:
        kind = ChannelType.PRIVATE_THREAD if private else ChannelType.PUBLIC_THREAD
    channel = Channel(world.snowflake(), kind, name, guild, parent)
    world.channels[channel.id] = channel
    return channel


def dm_channel(world: World, user: User) -> Channel:
    """Return the DM of the bot and a person, made on first use."""
    for channel in world.channels.values():
        if channel.type is ChannelType.DM and user in channel.recipients:
            return channel
    channel = Channel(world.snowflake(), ChannelType.DM, recipients=(user, world.me))
    world.channels[channel.id] = channel
    return channel
