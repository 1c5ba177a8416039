from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from bot import messages
from bot.config import Settings
from bot.conversation import Answer, IncomingNote, Marked, NoteGoneError, Outcome, Silence, Trouble, Why
from bot.cooldown import BURST
from bot.outbox import Outbox
from bot.recognition import RecognitionBusy, RecognitionFailed, RecognitionTimeout
from bot.records import guild_scope, person_scope
from bot.store import Store, StoreError
from bot.verdicts import Confirmation, Correction, Judgement, Rejection
from emotify_core.emotions import Emotion
from emotify_core.errors import (
    AudioTooLargeError,
    AudioTooLongError,
    AudioTooShortError,
    DecodingTimeoutError,
    NoSpeechError,
    UndecodableAudioError,
)
from tests.bot.bench import ANNA, BOB, NAMES, REPLY, Bench, fetch, incoming, never_fetch, note_of_message
from tests.bot.stand_ins import SAD

pytestmark = pytest.mark.usefixtures("no_blocking")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


@pytest.fixture
async def bench(settings: Settings, store: Store) -> Bench:
    return Bench(store, settings)


def break_database(path: Path) -> None:
    """Let every write fail, as a full disk does."""
    with closing(sqlite3.connect(path)) as connection:
        for table in ("notes", "people", "predictions"):
            for event in ("INSERT", "UPDATE"):
                connection.execute(
                    f"CREATE TRIGGER broken_{table}_{event} BEFORE {event} ON {table} "
                    "BEGIN SELECT raise(ABORT, 'broken'); END"
                )


# Listening


async def test_a_note_gets_a_reply_with_a_prediction(bench: Bench) -> None:
    answer = await bench.conversation.hear(incoming(), fetch)
    assert isinstance(answer, Answer)
    assert (answer.prediction, answer.offers_feedback, answer.trouble) == (SAD, True, None)
    assert answer.text
    assert bench.recognizer.heard == [b"audio"]


async def test_the_prediction_is_recorded_before_the_reply_goes_out(bench: Bench) -> None:
    answer = await bench.conversation.hear(incoming(), fetch)
    assert isinstance(answer, Answer)
    assert answer.note_id is not None
    assert (await bench.note()).status == "predicted"
    assert await bench.store.prediction(answer.note_id) == SAD
    assert await bench.conversation.answered(answer.note_id, REPLY)
    assert ((await bench.note()).status, (await bench.note()).reply_id) == ("answered", REPLY)


async def test_many_large_notes_at_once_do_not_use_up_the_memory(bench: Bench) -> None:
    fetched, arrived = [], asyncio.Event()

    async def fetch_slowly() -> bytes:
        fetched.append(bench.settings.max_note_bytes)
        await arrived.wait()
        return b"audio"

    crowd = [replace(incoming(i, sender=i), n_bytes=bench.settings.max_note_bytes) for i in range(1, 101)]
    hearing = [asyncio.create_task(bench.conversation.hear(note, fetch_slowly)) for note in crowd]
    while sum(task.done() for task in hearing) + len(fetched) < len(crowd):  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert sum(fetched) <= 2**28
    small = await bench.conversation.hear(incoming(101, BOB), fetch)
    arrived.set()
    troubles = [answer.trouble for answer in await asyncio.gather(*hearing) if isinstance(answer, Answer)]
    assert (troubles.count(None), troubles.count(Trouble.BUSY)) == (len(fetched), 100 - len(fetched))
    later = await bench.conversation.hear(replace(crowd[0], message_id=102), fetch)
    assert [answer.trouble for answer in (small, later) if isinstance(answer, Answer)] == [None, None]


async def test_a_note_that_is_alone_may_be_as_large_as_the_operator_lets_it(bench: Bench) -> None:
    bench.settings = bench.settings.model_copy(update={"max_note_bytes": 500 * 2**20})
    bench.conversation = bench.restarted()
    answer = await bench.conversation.hear(replace(incoming(), n_bytes=500 * 2**20), fetch)
    assert isinstance(answer, Answer)
    assert answer.trouble is None


async def test_the_same_event_twice_gets_one_answer(bench: Bench) -> None:
    outcomes = await asyncio.gather(*(bench.conversation.hear(incoming(), fetch) for _ in range(5)))
    assert sum(isinstance(outcome, Answer) for outcome in outcomes) == 1
    assert [outcome for outcome in outcomes if isinstance(outcome, Silence)] == [Silence(Why.SEEN)] * 4
    assert len(bench.recognizer.heard) == 1


