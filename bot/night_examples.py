"""The examples of a night: from rows of the store to what the core learns from."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from bot.records import Origin, StoredExample
from bot.store import Store
from bot.verdicts import Confirmation, Correction
from emotify_core.emotions import Emotion
from emotify_core.header import NETWORK_FILE, Header
from emotify_core.learning import Example
from emotify_core.learning.weights import DAYS_TO_TRUST
from emotify_core.vectors import NoteVector

_log = logging.getLogger(__name__)
_DAY: Final = timedelta(days=1)


@dataclass
class Reading:
    """Reads all examples of a store, one at a time, as often as it is asked to.

    Parameters
    ----------
    store : Store
    runner : asyncio.Runner
        Runs the store's coroutines between two examples.
    header : Header
        The model that they must fit.
    now : datetime
        From when on back people's first notes are counted.
    origins : sequence of {'discord', 'try'}
        The front ends that may be learned from.

    Attributes
    ----------
    n_of_another_model, n_damaged : int
        What the last reading left out.
    digest : str
        Names exactly what the last reading saw.
    """

    store: Store
    runner: asyncio.Runner
    header: Header
    now: datetime
    origins: Sequence[Origin]
    n_of_another_model: int = 0
    n_damaged: int = 0
    digest: str = field(default="", repr=False)

    def examples(self) -> Iterator[Example]:
        """Read examples that fit; count those of another model, and those whose vectors are damaged."""
        self.n_of_another_model = self.n_damaged = 0
        for stored in self._stored():
            if stored.vector_set != self.header.vector_set:
                self.n_of_another_model += 1
            elif (example := self._example(stored)) is None:
                self.n_damaged += 1
            else:
                yield example

    def count(self) -> int:
        """Count what there is to learn from, and find its digest."""
        return sum(stored.vector_set == self.header.vector_set for stored in self._stored())

    def _stored(self) -> Iterator[StoredExample]:
        """Read everything that may be learned from, and sum it up."""
        seen = hashlib.sha256(self.header.vector_set.encode())
        rows = self.store.examples(origins=self.origins, skipped=self._skip)
        try:
            while True:
                stored = self.runner.run(_next(rows))
                facts = (stored.person, stored.guild_id, stored.received_at, stored.predicted, stored.verdict)
                # As trust grows, a night would end differently.
                trust = min(float(self._days_known(stored)), DAYS_TO_TRUST)
                seen.update(f"{facts}{trust}{stored.vector_set}".encode() + hashlib.sha256(stored.vector).digest())
                yield stored
        except StopAsyncIteration:
            self.digest = seen.hexdigest()

    def _days_known(self, stored: StoredExample) -> int:
        """Count the days since a person's first note: whole ones, so that a night can be repeated."""
        return max((self.now - stored.first_seen) // _DAY, 0)

    def _skip(self) -> None:
        """Count what cannot be read."""
        self.n_damaged += 1

    def _example(self, stored: StoredExample) -> Example | None:
        """Make an example of a row; None if its vector cannot be read."""
        header = self.header
        try:
            vector = NoteVector.from_bytes(
                stored.vector,
                vector_set=header.vector_set,
                n_features=header.n_features,
                n_scores=len(header.labels) if NETWORK_FILE in header.files else 0,
            )
        except ValueError as error:
            _log.warning("An example is left out: %s", error)
            return None
        verdict, emotion = _told(stored)
        return Example(
            person=stored.person,
            server=None if stored.guild_id is None else str(stored.guild_id),
            days_known=self._days_known(stored),
            verdict=verdict,
            emotion=emotion,
            heard=stored.predicted,
            vector=vector,
        )


async def _next(rows: AsyncIterator[StoredExample]) -> StoredExample:
    """Wait for the next row; `Runner.run` takes coroutines only."""
    return await anext(rows)


def _told(stored: StoredExample) -> tuple[Literal["confirmation", "correction", "rejection"], Emotion]:
    """Say what the person told: which kind of verdict, and the emotion that it is about."""
    if isinstance(stored.verdict, Confirmation):
        return "confirmation", stored.verdict.emotion
    if isinstance(stored.verdict, Correction):
        return "correction", stored.verdict.emotion
    return "rejection", stored.predicted
