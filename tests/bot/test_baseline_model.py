"""A person's baseline, over many random histories, against the simplest model: a list of the notes in it."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.config import Settings
from bot.conversation import Answer, Conversation, Outcome
from bot.exchange import Recognition
from bot.store import Store
from bot.vault import Vault
from bot.verdicts import EMOTION_EMOJI, FIRST_EMOJI
from emotify_core.emotions import Emotion
from emotify_core.personal_baseline import PersonalBaseline
from emotify_core.prediction import Prediction
from tests.bot.bench import ANNA, BOB, NAMES, fetch, incoming
from tests.bot.stand_ins import Clock

KEY = "00" * 8
MOST_NOTES = 20  # well below those after which older ones fade
NOTES = st.integers(0, MOST_NOTES - 1)
MARKS = st.sampled_from([*FIRST_EMOJI, *EMOTION_EMOJI])


@dataclass
class Counting:
    """Hears the next emotion, surely or not, and counts the note in a real baseline; its scores are its number."""

    emotion: Emotion = Emotion.SAD
    is_sure: bool = True
    n_heard: int = 0
    together: asyncio.Barrier | None = None

    async def recognize(self, _audio: bytes, *, learn: bool = False, baseline: bytes | None = None) -> Recognition:
        if self.together is not None:
            await self.together.wait()
        self.n_heard += 1
        rest = (0.3 if self.is_sure else 0.7) / 7
        probabilities = {emotion: 1 - 7 * rest if emotion is self.emotion else rest for emotion in Emotion}
        prediction = Prediction(probabilities, duration=2.5, model="test-1")
        if not learn:
            return Recognition(prediction)
        scores = scores_of(self.n_heard)
        if baseline is None:
            after = PersonalBaseline.of(KEY, scores, self.emotion)
        else:
            after = PersonalBaseline.from_bytes(baseline).plus(scores, self.emotion)
        return Recognition(prediction, vector=b"vector", vector_set="set-1", baseline=after.to_bytes())


def scores_of(n_heard: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.full(8, n_heard % 10, dtype=np.float32)


@dataclass
class Note:
    """What the model knows of a note: how it was heard, what is said of it, and whether it is in the baseline."""

    heard: Emotion
    is_sure: bool
    n_heard: int
    is_in: bool
    said: list[str] = field(default_factory=list)
    is_gone: bool = False

    @property
    def told(self) -> Emotion | None:
        """The emotion that the person said it was: of a ✅ under a reply that named none, nothing follows."""
        last = self.said[-1] if self.said else None
        if last == "✅":
            return self.heard if self.is_sure else None
        return None if last in {None, "❌"} else Emotion.from_emoji(last or "")


class Baselines(RuleBasedStateMachine):
    """Notes come, are judged, fail to be answered, are deleted, are asked for again; yes and no; restarts."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.clock, self.recognizer = Clock(), Counting()
        self.notes: list[Note] = []
        self.agrees = True
        self.open()
        self.runner.run(self.talk.set_learning(ANNA, learning=True))

    def open(self) -> None:
        home = Path(self.folder.name)
        self.store = self.runner.run(Store.open(home / "s.db", vault=Vault(bytes(32))))
        self.talk = Conversation(
            store=self.store,
            recognizer=self.recognizer,
            pseudonymizer=NAMES,
            settings=Settings(data_dir=home, learning="opt-in", cooldown=0),
            now=self.clock,
            monotonic=lambda: 0.0,
        )

    @precondition(lambda self: len(self.notes) < MOST_NOTES)
    @rule(emotion=st.sampled_from(Emotion), is_sure=st.booleans(), is_sent=st.booleans())
    def note(self, emotion: Emotion, is_sure: bool, is_sent: bool) -> None:
        self.recognizer.emotion, self.recognizer.is_sure = emotion, is_sure
        number = len(self.notes)
        answer = self.runner.run(self.talk.hear(incoming(number), fetch))
        assert isinstance(answer, Answer)
        self.notes.append(Note(emotion, is_sure, self.recognizer.n_heard, self.agrees))
        if is_sent:
            assert self.runner.run(self.talk.answered(answer.note_id, 1000 + number))
            return
        self.runner.run(self.talk.unsent(answer.note_id))
        self.recognizer.emotion = Emotion.CALM
        again = self.runner.run(self.talk.hear(replace(incoming(number), asked=True), fetch))
        assert isinstance(again, Answer)
        assert self.runner.run(self.talk.answered(again.note_id, 1000 + number))

    @precondition(lambda self: len(self.notes) < MOST_NOTES - 1)
    @rule(emotion=st.sampled_from(Emotion))
    def two_notes_at_once(self, emotion: Emotion) -> None:
        self.recognizer.emotion, self.recognizer.is_sure = emotion, True
        self.recognizer.together = asyncio.Barrier(2)
        numbers = [len(self.notes), len(self.notes) + 1]

        async def hear_both() -> list[Outcome]:
            return await asyncio.gather(*(self.talk.hear(incoming(number), fetch) for number in numbers))

        for number, answer in zip(numbers, self.runner.run(hear_both()), strict=True):
            assert isinstance(answer, Answer)
            self.notes.append(Note(emotion, True, self.recognizer.n_heard - 1 + number - numbers[0], self.agrees))
            assert self.runner.run(self.talk.answered(answer.note_id, 1000 + number))
        self.recognizer.together = None

    @rule(number=NOTES, emoji=MARKS)
    def mark(self, number: int, emoji: str) -> None:
        self.runner.run(self.talk.mark(1000 + number, ANNA, emoji))
        if self.stands(number) and emoji not in self.notes[number].said:
            self.notes[number].said.append(emoji)

    @rule(number=NOTES, emoji=MARKS)
    def stranger(self, number: int, emoji: str) -> None:
        self.runner.run(self.talk.mark(1000 + number, BOB, emoji))
        self.runner.run(self.talk.set_marks(1000 + number, BOB, []))

    @rule(number=NOTES, emoji=MARKS)
    def unmark(self, number: int, emoji: str) -> None:
        self.runner.run(self.talk.unmark(1000 + number, ANNA, emoji))
        if self.stands(number) and emoji in self.notes[number].said:
            self.notes[number].said.remove(emoji)

    @rule(number=NOTES, emoji=MARKS)
    def choose(self, number: int, emoji: str) -> None:
        self.runner.run(self.talk.set_marks(1000 + number, ANNA, [emoji]))
        if self.stands(number):
            self.notes[number].said = [emoji]

    @rule(number=NOTES)
    def clear(self, number: int) -> None:
        self.runner.run(self.talk.clear_marks(1000 + number))
        if self.stands(number):
            self.notes[number].said = []

    @rule(number=NOTES, is_reply=st.booleans())
    def delete(self, number: int, is_reply: bool) -> None:
        self.runner.run(self.talk.withdraw(number + 1000 * is_reply))
        if self.stands(number):
            self.notes[number].is_gone, self.notes[number].said = True, []
        if not any(note.is_in and not note.is_gone for note in self.notes):
            self.nothing_is_in()

    @rule(number=NOTES)
    def ask_again_for_a_note_whose_reply_was_deleted(self, number: int) -> None:
        if number >= len(self.notes) or not (note := self.notes[number]).is_gone:
            return
        self.recognizer.emotion, self.recognizer.is_sure = note.heard, note.is_sure
        answer = self.runner.run(self.talk.hear(replace(incoming(number), asked=True), fetch))
        assert isinstance(answer, Answer)
        assert self.runner.run(self.talk.answered(answer.note_id, 1000 + number))
        note.is_gone = False
        if not note.is_in:  # else it counts as it was heard first
            note.n_heard, note.is_in = self.recognizer.n_heard, self.agrees

    @rule(learning=st.booleans())
    def answer(self, learning: bool) -> None:
        self.runner.run(self.talk.set_learning(ANNA, learning=learning))
        self.agrees = learning
        if not learning:
            self.nothing_is_in()

    @rule()
    def forget(self) -> None:
        self.runner.run(self.talk.forget(ANNA))
        self.runner.run(self.talk.set_learning(ANNA, learning=True))
        self.agrees = True
        self.nothing_is_in()
        for note in self.notes:
            note.is_gone = True

    @rule(seconds=st.integers(-1000, 1000))
    def clock_jumps(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    @rule()
    def restart(self) -> None:
        self.runner.run(self.store.close())
        self.open()

    def stands(self, number: int) -> bool:
        return number < len(self.notes) and not self.notes[number].is_gone

    def nothing_is_in(self) -> None:
        for note in self.notes:
            note.is_in = False

    @invariant()
    def the_baseline_is_that_of_the_notes_in_it_and_of_what_is_said_of_them(self) -> None:
        kept = self.runner.run(self.store.baseline(NAMES.of("discord", ANNA)))
        notes = [note for note in self.notes if note.is_in]
        assert (kept is not None) == bool(notes)
        if kept is None:
            return
        expected = PersonalBaseline.of(KEY, scores_of(notes[0].n_heard), notes[0].heard)
        for note in notes[1:]:
            expected = expected.plus(scores_of(note.n_heard), note.heard)
        for note in notes:
            expected = expected.retold(note.heard, None, note.told)
        assert kept.n_notes == len(notes)
        assert kept.values == expected.to_bytes()

    def teardown(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()
        self.folder.cleanup()


TestBaselines = Baselines.TestCase
TestBaselines.settings = settings(max_examples=20, stateful_step_count=25, suppress_health_check=[HealthCheck.too_slow])
