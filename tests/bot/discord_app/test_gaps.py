"""What a server leaves out is filled in, so that discord.py can read it."""

from __future__ import annotations

import copy
from typing import Any
from unittest.mock import Mock

import discord
import pytest

from bot.discord_app.gaps import complete_answer, complete_event, is_fragment

USER = {"id": "1", "username": "ada", "discriminator": "0", "avatar": None}


def test_what_is_there_stays_as_it_is() -> None:
    reaction = {"type": 1, "user_id": "1", "emoji": {"id": None, "name": "✅"}}
    before = copy.deepcopy(reaction)
    complete_event("MESSAGE_REACTION_ADD", reaction)
    assert reaction == before


def test_people_within_a_message_are_completed() -> None:
    user = {"id": "1", "username": "ada"}
    message: dict[str, Any] = {"author": dict(user), "mentions": [dict(user)], "referenced_message": {"author": user}}
    complete_event("MESSAGE_CREATE", message)
    assert message["author"] == message["mentions"][0] == message["referenced_message"]["author"] == USER
    assert message["referenced_message"]["mention_roles"] == []


def test_what_comes_with_a_command_is_completed() -> None:
    command: dict[str, Any] = {"data": {"resolved": {"attachments": {"5": {"id": "5", "url": "http://host/a"}}}}}
    complete_event("INTERACTION_CREATE", command)
    assert command["data"]["resolved"]["attachments"]["5"]["filename"] == ""


def test_each_object_gets_containers_of_its_own() -> None:
    members: list[dict[str, Any]] = [{}, {"user": {}}, {"user": {"id": "1"}}]
    complete_event("GUILD_CREATE", {"members": members})
    assert members[1]["roles"] is not members[2]["roles"]


@pytest.mark.parametrize("kind", [0, 2, 4, 5, 13, 15, 16])
def test_a_server_is_read_whatever_is_left_out_of_its_channels_and_threads(kind: int) -> None:
    channel = {"id": "5", "type": kind, "bitrate": None, "position": None, "permission_overwrites": None}
    threads = [{"id": "6", "parent_id": "5"}, {"id": "7", "parent_id": "5", "thread_metadata": {"archived": None}}]
    data: dict[str, Any] = {"id": "4", "channels": [channel], "threads": threads, "roles": [{"id": "4"}]}
    complete_event("GUILD_CREATE", data)
    state = discord.state.ConnectionState(
        dispatch=print, handlers={}, hooks={}, http=Mock(), intents=discord.Intents.none()
    )
    guild = discord.Guild(data=data, state=state)  # type: ignore[arg-type]
    assert [each.id for each in guild.channels] == [5]
    assert [each.archived for each in guild.threads] == [False, False]


def test_an_event_of_another_kind_is_left_alone() -> None:
    data = {"author": {"id": "1"}}
    complete_event("TYPING_START", data)
    assert data == {"author": {"id": "1"}}


def test_what_is_null_was_left_out() -> None:
    message: dict[str, Any] = {"guild_id": None, "mentions": None, "author": {"id": "1", "username": None}}
    complete_event("MESSAGE_CREATE", message)
    assert "guild_id" not in message
    assert message["mentions"] == []
    assert message["author"] == USER | {"username": ""}


@pytest.mark.parametrize("event", ["MESSAGE_DELETE", "MESSAGE_DELETE_BULK", "MESSAGE_REACTION_REMOVE_ALL"])
def test_what_is_removed_from_a_direct_message_has_no_server(event: str) -> None:
    data = {"channel_id": "5", "guild_id": None}
    complete_event(event, data)
    assert data == {"channel_id": "5"}


def test_a_command_without_server_came_by_direct_message() -> None:
    command: dict[str, Any] = {"channel_id": "5", "guild_id": None, "channel": {"id": None}}
    complete_event("INTERACTION_CREATE", command)
    assert command["channel"] == {"id": "5", "type": 1, "name": "", "position": 0}


def test_a_server_that_does_not_say_what_the_bot_may_do_forbids_nothing() -> None:
    command: dict[str, Any] = {"id": "3", "type": 2, "app_permissions": None}
    complete_event("INTERACTION_CREATE", command)
    assert discord.Permissions(int(command["app_permissions"])) == discord.Permissions.all()
    complete_event("INTERACTION_CREATE", nothing := {"id": "3", "type": 2, "app_permissions": "0"})
    assert nothing["app_permissions"] == "0"


def test_an_edit_that_does_not_tell_of_the_recording_is_a_fragment() -> None:
    edit: dict[str, Any] = {"id": "7", "author": USER, "attachments": []}
    assert not is_fragment("MESSAGE_UPDATE", edit)
    assert is_fragment("MESSAGE_UPDATE", {"id": "7", "author": USER, "pinned": True})
    assert not is_fragment("MESSAGE_CREATE", {"id": "7"})


def test_nothing_is_made_of_an_empty_answer() -> None:
    assert complete_answer("/users/@me", {}) == {}
    assert complete_answer("/users/@me", None) is None
