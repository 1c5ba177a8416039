"""After a restart: answer the notes that were left unanswered, and read the reactions that nobody saw.

All of it is bounded and paced by Discord's rate limits, and runs beside the conversation.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Container
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

import discord
from discord.ext import commands

from bot.conversation import Marked, Why
from bot.discord_app.answering import Answering, offer_marks
from bot.discord_app.attachments import find_clip, has_lost_its_clip
from bot.discord_app.cogs.area import Area, listener
from bot.discord_app.cogs.feedback import offer_emotions
from bot.discord_app.learning_question import ask_under
from bot.discord_app.listening import listen_mode
from bot.discord_app.looking_back import find_ours, place_of
from bot.discord_app.patience import DISCORD_FAILURES, is_gone, may_pass, patiently
from bot.discord_app.replies import take_back, take_back_left
from bot.discord_app.services import Services
from bot.store import StoredNote
from bot.verdicts import EMOTION_EMOJI, FIRST_EMOJI, mark_from_emoji

_log = logging.getLogger(__name__)
_AGE: Final = timedelta(days=1)
_FRESH: Final = timedelta(minutes=15)  # later, somebody may have taken ✅ and ❌ away on purpose
_PAUSES: Final = (15.0, 60.0, 300.0, 1800.0)  # seconds before what failed is tried again
_N_REPLIES: Final = 200
_N_REACTING: Final = 100

_Step: TypeAlias = Callable[[StoredNote], Awaitable[object]]


class CatchingUp(Area):
    """Takes up what a restart or a lost connection interrupted."""

    def __init__(self, bot: commands.AutoShardedBot, services: Services) -> None:
        super().__init__(bot, services)
        self._answering = Answering(services)
        self._n_sessions = 0

    @listener
    async def on_ready(self) -> None:
        """Catch up whenever a new session begins; a resumed one has missed nothing."""
        self._services.standing.clear_all()
        self._n_sessions += 1
        self._services.work.errand(self._catch_up(self._n_sessions), name="catching up")

    async def _catch_up(self, session: int) -> None:
        """Go through all notes; where Discord failed, again and again until a newer session begins with all of them."""
        missed = await self._go_through()
        await take_back_left(self._bot, self._services.store, goes_on=lambda: self._is_current(session))
        for pause in _PAUSES:
            if not missed or not await self._services.work.pause(pause) or not self._is_current(session):
                return
            missed = await self._go_through(missed)

    def _is_current(self, session: int) -> bool:
        """Tell whether neither a newer session has begun nor the bot is stopping."""
        return self._services.work.is_open and session == self._n_sessions

    async def _go_through(self, wanted: Container[int] | None = None) -> set[int]:
        """Catch up with all notes, or with those wanted, and return which of them to try again."""
        missed = set[int]()
        async for step, note in self._steps():
            if (wanted is None or note.id in wanted) and await self._misses(step, note):
                missed.add(note.id)
        return missed

    async def _steps(self) -> AsyncIterator[tuple[_Step, StoredNote]]:
        """List what to do with which note. Answer first: people wait for that."""
        for note in await self._services.conversation.unanswered():
            yield self._take_up, note
        for note in await self._services.conversation.unsaid_since(_AGE):
            yield self._message_of, note
        replies = await self._services.conversation.replies_since(_AGE)
        for note in reversed(replies[-_N_REPLIES:]):  # the newest first: that is where people still react
            yield self._read_reactions, note

    async def _misses(self, step: _Step, note: StoredNote) -> bool:
        """Do one step, unless the bot is stopping; tell whether it failed and may succeed later.

        What Discord does not let us see stays as it is.
        """
        if not self._services.work.is_open:
            return False
        try:
            await step(note)
        except DISCORD_FAILURES as error:
            _log.info("Could not catch up with note %d: %s", note.id, error)
            return may_pass(error)
        except Exception:  # noqa: BLE001 - it is logged, and the next note may be fine
            _log.exception("Could not catch up with note %d", note.id)
        return False

    async def _take_up(self, note: StoredNote) -> None:
        """Find the reply that was sent just before the restart, or answer now."""
        # Only a note whose prediction was recorded can have got its reply.
        reply = await self._reply_to(note) if note.status == "predicted" else None
        has_message = reply is None or not _came_with(note, reply)
        message = await self._message_of(note) if has_message else None
        if reply is not None and (message is not None or not has_message):
            await self._services.conversation.answered(note.id, reply.id)
            await offer_marks(reply)
        elif reply is not None:  # the note was deleted
            await take_back(reply)
        elif message is not None and await listen_mode(self._services, note.guild_id) == "off":
            await self._services.conversation.unsent(note.id)
        elif message is not None and (clip := find_clip(message)) is not None:
            await self._answering.answer(message, clip, pending=note)

    async def _message_of(self, note: StoredNote) -> discord.Message | None:
        """Fetch the message of a note; where it or its recording is gone, let go of the note, and return None.

        A note that came with `/listen` has no message: it can no longer be answered.
        """
        try:
            message = await self._fetch(note.channel_id, note.message_id)
        except discord.NotFound as error:
            if not is_gone(error):
                raise
        else:
            if not has_lost_its_clip(message, self._bot):
                return message
        await self._services.conversation.withdraw(note.message_id or 0)
        return None

    async def _reply_to(self, note: StoredNote) -> discord.Message | None:
        """Look for our reply to a note since it came in, or since the apology that was its reply before."""
        return await find_ours(
            self._bot,
            note.channel_id or 0,
            after=note.reply_id or note.message_id or 0,
            since=note.received_at,
            is_it=lambda message: _answers(message, note),
        )

    async def _read_reactions(self, note: StoredNote) -> None:
        """Let the reactions stand that the note's author left under our reply while the bot was away."""
        assert note.reply_id is not None  # noqa: S101 - `replies_since` lists answered notes
        # From the look to the record nothing new is taken in, else what is older would win.
        async with self._services.turns.of(note.reply_id):
            sought = note.reply_id
            try:
                reply = await self._fetch(note.channel_id, note.reply_id)
                sought = note.message_id or note.reply_id
                original = await self._original_of(note, reply)
            except discord.NotFound as error:
                if not is_gone(error):
                    raise
                await self._services.conversation.withdraw(sought)  # the reply or the note was deleted
                return
            if original is not None and has_lost_its_clip(original, self._bot):
                await self._services.conversation.withdraw(original.id)
                return
            author = _author_of(original, reply)
            if reply.components:  # where there are buttons, reactions are not what counts
                return
            marked = None
            if reply.reactions:  # none at all, not even ours, may also mean that the server does not list them
                standing = [str(r.emoji) for r in reply.reactions if await self._stands(r, author)]
                marked = await self._let_stand(note, reply, author, standing)
        await _complete(reply, note, marked)

    async def _stands(self, reaction: discord.Reaction, author: int) -> bool:
        """Tell whether the author made a reaction that is a mark, and remember of which kinds."""
        mark = mark_from_emoji(str(reaction.emoji))
        if mark is None or reaction.count <= int(reaction.me):  # none of ours, or by nobody else
            return False
        kinds = await _kinds_of(reaction, author)
        for is_super in kinds:
            self._services.standing.add(reaction.message.id, author, mark, is_super=is_super)
        return bool(kinds)

    async def _let_stand(
        self, note: StoredNote, reply: discord.Message, author: int, standing: list[str]
    ) -> Marked | None:
        """Record the reactions; a first one is followed by its question unless it may be long ago: then the next is."""
        conversation = self._services.conversation
        if not _is_fresh(note):
            return await conversation.set_marks(reply.id, author, standing)
        return await self._services.asking.heed(
            author,
            lambda: conversation.set_marks(reply.id, author, standing),
            lambda: ask_under(self._bot, conversation, reply, author),
        )

    async def _original_of(self, note: StoredNote, reply: discord.Message) -> discord.Message | None:
        """Find the message with the note; None if it came with `/listen`, and so has no message of its own."""
        if reply.reference is not None and isinstance(reply.reference.resolved, discord.Message):
            return reply.reference.resolved
        if _came_with(note, reply):
            return None
        return await self._fetch(note.channel_id, note.message_id)

    async def _fetch(self, channel_id: int | None, message_id: int | None) -> discord.Message:
        """Fetch a message."""
        return await patiently(lambda: place_of(self._bot, channel_id or 0).fetch_message(message_id or 0))


