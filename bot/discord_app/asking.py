"""Asking each person once whether the bot may learn from their notes: when, and what is remembered of it."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import discord

from bot.conversation import Conversation, Marked
from bot.discord_app.patience import DISCORD_FAILURES
from bot.discord_app.replies import take_back
from bot.discord_app.turns import Turns
from bot.discord_app.work import Work

_log = logging.getLogger(__name__)
_N_STANDING: Final = 1000

Post: TypeAlias = Callable[[], Awaitable[discord.Message | None]]
"""Puts the question where the person sees it; None where that is not allowed: then the next mark brings it."""


class Asking:
    """Puts the question, once for each person, and knows where it stands.

    Whether a person is still to be asked is the conversation's to know; here is only what a question on its way needs,
    so that two marks at once bring one question. Nothing of it is worth keeping over a restart.
    """

    def __init__(self, conversation: Conversation, work: Work) -> None:
        self._conversation = conversation
        self._work = work
        self._turns = Turns()
        self._under_way: set[int] = set()
        self._standing: OrderedDict[int, discord.Message] = OrderedDict()

    async def heed(self, person: int, mark: Callable[[], Awaitable[Marked | None]], post: Post) -> Marked | None:
        """Take a mark by a person, and if it is their first one, put the question without holding anything up."""
        async with self._turns.of(person):
            marked = await mark()
            if marked is None or not marked.asks_learning or person in self._under_way:
                return marked
            self._under_way.add(person)
        self._work.errand(self._ask(person, post), name="asking whether the bot may learn")
        return marked

    async def answer(self, person: int, *, learning: bool) -> str:
        """Record what a person decided, wherever they said so, and return a sentence that confirms it."""
        async with self._turns.of(person):
            return await self._conversation.set_learning(person, learning=learning)

    def let_go(self, person: int) -> discord.Message | None:
        """Forget about the question to a person who decided elsewhere or is to be forgotten.

        Returns
        -------
        discord.Message or None
            The question if it still stands in a channel: take it back. One that is on its way is taken back by itself.
        """
        self._under_way.discard(person)
        return self._standing.pop(person, None)

    async def _ask(self, person: int, post: Post) -> None:
        """Put the question, and record that it stands; where it cannot be put, the next mark brings it."""
        question = None
        try:
            question = await post()
        except DISCORD_FAILURES as error:
            _log.info("The question whether the bot may learn could not be put: %s", error)
        finally:
            # In the person's turn: a mark that was read before this is recorded still finds the question under way.
            async with self._turns.of(person):
                await self._settle(person, question)

    async def _settle(self, person: int, question: discord.Message | None) -> None:
        """Record that a question stands, or take it back if it was let go while it was on its way."""
        if question is not None and person not in self._under_way:
            await take_back(question)
        elif question is not None:
            self._remember(person, question)
            # Should this fail, the question stays under way: it is not put again before the next start.
            await self._conversation.learning_asked(person)
        self._under_way.discard(person)

    def _remember(self, person: int, question: discord.Message) -> None:
        """Remember a question that all can see; one for the person's eyes only goes by itself."""
        if question.flags.ephemeral:
            return
        self._standing[person] = question
        if len(self._standing) > _N_STANDING:
            self._standing.popitem(last=False)
