"""Fields that compatible servers leave out, and that discord.py relies on: they are filled in before it reads them.

A field that is null is one that was left out, unless Discord itself sends it so.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import discord

_Fields = Mapping[str, Any]

_IN_USE: Final[_Fields] = MappingProxyType(
    {"archived": False, "auto_archive_duration": 1440, "archive_timestamp": "1970-01-01T00:00:00+00:00"}
)
_FIELDS: Final[Mapping[str, _Fields]] = MappingProxyType(
    {
        "application": {"name": "", "description": "", "icon": None, "bot_public": True, "verify_key": ""}
        | {"bot_require_code_grant": False, "owner": {"id": "0", "username": ""}},
        "attachment": {"id": "0", "size": None, "filename": "", "url": "", "proxy_url": ""},
        "channel": {"name": "", "position": 0, "type": 0},
        "guild channel": {"name": "", "position": 0, "type": 0, "bitrate": 64000, "user_limit": 0},
        "interaction": {
            "version": 1,
            "attachment_size_limit": 0,
            "app_permissions": str(discord.Permissions.all().value),
        },
        "member": {"roles": (), "flags": 0},
        "message": {"type": 0, "content": "", "mentions": (), "mention_roles": (), "components": ()},
        "reaction": {"type": 0},
        "reaction count": {"count": 1, "me": False},
        "ready": {"shard": (0, 1), "guilds": ()},
        "role": {"name": "", "position": 0},
        "thread": {"name": "", "type": 11, "parent_id": "0", "owner_id": "0", "message_count": 0, "member_count": 0}
        | {"thread_metadata": _IN_USE},
        "thread metadata": _IN_USE,
        "user": {"username": "", "discriminator": "0", "avatar": None},
    }
)
"""What kind of object needs which fields, with what Discord would mean by leaving them out."""

_PARTS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "application": {"owner": "user"},
        "guild": {"channels": "guild channel", "threads": "thread", "members": "member", "roles": "role"},
        "interaction": {
            "user": "user",
            "member": "member",
            "message": "message",
            "data": "command",
            "channel": "channel",
        },
        "command": {"resolved": "resolved"},
        "member": {"user": "user"},
        "message": {"author": "user", "member": "member", "mentions": "user", "attachments": "attachment"}
        | {"referenced_message": "message", "reactions": "reaction count"},
        "ready": {"user": "user"},
        "thread": {"thread_metadata": "thread metadata"},
    }
)
"""Which fields hold objects, or lists of objects, of which kind."""

_MAPS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {"resolved": {"attachments": "attachment", "messages": "message", "users": "user"}}
)
"""Which fields hold objects by their ids."""

_EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "READY": "ready",
        "GUILD_CREATE": "guild",
        "CHANNEL_CREATE": "guild channel",
        "CHANNEL_UPDATE": "guild channel",
        "THREAD_CREATE": "thread",
        "THREAD_UPDATE": "thread",
        "MESSAGE_CREATE": "message",
        "MESSAGE_UPDATE": "message",
        "MESSAGE_DELETE": "removal",
        "MESSAGE_DELETE_BULK": "removal",
        "MESSAGE_REACTION_ADD": "reaction",
        "MESSAGE_REACTION_REMOVE": "reaction",
        "MESSAGE_REACTION_REMOVE_ALL": "removal",
        "MESSAGE_REACTION_REMOVE_EMOJI": "removal",
        "INTERACTION_CREATE": "interaction",
    }
)
_ANSWERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "/users/@me": "user",
        "/oauth2/applications/@me": "application",
        "/gateway/bot": "gateway",
        "/channels/{channel_id}/messages": "message",
        "/channels/{channel_id}/messages/{message_id}": "message",
        "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}": "user",
        "/webhooks/{webhook_id}/{webhook_token}": "message",
        "/webhooks/{webhook_id}/{webhook_token}/messages/@original": "message",
    }
)


def complete_event(name: str, data: Any) -> None:  # noqa: ANN401 - whatever the gateway sends
    """Fill in what is missing in a gateway event."""
    kind = _EVENTS.get(name)
    if kind == "interaction":
        _say_where(data)
    elif kind == "reaction":
        data.pop("member", None)  # nobody asks for it, and it may be too little for discord.py
    complete(data, kind)


def is_fragment(name: str, data: Any) -> bool:  # noqa: ANN401 - whatever the gateway sends
    """Tell whether an edit names only what changed, and not the recording: nothing in it is of interest here."""
    return name == "MESSAGE_UPDATE" and not {"author", "attachments"} <= data.keys()


def _say_where(data: Any) -> None:  # noqa: ANN401 - any JSON
    """Tell the channel of an interaction by its id, and a direct message by the missing server."""
    if data.get("channel_id") is not None:
        channel = {"id": data["channel_id"], "type": 1 if data.get("guild_id") is None else 0}
        data["channel"] = channel | {k: v for k, v in (data.get("channel") or {}).items() if v is not None}


def complete_answer(path: str, data: Any) -> Any:  # noqa: ANN401 - whatever the server answers
    """Fill in what is missing in the answer to a request, whose path is a template as in discord.py."""
    complete(data, _ANSWERS.get(path))
    return data


def complete(data: Any, kind: str | None) -> None:  # noqa: ANN401 - any JSON
    """Fill in what is missing in an object or in a list of objects, and in those within; an empty one says nothing."""
    if isinstance(data, list):
        for each in data:
            complete(each, kind)
    if kind is None or not isinstance(data, dict) or not data:
        return
    for name in [name for name, value in data.items() if value is None]:
        del data[name]
    for name, value in _FIELDS.get(kind, {}).items():
        data.setdefault(name, _copy(value))
    for name, part in _PARTS.get(kind, {}).items():
        complete(data.get(name), part)
    for name, part in _MAPS.get(kind, {}).items():
        complete(list((data.get(name) or {}).values()), part)


def _copy(value: Any) -> Any:  # noqa: ANN401 - any default
    """Give each object a container of its own, for discord.py writes into some."""
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value
