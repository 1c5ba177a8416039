"""The bot asks for what it needs and nothing more, and says what is missing."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import discord

from bot.discord_app.access import PERMISSIONS, intents, invite_link, missing_permissions, required_permissions


def test_the_invite_link_asks_for_exactly_the_permissions_that_are_needed() -> None:
    query = parse_qs(urlsplit(invite_link(4242)).query)
    granted = discord.Permissions(int(query["permissions"][0]))
    assert query["client_id"] == ["4242"]
    assert {name for name, value in granted if value} == {
        "read_messages",  # Discord's other name for View Channels
        "send_messages",
        "send_messages_in_threads",
        "read_message_history",
        "add_reactions",
    }


def test_the_invite_link_asks_for_a_bot_with_commands() -> None:
    assert parse_qs(urlsplit(invite_link(1)).query)["scope"] == ["bot applications.commands"]


def test_each_missing_permission_is_named_with_what_it_costs() -> None:
    granted = required_permissions()
    granted.add_reactions = False
    assert missing_permissions(granted) == ["Add Reactions: feedback is given with buttons in place of reactions"]


def test_nothing_is_missing_where_everything_needed_is_granted() -> None:
    assert missing_permissions(required_permissions()) == []
    assert len(missing_permissions(discord.Permissions.none())) == len(PERMISSIONS)


def test_no_member_or_presence_events_are_asked_for() -> None:
    wanted = intents(message_content=True)
    assert {name for name, value in wanted if value} == {
        "guilds",
        "guild_messages",
        "dm_messages",
        "guild_reactions",
        "dm_reactions",
        "message_content",
    }
    assert not intents(message_content=False).message_content
