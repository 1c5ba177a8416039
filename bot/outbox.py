"""Which notes are in work right now, so that nothing is answered twice and no early reaction is lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Final

_PATIENCE: Final = 10.0  # seconds; sending a reply takes far less, retries after a 500 included


class Outbox:
    """Follows each note from its arrival until its answer is recorded as sent."""

    def __init__(self) -> None:
        self._in_work: set[int] = set()
        self._failed: set[int] = set()
        self._sending: dict[int, tuple[str, asyncio.Event]] = {}

    def __contains__(self, note_id: int) -> bool:
        return note_id in self._in_work

    def __iter__(self) -> Iterator[int]:
        return iter(self._in_work)

    def begin(self, note_id: int) -> None:
        """Take a note into work."""
        self._in_work.add(note_id)

    def fail(self, note_id: int) -> None:
        """Note that what goes out is an apology that is not recorded as one."""
        self._failed.add(note_id)

    def has_failed(self, note_id: int) -> bool:
        """Tell whether `fail` was called for a note in work."""
        return note_id in self._failed

    def hand_over(self, note_id: int, person: str) -> None:
        """Note that the front end has the answer now, and is about to send it."""
        self._sending[note_id] = (person, asyncio.Event())

    def end(self, note_id: int) -> None:
        """Be done with a note; twice is harmless."""
        self._in_work.discard(note_id)
        self._failed.discard(note_id)
        if sending := self._sending.pop(note_id, None):
            sending[1].set()

    async def settled(self, person: str | None = None, *, patience: float = _PATIENCE) -> bool:
        """Wait until the answers on their way are recorded as sent, or it takes too long; False if there is none.

        A reaction, or a deletion, can arrive before Discord confirms that it posted our reply: then that reply is still
        unknown here.

        Parameters
        ----------
        person : str, optional
            Whose answers; everybody's by default, for a deletion does not say who wrote the note.
        patience : float
            Seconds.
        """
        events = [sent for whose, sent in self._sending.values() if person in {None, whose}]
        with contextlib.suppress(TimeoutError):  # others may be recorded
            async with asyncio.timeout(patience):
                for sent in events:
                    await sent.wait()
        return bool(events)
