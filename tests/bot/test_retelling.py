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
from emotify_core.personal_baseline import FULL, PersonalBaseline
from emotify_core.prediction import Prediction
from tests.bot.kept_notes import ANNA, KEY, SET, UNSURE, VECTOR, allow, baseline_after, baseline_of, heard
from tests.bot.stand_ins import NOON, SAD


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "emotify.db", vault=Vault(KEY))
    yield store
    await store.close()


async def hear_two(store: Store) -> tuple[int, int]:
    """Let two notes of Anna's be heard as sad, into one baseline."""
    await allow(store)
    values = [baseline_after(n).to_bytes() for n in (1, 2)]
    first = await heard(store, 1, learned=Learned(VECTOR, SET, baseline=values[0]), mark=None, channel_id=11)
    before = await baseline_of(store)
    return first, await heard(store, 2, learned=Learned(VECTOR, SET, baseline=values[1], heard_with=before), mark=None)


async def told(store: Store) -> dict[Emotion, float]:
    counts = PersonalBaseline.from_bytes((await baseline_of(store)).values).told.sum(axis=0)
    return {emotion: n for emotion, n in zip(Emotion, counts.tolist(), strict=True) if n}


async def test_a_named_emotion_reaches_the_baseline_at_once_and_is_taken_back_with_the_mark(store: Store) -> None:
    first, second = await hear_two(store)
    assert await told(store) == {}

    await store.add_mark(first, Judgement.WRONG, at=NOON)
    assert await told(store) == {}  # it says what it was not
    await store.add_mark(first, Emotion.ANGRY, at=NOON)
    assert await told(store) == {Emotion.ANGRY: 1}
    await store.add_mark(first, Emotion.HAPPY, at=NOON)
    assert await told(store) == {Emotion.HAPPY: 1}
    await store.remove_mark(first, Emotion.HAPPY)
    assert await told(store) == {Emotion.ANGRY: 1}
    await store.add_mark(second, Judgement.RIGHT, at=NOON)
    assert await told(store) == {Emotion.ANGRY: 1, Emotion.SAD: 1}
    await store.set_marks(first, [], at=NOON)
    assert await told(store) == {Emotion.SAD: 1}


async def test_what_was_said_of_a_note_goes_from_the_baseline_with_the_note(store: Store) -> None:
    first, second = await hear_two(store)
    await store.add_mark(first, Emotion.ANGRY, at=NOON)
    await store.add_mark(second, Emotion.CALM, at=NOON)

    await store.withdraw_note(first)

    assert await told(store) == {Emotion.CALM: 1}


async def test_what_was_said_in_a_channel_goes_from_the_baseline_with_the_channel(store: Store) -> None:
    first, second = await hear_two(store)
    await store.add_mark(first, Emotion.ANGRY, at=NOON)
    await store.add_mark(second, Emotion.CALM, at=NOON)

    assert await store.withdraw_channel(11) == [first]

    assert await told(store) == {Emotion.CALM: 1}


async def test_of_a_note_that_was_deleted_and_heard_again_the_new_word_counts_and_no_other(store: Store) -> None:
    first, _ = await hear_two(store)
    await store.add_mark(first, Emotion.ANGRY, at=NOON)
    await store.withdraw_note(first)
    before = await baseline_of(store)
    again = await store.claim_note(ANNA, origin="discord", received_at=NOON, message_id=1, again=True)
    assert again == first
    learned = Learned(VECTOR, SET, baseline=baseline_after(3).to_bytes(), heard_with=before)
    assert await store.save_prediction(first, SAD, template="t", notice=False, at=NOON, learned=learned)

    await store.add_mark(first, Emotion.CALM, at=NOON)

    assert await told(store) == {Emotion.CALM: 1}
    assert (await baseline_of(store)).n_notes == 2


