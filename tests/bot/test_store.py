from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.database import Parameters, Row, Transaction
from bot.records import Origin, time_text
from bot.store import Store, StoreError, guild_scope, person_scope
from bot.verdicts import Confirmation, Correction, Judgement, Rejection
from emotify_core.emotions import Emotion
from emotify_core.prediction import Prediction
from tests.bot.bench import note_of_message
from tests.bot.stand_ins import NOON, SAD

ANNA, BOB = "a" * 64, "b" * 64
LATER = NOON + timedelta(minutes=1)
REPLY = 2001


async def claim(store: Store, person: str = ANNA, message_id: int | None = 1001, *, again: bool = False) -> int | None:
    return await store.claim_note(
        person, origin="discord", received_at=NOON, message_id=message_id, channel_id=11, guild_id=12, again=again
    )


async def answered_note(store: Store, person: str = ANNA, message_id: int = 1001, reply_id: int = REPLY) -> int:
    note_id = await claim(store, person, message_id)
    assert note_id is not None
    assert await store.save_prediction(note_id, SAD, template="en/sad/high/1", notice=True, at=NOON)
    assert await store.answered(note_id, reply_id=reply_id, at=LATER)
    return note_id


def files_with(text: str, folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if text.encode() in path.read_bytes()]


async def test_a_message_is_claimed_once(store: Store) -> None:
    assert await claim(store) is not None
    assert await claim(store) is None


async def test_of_many_claims_at_once_one_wins(store: Store, tmp_path: Path) -> None:
    other = await Store.open(tmp_path / "emotify.db")
    claims = await asyncio.gather(*(claim(store if i % 2 else other) for i in range(20)))
    assert sum(note_id is not None for note_id in claims) == 1
    await other.close()


async def test_notes_without_a_message_are_all_different(store: Store) -> None:
    assert None not in {await claim(store, message_id=None), await claim(store, message_id=None)}


async def test_a_claimed_note_is_as_it_came(store: Store) -> None:
    note_id = await claim(store)
    assert note_id is not None
    note = await store.note(note_id)
    assert note is not None
    assert (note.person, note.origin, note.guild_id, note.channel_id, note.message_id) == (
        ANNA,
        "discord",
        12,
        11,
        1001,
    )
    assert (note.reply_id, note.received_at, note.status, note.notice) == (None, NOON, "received", False)


async def test_what_does_not_exist_is_none(store: Store) -> None:
    assert await store.note(1) is None
    assert await store.note_of_reply(1) is None
    assert await store.prediction(1) is None
    assert await store.verdict(1) is None
    assert await store.setting("guild:1", "language") is None
    assert await store.consent(ANNA, "listening") is None
    assert not await store.notice_shown(ANNA)


@pytest.mark.parametrize("status", ["refused", "failed"])
async def test_a_note_that_got_no_guess_is_taken_up_again_when_asked_expressly(store: Store, status: str) -> None:
    note_id = await claim(store)
    assert note_id is not None
    await store.refuse(note_id, status=status, reason="busy")  # type: ignore[arg-type]
    assert await claim(store) is None
    assert await claim(store, again=True) == note_id
    note = await store.note(note_id)
    assert note is not None
    assert note.status == "received"


async def test_a_withdrawn_note_is_taken_up_again_when_asked_expressly(store: Store) -> None:
    note_id = await answered_note(store)
    await store.withdraw(REPLY)
    assert await claim(store, again=True) == note_id
    assert await store.note_of_reply(REPLY) is None


async def test_an_answered_note_is_not_taken_up_again(store: Store) -> None:
    await answered_note(store)
    assert await claim(store, again=True) is None


async def test_nobody_takes_up_the_note_of_somebody_else(store: Store) -> None:
    note_id = await claim(store)
    assert note_id is not None
    await store.refuse(note_id, status="failed", reason="busy")
    assert await claim(store, BOB, again=True) is None


async def test_an_answer_is_found_by_its_reply(store: Store) -> None:
    note_id = await answered_note(store)
    note = await store.note_of_reply(REPLY)
    assert note is not None
    assert (note.id, note.status, note.reply_id) == (note_id, "answered", REPLY)
    assert await store.notice_shown(ANNA)