def _came_with(note: StoredNote, reply: discord.Message) -> bool:
    """Tell whether a note came with `/listen`, by the answer to it, and so has no message of its own."""
    return reply.interaction_metadata is not None and reply.interaction_metadata.id == note.message_id


def _answers(message: discord.Message, note: StoredNote) -> bool:
    """Tell whether a message of ours is the reply to a note, or to the command that asked for it."""
    if message.reference is not None and message.reference.message_id == note.message_id:
        return True
    asked = message.interaction_metadata
    is_about_it = asked is not None and note.message_id in {asked.id, asked.target_message_id}
    return is_about_it and not message.flags.loading and message.content not in {why.value for why in Why}


def _author_of(original: discord.Message | None, reply: discord.Message) -> int:
    """Say who sent a note, by its message or by the command that it came with; the store only knows a pseudonym."""
    if original is not None:
        return original.author.id
    assert reply.interaction_metadata is not None  # noqa: S101 - see `_original_of`
    return reply.interaction_metadata.user.id


async def _complete(reply: discord.Message, note: StoredNote, marked: Marked | None) -> None:
    """Put the reactions under a reply that a restart has kept from it."""
    ours = {str(reaction.emoji) for reaction in reply.reactions if reaction.me}
    if not ours.issuperset(FIRST_EMOJI) and _is_fresh(note):
        await offer_marks(reply)
    if marked is not None and marked.offers_emotions and not ours.issuperset(EMOTION_EMOJI):
        await offer_emotions(reply)


def _is_fresh(note: StoredNote) -> bool:
    """Tell whether a note came so lately that its author may still be there."""
    return datetime.now(UTC) - note.received_at < _FRESH


async def _kinds_of(reaction: discord.Reaction, user_id: int) -> list[bool]:
    """Find out whether a person made a plain and a super reaction; who made the latter, Discord lists apart."""
    return [
        is_super
        for is_super in ((False, True) if reaction.burst_count else (False,))
        if await _has_reacted(reaction, user_id, discord.ReactionType.burst if is_super else None)
    ]


async def _has_reacted(reaction: discord.Reaction, user_id: int, kind: discord.ReactionType | None) -> bool:
    """Tell whether a person stands behind a reaction; Discord lists them by their ids, so this one would come first."""
    async for user in reaction.users(limit=_N_REACTING, after=discord.Object(user_id - 1), type=kind):
        if user.id == user_id:
            return True
    return False
