"""A person's marks, over many random histories, against the simplest model: a list."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.config import Settings
from bot.conversation import Answer, Conversation, IncomingNote
from bot.pseudonyms import Pseudonymizer
from bot.store import Store
from bot.verdicts import EMOTION_EMOJI, FIRST_EMOJI, Confirmation, Correction, Rejection, Verdict
from emotify_core.emotions import Emotion
from tests.bot.stand_ins import Clock, ScriptedRecognizer

AUTHOR, STRANGER, REPLY = 1, 2, 2001
OURS = [*FIRST_EMOJI, *EMOTION_EMOJI]
ANY_EMOJI = st.sampled_from([*OURS, "🍕"])


async def fetch() -> bytes:
    return b"audio"


class Marks(RuleBasedStateMachine):
    """Reactions come, go, are cleared and caught up with; the process restarts in between."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.standing: list[str] = []
        self.open()
        answer = self.runner.run(self.talk.hear(IncomingNote(AUTHOR, message_id=1), fetch))
        assert isinstance(answer, Answer)
        assert answer.note_id is not None
        self.note_id = answer.note_id
        self.runner.run(self.talk.answered(self.note_id, REPLY))

    def open(self) -> None:
        self.store = self.runner.run(Store.open(Path(self.folder.name) / "s.db"))
        self.talk = Conversation(
            store=self.store,
            recognizer=ScriptedRecognizer(),
            pseudonymizer=Pseudonymizer(bytes(32)),
            settings=Settings(data_dir=Path(self.folder.name)),
            now=self.clock,
            monotonic=self.clock.monotonic,
        )

    @rule(emoji=ANY_EMOJI)
    def mark(self, emoji: str) -> None:
        self.runner.run(self.talk.mark(REPLY, AUTHOR, emoji))
        if emoji in OURS:  # told of again, it is the last word: Discord tells so only of what did not stand
            self.standing = [*(standing for standing in self.standing if standing != emoji), emoji]

    @rule(emoji=ANY_EMOJI)
    def unmark(self, emoji: str) -> None:
        self.runner.run(self.talk.unmark(REPLY, AUTHOR, emoji))
        self.standing = [standing for standing in self.standing if standing != emoji]

    @rule(emoji=ANY_EMOJI)
    def stranger(self, emoji: str) -> None:
        assert self.runner.run(self.talk.mark(REPLY, STRANGER, emoji)) is None
        assert self.runner.run(self.talk.unmark(REPLY, STRANGER, emoji)) is None

    @rule(emoji=st.none() | ANY_EMOJI)
    def clear(self, emoji: str | None) -> None:
        self.runner.run(self.talk.clear_marks(REPLY, emoji))
        self.standing = [standing for standing in self.standing if emoji not in {None, standing}]

    @rule(emoji=st.sampled_from(OURS))
    def choose(self, emoji: str) -> None:
        self.runner.run(self.talk.set_marks(REPLY, AUTHOR, [emoji]))
        self.standing = [emoji]

    @rule(seconds=st.integers(-1000, 1000))
    def clock_jumps(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    @rule()
    def restart(self) -> None:
        self.runner.run(self.store.close())
        self.open()

    @invariant()
    def the_verdict_is_the_last_standing_mark(self) -> None:
        assert self.runner.run(self.store.verdict(self.note_id)) == self.expected()

    def expected(self) -> Verdict | None:
        if not self.standing:
            return None
        last = self.standing[-1]
        if last == "❌":
            return Rejection()
        emotion = Emotion.from_emoji(last) or Emotion.SAD
        return Confirmation(emotion) if emotion is Emotion.SAD else Correction(emotion)

    def teardown(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()
        self.folder.cleanup()


TestMarks = Marks.TestCase
TestMarks.settings = settings(max_examples=20, stateful_step_count=20, suppress_health_check=[HealthCheck.too_slow])