async def test_a_refusal_stays_one_after_it_was_said(store: Store) -> None:
    note_id = await claim(store)
    assert note_id is not None
    assert await store.refuse(note_id, status="refused", reason="too_long")
    assert await store.answered(note_id, reply_id=REPLY, at=NOON)
    note = await store.note(note_id)
    assert note is not None
    assert note.status == "refused"
    assert not await store.notice_shown(ANNA)


async def test_unanswered_notes_are_those_in_work_oldest_first(store: Store) -> None:
    first, second = await claim(store, message_id=1), await claim(store, BOB, message_id=2)
    await answered_note(store, message_id=3)
    assert first is not None
    await store.save_prediction(first, SAD, template="t", notice=False, at=NOON)
    refused = await claim(store, message_id=4)
    assert refused is not None
    await store.refuse(refused, status="refused", reason="cooldown")
    await store.claim_note(ANNA, origin="try", received_at=NOON)
    assert [note.id for note in await store.unanswered("discord")] == [first, second]


async def test_notes_that_waited_too_long_are_given_up(store: Store) -> None:
    note_id = await claim(store)
    assert await store.give_up(received_before=NOON) == 0
    assert await store.give_up(received_before=NOON + timedelta(microseconds=1)) == 1
    assert await store.unanswered("discord") == []
    assert note_id is not None
    note = await store.note(note_id)
    assert note is not None
    assert note.status == "failed"


async def test_guesses_sent_lately_are_listed(store: Store) -> None:
    note_id = await answered_note(store)
    assert [note.id for note in await store.answered_since(LATER)] == [note_id]
    assert await store.answered_since(LATER + timedelta(seconds=1)) == []


async def test_only_notes_of_discord_are_looked_for_there(store: Store) -> None:
    origins: tuple[Origin, ...] = ("discord", "try")
    unsaid = []
    for origin in origins:
        note_id = await store.claim_note(ANNA, origin=origin, received_at=NOON)
        assert note_id is not None
        assert await store.save_prediction(note_id, SAD, template="en/sad/high/1", notice=True, at=NOON)
        unsaid.append(note_id)
    assert [note.id for note in await store.unanswered("discord")] == unsaid[:1]
    for note_id in unsaid:
        assert await store.refuse(note_id, status="failed", reason="unsent")
    assert [note.id for note in await store.unsaid_since(NOON)] == unsaid[:1]


async def test_while_a_long_channel_is_withdrawn_a_note_that_comes_in_has_its_turn(store: Store) -> None:
    notes = [await claim(store, message_id=message_id) for message_id in range(1001, 1121)]
    leaving = asyncio.create_task(store.withdraw_channel(11))
    await asyncio.sleep(0)  # now it has the store
    assert await store.claim_note(BOB, origin="discord", received_at=NOON, message_id=1, channel_id=22) is not None
    assert not leaving.done()
    assert await leaving == notes
    assert [note.message_id for note in await store.unanswered("discord")] == [1]


