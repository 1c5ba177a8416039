"""REST: the bot's own account and application, users, guilds, members, roles, the gateway's address."""

from __future__ import annotations

from typing import Any

from tests.fake_discord import actions, errors
from tests.fake_discord.calls import Call
from tests.fake_discord.payloads import (
    application_payload,
    channel_payload,
    guild_payload,
    me_payload,
    member_payload,
    role_payload,
    user_payload,
)
from tests.fake_discord.rest import Route
from tests.fake_discord.world import World


def me(world: World, _call: Call) -> Any:
    return me_payload(world.me)


def user(world: World, call: Call) -> Any:
    return user_payload(world.user(call.params["user_id"]))


def application(world: World, _call: Call) -> Any:
    return application_payload(world.application, world.me)


def gateway(world: World, _call: Call) -> Any:
    return {"url": world.gateway_url}


def gateway_bot(world: World, _call: Call) -> Any:
    limit = {"total": 1000, "remaining": 999, "reset_after": 14_400_000, "max_concurrency": 1}
    return {"url": world.gateway_url, "shards": 1, "session_start_limit": limit}


def my_guilds(world: World, _call: Call) -> Any:
    mine = [guild for guild in world.guilds.values() if world.me in guild.members]
    return [{"id": str(guild.id), "name": guild.name, "owner": False, "permissions": "0", "icon": None, "features": []}
            for guild in mine]  # fmt: skip


def guild(world: World, call: Call) -> Any:
    return guild_payload(world.guild(call.params["guild_id"]))


def guild_channels(world: World, call: Call) -> Any:
    channels = world.channels_of(world.guild(call.params["guild_id"]))
    return [channel_payload(channel) for channel in channels if channel.parent is None]


def roles(world: World, call: Call) -> Any:
    return [role_payload(role) for role in world.guild(call.params["guild_id"]).roles]


def member(world: World, call: Call) -> Any:
    found = world.guild(call.params["guild_id"])
    someone = world.user(call.params["user_id"])
    if someone not in found.members:
        raise errors.unknown_member()
    return member_payload(found, someone)


def leave(world: World, call: Call) -> Any:
    actions.leave_guild(world, world.guild(call.params["guild_id"]), world.me)


ROUTES: list[Route] = [
    ("GET", "/gateway", gateway),
    ("GET", "/gateway/bot", gateway_bot),
    ("GET", "/users/@me", me),
    ("GET", "/users/@me/guilds", my_guilds),
    ("DELETE", "/users/@me/guilds/{guild_id}", leave),
    ("GET", "/users/{user_id}", user),
    ("GET", "/oauth2/applications/@me", application),
    ("GET", "/applications/@me", application),
    ("GET", "/guilds/{guild_id}", guild),
    ("GET", "/guilds/{guild_id}/channels", guild_channels),
    ("GET", "/guilds/{guild_id}/roles", roles),
    ("GET", "/guilds/{guild_id}/members/{user_id}", member),
]
