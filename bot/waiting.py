"""Vectors of notes whose speakers were not asked yet, or have not answered: in memory only, few, and not for long."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.records import Learned

PATIENCE: Final = timedelta(minutes=30)
"""How long a vector waits for its speaker's answer."""
_N_NOTES: Final = 256


@dataclass(frozen=True)
class _Waiting:
    """What waits: whose it is, and since when."""

    person: str
    learned: Learned
    since: float


class WaitingVectors:
    """What may be kept once its speaker says yes; the oldest goes first, and nothing of it ever reaches the disk.

    Parameters
    ----------
    monotonic : callable
        Clock in seconds that never goes back.
    """

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._notes: OrderedDict[int, _Waiting] = OrderedDict()

    def __len__(self) -> int:
        self._drop_old()
        return len(self._notes)

    def add(self, note_id: int, person: str, learned: Learned) -> None:
        """Let the vector of a note wait."""
        self._drop_old()
        self._notes.pop(note_id, None)
        self._notes[note_id] = _Waiting(person, learned, self._monotonic())
        if len(self._notes) > _N_NOTES:
            self._notes.popitem(last=False)

    def of(self, person: str) -> dict[int, Learned]:
        """Return what waits for a person's answer, oldest first."""
        self._drop_old()
        return {note_id: each.learned for note_id, each in self._notes.items() if each.person == person}

    def drop(self, note_id: int) -> None:
        """Drop what waits of a note; it is harmless if nothing does."""
        self._notes.pop(note_id, None)

    def drop_all_of(self, person: str) -> None:
        """Drop what waits of a person."""
        for note_id in self.of(person):
            self.drop(note_id)

    def _drop_old(self) -> None:
        """Drop what has waited for too long."""
        limit = self._monotonic() - PATIENCE.total_seconds()
        while self._notes and next(iter(self._notes.values())).since < limit:
            self._notes.popitem(last=False)