async def test_looking_for_the_notes_of_a_channel_or_the_latest_ones_does_not_read_all_notes(
    store: Store, tmp_path: Path
) -> None:
    await answered_note(store)
    statements: list[str] = []
    await store._database._connection.set_trace_callback(statements.append)
    await store.answered_since(NOON)
    await store.unsaid_since(NOON)
    await store.withdraw_channel(11)
    looks = [sql for sql in statements if sql.startswith("SELECT") and "FROM notes WHERE" in sql]
    with closing(sqlite3.connect(tmp_path / "emotify.db")) as connection:
        steps = [step for sql in looks for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert len(looks) >= 3
    assert [step for step in steps if step.startswith("SCAN notes")] == []


@pytest.mark.parametrize("message_id", [1001, REPLY])
async def test_deleting_the_note_or_the_reply_takes_what_describes_the_voice_along(
    store: Store, message_id: int
) -> None:
    note_id = await answered_note(store)
    await store.add_mark(note_id, Judgement.RIGHT, at=NOON)
    withdrawn = await store.withdraw(message_id)
    assert withdrawn is not None
    assert (withdrawn.status, withdrawn.reply_id, withdrawn.channel_id) == ("withdrawn", REPLY, 11)
    assert await store.prediction(note_id) is None
    assert await store.marks(note_id) == ()
    assert await store.templates_used(ANNA, besides=0) == ()
    assert await store.withdraw(message_id) is None
    assert await claim(store) is None  # the event may come once more


async def test_withdrawing_an_unknown_message_changes_nothing(store: Store) -> None:
    note_id = await answered_note(store)
    assert await store.withdraw(5) is None
    assert await store.prediction(note_id) == SAD


async def test_late_news_about_a_withdrawn_note_is_refused(store: Store) -> None:
    note_id = await claim(store)
    assert note_id is not None
    await store.withdraw(1001)
    assert not await store.save_prediction(note_id, SAD, template="t", notice=True, at=NOON)
    assert not await store.refuse(note_id, status="failed", reason="busy")
    assert not await store.answered(note_id, reply_id=REPLY, at=NOON)
    await store.add_mark(note_id, Judgement.RIGHT, at=NOON)
    assert await store.prediction(note_id) is None
    assert await store.marks(note_id) == ()


async def test_late_news_about_a_forgotten_note_never_lands_on_another(store: Store) -> None:
    note_id = await claim(store)
    assert note_id is not None
    await store.forget(ANNA)
    assert await claim(store, BOB, message_id=7) != note_id
    assert not await store.save_prediction(note_id, SAD, template="t", notice=True, at=NOON)
    assert not await store.answered(note_id, reply_id=REPLY, at=NOON)


async def test_templates_used_are_those_of_the_persons_other_notes_oldest_first(store: Store) -> None:
    for message_id, template in enumerate(["t/1", "t/2", "t/1"], start=1):
        note_id = await claim(store, message_id=message_id)
        assert note_id is not None
        await store.save_prediction(note_id, SAD, template=template, notice=False, at=NOON)
    await answered_note(store, BOB, 50, 51)
    assert await store.templates_used(ANNA, besides=0) == ("t/1", "t/2", "t/1")
    assert await store.templates_used(ANNA, besides=3) == ("t/1", "t/2")
    assert await store.templates_used(ANNA, besides=0, limit=2) == ("t/2", "t/1")


async def test_verdicts_follow_the_latest_standing_mark(store: Store) -> None:
    note_id = await answered_note(store)
    await store.add_mark(note_id, Judgement.WRONG, at=LATER)
    await store.add_mark(note_id, Emotion.ANGRY, at=NOON)  # the clock went back: the order of arrival counts
    assert await store.verdict(note_id) == Correction(Emotion.ANGRY)
    await store.remove_mark(note_id, Emotion.ANGRY)
    assert await store.verdict(note_id) == Rejection()
    await store.add_mark(note_id, Judgement.RIGHT, at=NOON)
    await store.add_mark(note_id, Judgement.RIGHT, at=LATER)  # delivered twice
    assert await store.verdict(note_id) == Confirmation(Emotion.SAD)
    await store.add_mark(note_id, Judgement.WRONG, at=LATER)  # made anew, and nobody saw that it was taken back
    assert await store.verdict(note_id) == Rejection()
    assert await store.marks(note_id) == (Judgement.RIGHT, Judgement.WRONG)
    await store.remove_mark(note_id, Judgement.RIGHT)
    await store.remove_mark(note_id, Judgement.WRONG)
    await store.remove_mark(note_id, Judgement.WRONG)
    assert await store.verdict(note_id) is None


async def test_setting_marks_keeps_the_order_of_those_that_stood(store: Store) -> None:
    note_id = await answered_note(store)
    await store.set_marks(note_id, [Judgement.WRONG, Emotion.CALM], at=NOON)
    await store.set_marks(note_id, [Emotion.ANGRY, Emotion.CALM], at=NOON)
    assert await store.marks(note_id) == (Emotion.CALM, Emotion.ANGRY)


async def test_consents_and_settings_are_kept_and_changed(store: Store) -> None:
    await store.set_consent(ANNA, "listening", answer=False, at=NOON)
    assert await store.consent(ANNA, "listening") is False
    await store.set_consent(ANNA, "listening", answer=True, at=LATER)
    assert await store.consent(ANNA, "listening") is True
    assert await store.consent(ANNA, "learning") is None
    await store.set_setting(guild_scope(5), "language", "en", at=NOON)
    await store.set_setting(guild_scope(5), "language", "de", at=NOON)
    assert await store.setting("guild:5", "language") == "de"
    await store.set_setting(guild_scope(5), "language", None, at=NOON)
    assert await store.setting("guild:5", "language") is None


async def test_an_export_holds_everything_and_is_json(store: Store) -> None:
    note_id = await answered_note(store)
    await store.add_mark(note_id, Emotion.ANGRY, at=LATER)
    await claim(store, message_id=1002)
    await answered_note(store, BOB, 50, 51)
    await store.set_consent(ANNA, "listening", answer=True, at=NOON)
    await store.set_setting(person_scope(ANNA), "language", "en", at=NOON)
    export = json.loads(json.dumps(await store.export(ANNA)))
    assert export["pseudonym"] == ANNA
    assert export["consents"] == {"listening": {"answer": True, "changed_at": time_text(NOON)}}
    assert export["settings"] == {"language": "en"}
    first, second = export["notes"]
    assert (first["message_id"], first["status"], first["verdict"]) == (1001, "answered", "angry")
    assert first["prediction"]["model"] == "test-1"
    assert first["prediction"]["probabilities"] == {"sad": 0.75, "calm": 0.25}
    assert first["feedback"] == [{"mark": "angry", "at": time_text(LATER)}]
    assert (second["prediction"], second["feedback"], second["verdict"]) == (None, [], None)
    assert BOB not in json.dumps(export)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE predictions SET probabilities = '{' WHERE note = ?",
        "UPDATE predictions SET probabilities = '[0.5, 0.5]' WHERE note = ?",
        """UPDATE predictions SET probabilities = '{"sad": "x"}' WHERE note = ?""",
        """UPDATE predictions SET probabilities = '{"sad": 2}' WHERE note = ?""",
        "UPDATE predictions SET probabilities = CAST(x'7B22FF' AS TEXT) WHERE note = ?",
        "UPDATE feedback SET mark = 'sda' WHERE note = ?",
    ],
)
async def test_what_is_damaged_keeps_nothing_else_out_of_an_export(store: Store, tmp_path: Path, damage: str) -> None:
    for message_id in (1001, 1002):
        note_id = await answered_note(store, ANNA, message_id, message_id + 1000)
        await store.add_mark(note_id, Judgement.RIGHT, at=NOON)
    with closing(sqlite3.connect(tmp_path / "emotify.db")) as connection:
        connection.execute(damage, (note_id,))
        connection.commit()

    export = json.loads(json.dumps(await store.export(ANNA)))

    assert export["n_damaged"] == 1
    assert [note["is_damaged"] for note in export["notes"]] == [False, True]
    assert [note["verdict"] for note in export["notes"]] == ["right", None]
    assert export["notes"][1]["prediction"] is None
    assert len(export["notes"][1]["feedback"]) == 1


