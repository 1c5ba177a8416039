"""Asking each person once whether the bot may learn from their notes: when, and what is remembered of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import discord

from bot.conversation import Conversation, Marked
from bot.discord_app.patience import DISCORD_FAILURES
from bot.discord_app.replies import take_back
from bot.discord_app.turns import Turns
from bot.discord_app.work import Work

_log = logging.getLogger(__name__)

Post: TypeAlias = Callable[[], Awaitable[discord.Message | None]]
"""Puts the question where the person sees it; None where that is not allowed: then the next mark brings it."""


class Asking:
    """Puts the question, once for each person.

    Whether a person is still to be asked is the conversation's to know; here is only what a question on its way needs,
    so that two marks at once bring one question. Nothing of it is worth keeping over a restart.
    """

    def __init__(self, conversation: Conversation, work: Work) -> None:
        self._conversation = conversation
        self._work = work
        self._turns = Turns()
        self._under_way: set[int] = set()

    async def heed(self, person: int, mark: Callable[[], Awaitable[Marked | None]], post: Post) -> Marked | None:
        """Take a mark by a person, and if it is their first one, put the question without holding anything up."""
        async with self.turn_of(person):
            marked = await mark()
            if marked is None or not marked.asks_learning or person in self._under_way:
                return marked
            self._under_way.add(person)
        self._work.errand(self._ask(person, post), name="asking whether the bot may learn")
        return marked

    def turn_of(self, person: int) -> asyncio.Lock:
        """Return the lock under which a person's marks and answers are taken, in the order in which they came."""
        return self._turns.of(person)

    def let_go(self, person: int) -> None:
        """Take the question back that is on its way to a person who decided elsewhere or is forgotten."""
        self._under_way.discard(person)

    async def _ask(self, person: int, post: Post) -> None:
        """Put the question, and record that it stands; where it cannot be put, the next mark brings it."""
        question = None
        try:
            question = await post()
        except DISCORD_FAILURES as error:
            _log.info("The question whether the bot may learn could not be put: %s", error)
        finally:
            # In the person's turn: a mark that was read before this is recorded still finds the question under way.
            async with self.turn_of(person):
                await self._settle(person, question)

    async def _settle(self, person: int, question: discord.Message | None) -> None:
        """Record that a question stands, or take it back if it was let go while it was on its way."""
        if question is not None and not (person in self._under_way and await self._stands(person, question)):
            await take_back(question)
        self._under_way.discard(person)

    async def _stands(self, person: int, question: discord.Message) -> bool:
        """Record that a question stands; should this fail, it stays under way and is not put before the next start."""
        return await self._conversation.learning_asked(person, None if question.flags.ephemeral else question.id)
