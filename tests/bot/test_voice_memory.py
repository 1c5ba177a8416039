"""What a conversation remembers of voices: with whose yes, until when, and what becomes of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from bot import messages
from bot.config import Settings
from bot.conversation import Answer, IncomingNote, Marked, Silence, Why
from bot.records import StoredExample
from bot.store import Store
from bot.vault import Vault
from bot.verdicts import Judgement
from tests.bot.bench import ANNA, BOB, NAMES, REPLY, Bench, fetch, incoming, never_fetch
from tests.bot.stand_ins import SAD

pytestmark = pytest.mark.usefixtures("no_blocking")

HALF_AN_HOUR = 30 * 60.0
ANNAS = NAMES.of("discord", ANNA)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "emotify.db", vault=Vault(bytes(32)))
    yield store
    await store.close()


@pytest.fixture
def learning() -> Literal["off", "opt-in"]:
    return "opt-in"


@pytest.fixture
def settings(tmp_path: Path, learning: Literal["off", "opt-in"]) -> Settings:
    return Settings(data_dir=tmp_path, learning=learning)


@pytest.fixture
async def bench(settings: Settings, store: Store) -> Bench:
    return Bench(store, settings)


def saying(audio: bytes) -> object:
    async def fetch_it() -> bytes:
        return audio

    return fetch_it


async def hear(bench: Bench, message_id: int, audio: bytes = b"audio", *, sender: int = ANNA) -> Answer:
    """Let a note be heard and answered; its reply is `message_id` + 1000."""
    bench.clock.advance(seconds=bench.settings.cooldown)
    answer = await bench.conversation.hear(incoming(message_id, sender), saying(audio))  # type: ignore[arg-type]
    assert isinstance(answer, Answer)
    await bench.conversation.answered(answer.note_id, message_id + 1000)
    return answer


async def mark(bench: Bench, reply_id: int, emoji: str = "✅", *, sender: int = ANNA) -> Marked:
    marked = await bench.conversation.mark(reply_id, sender, emoji)
    assert marked is not None
    return marked


async def examples(bench: Bench) -> list[StoredExample]:
    return [example async for example in bench.store.examples(origins=("discord", "try"))]


async def n_kept(bench: Bench, sender: int = ANNA) -> int:
    return (await bench.conversation.privacy(sender)).n_examples


# The question


async def test_the_first_mark_asks_once_and_no_other(bench: Bench) -> None:
    await hear(bench, 1)
    assert (await mark(bench, 1001)).asks_learning
    assert (await mark(bench, 1001, "❌")).asks_learning  # the question does not stand yet: it could not be put
    await bench.conversation.learning_asked(ANNA)
    assert not (await mark(bench, 1001, "😠")).asks_learning
    await hear(bench, 2)
    assert not (await mark(bench, 1002)).asks_learning
    await hear(bench, 3, sender=BOB)
    assert (await mark(bench, 1003, sender=BOB)).asks_learning


@pytest.mark.parametrize("answer", [True, False])
async def test_whoever_has_answered_is_not_asked(bench: Bench, answer: bool) -> None:
    await bench.conversation.set_learning(ANNA, learning=answer)
    await hear(bench, 1)
    assert not (await mark(bench, 1001)).asks_learning


async def test_only_a_mark_by_the_author_asks(bench: Bench) -> None:
    await hear(bench, 1)
    for emoji in ("✅", "😠"):
        await bench.conversation.mark(1001, ANNA, emoji)
    cleared = await bench.conversation.clear_marks(1001, "😠")
    taken_back = await bench.conversation.unmark(1001, ANNA, "✅")
    assert cleared is not None
    assert taken_back is not None
    assert not cleared.asks_learning
    assert not taken_back.asks_learning
    chosen = await bench.conversation.set_marks(1001, ANNA, [])
    assert chosen is not None
    assert not chosen.asks_learning
    chosen = await bench.conversation.set_marks(1001, ANNA, ["✅"])
    assert chosen is not None
    assert chosen.asks_learning


async def test_a_terminal_asks_nothing_and_keeps_its_users_notes(bench: Bench) -> None:
    answer = await bench.conversation.hear(IncomingNote("anna", origin="try"), fetch)
    assert isinstance(answer, Answer)
    assert answer.note_id is not None
    marked = await bench.conversation.judge(answer.note_id, Judgement.RIGHT)
    assert marked is not None
    assert not marked.asks_learning
    assert [example.origin for example in await examples(bench)] == ["try"]


async def test_a_no_holds_on_a_terminal_too(bench: Bench) -> None:
    await bench.conversation.set_learning("anna", learning=False, origin="try")
    await bench.conversation.hear(IncomingNote("anna", origin="try"), fetch)

    assert bench.recognizer.asked == [(False, None)]
    privacy = await bench.conversation.privacy("anna", origin="try")
    assert (privacy.learning, privacy.n_examples) == (False, 0)


# What waits for the answer


async def test_a_yes_keeps_the_notes_that_wait_for_it(bench: Bench, tmp_path: Path) -> None:
    await hear(bench, 1, b"first")
    await hear(bench, 2, b"second")
    await mark(bench, 1001)
    await mark(bench, 1002)
    assert await examples(bench) == []
    assert await n_kept(bench) == 0
    assert await bench.conversation.set_learning(ANNA, learning=True) == messages.LEARNING_ON
    assert [example.vector for example in await examples(bench)] == [b"first", b"second"]


async def test_what_waits_is_not_on_the_disk(bench: Bench, tmp_path: Path) -> None:
    await hear(bench, 1, b"numbers of a voice" * 9)
    content = await asyncio.to_thread(lambda: b"".join(path.read_bytes() for path in tmp_path.iterdir()))
    assert b"numbers of a voice" not in content
    await bench.conversation.set_learning(ANNA, learning=True)
    assert await n_kept(bench) == 1


async def test_a_no_drops_what_waits_for_good(bench: Bench) -> None:
    await hear(bench, 1)
    assert await bench.conversation.set_learning(ANNA, learning=False) == messages.LEARNING_OFF
    await hear(bench, 2)
    await bench.conversation.set_learning(ANNA, learning=True)
    assert await n_kept(bench) == 0


async def test_without_an_answer_nothing_waits_for_long(bench: Bench) -> None:
    await hear(bench, 1)
    bench.clock.advance(seconds=HALF_AN_HOUR + 1)
    await bench.conversation.set_learning(ANNA, learning=True)
    assert await n_kept(bench) == 0


async def test_a_question_that_nobody_answers_ends_the_waiting(bench: Bench) -> None:
    await hear(bench, 1)
    await bench.conversation.learning_asked(ANNA)
    await hear(bench, 2)
    assert bench.recognizer.asked[-1] == (True, None)
    bench.clock.advance(seconds=HALF_AN_HOUR)
    await hear(bench, 3)
    assert bench.recognizer.asked[-1] == (False, None)
    await bench.conversation.set_learning(ANNA, learning=True)
    await hear(bench, 4)
    assert bench.recognizer.asked[-1][0]
    assert await n_kept(bench) == 1


async def test_at_most_256_notes_wait(bench: Bench) -> None:
    bench.settings = bench.settings.model_copy(update={"cooldown": 0.0})
    bench.conversation = bench.restarted()
    for message_id in range(1, 259):
        await bench.conversation.hear(incoming(message_id), fetch)
    await bench.conversation.set_learning(ANNA, learning=True)
    kept = [note["vector_kept"] for note in (await bench.store.export(ANNAS))["notes"]]
    assert kept == [False] * 2 + [True] * 256


async def test_forgetting_and_withdrawing_drop_what_waits(bench: Bench) -> None:
    await hear(bench, 1)
    await bench.conversation.withdraw(1)
    await hear(bench, 2, sender=BOB)
    await bench.conversation.forget(BOB)
    await hear(bench, 3)
    await bench.conversation.withdraw_channel(11)
    assert len(bench.conversation._memory._waiting) == 0


async def test_what_waited_is_lost_in_a_restart(bench: Bench) -> None:
    await hear(bench, 1)
    bench.conversation = bench.restarted()
    await bench.conversation.set_learning(ANNA, learning=True)
    assert await n_kept(bench) == 0


# Answers that come while a note is in work


@pytest.mark.parametrize(
    ("before", "meanwhile", "kept"),
    [(None, True, 1), (None, False, 0), (True, False, 0), (True, True, 1), (False, True, 0)],
)
async def test_an_answer_that_comes_while_a_note_is_in_work_counts(
    bench: Bench, before: bool | None, meanwhile: bool, kept: int
) -> None:
    if before is not None:
        await bench.conversation.set_learning(ANNA, learning=before)
    bench.recognizer.gate = asyncio.Event()
    hearing = asyncio.create_task(bench.conversation.hear(incoming(), fetch))
    await bench.recognizer.started.wait()
    await bench.conversation.set_learning(ANNA, learning=meanwhile)
    bench.recognizer.gate.set()
    assert isinstance(await hearing, Answer)
    assert await n_kept(bench) == kept
    assert len(bench.conversation._memory._waiting) == 0


@pytest.mark.parametrize("before", [None, True])
async def test_forgetting_while_a_note_is_in_work_keeps_nothing(bench: Bench, before: bool | None) -> None:
    if before is not None:
        await bench.conversation.set_learning(ANNA, learning=before)
    bench.recognizer.gate = asyncio.Event()
    hearing = asyncio.create_task(bench.conversation.hear(incoming(), fetch))
    await bench.recognizer.started.wait()
    await bench.conversation.forget(ANNA)
    bench.recognizer.gate.set()
    assert await hearing == Silence(Why.WITHDRAWN)
    assert len(bench.conversation._memory._waiting) == 0
    assert (await bench.store.export(ANNAS))["baseline"] is None


# With a yes, and without it again


async def test_with_a_yes_each_note_is_kept_with_its_prediction(bench: Bench) -> None:
    await bench.conversation.set_learning(ANNA, learning=True)
    answer = await bench.conversation.hear(incoming(), fetch)
    assert isinstance(answer, Answer)
    assert answer.prediction == SAD
    assert await n_kept(bench) == 1  # before the reply goes out: whatever crashes then
    await bench.conversation.answered(answer.note_id, REPLY)
    await mark(bench, REPLY)
    [example] = await examples(bench)
    assert (example.person, example.vector, example.vector_set) == (ANNAS, b"audio", "set-1")


async def test_a_withdrawn_yes_deletes_examples_and_baseline_and_a_new_one_begins_anew(bench: Bench) -> None:
    await bench.conversation.set_learning(ANNA, learning=True)
    await hear(bench, 1)
    await bench.conversation.set_learning(ANNA, learning=False)
    assert await n_kept(bench) == 0
    assert await bench.store.baseline(ANNAS) is None
    await hear(bench, 2)
    assert bench.recognizer.asked[-1] == (False, None)
    await bench.conversation.set_learning(ANNA, learning=True)
    await hear(bench, 3)
    assert bench.recognizer.asked[-1] == (True, None)
    assert await n_kept(bench) == 1


async def test_a_deleted_note_takes_its_example_along(bench: Bench) -> None:
    await bench.conversation.set_learning(ANNA, learning=True)
    await hear(bench, 1)
    await bench.conversation.withdraw(1001)
    assert await n_kept(bench) == 0


async def test_privacy_tells_whether_and_what_is_learned(bench: Bench) -> None:
    privacy = await bench.conversation.privacy(ANNA)
    assert (privacy.learning, privacy.n_examples) == (False, 0)
    assert "without your yes" in privacy.summary
    await bench.conversation.set_learning(ANNA, learning=True)
    await hear(bench, 1)
    privacy = await bench.conversation.privacy(ANNA)
    assert (privacy.learning, privacy.n_examples) == (True, 1)
    assert "as you allowed" in privacy.summary
    await bench.conversation.set_learning(ANNA, learning=False)
    privacy = await bench.conversation.privacy(ANNA)
    assert (privacy.learning, privacy.n_examples) == (False, 0)
    assert "as you asked, and keep no numbers" in privacy.summary


# Where the operator has switched it off


@pytest.mark.parametrize("learning", ["off"])
async def test_without_the_operators_choice_nothing_of_discord_is_kept_or_read(bench: Bench) -> None:
    await bench.store.set_learning(ANNAS, learning=True, at=bench.clock())
    await hear(bench, 1)
    assert not (await mark(bench, 1001)).asks_learning
    assert bench.recognizer.asked == [(False, None)]
    privacy = await bench.conversation.privacy(ANNA)
    assert (privacy.learning, privacy.n_examples) == (None, 0)
    await hear(bench, 2, sender=BOB)
    assert not (await mark(bench, 1002, sender=BOB)).asks_learning
    assert await bench.conversation.set_learning(BOB, learning=True) == messages.LEARNING_SWITCHED_OFF
    assert (await bench.store.stance(NAMES.of("discord", BOB))).answer is None


@pytest.mark.parametrize("learning", ["off"])
async def test_a_no_counts_even_where_learning_is_switched_off(bench: Bench) -> None:
    bench.settings = bench.settings.model_copy(update={"learning": "opt-in"})
    earlier = bench.restarted()
    await earlier.set_learning(ANNA, learning=True)
    answer = await earlier.hear(incoming(), fetch)
    assert isinstance(answer, Answer)
    assert "Still kept from before: numbers" in (await bench.conversation.privacy(ANNA)).summary
    assert await bench.conversation.set_learning(ANNA, learning=False) == messages.LEARNING_OFF
    assert await n_kept(bench) == 0


@pytest.mark.parametrize("learning", ["off"])
async def test_a_terminal_learns_whatever_the_operator_chose_for_discord(bench: Bench) -> None:
    await bench.conversation.hear(IncomingNote("anna", origin="try"), fetch)
    assert bench.recognizer.asked == [(True, None)]
    privacy = await bench.conversation.privacy("anna", origin="try")
    assert (privacy.learning, privacy.n_examples) == (True, 1)


# The personal baseline


async def test_a_persons_notes_are_heard_with_their_own_baseline(bench: Bench) -> None:
    for person in (ANNA, BOB):
        await bench.conversation.set_learning(person, learning=True)
    for message_id, (audio, sender) in enumerate([(b"1", ANNA), (b"x", BOB), (b"2", ANNA), (b"3", ANNA)]):
        await hear(bench, message_id, audio, sender=sender)
    assert bench.recognizer.asked == [(True, None), (True, None), (True, b"1;"), (True, b"1;2;")]
    baseline = await bench.store.baseline(ANNAS)
    assert baseline is not None
    assert (baseline.values, baseline.n_notes) == (b"1;2;3;", 3)


async def test_a_note_that_was_not_answered_and_is_asked_for_again_is_in_the_baseline_once(bench: Bench) -> None:
    await bench.conversation.set_learning(ANNA, learning=True)
    first = await bench.conversation.hear(incoming(1), saying(b"1"))  # type: ignore[arg-type]
    assert isinstance(first, Answer)
    await bench.conversation.unsent(first.note_id)
    again = await bench.conversation.hear(replace(incoming(1), asked=True), never_fetch)
    assert isinstance(again, Answer)
    assert (again.text, again.prediction) == (first.text, first.prediction)
    baseline = await bench.store.baseline(ANNAS)
    assert baseline is not None
    assert (baseline.values, baseline.n_notes) == (b"1;", 1)


@pytest.mark.parametrize("deleted", [1, 1001], ids=["note", "reply"])
async def test_a_note_that_is_asked_for_again_after_it_was_deleted_is_in_the_baseline_once(
    bench: Bench, deleted: int
) -> None:
    await bench.conversation.set_learning(ANNA, learning=True)
    await hear(bench, 1, b"1")
    await hear(bench, 2, b"2")
    await bench.conversation.withdraw(deleted)

    again = await bench.conversation.hear(replace(incoming(1), asked=True), saying(b"1"))  # type: ignore[arg-type]

    assert isinstance(again, Answer)
    assert await n_kept(bench) == 2
    baseline = await bench.store.baseline(ANNAS)
    assert baseline is not None
    assert (baseline.values, baseline.n_notes) == (b"1;2;", 2)


async def test_while_a_person_has_not_answered_no_baseline_is_used(bench: Bench) -> None:
    await hear(bench, 1, b"1")
    await hear(bench, 2, b"2")
    assert bench.recognizer.asked == [(True, None), (True, None)]
    await bench.conversation.set_learning(ANNA, learning=True)
    baseline = await bench.store.baseline(ANNAS)
    assert baseline is not None
    assert (baseline.values, baseline.n_notes) == (b"1;", 1)


async def test_of_two_notes_at_once_none_breaks_the_baseline(bench: Bench) -> None:
    await bench.conversation.set_learning(ANNA, learning=True)
    await hear(bench, 1, b"1")
    await bench.recognizer.arrived.get()
    bench.recognizer.gate = asyncio.Event()
    hearing = [
        asyncio.create_task(bench.conversation.hear(incoming(i), saying(b"%d" % i)))  # type: ignore[arg-type]
        for i in (2, 3)
    ]
    for _ in hearing:
        await bench.recognizer.arrived.get()
    bench.recognizer.gate.set()
    await asyncio.gather(*hearing)
    baseline = await bench.store.baseline(ANNAS)
    assert baseline is not None
    assert (baseline.values in {b"1;2;", b"1;3;"}, baseline.n_notes) == (True, 2)
    assert await n_kept(bench) == 3


async def test_a_baseline_of_another_model_is_not_used(bench: Bench) -> None:
    await bench.conversation.set_learning(ANNA, learning=True)
    await hear(bench, 1, b"1")
    bench.recognizer.vector_set = "set-2"
    bench.recognizer.asked.clear()
    await hear(bench, 2, b"2")  # the conversation learns of the new model by this note, and has it heard again
    assert bench.recognizer.asked == [(True, b"1;"), (True, None)]
    await hear(bench, 3, b"3")
    assert bench.recognizer.asked[2:] == [(True, b"2;")]
    baseline = await bench.store.baseline(ANNAS)
    assert baseline is not None
    assert (baseline.values, baseline.vector_set, baseline.n_notes) == (b"2;3;", "set-2", 2)


async def test_a_baseline_known_to_be_of_another_model_is_not_even_tried(bench: Bench) -> None:
    await bench.conversation.set_learning(ANNA, learning=True)
    await bench.conversation.set_learning(BOB, learning=True)
    await hear(bench, 1, b"1")
    bench.recognizer.vector_set = "set-2"
    await hear(bench, 2, b"x", sender=BOB)
    await hear(bench, 3, b"2")
    assert bench.recognizer.asked[-1] == (True, None)


async def test_a_baseline_outlives_a_rollback_in_which_its_person_said_nothing(bench: Bench) -> None:
    await bench.conversation.set_learning(ANNA, learning=True)
    await bench.conversation.set_learning(BOB, learning=True)
    await hear(bench, 1, b"1")
    bench.recognizer.vector_set = "set-2"
    await hear(bench, 2, b"x", sender=BOB)
    bench.recognizer.vector_set = "set-1"
    bench.recognizer.asked.clear()
    await hear(bench, 3, b"2")
    assert bench.recognizer.asked == [(True, None), (True, b"1;")]
    baseline = await bench.store.baseline(ANNAS)
    assert baseline is not None
    assert (baseline.values, baseline.n_notes) == (b"1;2;", 2)


async def test_a_model_without_baselines_keeps_the_examples_only(bench: Bench) -> None:
    bench.recognizer.has_baselines = False
    await bench.conversation.set_learning(ANNA, learning=True)
    await hear(bench, 1)
    await hear(bench, 2)
    assert bench.recognizer.asked == [(True, None)] * 2
    assert await n_kept(bench) == 2
    assert await bench.store.baseline(ANNAS) is None


async def test_a_baseline_that_does_not_open_is_no_trouble_for_the_person(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.conversation.set_learning(ANNA, learning=True)
    await hear(bench, 1, b"1")
    await bench.store._database.write("UPDATE baselines SET sealed = x'0102'")
    with caplog.at_level(logging.WARNING):
        assert (await hear(bench, 2, b"2")).prediction == SAD
    assert "does not open" in caplog.text
    baseline = await bench.store.baseline(ANNAS)
    assert baseline is not None
    assert baseline.values == b"2;"


async def test_a_note_finished_after_a_restart_is_learned_from(bench: Bench) -> None:
    await bench.conversation.set_learning(ANNA, learning=True)
    bench.recognizer.gate = asyncio.Event()
    hearing = asyncio.create_task(bench.conversation.hear(incoming(), fetch))
    await bench.recognizer.started.wait()
    hearing.cancel()
    await asyncio.wait([hearing])
    bench.recognizer.gate = None
    bench.conversation = bench.restarted()
    [pending] = await bench.conversation.unanswered()
    assert isinstance(await bench.conversation.finish(pending, fetch), Answer)
    assert await n_kept(bench) == 1