async def test_a_damaged_prediction_counts_as_none_and_is_replaced_by_the_next(store: Store, tmp_path: Path) -> None:
    note_id = await answered_note(store)
    with closing(sqlite3.connect(tmp_path / "emotify.db")) as connection:
        connection.execute("UPDATE predictions SET probabilities = '[]'")
        connection.execute("UPDATE notes SET status = 'received'")
        connection.commit()
    assert await store.prediction(note_id) is None
    assert await store.verdict(note_id) is None
    assert await store.save_prediction(note_id, SAD, template="t", notice=True, at=NOON)
    assert await store.prediction(note_id) == SAD


@pytest.mark.parametrize("damaged", ["2026-01)%2T12:00:00.000000+00:00", "", "2026-01-02"])
async def test_a_damaged_time_hides_no_other_row_and_is_long_past(store: Store, tmp_path: Path, damaged: str) -> None:
    await store.set_consent(ANNA, "learning", answer=True, at=NOON)
    await store.learning_asked(ANNA, at=NOON)
    note_ids = [await answered_note(store, ANNA, 1001, 2001), await answered_note(store, ANNA, 1002, 2002)]
    note_ids.append(await claim(store, ANNA, 1003) or 0)
    await store.question_leaves(ANNA, 2001, at=NOON)
    with closing(sqlite3.connect(tmp_path / "emotify.db")) as connection, connection:
        connection.execute("UPDATE notes SET received_at = ? WHERE id != ?", (damaged, note_ids[1]))
        connection.execute("UPDATE people SET learning_asked_at = ?", (damaged,))
        connection.execute("UPDATE questions SET put_at = ?", (damaged,))

    first, second = await store.answered_since(NOON)
    question, stance = await store.learning_question(ANNA), await store.stance(ANNA)

    assert ([first.id, second.id], second.received_at) == (note_ids[:2], NOON)
    assert [note.id for note in await store.unanswered("discord")] == note_ids[2:]
    assert question is not None
    assert stance.answer is True
    assert stance.asked_at is not None
    assert first.received_at == question.put_at == stance.asked_at < NOON - timedelta(days=10_000)