async def test_a_note_that_is_heard_again_by_another_model_is_in_the_baseline_of_that_one(store: Store) -> None:
    first, _ = await hear_two(store)
    await store.withdraw_note(first)
    before = await baseline_of(store)
    await store.claim_note(ANNA, origin="discord", received_at=NOON, message_id=1, again=True)
    anew = Learned(VECTOR, "another", baseline=baseline_after(1).to_bytes(), heard_with=before)

    assert await store.save_prediction(first, SAD, template="t", notice=False, at=NOON, learned=anew)
    await store.add_mark(first, Emotion.CALM, at=NOON)

    assert (await baseline_of(store)).vector_set == "another"
    assert await told(store) == {Emotion.CALM: 1}


async def test_of_a_note_that_waited_for_the_yes_counts_what_was_named_meanwhile(store: Store) -> None:
    note_id = await heard(store, 1, learned=Learned(VECTOR, SET), mark=Emotion.CALM)

    values = baseline_after(1).to_bytes()
    await allow(store, waiting={note_id: Learned(VECTOR, SET, baseline=values)})

    assert await told(store) == {Emotion.CALM: 1}


async def test_a_note_from_before_the_baseline_began_moves_nothing(store: Store) -> None:
    await allow(store)
    before = await heard(store, 1, learned=Learned(VECTOR, SET), mark=None)
    values = baseline_after(1).to_bytes()
    await heard(store, 2, learned=Learned(VECTOR, SET, baseline=values), mark=None)

    await store.add_mark(before, Emotion.CALM, at=NOON)

    assert await told(store) == {}


async def test_a_note_of_another_model_moves_nothing(store: Store) -> None:
    await allow(store)
    before = await heard(store, 1, learned=Learned(VECTOR, "another"), mark=None)
    values = baseline_after(1).to_bytes()
    await heard(store, 2, learned=Learned(VECTOR, SET, baseline=values), mark=None)

    await store.add_mark(before, Emotion.CALM, at=NOON)

    assert await told(store) == {}


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
    assert await told(store) == {}


async def test_a_damaged_prediction_keeps_no_mark_from_standing(store: Store, tmp_path: Path) -> None:
    first, _ = await hear_two(store)
    with closing(sqlite3.connect(tmp_path / "emotify.db")) as connection:
        connection.execute("UPDATE predictions SET probabilities = '{' WHERE note = ?", (first,))
        connection.commit()

    await store.add_mark(first, Emotion.CALM, at=NOON)

    assert await store.marks(first) == (Emotion.CALM,)
    assert await told(store) == {}


async def test_a_baseline_that_was_begun_anew_holds_no_earlier_note(store: Store) -> None:
    await allow(store)
    first = await heard(store, 1, learned=Learned(VECTOR, SET, baseline=baseline_after(9).to_bytes()), mark=None)
    before = await baseline_of(store)
    anew = Learned(VECTOR, SET, baseline=baseline_after(1).to_bytes(), heard_with=before)  # it did not fit the prior
    await heard(store, 2, learned=anew, mark=None)

    await store.add_mark(first, Judgement.RIGHT, at=NOON)

    assert (await baseline_of(store)).n_notes == 1
    assert await told(store) == {}


async def test_a_note_that_is_in_no_baseline_moves_nothing_while_another_one_comes_and_goes(store: Store) -> None:
    first, _ = await hear_two(store)
    stale = Learned(VECTOR, SET, baseline=baseline_after(2).to_bytes())
    late = await heard(store, 3, learned=stale, mark=None)  # the baseline went on while it was in work

    await store.add_mark(late, Emotion.ANGRY, at=NOON)
    assert await told(store) == {}
    await store.add_mark(first, Emotion.CALM, at=NOON)
    assert await told(store) == {Emotion.CALM: 1}


