"""A bot on a fake Discord in this process, and what tests do with it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bot.config import Settings
from tests.bot.discord_app.recognizers import StandIn
from tests.fake_discord import Channel, FakeDiscord, Guild, Message, Person

AUDIO: Final = b"OggS" + bytes(range(256)) * 8
PATIENCE: Final = 60.0  # seconds; the machine is slow and shared, and a passing test never waits that long


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

    async def abandon(self) -> None:
        """Make sure that the bot is gone, whatever state it is in."""
        self.discord.heal()
        self.stop.set()
        if self.recognizer.held is not None:
            self.recognizer.held.set()
        await asyncio.wait([self.life])


def read_rows(path: Path, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    """Ask a database without changing it."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(sql, parameters)]


def make_settings(**settings: Any) -> Settings:
    """Make settings that no environment and no file has a say in."""
    return Settings(_env_file=None, **settings)  # type: ignore[call-arg]


Start = Callable[..., Awaitable[Running]]


@dataclass
class Home:
    """A server with one channel and one member."""

    guild: Guild
    channel: Channel
    ada: Person


async def send_note(person: Person, channel: Channel, audio: bytes = AUDIO, **options: Any) -> Message:
    """Send a voice message."""
    return await person.send_voice_note(channel, audio, **{"duration": 2.5} | options)


async def answer_to(fake: FakeDiscord, note: Message) -> Message:
    """Wait for the reply to a note."""
    return await fake.next_message(note.channel, reply_to=note)


async def offered(fake: FakeDiscord, note: Message) -> Message:
    """Wait for the reply to a note, with ✅ and ❌ under it."""
    reply = await answer_to(fake, note)
    await fake.reacted(reply, "✅", "❌")
    return reply


async def interrupted(fake: FakeDiscord, start: Start, home: Home) -> tuple[Running, Message]:
    """Start a bot, and end it while it listens to a note; returns both."""
    bot = await start(StandIn(held=asyncio.Event()))
    note = await send_note(home.ada, home.channel)
    await fake.until(lambda: bot.recognizer.heard or None)
    await bot.end()
    return bot, note


async def forget(fake: FakeDiscord, home: Home) -> None:
    """Have everything about Ada deleted."""
    question = await fake.next_response(await home.ada.command(home.channel, "forget-me"))
    await home.ada.click(question, "Delete everything about me")
    await fake.until(lambda: question.content.startswith("Done"))
