"""How often one person is listened to."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Final


class Pace(Enum):
    """What to do with a note that just came."""

    LISTEN = auto()
    ASK_TO_WAIT = auto()
    STAY_SILENT = auto()


BURST: Final = 5
"""Notes that may come at once: people tell a thing in several short voice messages."""


class Cooldown:
    """Remembers how much each person was listened to lately, for as long as it matters.

    A burst is listened to at once; after it, one note in every `seconds`.

    Parameters
    ----------
    seconds : float
        Time between two notes of one person in the long run; 0 turns the cooldown off.
    monotonic : callable
        Clock in seconds that never goes back.

    References
    ----------
    The generic cell rate algorithm: ITU-T Recommendation I.371, annex A.
    """

    def __init__(self, seconds: float, *, monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._rested: dict[str, float] = {}  # when all that was listened to has had its time
        self._asked: set[str] = set()

    def meet(self, person: str) -> Pace:
        """Decide about a note of a person; when it is too much the person is asked to wait once."""
        now = self._monotonic()
        self._drop_rested(now)
        rested = self._rested.get(person, now)
        if rested - now <= self._seconds * (BURST - 1):
            self._rested[person] = rested + self._seconds
            self._asked.discard(person)
            return Pace.LISTEN
        if person in self._asked:
            return Pace.STAY_SILENT
        self._asked.add(person)
        return Pace.ASK_TO_WAIT

    def forget(self, person: str) -> None:
        """Drop what is remembered about a person."""
        self._rested.pop(person, None)
        self._asked.discard(person)

    def _drop_rested(self, now: float) -> None:
        """Forget everyone whose cooldown is over, so that memory stays small."""
        for person in [person for person, rested in self._rested.items() if rested <= now]:
            self.forget(person)
