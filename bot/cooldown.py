"""How often one person is listened to."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto


class Pace(Enum):
    """What to do with a note that just came."""

    LISTEN = auto()
    ASK_TO_WAIT = auto()
    STAY_SILENT = auto()


class Cooldown:
    """Remembers when each person was last listened to, for as long as it matters.

    Parameters
    ----------
    seconds : float
        Time between two notes of one person; 0 turns the cooldown off.
    monotonic : callable
        Clock in seconds that never goes back.
    """

    def __init__(self, seconds: float, *, monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._started: dict[str, float] = {}
        self._asked: set[str] = set()

    def meet(self, person: str) -> Pace:
        """Decide about a note of a person; within the cooldown the person is asked to wait once."""
        self._drop_ended()
        if person not in self._started:
            if self._seconds > 0:
                self._started[person] = self._monotonic()
            return Pace.LISTEN
        if person in self._asked:
            return Pace.STAY_SILENT
        self._asked.add(person)
        return Pace.ASK_TO_WAIT

    def forget(self, person: str) -> None:
        """Drop what is remembered about a person."""
        self._started.pop(person, None)
        self._asked.discard(person)

    def _drop_ended(self) -> None:
        """Forget everyone whose cooldown is over, so that memory stays small."""
        now = self._monotonic()
        for person in [p for p, started in self._started.items() if now - started >= self._seconds]:
            self.forget(person)
