"""A small bot on the real discord.py, with which the fake Discord is tested."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import discord
from discord import app_commands

AUDIO = b"OggS" + bytes(range(256)) * 8
MESSAGES = "/channels/*/messages"
REACTIONS = "/channels/*/messages/*/reactions/**"
Start = Callable[..., Awaitable["Bot"]]


class Bot(discord.Client):
    """A client that keeps what it heard, answers voice messages, and has one of each kind of interaction."""

    def __init__(self, *, intents: discord.Intents | None = None) -> None:
        intents = discord.Intents.default() if intents is None else intents
        intents.message_content = True if intents.message_content is None else intents.message_content
        super().__init__(intents=intents, guild_ready_timeout=0.02)
        self.tree = app_commands.CommandTree(self)
        self.heard: list[discord.Message] = []
        self.events: list[tuple[str, Any]] = []
        self.errors: list[BaseException | None] = []
        self.on_voice: Callable[[discord.Message], Awaitable[object]] | None = None
        self.runner: asyncio.Task[None] | None = None

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Do not wait between identifies, as discord.py does for Discord's sake."""

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message)
        if message.author != self.user and message.flags.voice and self.on_voice is not None:
            await self.on_voice(message)

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        self.events.append(("add", payload))

    async def on_raw_reaction_remove(self, payload: discord.RawReactionActionEvent) -> None:
        self.events.append(("remove", payload))

    async def on_raw_reaction_clear(self, payload: discord.RawReactionClearEvent) -> None:
        self.events.append(("clear", payload))

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        self.events.append(("delete", payload))

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        self.errors.append(sys.exception())

    def named(self, name: str) -> list[Any]:
        return [payload for event, payload in self.events if event == name]

    async def stop(self) -> None:
        await self.close()
        if self.runner is not None:
            await asyncio.wait([self.runner])


def content_intent(*, on: bool) -> discord.Intents:
    intents = discord.Intents.default()
    intents.message_content = on
    return intents


async def reply(message: discord.Message) -> None:
    answer = await message.reply("you sound glad")
    await answer.add_reaction("✅")
