"""REST: application commands, and the answers to interactions."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.fake_discord import actions, errors
from tests.fake_discord.calls import Call
from tests.fake_discord.model import Interaction, Message, MessageFlag, Payload
from tests.fake_discord.payloads import message_payload
from tests.fake_discord.rest import Route
from tests.fake_discord.rest_messages import message_fields, says_nothing
from tests.fake_discord.world import World

ANSWER_WITHIN = 3.0  # seconds, Discord's deadline for the first answer
PONG, MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE, AUTOCOMPLETE, MODAL = 1, 4, 5, 6, 7, 8, 9


def list_commands(world: World, call: Call) -> Any:
    return world.commands.get(_scope(world, call), [])


def overwrite_commands(world: World, call: Call) -> Any:
    scope = _scope(world, call)
    world.commands[scope] = [_registered(world, scope, each) for each in call.body]
    return world.commands[scope]


def create_command(world: World, call: Call) -> Any:
    scope = _scope(world, call)
    command = _registered(world, scope, call.fields)
    key = (command["type"], command["name"])
    others = [each for each in world.commands.get(scope, []) if (each["type"], each["name"]) != key]
    world.commands[scope] = [*others, command]
    return command


def _scope(world: World, call: Call) -> int | None:
    if call.params["application_id"] != str(world.application.id):
        raise errors.DiscordError(404, 10002, "Unknown Application")
    return world.guild(call.params["guild_id"]).id if "guild_id" in call.params else None


def _registered(world: World, guild: int | None, command: Payload) -> Payload:
    """Return a command with what Discord adds to it."""
    allowed = command.get("default_member_permissions")
    defaults: Payload = {"type": 1, "description": "", "options": [], "nsfw": False, "dm_permission": True}
    known = {
        "id": str(world.snowflake()),
        "version": str(world.snowflake()),
        "application_id": str(world.application.id),
    }
    permissions = {"default_member_permissions": None if allowed is None else str(allowed)}
    scope = {} if guild is None else {"guild_id": str(guild)}
    return defaults | command | known | permissions | scope


def callback(world: World, call: Call) -> Any:
    """Take the bot's first answer to an interaction."""
    interaction = _interaction(world, call.params["interaction_token"])
    is_late = interaction.callback is None and time.monotonic() - interaction.created > ANSWER_WITHIN
    if is_late or interaction.expired or str(interaction.id) != call.params["interaction_id"]:
        raise errors.unknown_interaction()
    if interaction.callback is not None:
        raise errors.already_acknowledged()
    kind, data = call.fields["type"], call.fields.get("data") or {}
    _CALLBACKS[kind](world, interaction, call, data)
    interaction.callback = call.fields
    world.changes.announce()
    return _callback_response(world, interaction, kind) if call.query.get("with_response") in ("1", "true") else None


def _interaction(world: World, token: str) -> Interaction:
    if (interaction := world.interactions.get(token)) is None:
        raise errors.unknown_interaction()
    return interaction


def _respond(world: World, interaction: Interaction, call: Call, data: Payload) -> None:
    interaction.original = _post(world, interaction, call, data)


def _post(world: World, interaction: Interaction, call: Call, data: Payload) -> Message:
    fields = message_fields(world, interaction.channel, call, data, [])
    if says_nothing(fields):
        raise errors.empty_message()
    fields["flags"] = MessageFlag(fields.get("flags") or 0)
    return actions.post_message(world, interaction.channel, world.me, interaction=interaction, **fields)


def _defer(world: World, interaction: Interaction, _call: Call, data: Payload) -> None:
    interaction.deferred = True
    flags = MessageFlag(data.get("flags") or 0) & MessageFlag.EPHEMERAL | MessageFlag.LOADING
    interaction.original = actions.post_message(
        world, interaction.channel, world.me, interaction=interaction, flags=flags
    )


def _defer_update(_world: World, interaction: Interaction, _call: Call, _data: Payload) -> None:
    interaction.deferred = True
    interaction.original = interaction.message


