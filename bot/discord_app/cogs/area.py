"""What every cog is made of."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from discord.ext import commands

from bot.discord_app.services import Services

P = ParamSpec("P")


class Area(commands.Cog):
    """One area of the bot."""

    def __init__(self, bot: commands.AutoShardedBot, services: Services) -> None:
        self._bot = bot
        self._services = services

    @property
    def services(self) -> Services:
        """What this area works with."""
        return self._services


A = TypeVar("A", bound=Area)


def listener(
    method: Callable[Concatenate[A, P], Awaitable[None]],
) -> Callable[Concatenate[A, P], Coroutine[Any, Any, None]]:
    """Listen to the event that a method is named after, and let the bot finish with it before it stops."""

    @functools.wraps(method)
    async def counted(self: A, /, *args: P.args, **kwargs: P.kwargs) -> None:
        with self.services.work.answering():
            await method(self, *args, **kwargs)

    return commands.Cog.listener()(counted)
