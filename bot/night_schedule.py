"""When the nightly retraining is due, on clocks that people, countries and the lids of laptops play tricks on."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

SETTLING: Final = timedelta(minutes=10)
"""How long a bot that was just started serves before it makes up for a night that it slept through."""
_SLACK: Final = timedelta(hours=12)


def last_appointment(now: datetime, at: time, zone: tzinfo | None = None) -> datetime:
    """Find the last moment at which the clock on the wall said `at`.

    Parameters
    ----------
    now : datetime
        An aware time.
    at : time
        Local time of day.
    zone : tzinfo, optional
        The system's if left out.

    Returns
    -------
    datetime
        In UTC, at most `now`. A time that the change to summer time skips counts an hour later; one that the change
        back repeats counts once, the first time.
    """
    today = now.astimezone(zone).date()
    days = (today - timedelta(days=n) for n in range(-1, 3))
    moments = (_moment(datetime.combine(day, at), zone) for day in days)
    return max(moment for moment in moments if moment <= now)


def _moment(wall: datetime, zone: tzinfo | None) -> datetime:
    """Place a time of day on the line of time."""
    # Not `astimezone`, which places a time that the system's zone skips an hour too early.
    return datetime.fromtimestamp(wall.timestamp(), UTC) if zone is None else wall.replace(tzinfo=zone).astimezone(UTC)


def is_due(appointment: datetime, *, now: datetime, started_at: datetime, last_night: datetime | None) -> bool:
    """Tell whether the night of an appointment is still to be done.

    Parameters
    ----------
    appointment : datetime
        See `last_appointment`.
    now : datetime
    started_at : datetime
        When the bot was started.
    last_night : datetime or None
        When the last night began.

    Returns
    -------
    bool
        At most one night an appointment, also if the clock is set back by some hours. A night that lies further in the
        future was recorded while the clock was wrong, and counts for nothing.
    """
    if last_night is not None and appointment <= last_night <= now + _SLACK:
        return False
    return appointment > started_at or now >= started_at + SETTLING
