"""The bot on a fake Discord: the real discord.py, the real store, and a recogniser that tests decide about."""

from __future__ import annotations

import asyncio
import sqlite3
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

with warnings.catch_warnings():  # on 3.11 and 3.12 discord.py imports audioop, which is deprecated there
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord  # noqa: F401

from bot.config import Settings
from bot.discord_app.lifecycle import live
from tests.bot.discord_app.recognizers import StandIn
from tests.fake_discord import Channel, FakeDiscord, Guild, Message, Person

AUDIO = b"OggS" + bytes(range(256)) * 8
PATIENCE = 60.0  # seconds; the machine is slow and shared, and a passing test never waits that long


@dataclass
class Running:
    """A bot in this process."""

    discord: FakeDiscord
    settings: Settings
    recognizer: StandIn
    stop: asyncio.Event
    life: asyncio.Task[None]

    async def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        """Ask the bot's database, over a connection of our own."""
        return await asyncio.to_thread(read_rows, self.settings.database_path, sql, *parameters)

    async def until_row(self, sql: str, *parameters: Any) -> dict[str, Any]:
        """Wait until a query finds something; a database tells nobody of its changes, so this asks again and again."""
        async with asyncio.timeout(PATIENCE):
            while not (rows := await self.rows(sql, *parameters)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return rows[0]

    async def status(self, message_id: int) -> str | None:
        """Look up how a note stands."""
        rows = await self.rows("SELECT status FROM notes WHERE message_id = ?", message_id)
        return str(rows[0]["status"]) if rows else None

    async def marks(self) -> list[str]:
        """List the marks that stand, in their order."""
        return [row["mark"] for row in await self.rows("SELECT mark FROM feedback ORDER BY seq")]

    async def until_marks(self, *marks: str) -> None:
        """Wait until exactly these marks stand."""
        async with asyncio.timeout(PATIENCE):
            while await self.marks() != list(marks):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def end(self) -> None:
        """Stop the bot as SIGTERM would."""
        self.stop.set()
        await self.life


def read_rows(path: Path, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    """Ask a database without changing it."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(sql, parameters)]


def make_settings(**settings: Any) -> Settings:
    """Make settings that no environment and no file has a say in."""
    return Settings(_env_file=None, **settings)  # type: ignore[call-arg]


Start = Callable[..., Awaitable[Running]]


@pytest.fixture(autouse=True)
def blockbuster() -> Iterator[BlockBuster]:
    """Fail on calls of ours that block the event loop."""
    with blockbuster_ctx(["bot", "discord"]) as guard:
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
            stack.push_async_callback(_end, running)
            if connect:
                await fake.connected(PATIENCE)
            return running

        yield start_bot


async def _end(running: Running) -> None:
    """Stop a bot that may have stopped already."""
    running.discord.heal()
    running.stop.set()
    if running.recognizer.held is not None:
        running.recognizer.held.set()
    await asyncio.wait([running.life])


@dataclass
class Home:
    """A server with one channel and one member."""

    guild: Guild
    channel: Channel
    ada: Person


@pytest.fixture
def home(fake: FakeDiscord) -> Home:
    """Where most tests take place."""
    guild = fake.guild("Home")
    return Home(guild, fake.channel(guild, "general"), fake.user("Ada"))


async def send_note(person: Person, channel: Channel, audio: bytes = AUDIO, **options: Any) -> Message:
    """Send a voice message."""
    return await person.send_voice_note(channel, audio, **{"duration": 2.5} | options)


async def answer_to(fake: FakeDiscord, note: Message) -> Message:
    """Wait for the reply to a note."""
    return await fake.next_message(note.channel, reply_to=note, timeout=PATIENCE)


async def offered(fake: FakeDiscord, note: Message) -> Message:
    """Wait for the reply to a note, with ✅ and ❌ under it."""
    reply = await answer_to(fake, note)
    await fake.reacted(reply, "✅", "❌", timeout=PATIENCE)
    return reply
