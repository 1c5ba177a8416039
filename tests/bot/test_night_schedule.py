from __future__ import annotations

import time as process_time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.night_schedule import SETTLING, is_due, last_appointment

AT = time(3, 30)
BERLIN = ZoneInfo("Europe/Berlin")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-01-10T02:29:59", "2026-01-09T02:30:00"),
        ("2026-01-10T02:30:00", "2026-01-10T02:30:00"),
        ("2026-01-10T23:59:00", "2026-01-10T02:30:00"),
        ("2026-07-10T01:30:00", "2026-07-10T01:30:00"),  # summer time
    ],
)
def test_the_appointment_is_kept_by_the_clock_on_the_wall(now: str, expected: str) -> None:
    assert last_appointment(utc(now), AT, BERLIN) == utc(expected)


def test_a_time_that_summer_time_skips_counts_an_hour_later() -> None:
    skipped = time(2, 30)  # on 29 March 2026 the clock goes from 2:00 to 3:00, which is 1:00 UTC
    assert last_appointment(utc("2026-03-29T12:00:00"), skipped, BERLIN) == utc("2026-03-29T01:30:00")


def test_a_time_that_comes_twice_counts_once() -> None:
    repeated = time(2, 30)  # on 25 October 2026 it is 2:30 at 0:30 and at 1:30 UTC
    first = utc("2026-10-25T00:30:00")
    hours = [last_appointment(first + timedelta(minutes=10 * n), repeated, BERLIN) for n in range(140)]
    assert set(hours) == {first}


@given(
    days=st.floats(0, 20_000),
    minutes=st.integers(0, 24 * 60 - 1),
    zone=st.sampled_from(
        ["Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu", "Australia/Lord_Howe"]
    ),
)
def test_there_is_one_appointment_a_day_everywhere(days: float, minutes: int, zone: str) -> None:
    now = datetime(2005, 1, 1, tzinfo=UTC) + timedelta(days=days)
    at = time(*divmod(minutes, 60))
    appointment = last_appointment(now, at, ZoneInfo(zone))
    assert timedelta(0) <= now - appointment <= timedelta(hours=50)  # Samoa once skipped a whole day
    assert last_appointment(appointment, at, ZoneInfo(zone)) == appointment


def test_without_a_zone_it_is_that_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    now = utc("2026-01-10T12:00:00")
    assert last_appointment(now, AT).astimezone().time() == AT


@pytest.fixture
def system_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Give what changes the zone of this process."""
    if not hasattr(process_time, "tzset"):
        pytest.skip("the zone of a process cannot be changed here")

    def change(zone: str) -> None:
        patch.setenv("TZ", zone)
        process_time.tzset()

    with monkeypatch.context() as patch:
        yield change
    process_time.tzset()


@pytest.mark.parametrize(
    ("zone", "year"),
    [("Europe/Berlin", 2026), ("America/Sao_Paulo", 2018), ("Australia/Lord_Howe", 2026), ("Pacific/Apia", 2026)],
)
def test_the_zone_of_the_system_skips_and_repeats_times_as_any_other(
    system_zone: Callable[[str], None], zone: str, year: int
) -> None:
    system_zone(zone)
    start = datetime(year, 1, 1, 0, 10, tzinfo=UTC)
    for at in (time(0, 30), time(2, 10), time(2, 30), AT):
        for now in (start + timedelta(hours=6 * n) for n in range(4 * 365)):
            assert last_appointment(now, at) == last_appointment(now, at, ZoneInfo(zone))


def due(now: str, *, last_night: str | None, started_at: datetime = LONG_AGO) -> bool:
    moment = utc(now)
    last = None if last_night is None else utc(last_night)
    return is_due(last_appointment(moment, AT, UTC), now=moment, started_at=started_at, last_night=last)


def test_it_is_due_once_each_night() -> None:
    assert due("2026-01-10T03:30:00", last_night=None)
    assert due("2026-01-10T03:30:00", last_night="2026-01-09T03:30:01")
    assert not due("2026-01-10T03:31:00", last_night="2026-01-10T03:30:01")
    assert not due("2026-01-11T03:29:00", last_night="2026-01-10T03:30:01")


def test_a_night_that_the_machine_slept_through_is_made_up_for() -> None:
    assert due("2026-01-10T09:00:00", last_night="2026-01-09T03:30:01")


def test_a_clock_that_is_set_back_brings_no_second_night() -> None:
    assert not due("2026-01-10T03:29:58", last_night="2026-01-10T03:30:00")
    assert not due("2026-01-10T00:10:00", last_night="2026-01-10T03:30:00")
    assert not due("2026-01-10T03:30:10", last_night="2026-01-10T03:30:00")


def test_a_night_of_a_clock_that_was_years_ahead_stops_no_later_one() -> None:
    assert due("2026-01-10T03:30:00", last_night="2031-01-10T03:30:00")


def test_a_bot_that_was_just_started_serves_first() -> None:
    now = utc("2026-01-10T09:00:00")
    assert not due("2026-01-10T09:00:00", last_night=None, started_at=now - timedelta(minutes=1))
    assert due("2026-01-10T09:00:00", last_night=None, started_at=now - SETTLING)


def test_an_appointment_while_the_bot_runs_is_kept_at_once() -> None:
    assert due("2026-01-10T03:30:00", last_night=None, started_at=utc("2026-01-10T03:29:00"))
