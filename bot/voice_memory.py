"""What a conversation may remember of voices: only with the speaker's yes, and only where the operator allows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot import messages
from bot.config import Settings
from bot.exchange import Recognition, Recognizer
from bot.records import Baseline, Learned, Origin, Stance, StoredNote
from bot.store import Store
from bot.waiting import PATIENCE, WaitingVectors
from emotify_core.prediction import Prediction


@dataclass(frozen=True)
class HeardNote:
    """What was guessed of a note, and what one can learn of it: None where that is not wanted."""

    prediction: Prediction
    learned: Learned | None = None


class VoiceMemory:
    """Asks for vectors where they may be kept, lets them wait for an answer, and acts on the answer.

    Parameters
    ----------
    store : Store
        Where they are kept.
    recognizer : Recognizer
        What makes them.
    settings : Settings
        What the operator allows.
    now : callable
        Clock for what is recorded, aware.
    monotonic : callable
        Clock in seconds for what waits.
    """

    def __init__(
        self,
        store: Store,
        recognizer: Recognizer,
        settings: Settings,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._store = store
        self._recognizer = recognizer
        self._settings = settings
        self._now = now
        self._waiting = WaitingVectors(monotonic=monotonic)
        self._vector_set = ""

    async def recognize(self, audio: bytes, person: str, origin: Origin) -> HeardNote:
        """Hear the emotion in a note, as the person usually sounds if they let the bot know that.

        Raises
        ------
        AudioError, RecognitionError
            See `Recognizer.recognize`.
        """
        stance = await self._stance(person, origin) if self._may_learn(origin) else None
        if stance is None or not self._wants(stance):
            return HeardNote((await self._recognizer.recognize(audio)).prediction)
        baseline = await self._store.baseline(person) if stance.answer else None
        heard = await self._heard(audio, baseline)
        if heard.vector is None:
            return HeardNote(heard.prediction)
        self._vector_set = heard.vector_set
        return HeardNote(heard.prediction, Learned(heard.vector, heard.vector_set, heard.baseline, baseline))

    async def hold(self, note_id: int, person: str, origin: Origin, learned: Learned | None) -> None:
        """Let a vector wait if its speaker has not answered yet; call it right before it may be kept.

        That order is what makes every answer count that comes while a note is in work: until here the store sees it,
        from here on it finds what waits.
        """
        if learned is not None and (await self._stance(person, origin)).answer is None:
            self._waiting.add(note_id, person, learned)

    def drop(self, note_id: int) -> None:
        """Drop what waits of a note."""
        self._waiting.drop(note_id)

    def forget(self, person: str) -> None:
        """Drop what waits of a person."""
        self._waiting.drop_all_of(person)

    async def asks(self, note: StoredNote) -> bool:
        """Tell whether the author of a note is still to be asked."""
        if not self._may_learn(note.origin):
            return False
        return await self._stance(note.person, note.origin) == Stance(answer=None, asked_at=None)

    async def allowed(self, person: str, origin: Origin) -> bool | None:
        """Tell whether the person lets the bot learn from their notes; None where the operator has switched it off."""
        return bool((await self._stance(person, origin)).answer) if self._may_learn(origin) else None

    async def answer(self, person: str, origin: Origin, *, learning: bool) -> str:
        """Act on what the person decided, and return a sentence that confirms it."""
        if learning and not self._may_learn(origin):
            return messages.LEARNING_SWITCHED_OFF
        waiting = self._waiting.of(person) if learning else None
        await self._store.set_learning(person, learning=learning, at=self._now(), waiting=waiting)
        self._waiting.drop_all_of(person)
        return messages.LEARNING_ON if learning else messages.LEARNING_OFF

    def _may_learn(self, origin: Origin) -> bool:
        """Tell whether the operator allows it."""
        return origin in self._settings.learns_from

    async def _stance(self, person: str, origin: Origin) -> Stance:
        """Read what the person said; whoever uses a terminal says yes by using it, until they say no."""
        stance = await self._store.stance(person)
        return Stance(answer=True, asked_at=None) if origin == "try" and stance.answer is None else stance

    def _wants(self, stance: Stance) -> bool:
        """Tell whether a vector may be kept now, or soon: the answer to a question that stands may still come."""
        if stance.answer is not None:
            return stance.answer
        return stance.asked_at is None or self._now() - stance.asked_at < PATIENCE

    async def _heard(self, audio: bytes, baseline: Baseline | None) -> Recognition:
        """Hear a note with a baseline that fits the model, or with none."""
        if baseline is None:
            return await self._recognizer.recognize(audio, learn=True)
        fits = self._vector_set in {"", baseline.vector_set}
        heard = await self._recognizer.recognize(audio, learn=True, baseline=baseline.values if fits else None)
        if heard.vector_set == "" or (heard.vector_set == baseline.vector_set) is fits:
            return heard
        # The model is another one than thought. What it heard with a baseline that it did not make cannot be trusted;
        # one that it did make, before a rollback, must not be begun anew.
        self._vector_set = heard.vector_set
        return await self._recognizer.recognize(audio, learn=True, baseline=None if fits else baseline.values)
