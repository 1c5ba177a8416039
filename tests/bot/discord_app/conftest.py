"""Fixtures: the bot on a fake Discord, with the real discord.py and the real store."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster

with warnings.catch_warnings():  # on 3.11 and 3.12 discord.py imports audioop, which is deprecated there
    warnings.simplefilter("ignore", DeprecationWarning)
    from bot.discord_app.lifecycle import live

from tests.blocking import no_blocking_calls
from tests.bot.discord_app.harness import Home, Running, Start, make_settings
from tests.bot.discord_app.processes import Launch, end_process, environment, launch_process
from tests.bot.discord_app.recognizers import StandIn
from tests.fake_discord import FakeDiscord


@pytest.fixture(autouse=True)
def blockbuster() -> Iterator[BlockBuster]:
    """Fail on calls of ours that block the event loop."""
    with no_blocking_calls(["bot", "discord"]) as guard:
        yield guard


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    """A Discord of one's own; no request to it may break Discord's own description of its API."""
    async with FakeDiscord() as fake:
        yield fake
        assert fake.violations == []


@pytest.fixture
async def start(fake: FakeDiscord, tmp_path: Path) -> AsyncIterator[Start]:
    """Start a bot and wait until it is on the gateway."""
    async with AsyncExitStack() as stack:

        async def start_bot(recognizer: StandIn | None = None, *, connect: bool = True, **settings: Any) -> Running:
            chosen = {"discord_token": fake.token, "discord_api": fake.api, "data_dir": tmp_path, "cooldown": 0.0}
            made = await asyncio.to_thread(make_settings, **chosen | settings)
            stop, recognizer = asyncio.Event(), recognizer or StandIn()
            running = Running(fake, made, recognizer, stop, asyncio.create_task(live(made, recognizer, stop)))
            stack.push_async_callback(running.abandon)
            if connect:
                await fake.connected()
            return running

        yield start_bot


@pytest.fixture
def home(fake: FakeDiscord) -> Home:
    """Where most tests take place."""
    guild = fake.guild("Home")
    return Home(guild, fake.channel(guild, "general"), fake.user("Ada"))


@pytest.fixture
async def launch(fake: FakeDiscord, tmp_path: Path) -> AsyncIterator[Launch]:
    """Start the bot as a process with settings of its own; it is killed in the end if it still runs."""
    async with AsyncExitStack() as stack:

        async def start(*words: str, **changes: str | None) -> asyncio.subprocess.Process:
            process = await launch_process(tmp_path, environment(fake, tmp_path, changes), *words)
            stack.push_async_callback(end_process, process)
            return process

        yield start