async def test_the_same_event_again_after_a_restart_gets_no_answer(bench: Bench) -> None:
    await bench.replied()
    bench.conversation = bench.restarted()
    assert await bench.conversation.hear(incoming(), never_fetch) == Silence(Why.SEEN)


async def test_no_discord_id_of_a_user_reaches_the_store(bench: Bench, tmp_path: Path) -> None:
    await bench.replied()
    await bench.conversation.mark(REPLY, ANNA, "✅")
    await bench.store.close()
    content = await asyncio.to_thread(lambda: b"".join(path.read_bytes() for path in tmp_path.iterdir()))
    assert str(ANNA).encode() not in content
    assert ANNA.to_bytes(8, "big") not in content
    assert NAMES.of("discord", ANNA).encode() in content


async def test_replies_do_not_repeat_even_when_notes_come_at_once(bench: Bench) -> None:
    bench.settings = bench.settings.model_copy(update={"cooldown": 0.0})
    bench.conversation = bench.restarted()
    outcomes = await asyncio.gather(*(bench.conversation.hear(incoming(i), fetch) for i in range(1, 9)))
    assert len({outcome.text for outcome in outcomes}) == 8


async def test_a_reply_is_never_given_twice_in_a_row(bench: Bench) -> None:
    texts = [(await bench.replied(i, 5000 + i)).text for i in range(1, 40)]
    assert all(before != after for before, after in pairwise(texts))


async def test_the_notice_comes_with_the_first_reply_that_went_out_and_never_again(bench: Bench) -> None:
    first = await bench.conversation.hear(incoming(1), fetch)
    assert isinstance(first, Answer)
    assert first.notice == messages.NOTICE
    await bench.conversation.unsent(first.note_id)
    assert (await bench.replied(2, 2)).notice == messages.NOTICE
    assert (await bench.replied(3, 3)).notice is None
    assert (await bench.replied(4, 4, sender=BOB)).notice == messages.NOTICE


async def test_a_terminal_has_a_notice_of_its_own(bench: Bench) -> None:
    answer = await bench.conversation.hear(IncomingNote("anna", origin="try"), fetch)
    assert isinstance(answer, Answer)
    assert answer.notice == messages.NOTICE_TRY


@pytest.mark.parametrize("guild_id", [None, 12])
async def test_an_unknown_language_falls_back_to_the_default(bench: Bench, guild_id: int | None) -> None:
    await bench.store.set_setting(guild_scope(12), "language", "tlh", at=bench.clock())
    await bench.store.set_setting(person_scope(NAMES.of("discord", ANNA)), "language", "xx", at=bench.clock())
    answer = await bench.conversation.hear(replace(incoming(), guild_id=guild_id), fetch)
    assert isinstance(answer, Answer)
    assert answer.offers_feedback


