"""Notes of people who let the bot learn from them, in a real store."""

from __future__ import annotations

from typing import Final

import numpy as np

from bot.records import Baseline, Learned, Origin
from bot.store import Store
from bot.verdicts import Judgement, Mark
from emotify_core.emotions import Emotion
from emotify_core.personal_baseline import PersonalBaseline
from emotify_core.prediction import Prediction
from tests.bot.stand_ins import NOON, SAD

ANNA: Final = "a" * 64
SET: Final = "functionals-3+0123456789ab"
VECTOR: Final = bytes(range(256)) * 35
KEY: Final = bytes(range(32))
UNSURE: Final = Prediction({e: 0.3 if e is Emotion.SAD else 0.1 for e in Emotion}, duration=2.5, model="test-1")


async def heard(
    store: Store,
    message_id: int,
    *,
    person: str = ANNA,
    origin: Origin = "discord",
    learned: Learned | None = None,
    mark: Mark | None = Judgement.RIGHT,
    prediction: Prediction = SAD,
    channel_id: int | None = None,
) -> int:
    """Let a note be heard, answered and marked."""
    note_id = await store.claim_note(
        person, origin=origin, received_at=NOON, message_id=message_id, channel_id=channel_id, guild_id=12
    )
    assert note_id is not None
    learned = learned or Learned(VECTOR, SET)
    assert await store.save_prediction(note_id, prediction, template="t", notice=True, at=NOON, learned=learned)
    assert await store.answered(note_id, reply_id=2000 + message_id, at=NOON)
    if mark is not None:
        await store.add_mark(note_id, mark, at=NOON)
    return note_id


async def allow(store: Store, person: str = ANNA, *, waiting: dict[int, Learned] | None = None) -> None:
    await store.set_learning(person, learning=True, at=NOON, waiting=waiting)


async def baseline_of(store: Store) -> Baseline:
    baseline = await store.baseline(ANNA)
    assert baseline is not None
    return baseline


def baseline_after(n_notes: int, *, seed: int = 0) -> PersonalBaseline:
    """Make a baseline of notes that were heard as sad."""
    notes = np.random.default_rng(seed).normal(size=(n_notes, 8)).astype(np.float32)
    baseline = PersonalBaseline.of("00" * 8, notes[0], Emotion.SAD)
    for note in notes[1:]:
        baseline = baseline.plus(note, Emotion.SAD)
    return baseline