def _update(world: World, interaction: Interaction, call: Call, data: Payload) -> None:
    if (message := interaction.message) is None:
        raise errors.invalid_form("type", "INTERACTION_CALLBACK_TYPE_INVALID", "There is no message to update.")
    fields = message_fields(world, interaction.channel, call, data, message.attachments)
    fields.pop("flags", None)
    interaction.original = actions.edit_message(world, message, **fields)


def _suggest(_world: World, interaction: Interaction, _call: Call, data: Payload) -> None:
    interaction.choices = data["choices"]


def _show_modal(_world: World, interaction: Interaction, _call: Call, data: Payload) -> None:
    interaction.modal = data


_CALLBACKS: dict[int, Callable[[World, Interaction, Call, Payload], None]] = {
    MESSAGE: _respond,
    DEFERRED_MESSAGE: _defer,
    DEFERRED_UPDATE: _defer_update,
    UPDATE: _update,
    AUTOCOMPLETE: _suggest,
    MODAL: _show_modal,
}


def _callback_response(world: World, interaction: Interaction, kind: int) -> Payload:
    answer: Payload = {"id": str(interaction.id), "type": int(interaction.type)}
    resource: Payload = {"type": kind}
    if (message := interaction.original) is not None and kind not in (AUTOCOMPLETE, MODAL):
        answer |= {
            "response_message_id": str(message.id),
            "response_message_loading": bool(message.flags & MessageFlag.LOADING),
            "response_message_ephemeral": message.ephemeral,
        }
        resource["message"] = message_payload(message, world.me)
    return {"interaction": answer, "resource": resource}


def follow_up(world: World, call: Call) -> Any:
    """Take a further message; the first one after a deferral fills in the message that was *thinking*."""
    interaction = _acknowledged(world, call)
    original = interaction.original
    if original is not None and original.flags & MessageFlag.LOADING and not original.deleted:
        return _fill(world, original, call)
    message = _post(world, interaction, call, call.fields)
    interaction.followups.append(message)
    world.changes.announce()
    return message_payload(message, world.me)


def _acknowledged(world: World, call: Call) -> Interaction:
    interaction = world.interactions.get(call.params["webhook_token"])
    if interaction is None or interaction.callback is None or interaction.expired:
        raise errors.unknown_webhook()
    return interaction


def _fill(world: World, message: Message, call: Call) -> Payload:
    fields = message_fields(world, message.channel, call, call.fields, message.attachments)
    kept = MessageFlag(message.flags) & ~MessageFlag.LOADING
    fields["flags"] = kept | MessageFlag(fields.get("flags") or 0) & ~MessageFlag.EPHEMERAL
    return message_payload(actions.edit_message(world, message, **fields), world.me)


def _answer(world: World, call: Call) -> Message:
    interaction = _acknowledged(world, call)
    wanted = call.params["message_id"]
    answers = [*([interaction.original] if interaction.original else []), *interaction.followups]
    for message in answers:
        is_wanted = message is interaction.original if wanted == "@original" else str(message.id) == wanted
        if is_wanted and not message.deleted:
            return message
    raise errors.unknown_message()


def get_answer(world: World, call: Call) -> Any:
    return message_payload(_answer(world, call), world.me)


def edit_answer(world: World, call: Call) -> Any:
    return _fill(world, _answer(world, call), call)


def delete_answer(world: World, call: Call) -> Any:
    actions.delete_message(world, _answer(world, call))


_GLOBAL = "/applications/{application_id}/commands"
_GUILD = "/applications/{application_id}/guilds/{guild_id}/commands"
_ANSWER = "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"
ROUTES: list[Route] = [
    ("GET", _GLOBAL, list_commands),
    ("PUT", _GLOBAL, overwrite_commands),
    ("POST", _GLOBAL, create_command),
    ("GET", _GUILD, list_commands),
    ("PUT", _GUILD, overwrite_commands),
    ("POST", _GUILD, create_command),
    ("POST", "/interactions/{interaction_id}/{interaction_token}/callback", callback),
    ("POST", "/webhooks/{webhook_id}/{webhook_token}", follow_up),
    ("GET", _ANSWER, get_answer),
    ("PATCH", _ANSWER, edit_answer),
    ("DELETE", _ANSWER, delete_answer),
]