async def test_the_persons_language_goes_before_the_servers(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("responses.languages", lambda: ("en", "de", "fr"))
    chosen: list[str] = []

    def compose(*_: object, language: str, **__: object) -> object:
        chosen.append(language)
        raise LookupError(language)

    monkeypatch.setattr("responses.compose", compose)
    person = person_scope(NAMES.of("discord", ANNA))
    for scope, language in [(None, None), (guild_scope(12), "de"), (person, "fr")]:
        if scope:
            await bench.store.set_setting(scope, "language", language, at=bench.clock())
        bench.clock.advance(seconds=10)
        await bench.conversation.hear(incoming(1001 + len(chosen)), fetch)
    assert chosen == ["en", "de", "fr"]


async def test_whoever_opted_out_is_not_listened_to_and_not_recorded(bench: Bench) -> None:
    await bench.conversation.set_listening(ANNA, listening=False)
    assert await bench.conversation.hear(incoming(), never_fetch) == Silence(Why.OPTED_OUT)
    assert await note_of_message(bench.store, 1001) is None
    await bench.conversation.set_listening(ANNA, listening=True)
    assert isinstance(await bench.conversation.hear(incoming(), fetch), Answer)


async def test_whoever_opts_out_while_a_note_is_heard_gets_no_answer_and_nothing_is_kept_of_it(bench: Bench) -> None:
    async def opt_out_and_fetch() -> bytes:
        await bench.conversation.set_listening(ANNA, listening=False)
        return b"audio"

    assert await bench.conversation.hear(incoming(), opt_out_and_fetch) == Silence(Why.OPTED_OUT)
    assert (await bench.note()).status == "refused"
    assert await bench.store.prediction(1) is None
    assert await bench.conversation.unanswered() == []


async def test_after_a_burst_one_polite_answer_then_silence(bench: Bench) -> None:
    burst = [await bench.conversation.hear(incoming(message_id), fetch) for message_id in range(1, BURST + 1)]
    assert all(isinstance(outcome, Answer) and outcome.offers_feedback for outcome in burst)
    outcomes = [await bench.conversation.hear(incoming(message_id), fetch) for message_id in (11, 12, 13)]
    assert isinstance(outcomes[0], Answer)
    assert outcomes[0].trouble is Trouble.COOLDOWN
    assert outcomes[1:] == [Silence(Why.COOLDOWN)] * 2
    assert len(bench.recognizer.heard) == BURST
    assert [(await bench.note(message_id)).status for message_id in (11, 12)] == ["refused", "refused"]
    bench.clock.advance(seconds=bench.settings.cooldown)
    assert isinstance(await bench.conversation.hear(incoming(19), fetch), Answer)


async def test_a_note_refused_in_the_cooldown_can_be_asked_for_later(bench: Bench) -> None:
    for message_id in range(1, BURST + 3):
        await bench.conversation.hear(incoming(message_id), fetch)
    bench.clock.advance(seconds=bench.settings.cooldown)
    answer = await bench.conversation.hear(replace(incoming(BURST + 2), asked=True), fetch)
    assert isinstance(answer, Answer)
    assert answer.offers_feedback
    assert await bench.conversation.hear(replace(incoming(1), asked=True), never_fetch) == Silence(Why.SEEN)


async def test_a_note_whose_guess_could_not_be_recorded_can_be_asked_for_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def save_prediction(*_: object, **__: object) -> bool:
        raise StoreError("the file is locked")

    with monkeypatch.context() as locked:
        locked.setattr(Store, "save_prediction", save_prediction)
        sorry = await bench.conversation.hear(incoming(), fetch)
    assert isinstance(sorry, Answer)
    assert sorry.trouble is Trouble.FAILED
    assert await bench.conversation.answered(sorry.note_id, REPLY)
    assert (await bench.note()).status == "failed"
    answer = await bench.conversation.hear(replace(incoming(), asked=True), fetch)
    assert isinstance(answer, Answer)
    assert answer.offers_feedback
    assert await bench.conversation.answered(answer.note_id, REPLY + 1)
    assert (await bench.note()).status == "answered"


async def test_an_apology_for_a_note_that_a_restart_interrupted_is_no_guess(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def save_prediction(*_: object, **__: object) -> bool:
        raise StoreError("the file is locked")

    await bench.conversation.hear(incoming(), fetch)
    bench.conversation = bench.restarted()
    [pending] = await bench.conversation.unanswered()
    monkeypatch.setattr(Store, "save_prediction", save_prediction)
    sorry = await bench.conversation.finish(pending, never_fetch)
    assert isinstance(sorry, Answer)
    assert sorry.trouble is Trouble.FAILED
    assert await bench.conversation.answered(sorry.note_id, REPLY)
    assert (await bench.note()).status == "failed"
    assert await bench.conversation.mark(REPLY, ANNA, "✅") is None


async def test_marks_under_an_apology_say_nothing_of_a_guess_that_was_never_said(bench: Bench) -> None:
    unsent = await bench.conversation.hear(incoming(), fetch)
    assert isinstance(unsent, Answer)
    await bench.conversation.unsent(unsent.note_id)
    for message_id in range(1, BURST):
        await bench.conversation.hear(incoming(message_id), fetch)
    sorry = await bench.conversation.hear(replace(incoming(), asked=True), fetch)
    assert isinstance(sorry, Answer)
    assert (sorry.note_id, sorry.trouble) == (unsent.note_id, Trouble.COOLDOWN)
    assert await bench.conversation.answered(sorry.note_id, REPLY)
    assert await bench.conversation.mark(REPLY, ANNA, "✅") is None
    assert await bench.conversation.set_marks(REPLY, ANNA, ["❌"]) is None
    assert await bench.store.marks(unsent.note_id or 0) == ()
    assert [note.id for note in await bench.conversation.unsaid_since(timedelta(days=1))] == [unsent.note_id]


# Troubles: one friendly sentence each


@pytest.mark.parametrize(
    ("declared", "trouble"),
    [({"duration": 1200.1}, Trouble.TOO_LONG), ({"n_bytes": 26214401}, Trouble.TOO_LARGE)],
)
async def test_declared_excess_is_refused_before_any_download(
    bench: Bench, declared: dict[str, float], trouble: Trouble
) -> None:
    note = replace(incoming(), **declared)  # type: ignore[arg-type]
    answer = await bench.conversation.hear(note, never_fetch)
    assert isinstance(answer, Answer)
    assert (answer.trouble, answer.offers_feedback, answer.notice) == (trouble, False, None)
    assert (await bench.note()).status == "refused"
    assert await bench.conversation.hear(note, never_fetch) == Silence(Why.SEEN)


async def test_a_note_at_the_limits_is_heard(bench: Bench) -> None:
    answer = await bench.conversation.hear(replace(incoming(), duration=1200.0, n_bytes=26214400), fetch)
    assert isinstance(answer, Answer)
    assert answer.offers_feedback


async def test_more_bytes_than_declared_are_refused_too(bench: Bench) -> None:
    async def fetch_much() -> bytes:
        return bytes(26214401)

    answer = await bench.conversation.hear(incoming(), fetch_much)
    assert isinstance(answer, Answer)
    assert answer.trouble is Trouble.TOO_LARGE
    assert bench.recognizer.heard == []


RECOGNITION_TROUBLES = [
    (UndecodableAudioError("it is empty"), Trouble.UNDECODABLE, "refused"),
    (AudioTooLongError(5000, 1200), Trouble.TOO_LONG, "refused"),
    (AudioTooLargeError(5000, 1200), Trouble.TOO_LARGE, "refused"),
    (AudioTooShortError(0.05, 0.3), Trouble.TOO_SHORT, "refused"),
    (NoSpeechError(), Trouble.NO_SPEECH, "refused"),
    (DecodingTimeoutError(20), Trouble.TOO_SLOW, "refused"),
    (RecognitionTimeout(), Trouble.TOO_SLOW, "refused"),
    (RecognitionBusy(), Trouble.BUSY, "failed"),
    (RecognitionFailed(), Trouble.FAILED, "failed"),
    (RuntimeError("nobody foresaw this"), Trouble.FAILED, "failed"),
]


@pytest.mark.parametrize(("error", "trouble", "status"), RECOGNITION_TROUBLES)
async def test_every_trouble_gets_one_sentence_and_a_row(
    bench: Bench, error: Exception, trouble: Trouble, status: str
) -> None:
    bench.recognizer.result = error
    answer = await bench.conversation.hear(incoming(), fetch)
    assert isinstance(answer, Answer)
    assert (answer.trouble, answer.prediction, answer.notice) == (trouble, None, None)
    assert str(error) not in answer.text or not str(error)
    assert (await bench.note()).status == status
    assert await bench.conversation.answered(answer.note_id, REPLY)
    assert await bench.conversation.mark(REPLY, ANNA, "✅") is None
    assert await bench.conversation.hear(incoming(), never_fetch) == Silence(Why.SEEN)


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (OSError("the CDN is dead: https://cdn.example/voice.ogg?hm=c0ffee"), Trouble.UNREACHABLE),
        (TimeoutError(), Trouble.UNREACHABLE),
        (AudioTooLargeError(10**9, 100), Trouble.TOO_LARGE),
    ],
)
async def test_a_failed_download_gets_one_sentence(
    bench: Bench, error: Exception, trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> bytes:
        raise error

    answer = await bench.conversation.hear(incoming(), fail)
    assert isinstance(answer, Answer)
    assert answer.trouble is trouble
    assert "c0ffee" not in caplog.text


async def test_a_note_that_is_gone_at_the_download_gets_no_answer(bench: Bench) -> None:
    async def gone() -> bytes:
        raise NoteGoneError

    assert await bench.conversation.hear(incoming(), gone) == Silence(Why.WITHDRAWN)
    assert (await bench.note()).status == "withdrawn"
    assert await bench.conversation.unanswered() == []


async def test_without_a_store_the_bot_apologises_once_for_each_message(bench: Bench) -> None:
    break_database(bench.path)
    outcomes = [await bench.conversation.hear(incoming(message_id), never_fetch) for message_id in (1, 1, 2)]
    assert [isinstance(outcome, Answer) for outcome in outcomes] == [True, False, True]
    assert isinstance(outcomes[0], Answer)
    assert (outcomes[0].note_id, outcomes[0].trouble) == (None, Trouble.FAILED)
    assert await bench.conversation.answered(None, REPLY)
    await bench.conversation.unsent(None)
    assert outcomes[1] == Silence(Why.SEEN)


async def test_a_store_that_cannot_keep_up_turns_notes_away_unrecorded(bench: Bench) -> None:
    n_places = bench.settings.workers + bench.settings.queue_size + 32
    people = [incoming(message_id, sender=message_id) for message_id in range(1, n_places + 11)]
    async with bench.store._database.transaction():
        hearing = [asyncio.create_task(bench.conversation.hear(note, fetch)) for note in people]
        await asyncio.wait(hearing, timeout=0.0)
    outcomes = await asyncio.gather(*hearing)
    busy = [each for each in outcomes if isinstance(each, Answer) and each.trouble is Trouble.BUSY]
    assert [each.note_id for each in busy] == [None] * 10
    assert sum(isinstance(each, Answer) and each.prediction == SAD for each in outcomes) == n_places
    assert len(await bench.conversation.unanswered()) == 0
    assert len(await bench.restarted().unanswered()) == n_places


async def test_a_store_that_fails_in_the_middle_is_one_apology(bench: Bench) -> None:
    async def fetch_and_break() -> bytes:
        await asyncio.to_thread(break_database, bench.path)
        return b"audio"

    answer = await bench.conversation.hear(incoming(), fetch_and_break)
    assert isinstance(answer, Answer)
    assert (answer.trouble, answer.prediction) == (Trouble.FAILED, None)
    with pytest.raises(StoreError):
        await bench.conversation.answered(answer.note_id, REPLY)


async def test_recording_troubles_reach_the_front_end_and_block_no_later_mark(bench: Bench) -> None:
    answer = await bench.conversation.hear(incoming(), fetch)
    assert isinstance(answer, Answer)
    await asyncio.to_thread(break_database, bench.path)
    with pytest.raises(StoreError, match="broken"):
        await bench.conversation.unsent(answer.note_id)
    assert await bench.conversation.mark(REPLY, ANNA, "✅") is None


async def test_every_silence_has_a_sentence_for_those_who_must_answer() -> None:
    assert all(Silence(why).text.endswith(".") for why in Why)


# Restarts


async def test_a_note_in_work_is_not_unanswered_but_is_after_a_restart(bench: Bench) -> None:
    bench.recognizer.gate = asyncio.Event()
    hearing = asyncio.create_task(bench.conversation.hear(incoming(), fetch))
    await bench.recognizer.started.wait()
    assert await bench.conversation.unanswered() == []
    note = await bench.note()
    assert await bench.conversation.finish(note, never_fetch) == Silence(Why.SEEN)
    hearing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hearing
    assert await bench.restarted().unanswered() == [note]


async def test_a_received_note_is_finished_after_a_restart(bench: Bench) -> None:
    bench.recognizer.gate = asyncio.Event()
    hearing = asyncio.create_task(bench.conversation.hear(incoming(), fetch))
    await bench.recognizer.started.wait()
    hearing.cancel()
    await asyncio.wait([hearing])
    bench.recognizer.gate = None
    bench.conversation = bench.restarted()
    [pending] = await bench.conversation.unanswered()
    answer = await bench.conversation.finish(pending, fetch)
    assert isinstance(answer, Answer)
    assert answer.prediction == SAD
    assert await bench.conversation.answered(answer.note_id, REPLY)
    assert await bench.conversation.unanswered() == []
    assert isinstance(await bench.conversation.mark(REPLY, ANNA, "✅"), Marked)


async def test_a_predicted_note_is_answered_after_a_restart_without_listening_again(bench: Bench) -> None:
    first = await bench.conversation.hear(incoming(), fetch)
    bench.conversation = bench.restarted()
    [pending] = await bench.conversation.unanswered()
    again = await bench.conversation.finish(pending, never_fetch)
    assert again == first


async def test_a_reply_found_in_the_channel_after_a_restart_is_recorded(bench: Bench) -> None:
    await bench.conversation.hear(incoming(), fetch)
    bench.conversation = bench.restarted()
    [pending] = await bench.conversation.unanswered()
    assert await bench.conversation.answered(pending.id, REPLY)
    assert await bench.conversation.unanswered() == []
    marked = await bench.conversation.mark(REPLY, ANNA, "✅")
    assert marked == Marked(pending.id, Confirmation(Emotion.SAD), offers_emotions=False)


async def test_an_old_note_is_given_up(bench: Bench) -> None:
    await bench.conversation.hear(incoming(), fetch)
    bench.clock.advance(seconds=15 * 60 + 1)
    assert await bench.restarted().unanswered() == []
    assert (await bench.note()).status == "failed"


async def test_a_note_in_work_is_not_given_up_though_the_clock_was_set(bench: Bench) -> None:
    bench.recognizer.gate = asyncio.Event()
    hearing = asyncio.create_task(bench.conversation.hear(incoming(), fetch))
    await bench.recognizer.started.wait()
    bench.clock.advance(seconds=3600)
    assert await bench.conversation.unanswered() == []
    bench.recognizer.gate.set()
    assert isinstance(await hearing, Answer)


async def test_whoever_opted_out_meanwhile_is_not_answered_after_a_restart(bench: Bench) -> None:
    await bench.conversation.hear(incoming(), fetch)
    await bench.conversation.set_listening(ANNA, listening=False)
    bench.conversation = bench.restarted()
    [pending] = await bench.conversation.unanswered()
    assert await bench.conversation.finish(pending, never_fetch) == Silence(Why.OPTED_OUT)
    assert await bench.conversation.unanswered() == []


# Feedback


async def test_reactions_follow_the_rules(bench: Bench) -> None:
    note_id = (await bench.replied()).note_id
    assert note_id is not None
    talk = bench.conversation
    assert await talk.mark(REPLY, ANNA, "✅") == Marked(note_id, Confirmation(Emotion.SAD), offers_emotions=False)
    assert await talk.mark(REPLY, ANNA, "❌") == Marked(note_id, Rejection(), offers_emotions=True)
    assert await talk.mark(REPLY, ANNA, "😠") == Marked(note_id, Correction(Emotion.ANGRY), offers_emotions=False)
    assert await talk.mark(REPLY, ANNA, "😢") == Marked(note_id, Confirmation(Emotion.SAD), offers_emotions=False)
    assert await talk.unmark(REPLY, ANNA, "😢") == Marked(note_id, Correction(Emotion.ANGRY), offers_emotions=False)
    assert await talk.unmark(REPLY, ANNA, "😠") == Marked(note_id, Rejection(), offers_emotions=False)


async def test_nobody_else_and_nothing_else_counts(bench: Bench) -> None:
    note_id = (await bench.replied()).note_id
    talk = bench.conversation
    assert await talk.mark(REPLY, BOB, "✅") is None
    assert await talk.mark(REPLY, ANNA, "🍕") is None
    assert await talk.mark(REPLY + 1, ANNA, "✅") is None
    assert await talk.clear_marks(REPLY + 1) is None
    assert await talk.set_marks(REPLY, BOB, ["✅"]) is None
    await talk.mark(REPLY, ANNA, "✅")
    assert await talk.unmark(REPLY, BOB, "✅") is None
    assert await talk.unmark(REPLY, ANNA, "🍕") is None
    assert note_id is not None
    assert await bench.store.verdict(note_id) == Confirmation(Emotion.SAD)


async def test_a_mark_survives_a_restart_and_can_be_taken_back_after(bench: Bench) -> None:
    await bench.replied()
    await bench.conversation.mark(REPLY, ANNA, "❌")
    marked = await bench.restarted().unmark(REPLY, ANNA, "❌")
    assert marked is not None
    assert marked.verdict is None


async def test_a_moderator_clears_one_emoji_or_all(bench: Bench) -> None:
    note_id = (await bench.replied()).note_id
    talk = bench.conversation
    for emoji in ("✅", "😠", "😄"):
        await talk.mark(REPLY, ANNA, emoji)
    marked = await talk.clear_marks(REPLY, "😄")
    assert marked == Marked(note_id, Correction(Emotion.ANGRY), offers_emotions=False)  # type: ignore[arg-type]
    marked = await talk.clear_marks(REPLY, "🍕")
    assert marked is not None
    assert marked.verdict == Correction(Emotion.ANGRY)
    marked = await talk.clear_marks(REPLY)
    assert marked is not None
    assert marked.verdict is None


async def test_what_stands_after_the_bot_was_away_is_taken_over(bench: Bench) -> None:
    note_id = (await bench.replied()).note_id
    await bench.conversation.mark(REPLY, ANNA, "✅")
    marked = await bench.conversation.set_marks(REPLY, ANNA, ["😠", "🍕", "❌"])
    assert marked == Marked(note_id, Correction(Emotion.ANGRY), offers_emotions=False)  # type: ignore[arg-type]
    marked = await bench.conversation.set_marks(REPLY, ANNA, ["❌"])
    assert marked == Marked(note_id, Rejection(), offers_emotions=True)  # type: ignore[arg-type]
    marked = await bench.conversation.set_marks(REPLY, ANNA, [])
    assert marked is not None
    assert marked.verdict is None


async def test_a_rejection_that_was_not_the_last_word_brings_no_emotions(bench: Bench) -> None:
    note_id = (await bench.replied()).note_id
    await bench.conversation.mark(REPLY, ANNA, "❌")
    marked = await bench.conversation.set_marks(REPLY, ANNA, ["✅", "❌"])  # which of them is new, the store knows
    assert marked == Marked(note_id, Confirmation(Emotion.SAD), offers_emotions=False)  # type: ignore[arg-type]


async def test_replies_sent_lately_are_listed(bench: Bench) -> None:
    await bench.replied()
    assert [note.reply_id for note in await bench.conversation.replies_since(timedelta(hours=1))] == [REPLY]
    bench.clock.advance(seconds=3601)
    assert await bench.conversation.replies_since(timedelta(hours=1)) == []


async def test_a_reaction_that_overtakes_the_confirmation_of_the_reply_is_not_lost(bench: Bench) -> None:
    answer = await bench.conversation.hear(incoming(), fetch)
    assert isinstance(answer, Answer)
    marking = asyncio.create_task(bench.conversation.mark(REPLY, ANNA, "❌"))
    unmarking = asyncio.create_task(bench.conversation.unmark(REPLY, ANNA, "❌"))
    marking_again = asyncio.create_task(bench.conversation.mark(REPLY, ANNA, "✅"))
    assert await bench.conversation.mark(REPLY, BOB, "❌") is None  # this one has nothing to wait for
    await bench.conversation.answered(answer.note_id, REPLY)
    assert [(await task) is not None for task in (marking, unmarking, marking_again)] == [True] * 3
    assert answer.note_id is not None
    assert await bench.store.verdict(answer.note_id) == Confirmation(Emotion.SAD)


async def test_a_terminal_judges_by_the_number_of_the_note(bench: Bench) -> None:
    answer = await bench.conversation.hear(IncomingNote("anna", origin="try"), fetch)
    assert isinstance(answer, Answer)
    assert answer.note_id is not None
    assert await bench.conversation.answered(answer.note_id)
    marked = await bench.conversation.judge(answer.note_id, Judgement.WRONG)
    assert marked == Marked(answer.note_id, Rejection(), offers_emotions=True)
    assert await bench.conversation.judge(999, Judgement.RIGHT) is None


# Withdrawing and privacy


@pytest.mark.parametrize("error", [None, NoSpeechError()])
async def test_a_note_deleted_while_in_work_gets_no_answer(bench: Bench, error: Exception | None) -> None:
    bench.recognizer.gate = asyncio.Event()
    bench.recognizer.result = error or SAD
    hearing = asyncio.create_task(bench.conversation.hear(incoming(), fetch))
    await bench.recognizer.started.wait()
    assert await bench.conversation.withdraw(1001) is not None
    bench.recognizer.gate.set()
    assert await hearing == Silence(Why.WITHDRAWN)
    assert await bench.store.prediction((await bench.note()).id) is None


async def test_a_note_deleted_while_the_reply_goes_out_takes_the_reply_back(bench: Bench) -> None:
    answer = await bench.conversation.hear(incoming(), fetch)
    assert isinstance(answer, Answer)
    await bench.conversation.withdraw(1001)
    assert not await bench.conversation.answered(answer.note_id, REPLY)


async def test_a_reply_that_is_deleted_before_it_is_recorded_as_sent_takes_the_prediction_along(bench: Bench) -> None:
    answer = await bench.conversation.hear(incoming(), fetch)
    assert isinstance(answer, Answer)
    withdrawing = asyncio.create_task(bench.conversation.withdraw(REPLY))
    await asyncio.wait([withdrawing], timeout=0.1)
    assert await bench.conversation.answered(answer.note_id, REPLY)
    assert (await withdrawing) == await bench.note()
    assert (await bench.note()).status == "withdrawn"
    assert await bench.store.prediction((await bench.note()).id) is None


async def test_a_reply_to_another_person_that_is_stuck_keeps_nothing_that_was_deleted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await bench.conversation.hear(incoming(), fetch)
    await bench.conversation.hear(incoming(1002, sender=BOB), fetch)  # its reply is not sent
    assert isinstance(answer, Answer)
    note_id, settled = answer.note_id, Outbox.settled

    async def sent_meanwhile(outbox: Outbox) -> bool:
        waiting = asyncio.create_task(settled(outbox, patience=0.1))
        assert await bench.conversation.answered(note_id, REPLY)
        return await waiting

    monkeypatch.setattr(Outbox, "settled", sent_meanwhile)

    assert await bench.conversation.withdraw(REPLY) == await bench.note()

    assert (await bench.note()).status == "withdrawn"


async def test_a_deleted_reply_takes_the_feedback_along(bench: Bench) -> None:
    await bench.replied()
    await bench.conversation.mark(REPLY, ANNA, "✅")
    assert await bench.conversation.withdraw(REPLY) is not None
    assert await bench.conversation.mark(REPLY, ANNA, "✅") is None
    assert await bench.conversation.clear_marks(REPLY) is None
    export = (await bench.conversation.privacy(ANNA)).export
    assert (export["notes"][0]["prediction"], export["notes"][0]["feedback"]) == (None, [])


async def test_privacy_tells_what_is_kept(bench: Bench) -> None:
    await bench.replied()
    await bench.conversation.mark(REPLY, ANNA, "✅")
    privacy = await bench.conversation.privacy(ANNA)
    assert privacy.listening
    assert "1 voice note " in privacy.summary
    assert len(privacy.export["notes"]) == 1
    assert await bench.conversation.set_listening(ANNA, listening=False) == messages.LISTENING_OFF
    privacy = await bench.conversation.privacy(ANNA)
    assert not privacy.listening
    assert "do not listen" in privacy.summary


async def test_forgetting_deletes_everything_and_says_what_else_went(bench: Bench) -> None:
    await bench.replied()
    for message_id in range(1, BURST + 1):
        await bench.conversation.hear(incoming(message_id), fetch)
    await bench.conversation.set_listening(ANNA, listening=False)
    sentence = await bench.conversation.forget(ANNA)
    assert await bench.store.replies_left() == ((11, REPLY),)
    assert "wish that I don't listen" in sentence
    assert (await bench.conversation.privacy(ANNA)).export["notes"] == []
    answer = await bench.conversation.hear(incoming(7), fetch)  # no cooldown is remembered either
    assert isinstance(answer, Answer)
    assert answer.notice == messages.NOTICE


async def test_a_person_forgotten_while_a_note_is_in_work_gets_no_answer(bench: Bench) -> None:
    bench.recognizer.gate = asyncio.Event()
    hearing: asyncio.Task[Outcome] = asyncio.create_task(bench.conversation.hear(incoming(), fetch))
    await bench.recognizer.started.wait()
    await bench.conversation.forget(ANNA)
    bench.recognizer.gate.set()
    assert await hearing == Silence(Why.WITHDRAWN)
    assert (await bench.conversation.privacy(ANNA)).export["first_seen"] is None


@pytest.mark.parametrize("error", [error for error, _, _ in RECOGNITION_TROUBLES])
async def test_a_failing_note_frees_its_place(bench: Bench, error: Exception) -> None:
    bench.recognizer.result = error
    answer = await bench.conversation.hear(incoming(), fetch)
    assert isinstance(answer, Answer)
    await bench.conversation.unsent(answer.note_id)
    bench.recognizer.result = SAD
    bench.clock.advance(seconds=60)
    again = await bench.conversation.hear(replace(incoming(), asked=True), fetch)
    assert isinstance(again, Answer)
    assert again.offers_feedback
