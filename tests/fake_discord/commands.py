"""Interactions as Discord's clients make them: from a registered command, a component or a form to the bot's event."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fake_discord import actions
from tests.fake_discord.model import Attachment, Channel, Interaction, InteractionType, Message, Payload, User
from tests.fake_discord.payloads import (
    attachment_payload,
    channel_payload,
    interaction_payload,
    member_payload,
    message_payload,
    role_payload,
    user_payload,
)
from tests.fake_discord.permissions import channel_permissions
from tests.fake_discord.world import Event, World

SUBCOMMAND, SUBCOMMAND_GROUP, USER, CHANNEL, ROLE, ATTACHMENT = 1, 2, 6, 7, 8, 11
CHAT_INPUT, MESSAGE_MENU = 1, 3
GUILD_CONTEXT, BOT_DM_CONTEXT = 0, 1


@dataclass(frozen=True)
class Upload:
    """A file that a person gives to a command; `fields` overrule what Discord would say of it."""

    filename: str
    content: bytes
    content_type: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


def send_interaction(
    world: World, kind: InteractionType, user: User, channel: Channel, data: Payload, *, message: Message | None = None
) -> Interaction:
    """Send INTERACTION_CREATE to the bot."""
    identifier = world.snowflake()
    token = f"interaction-token-{identifier}"
    interaction = Interaction(identifier, token, kind, user, channel, data, time.monotonic(), message)
    world.interactions[token] = interaction
    world.emit(Event("INTERACTION_CREATE", interaction_payload(interaction, world.application, world.me)))
    world.changes.announce()
    return interaction


def registered_command(world: World, user: User, channel: Channel, name: str, kind: int) -> Payload:
    """Return the command of that name that the bot has registered for this place, if this person may use it."""
    scopes = [channel.guild.id, None] if channel.guild else [None]
    for scope in scopes:
        for command in world.commands.get(scope, []):
            if command["name"] == name and command["type"] == kind and _is_shown_in(channel, command):
                _check_permissions(user, channel, command)
                return command
    known = sorted(each["name"] for commands in world.commands.values() for each in commands)
    raise LookupError(f"the bot has registered no command {name!r} here; it has registered {known}")


def _is_shown_in(channel: Channel, command: Payload) -> bool:
    """Whether a command is meant for servers or for DMs with the bot, whichever this is."""
    if (contexts := command.get("contexts")) is not None:
        return (GUILD_CONTEXT if channel.guild else BOT_DM_CONTEXT) in contexts
    return bool(channel.guild or command.get("dm_permission", True))


def _check_permissions(user: User, channel: Channel, command: Payload) -> None:
    needed = command.get("default_member_permissions")
    if channel.guild is not None and needed is not None and int(needed) & ~int(channel_permissions(channel, user)):
        raise PermissionError(f"Discord does not let {user.name} use {command['name']!r}")


def slash_data(world: World, user: User, channel: Channel, name: str, options: Mapping[str, Any]) -> Payload:
    """Return the data of a slash command; `name` may lead to a subcommand: "settings channel"."""
    first, *path = name.split()
    command = registered_command(world, user, channel, first, CHAT_INPUT)
    resolved: Payload = {}
    data = _command_data(command)
    inner, place = command, data
    for part in path:
        inner = _named(inner, part)
        place["options"] = [{"type": inner["type"], "name": part}]
        place = place["options"][0]
    place["options"] = [_option(world, channel, _named(inner, key), value, resolved) for key, value in options.items()]
    required = {each["name"] for each in inner.get("options", []) if each.get("required")}
    if missing := required - set(options):
        raise LookupError(f"/{name} requires {sorted(missing)}")
    return data | ({"resolved": resolved} if resolved else {})


def _command_data(command: Payload) -> Payload:
    guild = {"guild_id": command["guild_id"]} if "guild_id" in command else {}
    return {"id": command["id"], "name": command["name"], "type": command["type"]} | guild


def _named(command: Payload, name: str) -> Payload:
    for option in command.get("options", []):
        if option["name"] == name:
            return dict(option)
    raise LookupError(f"{command['name']!r} has no option or subcommand {name!r}")


def _option(world: World, channel: Channel, option: Payload, value: Any, resolved: Payload) -> Payload:
    if isinstance(value, Upload):
        value = actions.attach(
            world, channel, value.filename, value.content,
            **{"content_type": value.content_type, "ephemeral": True} | dict(value.fields),
        )  # fmt: skip
    if (shown := _resolve(channel, option["type"], value)) is None:
        return {"name": option["name"], "type": option["type"], "value": value}
    for kind, payload in shown.items():
        resolved.setdefault(kind, {})[str(value.id)] = payload
    return {"name": option["name"], "type": option["type"], "value": str(value.id)}


def _resolve(channel: Channel, kind: int, value: Any) -> Payload | None:
    """Return what Discord tells the bot about an option's value beyond its id, None for plain values."""
    if kind == ATTACHMENT and isinstance(value, Attachment):
        return {"attachments": attachment_payload(value)}
    if kind == CHANNEL:
        return {"channels": channel_payload(value) | {"permissions": "0"}}
    if kind == ROLE:
        return {"roles": role_payload(value)}
    if kind == USER:
        user = value.user if hasattr(value, "user") else value
        guild = channel.guild
        member = {"members": member_payload(guild, user, with_user=False) | {"permissions": "0"}} if guild else {}
        return {"users": user_payload(user)} | member
    return None


def menu_data(world: World, user: User, name: str, message: Message) -> Payload:
    """Return the data of a message context menu command; its target is shown in full, whatever the intents."""
    command = registered_command(world, user, message.channel, name, MESSAGE_MENU)
    shown = message_payload(message, world.me)
    target = {"target_id": str(message.id), "resolved": {"messages": {str(message.id): shown}}}
    return _command_data(command) | target


def component(message: Message, wanted: str) -> Payload:
    """Return the component of a message whose custom id, label or emoji is `wanted`; it has to be enabled."""
    found = list(_components(message.components))
    for each in found:
        emoji = (each.get("emoji") or {}).get("name")
        if wanted in (each.get("custom_id"), each.get("label"), emoji):
            if each.get("disabled"):
                raise LookupError(f"the component {wanted!r} is disabled")
            return each
    known = [each.get("custom_id") for each in found if "custom_id" in each]
    raise LookupError(f"the message has no component {wanted!r}; it has {known}")


def _components(components: list[Payload]) -> Iterator[Payload]:
    for each in components:
        yield each
        yield from _components(each.get("components") or [])
        yield from _components([each[key] for key in ("accessory", "component") if key in each])


def modal_data(modal: Payload, values: Mapping[str, Any]) -> Payload:
    """Return the data of a form filled in with values by custom id."""
    return {"custom_id": modal["custom_id"], "components": [_filled(each, values) for each in modal["components"]]}


def _filled(item: Payload, values: Mapping[str, Any]) -> Payload:
    filled: Payload = {key: item[key] for key in ("type", "id", "custom_id") if key in item}
    if "components" in item:
        filled["components"] = [_filled(each, values) for each in item["components"]]
    if "component" in item:
        filled["component"] = _filled(item["component"], values)
    if item.get("custom_id") in values:
        value = values[item["custom_id"]]
        filled["values" if isinstance(value, list) else "value"] = value
    return filled
