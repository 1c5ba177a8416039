"""What exists in the fake Discord: people, servers, channels, messages, interactions. Data only, no behaviour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any

Payload = dict[str, Any]  # one JSON object, as it goes over the wire


class ChannelType(IntEnum):
    """Kinds of channel that the fake knows."""

    GUILD_TEXT = 0
    DM = 1
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12


class MessageFlag(IntFlag):
    """Bits of a message's flags."""

    SUPPRESS_EMBEDS = 1 << 2
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    IS_VOICE_MESSAGE = 1 << 13
    HAS_SNAPSHOT = 1 << 14
    IS_COMPONENTS_V2 = 1 << 15


class InteractionType(IntEnum):
    """Why an interaction was sent to the bot."""

    APPLICATION_COMMAND = 2
    MESSAGE_COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


@dataclass(eq=False)
class User:
    """An account: a person, the bot, or another bot."""

    id: int
    name: str
    bot: bool = False
    accepts_dms: bool = True
    locale: str = "en-US"


@dataclass(eq=False)
class Role:
    """A named set of permissions in a guild; the one with the guild's own id is everyone's."""

    id: int
    name: str
    permissions: int


@dataclass(eq=False)
class Guild:
    """A server: its members with the roles of each."""

    id: int
    name: str
    owner: User
    roles: list[Role]
    members: dict[User, list[Role]]
    locale: str = "en-US"

    def roles_of(self, user: User) -> list[Role]:
        """Return everyone's role and then the member's own."""
        return [self.roles[0], *self.members.get(user, [])]


@dataclass(eq=False)
class Channel:
    """A place for messages: of a guild, a thread under one of its channels, or a DM."""

    id: int
    type: ChannelType
    name: str = ""
    guild: Guild | None = None
    parent: Channel | None = None
    recipients: tuple[User, ...] = ()
    overwrites: dict[int, tuple[int, int]] = field(default_factory=dict)  # role or user id -> allowed, denied bits
    messages: dict[int, Message] = field(default_factory=dict)  # those that are not deleted, oldest first
    deleted: bool = False
    archived: bool = False


@dataclass(eq=False)
class Attachment:
    """A file of a message, its bytes served by the CDN."""

    id: int
    filename: str
    content: bytes
    url: str
    size: int
    content_type: str | None = None
    duration: float | None = None
    waveform: str | None = None
    description: str | None = None
    ephemeral: bool = False


@dataclass(eq=False)
class Message:
    """A message with everything that happened to it."""

    id: int
    channel: Channel
    author: User
    content: str = ""
    attachments: list[Attachment] = field(default_factory=list)
    embeds: list[Payload] = field(default_factory=list)
    components: list[Payload] = field(default_factory=list)
    flags: int = 0
    mentions: list[User] = field(default_factory=list)
    mention_everyone: bool = False
    reference: Payload | None = None
    reply_to: Message | None = None  # the message that the reference names, kept when that one is deleted
    forwarded: Message | None = None  # the message that this one passes on
    nonce: str | None = None
    tts: bool = False
    allowed_mentions: Payload | None = None
    reactions: dict[str, list[User]] = field(default_factory=dict)  # emoji -> who, in the order of reacting
    super_reactions: dict[str, list[User]] = field(default_factory=dict)
    edited_timestamp: str | None = None
    edits: list[str] = field(default_factory=list)  # earlier contents, oldest first
    interaction: Interaction | None = None
    deleted: bool = False

    @property
    def ephemeral(self) -> bool:
        """Whether only one person sees it."""
        return bool(self.flags & MessageFlag.EPHEMERAL)

    def reacted(self, emoji: str, user: User) -> bool:
        """Whether a reaction of that person stands."""
        return user in self.reactions.get(emoji, [])


@dataclass(eq=False)
class Interaction:
    """A command, click or form that a person sent to the bot, and how the bot answered."""

    id: int
    token: str
    type: InteractionType
    user: User
    channel: Channel
    data: Payload
    created: float  # monotonic seconds
    message: Message | None = None  # the one that carries the clicked component
    deferred: bool = False
    expired: bool = False
    callback: Payload | None = None  # the body of the bot's first answer; None until it came
    original: Message | None = None  # the message that answers, loading while it is deferred
    followups: list[Message] = field(default_factory=list)
    modal: Payload | None = None
    choices: list[Payload] | None = None  # of an autocomplete

    @property
    def responded(self) -> bool:
        """Whether the bot acknowledged it at all."""
        return self.callback is not None

    @property
    def ephemeral(self) -> bool | None:
        """Whether the answer is for the person's eyes only; None before there is one."""
        return None if self.original is None else self.original.ephemeral

    @property
    def response(self) -> Message | None:
        """Return the answer once it says something, that is, no longer *thinking*."""
        loading = self.original is None or self.original.flags & MessageFlag.LOADING
        return None if loading else self.original

    @property
    def messages(self) -> Sequence[Message]:
        """Every message that answers it, the first one first."""
        return [*([self.response] if self.response else []), *self.followups]


@dataclass(eq=False)
class Application:
    """The bot's application, as its owner set it up in the developer portal."""

    id: int
    name: str
    owner: User
    message_content: bool = True
    members: bool = False
    presences: bool = False

    @property
    def flags(self) -> int:
        """Return the flags that tell which privileged intents are on (the *limited* ones: under 100 guilds)."""
        return (self.presences << 13) | (self.members << 15) | (self.message_content << 19)
