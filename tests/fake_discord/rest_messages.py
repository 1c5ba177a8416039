"""REST: channels, messages, reactions, typing."""

from __future__ import annotations

import unicodedata
from typing import Any

from tests.fake_discord import actions, errors
from tests.fake_discord.calls import Call
from tests.fake_discord.model import Attachment, Channel, Message, Payload
from tests.fake_discord.payloads import channel_payload, message_payload, user_payload
from tests.fake_discord.permissions import Permission, channel_permissions, needed_to_send
from tests.fake_discord.rest import Route
from tests.fake_discord.world import World, dm_channel

MAX_CONTENT = 2000
KEYCAP = "\N{COMBINING ENCLOSING KEYCAP}"  # ends 1\ufe0f\u20e3 and its like, which are emoji without a pictograph


def channel_for(world: World, call: Call, needed: Permission = Permission.VIEW_CHANNEL) -> Channel:
    """Return the channel that the path names, if the bot may do there what it wants to."""
    channel = world.channel(call.params["channel_id"])
    permissions = channel_permissions(channel, world.me)
    if Permission.VIEW_CHANNEL not in permissions:
        raise errors.missing_access()
    if needed & ~permissions:
        raise errors.missing_permissions()
    return channel


def shown(world: World, message: Message) -> Payload:
    """Return a message as REST shows it: blanked where the application does not have the message-content intent."""
    blank = not world.application.message_content and actions.is_private(world, message)
    return message_payload(message, world.me, blank=blank)