@pytest.mark.parametrize(
    ("mark", "verdict"), [(Judgement.RIGHT, "right"), (Emotion.SAD, "right"), (Judgement.WRONG, "wrong")]
)
async def test_an_export_names_verdicts(store: Store, mark: Judgement | Emotion, verdict: str) -> None:
    note_id = await answered_note(store)
    await store.add_mark(note_id, mark, at=NOON)
    assert (await store.export(ANNA))["notes"][0]["verdict"] == verdict


async def test_others_wait_no_longer_for_an_export_of_more_notes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    n_read: list[int] = []
    read = Transaction.fetch_all

    async def counted(transaction: Transaction, sql: str, parameters: Parameters = ()) -> list[Row]:
        n_read[-1] += 1
        return await read(transaction, sql, parameters)

    for message_id in (1001, 1002, 1003):
        note_id = await answered_note(store, ANNA, message_id, 9000 + message_id)
        await store.add_mark(note_id, Judgement.RIGHT, at=NOON)
        n_read.append(0)
        with monkeypatch.context() as patch:
            patch.setattr(Transaction, "fetch_all", counted)
            export = await store.export(ANNA)
        assert [note["verdict"] for note in export["notes"]] == ["right"] * len(n_read)
    assert n_read == [n_read[0]] * 3


async def test_a_stranger_has_an_empty_export(store: Store) -> None:
    export = await store.export(ANNA)
    assert (export["first_seen"], export["notes"], export["consents"], export["settings"]) == (None, [], {}, {})


async def test_forgetting_leaves_no_trace_of_the_person_and_others_untouched(store: Store, tmp_path: Path) -> None:
    note_id = await answered_note(store)
    await store.add_mark(note_id, Judgement.RIGHT, at=NOON)
    await store.set_consent(ANNA, "listening", answer=False, at=NOON)
    await store.set_setting(person_scope(ANNA), "language", "en", at=NOON)
    await answered_note(store, BOB, 50, 51)
    before = await store.export(BOB)
    assert await store.forget(ANNA) == 1
    assert await store.replies_left() == ((11, REPLY),)
    assert files_with(ANNA, tmp_path) == []
    assert await store.export(BOB) == before
    assert (await store.export(ANNA))["notes"] == []
    assert await store.consent(ANNA, "listening") is None


async def test_forgetting_names_the_apologies_before_a_reply_too(store: Store) -> None:
    for reply_id in (2001, 2002, 2003, 2003):  # the last one is found again after a restart
        note_id = await claim(store, again=True) or 1
        await store.refuse(note_id, status="refused", reason="no_speech")
        assert await store.answered(note_id, reply_id=reply_id, at=LATER)
    assert (await store.export(ANNA))["notes"][0]["earlier_replies"] == [2001, 2002]
    assert await store.forget(ANNA) == 1
    assert await store.replies_left() == ((11, 2001), (11, 2002), (11, 2003))
    await store.reply_gone(2002)
    assert await store.replies_left() == ((11, 2001), (11, 2003))


