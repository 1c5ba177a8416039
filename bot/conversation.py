"""The conversation, with no Discord in it: voice note -> reply -> feedback; every front end holds it through this.

What a front end does::

    outcome = await conversation.hear(note, fetch)
    if isinstance(outcome, Answer):
        send outcome.text, and outcome.notice in small print if there is one
        sent:      if not await conversation.answered(outcome.note_id, reply_id): take the reply back
        not sent:  await conversation.unsent(outcome.note_id)
    else:
        say nothing (or `outcome.text`, where an interaction has to be answered)

Methods that only record raise `StoreError` when the store cannot be used; `hear` and `finish` apologise instead.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from bot import messages
from bot.config import Settings
from bot.cooldown import Cooldown, Pace
from bot.exchange import Answer, Fetch, IncomingNote, Marked, Outcome, Privacy, Recognizer, Silence, Why
from bot.fetching import Room, fetched, require_moderate
from bot.outbox import Outbox
from bot.pseudonyms import Pseudonymizer
from bot.recognition import RecognitionError
from bot.records import Origin, Question, StoredNote
from bot.replying import compose_in, languages_for
from bot.store import Store, StoreError
from bot.troubles import NoteGoneError, Trouble, TroubleError, trouble_of
from bot.verdicts import Judgement, Mark, Rejection, mark_from_emoji
from bot.voice_memory import HeardNote, VoiceMemory
from emotify_core.emotions import Emotion

__all__ = [
    "Answer",
    "Conversation",
    "Fetch",
    "IncomingNote",
    "Marked",
    "NoteGoneError",
    "Outcome",
    "Privacy",
    "Recognizer",
    "Silence",
    "Trouble",
    "Why",
]

_log = logging.getLogger(__name__)
_TOO_LATE: Final = timedelta(minutes=15)
_N_ON_THE_WAY: Final = 32  # notes that are fetched, or wait for the store, beside those that wait for a worker


class Conversation:
    """Listens, replies and takes feedback.

    Parameters
    ----------
    store : Store
        The memory.
    recognizer : Recognizer
        What hears emotions.
    pseudonymizer : Pseudonymizer
        What names people.
    settings : Settings
        Limits, cooldown and default language.
    now, monotonic : callable
        Clocks: an aware one for what is recorded, and seconds for the cooldown.
    """

    def __init__(
        self,
        *,
        store: Store,
        recognizer: Recognizer,
        pseudonymizer: Pseudonymizer,
        settings: Settings,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._memory = VoiceMemory(store, recognizer, settings, now=now, monotonic=monotonic)
        self._pseudonymizer = pseudonymizer
        self._settings = settings
        self._sorry = partial(messages.sorry, max_seconds=settings.max_note_seconds, max_bytes=settings.max_note_bytes)
        self._now = now
        self._cooldown = Cooldown(settings.cooldown, monotonic=monotonic)
        self._outbox = Outbox()
        self._room = Room()
        self._places = asyncio.Semaphore(settings.workers + settings.queue_size + _N_ON_THE_WAY)
        self._choosing = asyncio.Lock()
        self._excused: deque[int | None] = deque(maxlen=1000)

    async def hear(self, note: IncomingNote, fetch: Fetch) -> Outcome:
        """Listen to a note, once, and decide what to say.

        Parameters
        ----------
        note : IncomingNote
            What is known of it.
        fetch : callable
            Gets its audio, see `Fetch`.

        Returns
        -------
        Answer or Silence
            At most one sentence or reply; nothing for a note that was seen before, is unwanted, or deleted by now.
        """
        person = self._pseudonymizer.of(note.origin, note.sender)
        try:
            if await self._store.consent(person, "listening") is False:
                return Silence(Why.OPTED_OUT)
            if self._places.locked():
                return self._excuse(note, Trouble.BUSY, "too many are in work; if this goes on, is the disk slow?")
            async with self._places:
                if (note_id := await self._claim(person, note)) is None:
                    return Silence(Why.SEEN)
                return await self._see_through(note_id, person, self._attend(note_id, person, note, fetch))
        except StoreError as error:
            return self._excuse(note, Trouble.FAILED, str(error))

    async def finish(self, pending: StoredNote, fetch: Fetch) -> Outcome:
        """Listen to a note that a restart interrupted (see `unanswered`); what was predicted is not predicted again."""
        if pending.id in self._outbox:
            return Silence(Why.SEEN)
        return await self._see_through(pending.id, pending.person, self._resume(pending, fetch))

    async def unanswered(self) -> list[StoredNote]:
        """List the Discord notes that came in before a restart and were not answered, oldest first.

        Notes in work right now are not among them, nor are old ones: after 15 minutes they are marked as failed, for
        an answer out of the blue is worse than none. For each note look whether its reply stands in the channel: if so
        call `answered`, if not `finish`.
        """
        await self._store.give_up(received_before=self._now() - _TOO_LATE, in_work=self._outbox)
        return [note for note in await self._store.unanswered("discord") if note.id not in self._outbox]

    async def answered(self, note_id: int | None, reply_id: int | None = None) -> bool:
        """Record that the answer went out; False if the note was withdrawn or forgotten: then take the reply back."""
        if note_id is None:
            return True
        try:
            if self._outbox.has_failed(note_id):
                await self._store.refuse(note_id, status="failed", reason=Trouble.FAILED)
            return await self._store.answered(note_id, reply_id=reply_id, at=self._now())
        finally:
            self._outbox.end(note_id)

    async def unsent(self, note_id: int | None) -> None:
        """Record that the answer could not be sent."""
        if note_id is None:
            return
        try:
            await self._store.refuse(note_id, status="failed", reason="unsent")
        finally:
            self._outbox.end(note_id)

    async def mark(self, reply_id: int, sender: int | str, emoji: str) -> Marked | None:
        """Take a reaction on a reply; None if it changes nothing: not ours, not by the note's author, or no mark."""
        mark = mark_from_emoji(emoji)
        if mark is None or (note := await self._own_note(reply_id, sender)) is None:
            return None
        await self._store.add_mark(note.id, mark, at=self._now())
        return await self._marked(note, said_wrong=mark is Judgement.WRONG, by_author=True)

    async def unmark(self, reply_id: int, sender: int | str, emoji: str) -> Marked | None:
        """Take back a reaction on a reply; None if it changes nothing."""
        mark = mark_from_emoji(emoji)
        if mark is None or (note := await self._own_note(reply_id, sender)) is None:
            return None
        await self._store.remove_mark(note.id, mark)
        return await self._marked(note)

    async def clear_marks(self, reply_id: int, emoji: str | None = None) -> Marked | None:
        """Take back all reactions on a reply, or all with one emoji, because a moderator cleared them."""
        if (note := await self._store.note_of_reply(reply_id)) is None:
            return None
        if emoji is None:
            await self._store.set_marks(note.id, [], at=self._now())
        elif mark := mark_from_emoji(emoji):
            await self._store.remove_mark(note.id, mark)
        return await self._marked(note)

    async def set_marks(self, reply_id: int, sender: int | str, emoji: Sequence[str]) -> Marked | None:
        """Let exactly these reactions of the author stand: one chosen by a button, or all that a restart finds."""
        note = await self._own_note(reply_id, sender)
        if note is None:
            return None
        # Nobody knows in which order they were made; an emotion says more than "wrong", so it has the last word.
        marks: list[Mark] = sorted((m for m in map(mark_from_emoji, emoji) if m), key=lambda m: isinstance(m, Emotion))
        await self._store.set_marks(note.id, marks, at=self._now())
        return await self._marked(note, said_wrong=marks[-1:] == [Judgement.WRONG], by_author=True)

    async def judge(self, note_id: int, mark: Mark) -> Marked | None:
        """Take a mark on a note whose reply is no message, as on a terminal."""
        await self._store.add_mark(note_id, mark, at=self._now())
        note = await self._store.note(note_id)
        return await self._marked(note, said_wrong=mark is Judgement.WRONG) if note else None

    async def replies_since(self, age: timedelta) -> list[StoredNote]:
        """List the guesses sent lately, whose reactions may have changed while the bot was away (see `set_marks`)."""
        return await self._store.answered_since(self._now() - age)

    async def unsaid_since(self, age: timedelta) -> list[StoredNote]:
        """List the latest notes whose guess could not be said, and which may have been deleted meanwhile."""
        return await self._store.unsaid_since(self._now() - age)

    async def withdraw(self, message_id: int) -> StoredNote | None:
        """Delete what describes the voice, because the note or our reply was deleted; None if it is neither."""
        note = await self._store.withdraw(message_id)
        if note is None and await self._outbox.settled():  # it may be a reply that was not yet recorded as sent
            note = await self._store.withdraw(message_id)
        if note is not None:
            self._memory.drop(note.id)
        return note

    async def withdraw_channel(self, channel_id: int) -> None:
        """Delete what describes the voices in a channel's notes and its threads', because it was deleted."""
        for note_id in await self._store.withdraw_channel(channel_id):
            self._memory.drop(note_id)

    async def privacy(self, sender: int | str, *, origin: Origin = "discord") -> Privacy:
        """Collect what `/privacy` shows."""
        person = self._pseudonymizer.of(origin, sender)
        listening = await self._store.consent(person, "listening") is not False
        learning = await self._memory.allowed(person, origin)
        export = await self._store.export(person)
        summary = messages.privacy_summary(export, listening=listening, learning=learning)
        return Privacy(summary, listening, export, learning, sum(note["vector_kept"] for note in export["notes"]))

    async def set_listening(self, sender: int | str, *, listening: bool, origin: Origin = "discord") -> str:
        """Record whether the person wants to be listened to, and return a sentence that confirms it."""
        person = self._pseudonymizer.of(origin, sender)
        await self._store.set_consent(person, "listening", answer=listening, at=self._now())
        return messages.LISTENING_ON if listening else messages.LISTENING_OFF

    async def learning_question_leaves(self, sender: int | str, reply_id: int) -> None:
        """Record that the person is being asked under a reply; after a kill the question is looked for there."""
        await self._store.question_leaves(self._pseudonymizer.of("discord", sender), reply_id, at=self._now())

    async def learning_question(self, sender: int | str) -> Question | None:
        """Find the question that stands where others see it, or left before a kill."""
        return await self._store.learning_question(self._pseudonymizer.of("discord", sender))

    async def learning_asked(self, sender: int | str, message_id: int | None = None) -> bool:
        """Record that the question stands, as a message if others see it; False if the person is forgotten by now."""
        return await self._store.learning_asked(self._pseudonymizer.of("discord", sender), message_id, at=self._now())

    async def set_learning(self, sender: int | str, *, learning: bool, origin: Origin = "discord") -> str:
        """Act on what the person decided about learning from their notes, and return a sentence that confirms it."""
        return await self._memory.answer(self._pseudonymizer.of(origin, sender), origin, learning=learning)

    async def forget(self, sender: int | str, *, origin: Origin = "discord") -> str:
        """Delete everything about a person, and return a sentence that confirms it; replies to them are then left."""
        person = self._pseudonymizer.of(origin, sender)
        had_opted_out = await self._store.consent(person, "listening") is False
        n_notes = await self._store.forget(person)
        self._memory.forget(person)
        self._cooldown.forget(person)
        return messages.forgotten(n_notes, had_opted_out=had_opted_out)

    async def _claim(self, person: str, note: IncomingNote) -> int | None:
        """Record that the note came in; None if it was seen before."""
        return await self._store.claim_note(
            person,
            origin=note.origin,
            received_at=self._now(),
            message_id=note.message_id,
            channel_id=note.channel_id,
            parent_id=note.parent_id,
            guild_id=note.guild_id,
            again=note.asked,
            in_work=self._outbox,
        )

    def _excuse(self, note: IncomingNote, trouble: Trouble, reason: str) -> Outcome:
        """Apologise for a note that cannot even be recorded, once."""
        _log.error("message %s could not be recorded: %s", note.message_id, reason)
        if note.message_id is not None and note.message_id in self._excused:
            return Silence(Why.SEEN)
        self._excused.append(note.message_id)
        return Answer(None, self._sorry(trouble), trouble=trouble)

    async def _see_through(self, note_id: int, person: str, work: Awaitable[Outcome]) -> Outcome:
        """Do the work on a note, whatever happens, and keep the outbox up to date."""
        self._outbox.begin(note_id)
        try:
            outcome = await self._whatever_happens(note_id, work)
        except BaseException:  # the process is shutting down: the note stays as it is, and is finished after the start
            self._outbox.end(note_id)
            raise
        if isinstance(outcome, Answer):
            self._outbox.hand_over(note_id, person)
        else:
            self._outbox.end(note_id)
        return outcome

    async def _whatever_happens(self, note_id: int, work: Awaitable[Outcome]) -> Outcome:
        """Turn everything that can go wrong into one sentence or silence."""
        try:
            try:
                return await work
            except TroubleError as error:
                return await self._apologise(note_id, error.trouble)
            except NoteGoneError:
                await self._store.withdraw_note(note_id)
                return Silence(Why.WITHDRAWN)
        except Exception:  # noqa: BLE001 - the last line of defence: a person never sees a traceback, an operator does
            _log.exception("note %d failed", note_id)
            self._outbox.fail(note_id)
            return Answer(note_id, self._sorry(Trouble.FAILED), trouble=Trouble.FAILED)

    async def _attend(self, note_id: int, person: str, note: IncomingNote, fetch: Fetch) -> Outcome:
        """Listen to a note that just came in."""
        pace = self._cooldown.meet(person)
        if pace is Pace.STAY_SILENT:
            await self._store.refuse(note_id, status="refused", reason=Trouble.COOLDOWN)
            return Silence(Why.COOLDOWN)
        if pace is Pace.ASK_TO_WAIT:
            raise TroubleError(Trouble.COOLDOWN)
        require_moderate(self._settings, note.duration, note.n_bytes)
        with self._room.taken(note.n_bytes or 0):
            return await self._reply(note_id, person, note, fetch)

    async def _resume(self, pending: StoredNote, fetch: Fetch) -> Outcome:
        """Listen to a note that came in before a restart."""
        if await self._opted_out(pending.id, pending.person):
            return Silence(Why.OPTED_OUT)
        return await self._reply(pending.id, pending.person, pending, fetch)

    async def _opted_out(self, note_id: int, person: str) -> bool:
        """Refuse a note whose speaker has said meanwhile that they want no listening; tell whether it is so."""
        if said_no := await self._store.consent(person, "listening") is False:
            await self._store.refuse(note_id, status="refused", reason="opted_out")
        return said_no

    async def _heard(self, note_id: int, person: str, origin: Origin, fetch: Fetch) -> HeardNote:
        """Hear the emotion in a note; if it was heard and not answered, its speaker's baseline holds it already."""
        if (found := await self._store.prediction(note_id)) is not None:
            return HeardNote(found)
        audio = await fetched(fetch)
        require_moderate(self._settings, None, len(audio))
        try:
            return await self._memory.recognize(audio, person, origin)
        except Exception as error:
            trouble = trouble_of(error)
            if trouble is Trouble.FAILED:
                # The pool has said what became of a worker; only what nobody foresaw deserves its traceback.
                _log.error("recognition failed: %s", error, exc_info=not isinstance(error, RecognitionError))
            raise TroubleError(trouble) from error

    async def _reply(self, note_id: int, person: str, note: IncomingNote | StoredNote, fetch: Fetch) -> Outcome:
        """Listen, choose the reply and record everything, before anything is said."""
        heard = await self._heard(note_id, person, note.origin, fetch)
        if await self._opted_out(note_id, person):
            return Silence(Why.OPTED_OUT)
        languages = await languages_for(self._store, person, note.guild_id, self._settings.language)
        notice = not await self._store.notice_shown(person)
        async with self._choosing:  # two notes of one person at once must not get the same reply
            used = await self._store.templates_used(person, besides=note_id)
            reply = await asyncio.to_thread(compose_in, languages, heard.prediction, seed=note_id, used=used)
            await self._memory.hold(note_id, person, note.origin, heard.learned)
            if not await self._store.save_prediction(
                note_id, heard.prediction, template=reply.template, notice=notice, at=self._now(), learned=heard.learned
            ):
                self._memory.drop(note_id)
                return Silence(Why.WITHDRAWN)
        return Answer(note_id, reply.text, heard.prediction, messages.notice(note.origin) if notice else None)

    async def _apologise(self, note_id: int, trouble: Trouble) -> Outcome:
        """Record why there is no guess, and say so."""
        if not await self._store.refuse(note_id, status="failed" if trouble.is_ours else "refused", reason=trouble):
            return Silence(Why.WITHDRAWN)
        return Answer(note_id, self._sorry(trouble), trouble=trouble)

    async def _own_note(self, reply_id: int, sender: int | str) -> StoredNote | None:
        """Look up the note that a reply answers; None if it is none of ours, an apology, or not the sender's."""
        person = self._pseudonymizer.of("discord", sender)
        note = await self._store.note_of_reply(reply_id)
        if note is None and await self._outbox.settled(person):
            note = await self._store.note_of_reply(reply_id)
        return note if note is not None and note.person == person and note.status == "answered" else None

    async def _marked(self, note: StoredNote, *, said_wrong: bool = False, by_author: bool = False) -> Marked | None:
        """Sum up the feedback on a note; None if nothing was guessed."""
        if await self._store.prediction(note.id) is None:
            return None
        verdict = await self._store.verdict(note.id)
        asks = by_author and verdict is not None and await self._memory.asks(note)
        return Marked(note.id, verdict, said_wrong and isinstance(verdict, Rejection), asks_learning=asks)
