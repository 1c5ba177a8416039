"""What can happen: messages sent, edited, deleted and reacted to. Each changes the world and tells the bot."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from tests.fake_discord import intents
from tests.fake_discord.model import Attachment, Channel, Guild, Message, MessageFlag, Payload, User
from tests.fake_discord.payloads import (
    channel_payload,
    emoji_payload,
    member_payload,
    message_event_payload,
    user_payload,
)
from tests.fake_discord.world import Event, World

MAX_REACTIONS = 20  # different emoji on one message


def attach(world: World, channel: Channel, filename: str, content: bytes, **fields: Any) -> Attachment:
    """Put a file on the CDN; `fields` overrule what Discord would have said of it."""
    identifier = world.snowflake()
    # Discord signs its CDN links: expiry, issue time and a digest in the query.
    link = f"{world.cdn}/attachments/{channel.id}/{identifier}/{quote(filename, safe='')}?ex=7fffffff&is=0&hm=f00d"
    known: dict[str, Any] = {"id": identifier, "filename": filename, "content": content, "url": link}
    attachment = Attachment(**known | {"size": len(content)} | fields)
    world.attachments[identifier] = attachment
    return attachment


def post_message(world: World, channel: Channel, author: User, content: str = "", **fields: Any) -> Message:
    """Put a message into a channel; `fields` are those of the model's Message."""
    message = Message(world.snowflake(), channel, author, content, **fields)
    message.mentions = mentioned(world, message)
    message.mention_everyone = _allows(message, "everyone") and "@everyone" in content
    return publish(world, message)


def publish(world: World, message: Message) -> Message:
    """Make a message known: in its channel and over the gateway, unless it is ephemeral."""
    world.messages.append(message)
    if message.ephemeral:
        world.changes.announce()
        return message
    message.channel.messages[message.id] = message
    world.tell(message_event(world, "MESSAGE_CREATE", message), message.channel)
    return message


def message_event(world: World, name: str, message: Message) -> Event:
    full = message_event_payload(message, world.me, blank=False)
    blanked = message_event_payload(message, world.me, blank=True) if is_private(world, message) else None
    return Event(name, full, intents.for_messages(message.channel), blanked)


def is_private(world: World, message: Message) -> bool:
    """Whether what a message says takes the message-content intent: not in DMs, mentions and the bot's own."""
    return message.channel.guild is not None and message.author is not world.me and world.me not in message.mentions


def mentioned(world: World, message: Message) -> list[User]:
    """Return whom a message pings: who is named in it, and who is replied to, as far as it allows itself to."""
    named = [world.users.get(int(each)) for each in re.findall(r"<@!?(\d+)>", message.content)]
    people = [user for user in named if user is not None and _allows(message, "users", user)]
    if message.reply_to is not None and (message.allowed_mentions or {}).get("replied_user", True):
        people.append(message.reply_to.author)
    return list(dict.fromkeys(people))


def _allows(message: Message, kind: str, user: User | None = None) -> bool:
    allowed = message.allowed_mentions
    if allowed is None or kind in (allowed.get("parse") or []):
        return True
    return user is not None and str(user.id) in {str(each) for each in allowed.get("users") or []}


def edit_message(world: World, message: Message, **changes: Any) -> Message:
    """Change fields of a message."""
    message.edits.append(message.content)
    for name, value in changes.items():
        setattr(message, name, value)
    message.edited_timestamp = datetime.now(UTC).isoformat()
    if message.ephemeral:
        world.changes.announce()
    else:
        world.tell(message_event(world, "MESSAGE_UPDATE", message), message.channel)
    return message


def delete_message(world: World, message: Message) -> None:
    message.deleted = True
    message.channel.messages.pop(message.id, None)
    if message.flags & MessageFlag.EPHEMERAL:
        world.changes.announce()
        return
    data = {"id": str(message.id)} | _where(message.channel)
    world.tell(Event("MESSAGE_DELETE", data, intents.for_messages(message.channel)), message.channel)


