from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.records import Learned, Origin, StoredExample
from bot.store import Store, StoreError
from bot.vault import Vault
from bot.verdicts import Confirmation, Correction, Judgement, Mark, Rejection
from emotify_core.emotions import Emotion
from emotify_core.personal_baseline import PersonalBaseline
from tests.bot.kept_notes import ANNA, KEY, SET, UNSURE, VECTOR, allow, baseline_after, baseline_of, heard
from tests.bot.stand_ins import NOON, SAD

BOB = "b" * 64
ONE, TWO = (baseline_after(n).to_bytes() for n in (1, 2))
BOTH: tuple[Origin, ...] = ("discord", "try")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "emotify.db", vault=Vault(KEY))
    yield store
    await store.close()


async def read(store: Store, origins: tuple[Origin, ...] = BOTH, n_at_once: int = 2) -> list[StoredExample]:
    return [example async for example in store.examples(origins=origins, n_at_once=n_at_once)]


async def kept(store: Store, person: str = ANNA) -> list[bool]:
    return [note["vector_kept"] for note in (await store.export(person))["notes"]]


def files_with(text: bytes, folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if text in path.read_bytes()]


def change(path: Path, sql: str, *values: Any) -> None:
    """Write into the file as somebody does who has stolen it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(sql, values)
        connection.commit()


@pytest.mark.parametrize("mark", [Judgement.RIGHT, Judgement.WRONG])
async def test_under_a_reply_that_named_no_emotion_only_a_name_teaches(store: Store, mark: Mark) -> None:
    await allow(store)
    said: tuple[tuple[Origin, Mark], ...] = (("discord", mark), ("discord", Emotion.SAD), ("try", mark))
    for i, (origin, word) in enumerate(said, start=1):
        await heard(store, i, origin=origin, mark=word, prediction=UNSURE)

    found = await read(store)

    assert [example.origin for example in found] == ["discord", "try"]  # a terminal shows the guess in any case
    assert found[0].verdict == Confirmation(Emotion.SAD)


async def test_an_example_is_as_it_was_kept(store: Store) -> None:
    await allow(store)
    await heard(store, 1, mark=Emotion.ANGRY)
    assert await read(store) == [
        StoredExample(
            person=ANNA,
            guild_id=12,
            origin="discord",
            first_seen=NOON,
            received_at=NOON,
            predicted=Emotion.SAD,
            verdict=Correction(Emotion.ANGRY),
            vector_set=SET,
            vector=VECTOR,
        )
    ]


async def test_without_a_yes_nothing_is_kept(store: Store) -> None:
    await heard(store, 1)
    await store.set_learning(BOB, learning=False, at=NOON)
    await heard(store, 2, person=BOB)
    assert await kept(store) == [False]
    assert await kept(store, BOB) == [False]
    assert await read(store) == []
    assert await store.count_examples(origins=BOTH) == 0


async def test_a_terminal_is_its_users_own_yes_until_they_say_no(store: Store) -> None:
    await heard(store, 1, origin="try")
    assert len(await read(store)) == 1
    await store.set_learning(ANNA, learning=False, at=NOON)
    await heard(store, 2, origin="try")
    assert await read(store) == []
    assert await kept(store) == [False, False]


async def test_only_the_named_front_ends_are_read(store: Store) -> None:
    await allow(store)
    await heard(store, 1)
    await heard(store, 2, person=BOB, origin="try")
    assert [example.person for example in await read(store, ("try",))] == [BOB]
    assert [example.person for example in await read(store, ("discord",))] == [ANNA]
    assert await store.count_examples(origins=("try",)) == 1
    assert await store.count_examples(origins=BOTH) == 2
    assert await read(store, ()) == []


async def test_examples_come_in_the_order_of_their_notes_and_only_with_a_verdict(store: Store) -> None:
    await allow(store)
    await allow(store, BOB)
    marks: list[Mark | None] = [
        Judgement.RIGHT,
        None,
        Judgement.WRONG,
        Emotion.SAD,
        Emotion.CALM,
        None,
        Judgement.RIGHT,
    ]
    for i, mark in enumerate(marks):
        learned = Learned(bytes([i]), SET)
        await heard(store, i, person=(ANNA, BOB)[i % 2], learned=learned, mark=mark)
    examples = await read(store, n_at_once=2)
    assert [example.vector[0] for example in examples] == [0, 2, 3, 4, 6]
    assert [example.verdict for example in examples] == [
        Confirmation(Emotion.SAD), Rejection(), Confirmation(Emotion.SAD), Correction(Emotion.CALM),
        Confirmation(Emotion.SAD),
    ]  # fmt: skip
    assert examples == await read(store, n_at_once=100)
    assert await store.count_examples(origins=BOTH) == 5


async def test_the_last_word_counts(store: Store) -> None:
    await allow(store)
    note_id = await heard(store, 1)
    await store.add_mark(note_id, Emotion.HAPPY, at=NOON)
    assert [example.verdict for example in await read(store)] == [Correction(Emotion.HAPPY)]
    await store.set_marks(note_id, [], at=NOON)
    assert await read(store) == []


async def test_a_stolen_file_shows_no_vector(store: Store, tmp_path: Path) -> None:
    await allow(store)
    await heard(store, 1, learned=Learned(b"numbers of a voice" * 50, SET, baseline=b"mean of a voice" * 50))
    await store.close()
    assert files_with(SET.encode(), tmp_path) == ["emotify.db"]
    assert files_with(b"numbers of a voice", tmp_path) == files_with(b"mean of a voice", tmp_path) == []


async def test_what_does_not_open_is_left_out_and_counted(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await allow(store)
    notes = [await heard(store, i, learned=Learned(bytes([i]), SET)) for i in range(4)]
    path = tmp_path / "emotify.db"
    swap = "UPDATE examples SET sealed = (SELECT sealed FROM examples WHERE note = ?) WHERE note = ?"
    await asyncio.to_thread(change, path, swap, notes[0], notes[2])
    await asyncio.to_thread(change, path, "UPDATE examples SET sealed = x'01' WHERE note = ?", notes[1])
    assert [example.vector[0] for example in await read(store)] == [0, 3]
    assert "2 examples cannot be read" in caplog.text


async def test_a_withdrawn_note_takes_its_example_along(store: Store) -> None:
    await allow(store)
    await heard(store, 1)
    await heard(store, 2)
    await store.withdraw(2001)
    assert await kept(store) == [False, True]
    assert len(await read(store)) == 1


async def test_a_withdrawn_yes_deletes_everything_at_once_with_its_traces(store: Store, tmp_path: Path) -> None:
    await allow(store)
    await allow(store, BOB)
    await heard(store, 1, learned=Learned(VECTOR, "the-set-of-anna", baseline=b"mean"))
    await heard(store, 2, person=BOB)
    await store.set_learning(ANNA, learning=False, at=NOON)
    assert [example.person for example in await read(store)] == [BOB]
    assert await store.baseline(ANNA) is None
    assert (await store.export(ANNA))["notes"][0]["prediction"] is not None
    assert files_with(b"the-set-of-anna", tmp_path) == []


async def test_forgetting_takes_examples_and_baseline_along(store: Store, tmp_path: Path) -> None:
    await allow(store)
    await heard(store, 1, learned=Learned(VECTOR, "the-set-of-anna", baseline=b"mean"))
    await store.forget(ANNA)
    assert await read(store) == []
    assert await store.baseline(ANNA) is None
    assert files_with(b"the-set-of-anna", tmp_path) == []


async def test_a_yes_keeps_what_waits_of_notes_that_still_stand(store: Store) -> None:
    first, gone = await heard(store, 1), await heard(store, 2)
    await store.withdraw(2)
    waiting = {first: Learned(b"1", SET, b"mean"), gone: Learned(b"2", SET), 999: Learned(b"3", SET)}
    await allow(store, waiting=waiting)
    assert [example.vector for example in await read(store)] == [b"1"]
    baseline = await store.baseline(ANNA)
    assert baseline is not None
    assert (baseline.values, baseline.n_notes) == (b"mean", 1)


async def test_a_yes_that_was_taken_back_meanwhile_keeps_nothing_of_the_note_in_work(store: Store) -> None:
    await allow(store)
    note_id = await store.claim_note(ANNA, origin="discord", received_at=NOON, message_id=1)
    assert note_id is not None
    await store.set_learning(ANNA, learning=False, at=NOON)
    learned = Learned(VECTOR, SET, baseline=b"mean")
    assert await store.save_prediction(note_id, SAD, template="t", notice=False, at=NOON, learned=learned)
    assert await kept(store) == [False]
    assert await store.baseline(ANNA) is None


async def test_a_withdrawn_note_keeps_nothing_late(store: Store) -> None:
    await allow(store)
    note_id = await store.claim_note(ANNA, origin="discord", received_at=NOON, message_id=1)
    assert note_id is not None
    await store.withdraw(1)
    learned = Learned(VECTOR, SET, baseline=b"mean")
    assert not await store.save_prediction(note_id, SAD, template="t", notice=False, at=NOON, learned=learned)
    assert await kept(store) == [False]
    assert await store.baseline(ANNA) is None


# Baselines


async def test_a_baseline_grows_note_by_note(store: Store) -> None:
    await allow(store)
    await heard(store, 1, learned=Learned(VECTOR, SET, baseline=ONE), mark=None)
    first = await baseline_of(store)
    assert (first.values, first.vector_set, first.n_notes) == (ONE, SET, 1)
    await heard(store, 2, learned=Learned(VECTOR, SET, baseline=TWO, heard_with=first), mark=None)
    second = await baseline_of(store)
    assert (second.values, second.n_notes) == (TWO, 2)
    await heard(store, 3)
    assert await baseline_of(store) == second


async def test_notes_that_were_heard_at_once_are_all_in_the_baseline(store: Store) -> None:
    await allow(store)
    await heard(store, 1, learned=Learned(VECTOR, SET, baseline=ONE), mark=None)
    first = await baseline_of(store)
    scores = np.random.default_rng(1).normal(size=(3, 8)).astype(np.float32)
    alone = PersonalBaseline.from_bytes(first.values)
    afters = [alone.plus(note, Emotion.CALM).to_bytes() for note in scores]
    await asyncio.gather(
        *(
            heard(store, i, learned=Learned(VECTOR, SET, after, heard_with=first), mark=None)
            for i, after in enumerate(afters, start=2)
        )
    )
    baseline = await baseline_of(store)
    found = PersonalBaseline.from_bytes(baseline.values)
    assert (baseline.n_notes, found.n_notes) == (4, 4)
    np.testing.assert_allclose(found.sums[list(Emotion).index(Emotion.CALM)], scores.sum(axis=0), atol=1e-5)
    assert await kept(store) == [True] * 4


async def test_the_first_notes_that_waited_for_a_yes_are_all_in_the_baseline(store: Store) -> None:
    afters = [baseline_after(1, seed=i) for i in (1, 2, 3)]
    notes = [await heard(store, i, learned=Learned(VECTOR, SET), mark=None) for i in (1, 2, 3)]
    waiting = [Learned(VECTOR, SET, baseline=after.to_bytes()) for after in afters]
    await allow(store, waiting=dict(zip(notes, waiting, strict=True)))
    found = PersonalBaseline.from_bytes((await baseline_of(store)).values)
    assert found.n_notes == 3
    np.testing.assert_allclose(found.sums, sum(after.sums for after in afters), atol=1e-5)


async def test_a_late_baseline_does_not_bring_back_a_deleted_one(store: Store) -> None:
    await allow(store)
    await heard(store, 1, learned=Learned(VECTOR, SET, baseline=b"one"))
    old = await baseline_of(store)
    await store.set_learning(ANNA, learning=False, at=NOON)
    await allow(store)
    await heard(store, 2, learned=Learned(VECTOR, SET, baseline=b"of both", heard_with=old))
    assert await store.baseline(ANNA) is None
    await heard(store, 3, learned=Learned(VECTOR, SET, baseline=b"anew"))
    assert ((await baseline_of(store)).values, (await baseline_of(store)).n_notes) == (b"anew", 1)


async def test_a_note_that_is_heard_twice_is_in_the_baseline_once(store: Store) -> None:
    await allow(store)
    note_id = await heard(store, 1, learned=Learned(VECTOR, SET, baseline=ONE), mark=None)
    first = await baseline_of(store)
    await asyncio.to_thread(change, store._database.path, "UPDATE notes SET status = 'predicted' WHERE id = ?", note_id)
    learned = Learned(VECTOR, SET, baseline=TWO, heard_with=first)  # as another bot on the same file would have it
    assert await store.save_prediction(note_id, SAD, template="t", notice=False, at=NOON, learned=learned)
    assert await baseline_of(store) == first
    await store.withdraw(1)
    assert await store.baseline(ANNA) is None


async def test_another_vector_set_starts_a_new_baseline(store: Store) -> None:
    await allow(store)
    await heard(store, 1, learned=Learned(VECTOR, SET, baseline=b"old"))
    before = await baseline_of(store)
    await heard(store, 2, learned=Learned(VECTOR, "another", baseline=b"new", heard_with=before))
    after = await baseline_of(store)
    assert (after.values, after.vector_set, after.n_notes) == (b"new", "another", 1)


async def test_a_baseline_that_does_not_open_is_dropped_and_made_anew(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await allow(store)
    await heard(store, 1, learned=Learned(VECTOR, SET, baseline=b"one"))
    await asyncio.to_thread(change, tmp_path / "emotify.db", "UPDATE baselines SET sealed = x'0102'")
    assert await store.baseline(ANNA) is None
    assert "does not open" in caplog.text
    assert ANNA not in caplog.text
    await heard(store, 2, learned=Learned(VECTOR, SET, baseline=b"anew"))
    assert (await baseline_of(store)).values == b"anew"


async def test_withdrawing_the_only_note_in_a_baseline_takes_it_along(store: Store) -> None:
    await allow(store)
    await heard(store, 1, learned=Learned(VECTOR, SET, baseline=ONE))
    first = await baseline_of(store)
    await store.withdraw(1)
    assert await store.baseline(ANNA) is None
    await heard(store, 2, learned=Learned(VECTOR, SET, baseline=ONE))
    first = await baseline_of(store)
    await heard(store, 3, learned=Learned(VECTOR, SET, baseline=TWO, heard_with=first))
    await store.withdraw(3)
    assert (await baseline_of(store)).n_notes == 2  # no single note can be taken out of a mean
    await store.withdraw(2)
    assert await store.baseline(ANNA) is None  # it would be of deleted notes alone


async def test_withdrawing_a_note_that_is_in_no_baseline_leaves_that_of_another(store: Store) -> None:
    await allow(store)
    before = await heard(store, 1, learned=Learned(VECTOR, SET))
    await heard(store, 2, learned=Learned(VECTOR, SET, baseline=ONE))
    await store.withdraw(before)
    assert (await baseline_of(store)).n_notes == 1


async def test_an_export_says_what_is_kept_and_not_the_numbers(store: Store) -> None:
    await allow(store)
    await heard(store, 1, learned=Learned(VECTOR, SET, baseline=b"one"))
    await heard(store, 2, person=BOB)
    await store.learning_asked(ANNA, at=NOON + timedelta(minutes=1))
    export = json.loads(json.dumps(await store.export(ANNA)))
    assert export["notes"][0]["vector_kept"] is True
    assert export["baseline"]["n_notes"] == 1
    assert export["learning_asked_at"].startswith("2026-01-02T12:01")
    assert "encrypted" in export["about_vectors"]
    bobs = await store.export(BOB)
    assert (bobs["notes"][0]["vector_kept"], bobs["baseline"], bobs["learning_asked_at"]) == (False, None, None)


# Whether and when a person was asked


async def test_a_stance_holds_the_answer_and_when_the_person_was_asked_first(store: Store) -> None:
    stance = await store.stance(ANNA)
    assert (stance.answer, stance.asked_at) == (None, None)
    await store.learning_asked(ANNA, at=NOON)  # a stranger is not made known by being asked
    await heard(store, 1)
    assert (await store.stance(ANNA)).asked_at is None
    await store.learning_asked(ANNA, at=NOON)
    await store.learning_asked(ANNA, at=NOON + timedelta(days=1))
    await allow(store)
    stance = await store.stance(ANNA)
    assert (stance.answer, stance.asked_at) == (True, NOON)


# Keys


async def test_without_a_vault_nothing_is_kept_or_read(store: Store, tmp_path: Path) -> None:
    await allow(store)
    await heard(store, 1, learned=Learned(VECTOR, SET, baseline=b"one"))
    other = await Store.open(tmp_path / "emotify.db")
    await heard(other, 2)
    assert await kept(other) == [True, False]
    assert await other.baseline(ANNA) is None
    assert await read(other) == []
    await other.close()


async def test_a_file_with_examples_is_refused_with_another_key(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "emotify.db"
    await allow(store)
    await heard(store, 1)
    with pytest.raises(StoreError, match=r"restore examples\.key from the backup, or set EMOTIFY_EXAMPLES_KEY"):
        await Store.open(path, vault=Vault(bytes(32)))
    await (await Store.open(path, vault=Vault(KEY))).close()
    await store.set_learning(ANNA, learning=False, at=NOON)
    await (await Store.open(path, vault=Vault(bytes(32)))).close()  # nothing is left that it could not open