async def test_forgetting_beside_a_reader_says_that_traces_remain(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await answered_note(store)
    await store._database.fetch_all("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(tmp_path / "emotify.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM notes").fetchall()
        assert await store.forget(ANNA) == 1
    assert "erase all traces" in caplog.text
    assert (await store.export(ANNA))["notes"] == []


async def test_forgetting_a_stranger_is_harmless(store: Store) -> None:
    assert await store.forget(ANNA) == 0


async def test_everything_survives_a_restart(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "s.db")
    note_id = await answered_note(store)
    await store.add_mark(note_id, Judgement.WRONG, at=NOON)
    before = await store.export(ANNA)
    await store.close()
    store = await Store.open(tmp_path / "s.db")
    assert await store.export(ANNA) == before
    await store.close()


async def test_a_database_is_refused_with_another_key(tmp_path: Path) -> None:
    for _ in range(2):
        await (await Store.open(tmp_path / "s.db", key_id="one")).close()
    with pytest.raises(StoreError, match=r"another pseudonym\.key"):
        await Store.open(tmp_path / "s.db", key_id="two")


async def test_no_table_has_a_column_for_a_user(store: Store, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "emotify.db")) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        columns = {row[1] for table in tables for row in connection.execute(f"PRAGMA table_info({table})")}
    assert {"person", "pseudonym"} <= columns
    assert [name for name in columns if "user" in name or "author" in name or "sender" in name] == []


def test_times_sort_as_text_whatever_their_zone() -> None:
    east = timezone(timedelta(hours=9))
    moments = [NOON + timedelta(microseconds=n) for n in (0, 1, 10**6, 10**12)]
    texts = [time_text(moment.astimezone(zone)) for moment, zone in zip(moments, [UTC, east, UTC, east], strict=True)]
    assert texts == sorted(texts)
    assert [datetime.fromisoformat(text) for text in texts] == moments


PROBABILITIES = st.lists(st.floats(0.001, 1), min_size=len(Emotion), max_size=len(Emotion)).map(
    lambda values: {emotion: value / sum(values) for emotion, value in zip(Emotion, values, strict=True)}
)
SNOWFLAKES = st.integers(0, 2**63 - 1)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    predictions=st.lists(
        st.builds(Prediction, PROBABILITIES, duration=st.floats(0, 1200), model=st.text(max_size=20)), max_size=4
    ),
    ids=st.lists(SNOWFLAKES, min_size=8, max_size=8, unique=True),
    template=st.text(max_size=20),
    received_at=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_whatever_goes_in_comes_out_again(
    tmp_path_factory: pytest.TempPathFactory,
    predictions: list[Prediction],
    ids: list[int],
    template: str,
    received_at: datetime,
) -> None:
    async def round_trip() -> None:
        store = await Store.open(tmp_path_factory.mktemp("store") / "s.db")
        try:
            for prediction, message_id, reply_id in zip(predictions, ids[:4], ids[4:], strict=False):
                note_id = await store.claim_note(ANNA, origin="discord", received_at=received_at, message_id=message_id)
                assert note_id is not None
                await store.save_prediction(note_id, prediction, template=template, notice=False, at=received_at)
                await store.answered(note_id, reply_id=reply_id, at=received_at)
                assert await store.prediction(note_id) == prediction
                note = await store.note_of_reply(reply_id)
                assert note is not None
                assert (note.id, note.message_id, note.received_at) == (note_id, message_id, received_at)
            assert await store.templates_used(ANNA, besides=0) == (template,) * len(predictions)
        finally:
            await store.close()

    asyncio.run(round_trip())


WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from bot.store import Store
from bot.verdicts import Judgement
from emotify_core.emotions import Emotion
from emotify_core.prediction import Prediction

async def main():
    store = await Store.open(Path(sys.argv[1]))
    now, guess = datetime.now(UTC), Prediction({Emotion.SAD: 1.0}, 1.0, "m")
    async def write(message_id):
        note_id = await store.claim_note("p", origin="discord", received_at=now, message_id=message_id)
        await store.save_prediction(note_id, guess, template="t", notice=False, at=now)
        await store.answered(note_id, reply_id=10**6 + message_id, at=now)
        await store.add_mark(note_id, Judgement.RIGHT, at=now)
        print(message_id, flush=True)
    for start in range(1, 10**6, 4):
        await asyncio.gather(*(write(message_id) for message_id in range(start, start + 4)))

asyncio.run(main())
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a signal of POSIX")
def test_a_killed_process_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(50)]
        process.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout.read().split()]
    assert process.returncode == -signal.SIGKILL

    async def read() -> None:
        store = await Store.open(path)
        for message_id in acknowledged:
            note = await note_of_message(store, message_id)
            assert note is not None
            assert (note.status, note.reply_id) == ("answered", 10**6 + message_id)
            assert await store.verdict(note.id) == Confirmation(Emotion.SAD)
        await store.close()

    asyncio.run(read())
