"""How roles and overwrites combine into what a member may do."""

from __future__ import annotations

import pytest

from tests.fake_discord import Channel, FakeDiscord, Guild, Permission, Person
from tests.fake_discord.permissions import channel_permissions, needed_to_send


@pytest.fixture
def discord() -> FakeDiscord:
    return FakeDiscord()


@pytest.fixture
def guild(discord: FakeDiscord) -> Guild:
    return discord.guild()


@pytest.fixture
def channel(discord: FakeDiscord, guild: Guild) -> Channel:
    return discord.channel(guild)


@pytest.fixture
def ada(discord: FakeDiscord, guild: Guild) -> Person:
    return discord.user("Ada")


def test_an_overwrite_for_a_member_beats_one_for_everyone(guild: Guild, channel: Channel, ada: Person) -> None:
    channel.overwrites[guild.id] = (0, Permission.SEND_MESSAGES)
    assert Permission.SEND_MESSAGES not in channel_permissions(channel, ada.user)
    channel.overwrites[ada.id] = (Permission.SEND_MESSAGES, 0)
    assert Permission.SEND_MESSAGES in channel_permissions(channel, ada.user)


def test_who_cannot_see_a_channel_can_do_nothing_there(channel: Channel, ada: Person) -> None:
    channel.overwrites[ada.id] = (0, Permission.VIEW_CHANNEL)
    assert channel_permissions(channel, ada.user) == 0


def test_the_owner_and_administrators_may_do_everything(discord: FakeDiscord, guild: Guild, channel: Channel) -> None:
    channel.overwrites[guild.id] = (0, Permission.SEND_MESSAGES)
    guild.roles[1].permissions = Permission.ADMINISTRATOR
    assert Permission.SEND_MESSAGES in channel_permissions(channel, discord.bot_user)
    assert Permission.MANAGE_GUILD in channel_permissions(channel, discord.owner.user)


def test_strangers_have_no_permissions(discord: FakeDiscord, channel: Channel) -> None:
    stranger = discord.user("Eve", guilds=())
    assert channel_permissions(channel, stranger.user) == 0
    assert channel_permissions(discord.dm(discord.user("Ada")), stranger.user) == 0


def test_sending_to_a_thread_takes_a_permission_of_its_own(discord: FakeDiscord, channel: Channel) -> None:
    assert needed_to_send(channel) == Permission.SEND_MESSAGES
    assert needed_to_send(discord.thread(channel)) == Permission.SEND_MESSAGES_IN_THREADS
