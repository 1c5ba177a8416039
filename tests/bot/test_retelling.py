"""What a person says of a note reaches their baseline at once."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from bot.records import Learned
from bot.store import Store
from bot.vault import Vault
from bot.verdicts import Judgement
from emotify_core.emotions import Emotion
from emotify_core.personal_baseline import PersonalBaseline
from tests.bot.kept_notes import KEY, SET, VECTOR, allow, baseline_of, heard
from tests.bot.stand_ins import NOON


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "emotify.db", vault=Vault(KEY))
    yield store
    await store.close()


def baseline_after(emotions: list[Emotion]) -> PersonalBaseline:
    notes = np.random.default_rng(0).normal(size=(len(emotions), 3)).astype(np.float32)
    baseline = PersonalBaseline.of("00" * 8, notes[0], emotions[0])
    for note, emotion in zip(notes[1:], emotions[1:], strict=True):
        baseline = baseline.plus(note, emotion)
    return baseline


async def hear_two(store: Store) -> tuple[int, int]:
    """Let two notes of Anna's be heard as sad, into one baseline."""
    await allow(store)
    values = [baseline_after([Emotion.SAD] * n).to_bytes() for n in (1, 2)]
    first = await heard(store, 1, learned=Learned(VECTOR, SET, baseline=values[0]), mark=None)
    before = await baseline_of(store)
    return first, await heard(store, 2, learned=Learned(VECTOR, SET, baseline=values[1], heard_with=before), mark=None)


async def taken_for(store: Store) -> dict[Emotion, float]:
    counts = PersonalBaseline.from_bytes((await baseline_of(store)).values).counts(list(Emotion))
    return {emotion: n for emotion, n in zip(Emotion, counts.tolist(), strict=True) if n}


async def test_a_named_emotion_reaches_the_baseline_at_once_and_is_taken_back_with_the_mark(store: Store) -> None:
    first, _ = await hear_two(store)
    assert await taken_for(store) == {Emotion.SAD: 2}

    await store.add_mark(first, Judgement.WRONG, at=NOON)
    assert await taken_for(store) == {Emotion.SAD: 1, Emotion.CALM: 1}  # the next best guess
    await store.add_mark(first, Emotion.ANGRY, at=NOON)
    assert await taken_for(store) == {Emotion.SAD: 1, Emotion.ANGRY: 1}
    await store.add_mark(first, Emotion.HAPPY, at=NOON)
    assert await taken_for(store) == {Emotion.SAD: 1, Emotion.HAPPY: 1}
    await store.remove_mark(first, Emotion.HAPPY)
    assert await taken_for(store) == {Emotion.SAD: 1, Emotion.ANGRY: 1}
    await store.set_marks(first, [Judgement.RIGHT], at=NOON)
    assert await taken_for(store) == {Emotion.SAD: 2}


async def test_a_note_that_waited_for_the_yes_is_taken_for_what_was_named_meanwhile(store: Store) -> None:
    note_id = await heard(store, 1, learned=Learned(VECTOR, SET), mark=Emotion.CALM)

    values = baseline_after([Emotion.SAD]).to_bytes()
    await allow(store, waiting={note_id: Learned(VECTOR, SET, baseline=values)})

    assert await taken_for(store) == {Emotion.CALM: 1}


async def test_a_note_from_before_the_baseline_began_moves_nothing(store: Store) -> None:
    await allow(store)
    before = await heard(store, 1, learned=Learned(VECTOR, SET), mark=None)
    values = baseline_after([Emotion.SAD]).to_bytes()
    await heard(store, 2, learned=Learned(VECTOR, SET, baseline=values), mark=None)

    await store.add_mark(before, Emotion.CALM, at=NOON)

    assert await taken_for(store) == {Emotion.SAD: 1}


async def test_a_note_of_another_model_moves_nothing(store: Store) -> None:
    await allow(store)
    before = await heard(store, 1, learned=Learned(VECTOR, "another"), mark=None)
    values = baseline_after([Emotion.SAD]).to_bytes()
    await heard(store, 2, learned=Learned(VECTOR, SET, baseline=values), mark=None)

    await store.add_mark(before, Emotion.CALM, at=NOON)

    assert await taken_for(store) == {Emotion.SAD: 1}


async def test_a_baseline_that_cannot_be_read_keeps_no_mark_from_standing(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    await allow(store)
    note_id = await heard(store, 1, learned=Learned(VECTOR, SET, baseline=b"of an older release"), mark=None)

    await store.add_mark(note_id, Emotion.CALM, at=NOON)

    assert await store.marks(note_id) == (Emotion.CALM,)
    assert (await baseline_of(store)).values == b"of an older release"
    assert "stays as it is" in caplog.text


async def test_a_mark_that_cannot_be_kept_leaves_the_baseline_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = await hear_two(store)

    def fail(*_: object, **__: object) -> PersonalBaseline:
        raise MemoryError

    monkeypatch.setattr(PersonalBaseline, "retold", fail)
    with pytest.raises(MemoryError):
        await store.add_mark(first, Emotion.CALM, at=NOON)

    assert await store.marks(first) == ()
    assert await taken_for(store) == {Emotion.SAD: 2}


async def test_a_damaged_prediction_keeps_no_mark_from_standing(store: Store, tmp_path: Path) -> None:
    first, _ = await hear_two(store)
    with closing(sqlite3.connect(tmp_path / "emotify.db")) as connection:
        connection.execute("UPDATE predictions SET probabilities = '{' WHERE note = ?", (first,))
        connection.commit()

    await store.add_mark(first, Emotion.CALM, at=NOON)

    assert await store.marks(first) == (Emotion.CALM,)
    assert await taken_for(store) == {Emotion.SAD: 2}
