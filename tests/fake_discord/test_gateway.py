"""Sessions: logging in, intents, resuming, taking over, settling."""

from __future__ import annotations

import asyncio
import os
import sys

import discord
import pytest
from discord.http import Route

from tests.fake_discord import FakeDiscord
from tests.fake_discord.trial_bot import AUDIO, Bot, Start, content_intent, reply


async def test_a_bot_logs_in_and_sees_its_servers(fake: FakeDiscord, start: Start) -> None:
    guild = fake.guild("Home")
    ada = fake.user("Ada")
    channel = fake.channel(guild)
    thread = fake.thread(channel, "aside")
    bot = await start()
    await bot.wait_until_ready()
    assert bot.user is not None
    assert bot.user.id == fake.bot_user.id
    seen = bot.get_guild(guild.id)
    assert seen is not None
    assert [each.id for each in seen.text_channels] == [channel.id]
    assert [each.id for each in seen.threads] == [thread.id]
    assert seen.get_member(ada.id) is None  # members are told of to those only who asked for them
    assert seen.me.guild_permissions.send_messages
    assert not seen.me.guild_permissions.manage_messages
    assert fake.violations == []


async def test_a_wrong_token_is_refused(fake: FakeDiscord, start: Start) -> None:
    bot = Bot(intents=content_intent(on=True))
    with pytest.raises(discord.LoginFailure):
        await bot.start("not the token")
    await bot.close()


async def test_a_sharded_client_finds_the_gateway_by_itself(fake: FakeDiscord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Route, "BASE", fake.api)
    fake.guild()
    client = discord.AutoShardedClient(intents=content_intent(on=True), guild_ready_timeout=0.02)
    running = asyncio.create_task(client.start(fake.token))
    await fake.connected()
    await client.wait_until_ready()
    assert len(client.guilds) == 1
    await client.close()
    await asyncio.wait([running])


async def test_an_intent_that_is_switched_off_closes_the_gateway(fake: FakeDiscord, start: Start) -> None:
    fake.application.message_content = False
    bot = Bot(intents=content_intent(on=True))
    with pytest.raises(discord.PrivilegedIntentsRequired):
        await bot.start(fake.token)
    await bot.close()
    assert fake.gateway.refusals == [4014]


async def test_without_the_content_intent_only_mentions_and_direct_messages_show(
    fake: FakeDiscord, start: Start
) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    bot = await start(Bot(intents=content_intent(on=False)))
    await ada.send_voice_note(channel, AUDIO)
    await ada.send_file(channel, "a.ogg", AUDIO, text=f"{fake.mention} listen")
    await ada.send_voice_note(fake.dm(ada), AUDIO)
    await fake.settle()
    assert [len(message.attachments) for message in bot.heard] == [0, 1, 1]
    assert bot.heard[0].flags.voice


async def test_a_dropped_connection_is_resumed_and_misses_nothing(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    bot = await start()
    async with fake.gateway.outage():
        await ada.send_text(channel, "while you were away")
    await fake.until(lambda: bot.heard)
    assert fake.gateway.resumed == 1
    assert [message.content for message in bot.heard] == ["while you were away"]


async def test_a_reconnect_is_resumed(fake: FakeDiscord, start: Start) -> None:
    await start()
    fake.gateway.reconnect()
    await fake.until(lambda: fake.gateway.resumed == 1)
    assert fake.gateway.identified == 1


async def test_an_invalid_session_identifies_anew(fake: FakeDiscord, start: Start) -> None:
    await start()
    fake.gateway.invalidate(resumable=False)
    await fake.until(lambda: fake.gateway.identified == 2)
    assert fake.gateway.resumed == 0


async def test_an_event_can_come_twice(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    bot = await start()
    await fake.user("Ada").send_text(channel, "hello")
    fake.gateway.repeat("MESSAGE_CREATE")
    await fake.settle()
    assert [message.content for message in bot.heard] == ["hello", "hello"]


async def test_a_new_process_can_take_over(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    first = await start()
    await first.stop()
    await ada.send_text(channel, "nobody hears this")
    second = await start()
    await ada.send_text(channel, "hello again")
    await fake.until(lambda: second.heard)
    assert [message.content for message in second.heard] == ["hello again"]


PROGRAM = """
import asyncio, os, discord, yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

class Echo(discord.Client):
    async def setup_hook(self):
        _, url, _ = await self.http.get_bot_gateway()
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
    async def on_message(self, message):
        if message.author != self.user:
            await message.reply(str(len(await message.attachments[0].read())), nonce=message.id)

Route.BASE = os.environ["EMOTIFY_DISCORD_API"]
intents = discord.Intents.default()
intents.message_content = True
Echo(intents=intents).run(os.environ["EMOTIFY_DISCORD_TOKEN"], log_handler=None)
"""


async def test_a_bot_in_another_process_can_be_killed_and_started_again(fake: FakeDiscord) -> None:
    channel = fake.channel(fake.guild())
    ada = fake.user("Ada")
    environment = os.environ | {"EMOTIFY_DISCORD_API": fake.api, "EMOTIFY_DISCORD_TOKEN": fake.token}
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, env=environment)
        await fake.connected()
        note = await ada.send_voice_note(channel, AUDIO)
        assert (await fake.next_message(channel, reply_to=note)).content == str(len(AUDIO))
        await fake.settle()
        process.kill()
        await process.wait()
        await fake.until(lambda: not fake.gateway.live)
    assert fake.gateway.identified == 2
    assert fake.violations == []


async def test_settling_waits_for_handlers_and_for_what_they_cause(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    bot = await start()

    async def think(message: discord.Message) -> None:
        for _ in range(200):  # at work without a request that the fake could see
            await asyncio.sleep(0)
        await reply(message)

    bot.on_voice = think
    await fake.user("Ada").send_voice_note(channel, AUDIO)
    await fake.settle()
    (answer,) = fake.messages(channel)
    assert answer.reacted("✅", fake.bot_user)
    assert any(message.id == answer.id for message in bot.heard)


async def test_a_timeout_tells_what_happened(fake: FakeDiscord, start: Start) -> None:
    channel = fake.channel(fake.guild())
    await start()
    await fake.user("Ada").send_text(channel, "is anybody here?")
    with pytest.raises(TimeoutError, match=r"(?s)GET /users/@me -> 200.*is anybody here"):
        await fake.next_message(channel, timeout=0.01)


async def test_members_are_told_of_to_those_who_ask(fake: FakeDiscord, start: Start) -> None:
    fake.application.members = True
    guild = fake.guild()
    ada = fake.user("Ada")
    intents = content_intent(on=True)
    intents.members = True
    bot = await start(Bot(intents=intents))
    await bot.wait_until_ready()
    seen = bot.get_guild(guild.id)
    assert seen is not None
    assert seen.get_member(ada.id) is not None
    bob = fake.user("Bob")
    await fake.until(lambda: seen.get_member(bob.id))