def delete_messages(world: World, channel: Channel, messages: list[Message]) -> None:
    """Delete several at once, as moderators do."""
    for message in messages:
        message.deleted = True
        channel.messages.pop(message.id, None)
    data = {"ids": [str(message.id) for message in messages]} | _where(channel)
    world.tell(Event("MESSAGE_DELETE_BULK", data, intents.for_messages(channel)), channel)


def add_reaction(world: World, message: Message, user: User, emoji: str, *, is_super: bool = False) -> None:
    """Add a reaction; a second one alike changes nothing and is not told of."""
    standing = message.super_reactions if is_super else message.reactions
    if user in standing.get(emoji, []):
        return
    standing.setdefault(emoji, []).append(user)
    data = _reaction(message, user, emoji, is_super=is_super) | {
        "message_author_id": str(message.author.id),
        "burst_colors": [],
    }
    guild = message.channel.guild
    if guild is not None and user in guild.members:
        data["member"] = member_payload(guild, user)
    _tell_reaction(world, "MESSAGE_REACTION_ADD", message, data)


def remove_reaction(world: World, message: Message, user: User, emoji: str, *, is_super: bool = False) -> None:
    standing = message.super_reactions if is_super else message.reactions
    if user not in standing.get(emoji, []):
        return
    standing[emoji].remove(user)
    if not standing[emoji]:
        del standing[emoji]
    data = _reaction(message, user, emoji, is_super=is_super)
    _tell_reaction(world, "MESSAGE_REACTION_REMOVE", message, data)


def clear_reactions(world: World, message: Message) -> None:
    message.reactions.clear()
    message.super_reactions.clear()
    _tell_reaction(world, "MESSAGE_REACTION_REMOVE_ALL", message, _what(message))


def clear_emoji(world: World, message: Message, emoji: str) -> None:
    message.reactions.pop(emoji, None)
    message.super_reactions.pop(emoji, None)
    data = _what(message) | {"emoji": emoji_payload(emoji)}
    _tell_reaction(world, "MESSAGE_REACTION_REMOVE_EMOJI", message, data)


def _tell_reaction(world: World, name: str, message: Message, data: Payload) -> None:
    world.tell(Event(name, data, intents.for_reactions(message.channel)), message.channel)


def _reaction(message: Message, user: User, emoji: str, *, is_super: bool) -> Payload:
    about = {"user_id": str(user.id), "emoji": emoji_payload(emoji), "burst": is_super, "type": int(is_super)}
    return _what(message) | about


def _what(message: Message) -> Payload:
    return {"message_id": str(message.id)} | _where(message.channel)


def _where(channel: Channel) -> Payload:
    guild = {"guild_id": str(channel.guild.id)} if channel.guild else {}
    return {"channel_id": str(channel.id)} | guild


def start_typing(world: World, channel: Channel, user: User) -> None:
    world.typing.append((channel, user))
    data: Payload = {"user_id": str(user.id), "timestamp": int(datetime.now(UTC).timestamp())} | _where(channel)
    if channel.guild is not None and user in channel.guild.members:
        data["member"] = member_payload(channel.guild, user)
    world.tell(Event("TYPING_START", data, intents.for_typing(channel)), channel)


def announce_channel(world: World, channel: Channel, change: str) -> None:
    """Tell of a channel or thread: `change` is CREATE, UPDATE or DELETE."""
    kind = "CHANNEL" if channel.parent is None else "THREAD"
    world.tell(Event(f"{kind}_{change}", channel_payload(channel), intents.GUILDS))


def join_guild(world: World, guild: Guild, user: User) -> None:
    guild.members[user] = []
    data = member_payload(guild, user) | {"guild_id": str(guild.id)}
    world.tell(Event("GUILD_MEMBER_ADD", data, intents.GUILD_MEMBERS))


def leave_guild(world: World, guild: Guild, user: User) -> None:
    """Take a member out of a guild; for the bot that is GUILD_DELETE."""
    del guild.members[user]
    if user is world.me:
        world.tell(Event("GUILD_DELETE", {"id": str(guild.id), "unavailable": False}, intents.GUILDS))
    else:
        data = {"guild_id": str(guild.id), "user": user_payload(user)}
        world.tell(Event("GUILD_MEMBER_REMOVE", data, intents.GUILD_MEMBERS))