def message_fields(world: World, channel: Channel, call: Call, body: Payload, old: list[Attachment]) -> dict[str, Any]:
    """Return what a body says about a message, in the model's words."""
    content = body.get("content")
    if content is not None and len(content) > MAX_CONTENT:
        raise errors.invalid_form("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
    fields: dict[str, Any] = {name: body[name] or [] for name in ("embeds", "components") if name in body}
    if "content" in body:
        fields["content"] = content or ""
    if "attachments" in body or call.files:
        fields["attachments"] = _attachments(world, channel, call, body, old)
    fields |= {name: body[name] for name in ("flags", "tts") if body.get(name) is not None}
    return fields | ({"allowed_mentions": body["allowed_mentions"]} if "allowed_mentions" in body else {})


def _attachments(world: World, channel: Channel, call: Call, body: Payload, old: list[Attachment]) -> list[Attachment]:
    listed = {str(each["id"]): each for each in body.get("attachments") or []}
    kept = [attachment for attachment in old if str(attachment.id) in listed]
    new = []
    for number, file in call.files.items():
        about = listed.get(str(number), {})
        name = about.get("filename") or file.filename
        new.append(actions.attach(world, channel, name, file.content, description=about.get("description")))
    return kept + new


def says_nothing(fields: dict[str, Any]) -> bool:
    return not any(fields.get(name) for name in ("content", "embeds", "components", "attachments"))


def create_message(world: World, call: Call) -> Any:
    body = call.fields
    channel = channel_for(world, call)
    channel_for(world, call, needed_to_send(channel))
    if call.files:
        channel_for(world, call, Permission.ATTACH_FILES)
    if not all(user.accepts_dms for user in channel.recipients):
        raise errors.dms_closed()
    nonce = body.get("nonce")
    if nonce is not None and body.get("enforce_nonce") and (existing := _with_nonce(world, channel, str(nonce))):
        return shown(world, existing)
    fields = message_fields(world, channel, call, body, []) | _reference(world, channel, body)
    if says_nothing(fields):
        raise errors.empty_message()
    fields["nonce"] = None if nonce is None else str(nonce)
    return shown(world, actions.post_message(world, channel, world.me, **fields))


def _with_nonce(world: World, channel: Channel, nonce: str) -> Message | None:
    mine = (each for each in world.messages if each.channel is channel and each.author is world.me)
    return next((message for message in mine if message.nonce == nonce), None)


def _reference(world: World, channel: Channel, body: Payload) -> dict[str, Any]:
    """Return what a reply refers to; a message that is gone is refused unless `fail_if_not_exists` is false."""
    if (reference := body.get("message_reference")) is None:
        return {}
    if Permission.READ_MESSAGE_HISTORY not in channel_permissions(channel, world.me):
        raise errors.cannot_reply_blindly()
    target = channel.messages.get(int(reference["message_id"]))
    if target is None and reference.get("fail_if_not_exists", True):
        raise errors.invalid_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
    if target is None:
        return {}  # Discord posts it as an ordinary message
    known = {"type": 0, "message_id": str(target.id), "channel_id": str(channel.id)}
    guild = {"guild_id": str(channel.guild.id)} if channel.guild else {}
    return {"reference": known | guild, "reply_to": target}


def get_message(world: World, call: Call) -> Any:
    channel = channel_for(world, call, Permission.READ_MESSAGE_HISTORY)
    return shown(world, world.message(channel, call.params["message_id"]))


def list_messages(world: World, call: Call) -> Any:
    """Return messages newest first, as before, after or around one of them asks for."""
    channel = channel_for(world, call)
    if Permission.READ_MESSAGE_HISTORY not in channel_permissions(channel, world.me):
        return []
    limit = int(call.query.get("limit", 50))
    messages = list(channel.messages.values())
    if "before" in call.query:
        messages = [each for each in messages if each.id < int(call.query["before"])][-limit:]
    elif "after" in call.query:
        messages = [each for each in messages if each.id > int(call.query["after"])][:limit]
    elif "around" in call.query:
        middle = int(call.query["around"])
        older = [each for each in messages if each.id < middle][-(limit // 2) :]
        messages = older + [each for each in messages if each.id >= middle][: limit - len(older)]
    return [shown(world, each) for each in reversed(messages[-limit:])]


def edit_message(world: World, call: Call) -> Any:
    channel = channel_for(world, call)
    message = world.message(channel, call.params["message_id"])
    if message.author is not world.me:
        raise errors.not_the_author()
    fields = message_fields(world, channel, call, call.fields, message.attachments)
    return shown(world, actions.edit_message(world, message, **fields))


def delete_message(world: World, call: Call) -> Any:
    channel = channel_for(world, call)
    message = world.message(channel, call.params["message_id"])
    if message.author is not world.me:
        if channel.guild is None:
            raise errors.DiscordError(403, 50003, "Cannot execute action on a DM channel")
        channel_for(world, call, Permission.MANAGE_MESSAGES)
    actions.delete_message(world, message)


def add_reaction(world: World, call: Call) -> Any:
    channel = channel_for(world, call, Permission.READ_MESSAGE_HISTORY)
    message = world.message(channel, call.params["message_id"])
    emoji = _emoji(call)
    if emoji not in message.reactions:  # joining a reaction that is there takes no permission
        channel_for(world, call, Permission.ADD_REACTIONS)
        if len(message.reactions) >= actions.MAX_REACTIONS:
            raise errors.reactions_full()
    actions.add_reaction(world, message, world.me, emoji)


def remove_reaction(world: World, call: Call) -> Any:
    channel = channel_for(world, call)
    message = world.message(channel, call.params["message_id"])
    user = world.me
    if call.params.get("user_id", "@me") != "@me":
        user = world.user(call.params["user_id"])
        _may_moderate(world, call, channel)
    emoji = _emoji(call)
    if not message.reacted(emoji, user):
        raise errors.unknown_emoji()
    actions.remove_reaction(world, message, user, emoji)


def _may_moderate(world: World, call: Call, channel: Channel) -> None:
    if channel.guild is None:
        raise errors.DiscordError(403, 50003, "Cannot execute action on a DM channel")
    channel_for(world, call, Permission.MANAGE_MESSAGES)


def clear_reactions(world: World, call: Call) -> Any:
    channel = channel_for(world, call)
    message = world.message(channel, call.params["message_id"])
    _may_moderate(world, call, channel)
    if "emoji" in call.params:
        actions.clear_emoji(world, message, _emoji(call))
    else:
        actions.clear_reactions(world, message)


def list_reactions(world: World, call: Call) -> Any:
    channel = channel_for(world, call, Permission.READ_MESSAGE_HISTORY)
    message, emoji = world.message(channel, call.params["message_id"]), _emoji(call)
    standing = message.super_reactions if call.query.get("type", "0") == "1" else message.reactions
    later = [user for user in standing.get(emoji, []) if user.id > int(call.query.get("after", 0))]
    return [user_payload(user) for user in later[: int(call.query.get("limit", 25))]]


def _emoji(call: Call) -> str:
    """Read an emoji from the path: only Unicode ones exist here."""
    emoji = call.params["emoji"]
    if not any(unicodedata.category(character) == "So" or character == KEYCAP for character in emoji):
        raise errors.unknown_emoji()
    return emoji


def typing(world: World, call: Call) -> Any:
    channel = channel_for(world, call)
    channel_for(world, call, needed_to_send(channel))
    actions.start_typing(world, channel, world.me)


def get_channel(world: World, call: Call) -> Any:
    return channel_payload(channel_for(world, call))


def create_dm(world: World, call: Call) -> Any:
    return channel_payload(dm_channel(world, world.user(call.fields["recipient_id"])))


_MESSAGE = "/channels/{channel_id}/messages/{message_id}"
_REACTION = _MESSAGE + "/reactions/{emoji}"
ROUTES: list[Route] = [
    ("GET", "/channels/{channel_id}", get_channel),
    ("POST", "/users/@me/channels", create_dm),
    ("POST", "/channels/{channel_id}/typing", typing),
    ("POST", "/channels/{channel_id}/messages", create_message),
    ("GET", "/channels/{channel_id}/messages", list_messages),
    ("GET", _MESSAGE, get_message),
    ("PATCH", _MESSAGE, edit_message),
    ("DELETE", _MESSAGE, delete_message),
    ("PUT", _REACTION + "/@me", add_reaction),
    ("DELETE", _REACTION + "/@me", remove_reaction),
    ("DELETE", _REACTION + "/{user_id}", remove_reaction),
    ("GET", _REACTION, list_reactions),
    ("DELETE", _REACTION, clear_reactions),
    ("DELETE", _MESSAGE + "/reactions", clear_reactions),
]
