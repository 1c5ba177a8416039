from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.records import StoredNight
from bot.store import Store, StoreError
from tests.bot.stand_ins import NOON

LATER = NOON + timedelta(minutes=5)
REPORT = {"examples": {"n": 3}, "gate": [{"what": "UAR, clean", "difference": -0.002, "passed": True}]}


async def end(store: Store, night: int, decision: str = "promoted") -> None:
    await store.end_night(
        night,
        decision=decision,  # type: ignore[arg-type]
        champion="night-1",
        challenger="night-1",
        reason="It is better: ä.",
        report=REPORT,
        at=LATER,
    )


async def test_before_the_first_night_there_is_none(store: Store) -> None:
    assert await store.nights() == []


async def test_a_night_is_kept_with_its_decision_over_a_restart(store: Store, tmp_path: Path) -> None:
    night = await store.begin_night(NOON)
    await end(store, night)
    expected = StoredNight(night, NOON, LATER, "promoted", "night-1", "night-1", "It is better: ä.", REPORT)
    assert await store.nights() == [expected]
    other = await Store.open(tmp_path / "emotify.db")
    assert await other.nights() == [expected]
    await other.close()


async def test_a_night_that_was_killed_is_listed_without_a_decision(store: Store) -> None:
    ended = await store.begin_night(NOON)
    await end(store, ended, "kept")
    killed = await store.begin_night(LATER)
    assert [(night.id, night.decision) for night in await store.nights()] == [(killed, None), (ended, "kept")]
    assert [night.id for night in await store.nights(1)] == [killed]


async def test_a_night_that_failed_needs_no_challenger(store: Store) -> None:
    night = await store.begin_night(NOON)
    await store.end_night(
        night, decision="failed", champion=None, challenger=None, reason="The disk is full.", report={}, at=LATER
    )
    [last] = await store.nights()
    assert (last.decision, last.challenger, last.report) == ("failed", None, {})


async def test_an_unknown_decision_is_refused(store: Store) -> None:
    night = await store.begin_night(NOON)
    with pytest.raises(StoreError):
        await end(store, night, "postponed")


async def test_a_report_is_json_or_nothing(store: Store) -> None:
    night = await store.begin_night(NOON)
    with pytest.raises(ValueError, match="JSON"):
        await store.end_night(
            night, decision="kept", champion="a", challenger=None, reason="r", report={"uar": float("nan")}, at=LATER
        )
    [last] = await store.nights()
    assert last.finished_at is None
