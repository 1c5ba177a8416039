"""A fake Discord and a way to start the trial bot on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.fake_discord import FakeDiscord
from tests.fake_discord.trial_bot import Bot, Start, content_intent


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord() as fake:
        yield fake


@pytest.fixture
async def start(fake: FakeDiscord, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Start a bot and wait until it is on the gateway."""
    monkeypatch.setattr(Route, "BASE", fake.api)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(fake.gateway.url))
    async with contextlib.AsyncExitStack() as stack:

        async def start_bot(bot: Bot | None = None) -> Bot:
            bot = bot or Bot(intents=content_intent(on=True))
            stack.push_async_callback(bot.stop)
            bot.runner = asyncio.create_task(bot.start(fake.token))
            await fake.connected()
            return bot

        yield start_bot
