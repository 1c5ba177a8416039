"""Which attachment of a message is a voice note, and whether the bot is meant to listen to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

import discord

ListenMode = Literal["auto", "mention", "off"]

# Containers that hold audio under another name. What a file really is, its bytes decide later.
_AUDIO_IN_DISGUISE: Final = frozenset({"video/webm", "application/ogg", "video/ogg"})
_SAYS_NOTHING: Final = frozenset({"", "application/octet-stream"})


class Sound(StrEnum):
    """What Discord says about an attachment."""

    VOICE_MESSAGE = "voice message"
    AUDIO_FILE = "audio file"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Clip:
    """An attachment that holds, or may hold, a voice."""

    attachment: discord.Attachment
    sound: Sound


def find_clip(message: discord.Message) -> Clip | None:
    """Find the first attachment with sound: a voice message, else by content type, else one without a type."""
    if message.attachments and (message.flags.voice or message.attachments[0].is_voice_message()):
        return Clip(message.attachments[0], Sound.VOICE_MESSAGE)
    clips = [Clip(attachment, sound) for attachment in message.attachments if (sound := _sound_of(attachment))]
    audio = [clip for clip in clips if clip.sound is Sound.AUDIO_FILE]
    return next(iter(audio + clips), None)


def has_lost_its_clip(message: discord.Message, bot: discord.Client) -> bool:
    """Tell whether a message of somebody holds no sound any more.

    Without the message content intent the attachments of a message in a server look as if they were gone, unless it
    mentions the bot.
    """
    if bot.user is None or message.author == bot.user or find_clip(message) is not None:
        return False
    return bot.intents.message_content or guild_id_of(message) is None or bot.user in message.mentions


def _sound_of(attachment: discord.Attachment) -> Sound | None:
    """Judge an attachment by its content type; None if it is something else than sound."""
    kind = (attachment.content_type or "").partition(";")[0].strip().lower()
    if kind.startswith("audio/") or kind in _AUDIO_IN_DISGUISE:
        return Sound.AUDIO_FILE
    return Sound.UNKNOWN if kind in _SAYS_NOTHING else None


def is_forwarded(message: discord.Message) -> bool:
    """Tell whether a message carries on what somebody said elsewhere."""
    reference = message.reference
    by_reference = reference is not None and reference.type is discord.MessageReferenceType.forward
    return by_reference or bool(message.message_snapshots)


def is_own_voice(message: discord.Message) -> bool:
    """Tell whether a message holds its author's own words: not from a bot or webhook, and not forwarded."""
    return not (message.author.bot or message.webhook_id or message.is_system() or is_forwarded(message))


def is_for_the_bot(message: discord.Message, clip: Clip, *, mode: ListenMode, me: int) -> bool:
    """Tell whether the bot is meant to listen: in a DM, on a mention, and in auto mode to every voice message."""
    if guild_id_of(message) is None:
        return True
    if mode == "off":
        return False
    return is_mentioned(message, me) or (mode == "auto" and clip.sound is Sound.VOICE_MESSAGE)


def is_mentioned(message: discord.Message, me: int) -> bool:
    """Tell whether a message mentions the bot itself or the role that Discord made for it, but not everyone."""
    own_role = message.guild.self_role if message.guild else None
    return any(user.id == me for user in message.mentions) or (
        own_role is not None and own_role in message.role_mentions
    )


def guild_id_of(message: discord.Message) -> int | None:
    """Return the server that a message was sent in, also while that server is not cached; None for a DM."""
    return message.guild.id if message.guild else getattr(message.channel, "guild_id", None)


def parent_id_of(channel: object) -> int | None:
    """Return the channel that a thread belongs to; None for anything else."""
    return channel.parent_id if isinstance(channel, discord.Thread) else None
