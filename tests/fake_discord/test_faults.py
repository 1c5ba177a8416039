"""What can be made to go wrong with requests and downloads, as discord.py meets it."""

from __future__ import annotations

import asyncio

import aiohttp
import discord
import pytest

from tests.fake_discord import FakeDiscord
from tests.fake_discord.faults import Fault, Faults, cloudflare_ban
from tests.fake_discord.trial_bot import AUDIO, MESSAGES, REACTIONS, Start


async def test_a_message_whose_answer_was_lost_is_not_sent_twice(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    bot = await start()
    place = bot.get_partial_messageable(channel.id)
    fake.cut("POST", MESSAGES, after=True)
    with pytest.raises(aiohttp.ClientError):
        await place.send("once", nonce="note-1")
    await place.send("once", nonce="note-1")
    assert len(fake.messages(channel)) == 1


async def test_a_server_error_after_the_effect_sends_nothing_twice(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    bot = await start()
    fake.fail("POST", MESSAGES, 502, after=True)
    await bot.get_partial_messageable(channel.id).send("once", nonce="note-1")  # discord.py tries again by itself
    assert [call.status for call in fake.calls_to("POST", MESSAGES)] == [502, 200]
    assert len(fake.messages(channel)) == 1


async def test_discord_py_waits_out_a_rate_limit_of_discord(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    bot = await start()
    fake.rate_limit("POST", MESSAGES, retry_after=0.01)
    await bot.get_partial_messageable(channel.id).send("patience")
    assert [call.status for call in fake.calls_to("POST", MESSAGES)] == [429, 200]


async def test_discord_py_raises_on_a_ban_by_cloudflare(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    bot = await start()
    fake.ban_by_cloudflare("POST", MESSAGES)
    with pytest.raises(discord.HTTPException) as refused:
        await bot.get_partial_messageable(channel.id).send("patience")
    assert refused.value.status == 429


@pytest.mark.parametrize(("status", "error"), [(403, discord.Forbidden), (404, discord.NotFound)])
async def test_any_request_can_be_made_to_fail(
    fake: FakeDiscord, start: Start, status: int, error: type[Exception]
) -> None:
    channel = fake.channel(fake.guild())
    note = await fake.user("Ada").send_voice_note(channel, AUDIO)
    bot = await start()
    fake.fail("PUT", REACTIONS, status)
    with pytest.raises(error):
        await bot.get_partial_messageable(channel.id).get_partial_message(note.id).add_reaction("✅")


async def test_an_answer_can_be_held_back(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    bot = await start()
    hold = fake.hold("POST", MESSAGES)
    sending = asyncio.create_task(bot.get_partial_messageable(channel.id).send("slowly"))
    await hold.arrived.wait()
    assert fake.messages(channel) == []
    hold.release()
    await sending
    assert len(fake.messages(channel)) == 1


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_the_cdn_can_refuse(fake: FakeDiscord, start: Start, status: int) -> None:
    channel = fake.channel(fake.guild())
    bot = await start()
    await fake.user("Ada").send_voice_note(channel, AUDIO)
    await fake.until(lambda: bot.heard)
    fake.cdn.status(status)
    with pytest.raises(discord.HTTPException) as refused:
        await bot.heard[0].attachments[0].read()
    assert refused.value.status == status
    fake.heal()
    assert await bot.heard[0].attachments[0].read() == AUDIO


async def test_the_cdn_can_break_off(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    bot = await start()
    await fake.user("Ada").send_voice_note(channel, AUDIO)
    await fake.until(lambda: bot.heard)
    clip = bot.heard[0].attachments[0]
    for fault in (fake.cdn.dead(), fake.cdn.truncated(100), fake.cdn.lying(b"x", 50)):
        with pytest.raises(aiohttp.ClientError):
            await clip.read()
        fault.cancel()
    assert await clip.read() == AUDIO


async def test_the_cdn_can_send_without_end_and_elsewhere(fake: FakeDiscord) -> None:
    channel = fake.channel(fake.guild())
    note = await fake.user("Ada").send_voice_note(channel, AUDIO)
    url = note.attachments[0].url
    async with aiohttp.ClientSession() as session:
        fake.cdn.redirect(fake.elsewhere + "/secret", times=1)
        async with session.get(url, allow_redirects=False) as answer:
            assert answer.headers["Location"].startswith("http://localhost:")
        fake.cdn.endless(times=1)
        async with session.get(url) as answer:
            assert len(await answer.content.readexactly(10 * 2**20)) == 10 * 2**20
    assert fake.elsewhere_requests == []


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/channels/*/messages", "/channels/1/messages", True),
        ("/channels/{channel_id}/messages", "/channels/1/messages", True),
        ("/channels/*/messages", "/channels/1/messages/2", False),
        ("/channels/**", "/channels/1/messages/2", True),
        ("/channels/*", "/channelsx1", False),
    ],
)
def test_a_path_matches_segment_by_segment(pattern: str, path: str, matches: bool) -> None:
    assert Fault("*", pattern, cloudflare_ban()).matches("GET", path) is matches


def test_a_fault_strikes_as_often_as_it_is_told_to() -> None:
    faults = Faults()
    fault = faults.add(Fault("GET", "/gateway", cloudflare_ban(), times=2))
    assert [faults.take("GET", "/gateway") for _ in range(3)] == [fault, fault, None]
    assert faults.take("POST", "/gateway") is None