async def test_a_note_counts_fully_while_those_that_came_since_are_in_no_baseline(store: Store) -> None:
    await allow(store)
    values = baseline_after(FULL + 1).to_bytes()
    note_id = await heard(store, 1, learned=Learned(VECTOR, SET, baseline=values), mark=None)
    stale = Learned(VECTOR, SET, baseline=baseline_after(2).to_bytes())
    await heard(store, 2, learned=stale, mark=None)

    await store.add_mark(note_id, Emotion.CALM, at=NOON)

    assert await told(store) == {Emotion.CALM: 1}  # nothing came since that it could fade behind


async def test_what_names_no_emotion_keeps_no_note_that_is_in_work_out_of_the_baseline(store: Store) -> None:
    first, _ = await hear_two(store)
    heard_with = await baseline_of(store)

    await store.add_mark(first, Judgement.WRONG, at=NOON)
    third = Learned(VECTOR, SET, baseline=baseline_after(3).to_bytes(), heard_with=heard_with)
    await heard(store, 3, learned=third, mark=None)

    assert (await baseline_of(store)).n_notes == 3


async def test_of_two_notes_heard_with_one_baseline_the_second_replaces_nothing(store: Store) -> None:
    await hear_two(store)
    heard_with = await baseline_of(store)
    two = PersonalBaseline.from_bytes(heard_with.values)
    third, fourth = (two.plus(np.full(8, n, dtype=np.float32), Emotion.CALM) for n in (3, 4))

    for number, after in enumerate((third, fourth), start=3):
        learned = Learned(VECTOR, SET, baseline=after.to_bytes(), heard_with=heard_with)
        await heard(store, number, learned=learned, mark=None)

    expected = third.plus(np.full(8, 4, dtype=np.float32), Emotion.CALM)
    assert (await baseline_of(store)).values == expected.to_bytes()


async def test_a_mark_keeps_no_note_that_is_in_work_out_of_the_baseline(store: Store) -> None:
    first, _ = await hear_two(store)
    heard_with = await baseline_of(store)

    await store.add_mark(first, Emotion.ANGRY, at=NOON)
    third = Learned(VECTOR, SET, baseline=baseline_after(3).to_bytes(), heard_with=heard_with)
    note_id = await heard(store, 3, learned=third, mark=None)
    await store.add_mark(note_id, Judgement.RIGHT, at=NOON)

    assert (await baseline_of(store)).n_notes == 3
    assert await told(store) == {Emotion.ANGRY: 1, Emotion.SAD: 1}


async def test_a_check_mark_under_a_guess_of_medium_confidence_tells_the_emotion(store: Store) -> None:
    await allow(store)
    learned = Learned(VECTOR, SET, baseline=baseline_after(1).to_bytes())
    guess = Prediction({e: 0.5 if e is Emotion.SAD else 0.5 / 7 for e in Emotion}, duration=2.5, model="test-1")

    await heard(store, 1, learned=learned, mark=Judgement.RIGHT, prediction=guess)

    assert await told(store) == {Emotion.SAD: 1}


async def test_a_check_mark_under_a_reply_that_named_no_emotion_tells_none(store: Store) -> None:
    await allow(store)
    learned = Learned(VECTOR, SET, baseline=baseline_after(1).to_bytes())
    note_id = await heard(store, 1, learned=learned, mark=Judgement.RIGHT, prediction=UNSURE)
    assert await told(store) == {}

    await store.add_mark(note_id, Emotion.SAD, at=NOON)
    assert await told(store) == {Emotion.SAD: 1}


async def test_how_far_a_note_has_faded_does_not_depend_on_which_others_were_deleted(store: Store) -> None:
    await allow(store)
    notes, before = [], None
    for n in range(1, FULL + 6):
        learned = Learned(VECTOR, SET, baseline=baseline_after(n).to_bytes(), heard_with=before)
        notes.append(await heard(store, n, learned=learned, mark=None))
        before = await baseline_of(store)
    for note_id in notes[-3:]:
        await store.withdraw_note(note_id)

    await store.add_mark(notes[-4], Emotion.CALM, at=NOON)

    assert await told(store) == {Emotion.CALM: pytest.approx(((FULL - 1) / FULL) ** 3)}
