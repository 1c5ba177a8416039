"""What the store keeps to learn from: sealed vectors of notes, and a sealed baseline of each person.

A vector is kept only while its speaker's yes stands. On a terminal there is nobody to ask but the user themself, so
there a yes stands until they say no.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from bot.database import Database, Row, Transaction
from bot.records import Baseline, Learned, Origin, StoredExample, example_from, prediction_from, taught, time_text
from bot.vault import SealError, Vault
from bot.verdicts import Rejection
from emotify_core.emotions import Emotion
from emotify_core.personal_baseline import PersonalBaseline

_log = logging.getLogger(__name__)

_MAY_KEEP: Final = (
    "SELECT n.person, n.in_baseline AND b.person IS NOT NULL AS counts "
    "FROM notes n JOIN predictions p ON p.note = n.id "
    "LEFT JOIN consents c ON c.person = n.person AND c.kind = 'learning' "
    "LEFT JOIN baselines b ON b.person = n.person AND b.vector_set = ? "
    "WHERE n.id = ? AND coalesce(c.answer, n.origin = 'try') = 1"
)
_LEARNABLE: Final = (
    "FROM examples e JOIN notes n ON n.id = e.note JOIN predictions p ON p.note = e.note "
    "JOIN people w ON w.pseudonym = n.person "
    "LEFT JOIN consents c ON c.person = n.person AND c.kind = 'learning' "
    "WHERE coalesce(c.answer, n.origin = 'try') = 1 AND n.origin IN ({origins}) "
    "AND EXISTS (SELECT 1 FROM feedback f WHERE f.note = e.note)"
)
_COLUMNS: Final = (
    "SELECT e.note, e.vector_set, e.sealed, n.person, n.guild_id, n.origin, n.received_at, w.first_seen, "
    "p.emotion, p.confidence "
)
MARKS: Final = "SELECT mark FROM feedback WHERE note = ? ORDER BY seq"
"""Query for the marks of a note that stand, in the order in which they were made."""
_BASELINE_OF_NOTE: Final = (
    "SELECT b.person, b.vector_set, b.sealed, b.n_notes - n.in_baseline AS n_since "
    "FROM notes n JOIN baselines b ON b.person = n.person WHERE n.id = ? AND n.in_baseline"
)
_NEXT_BASELINE: Final = (
    "INSERT INTO baselines (person, vector_set, sealed, n_notes, changed_at) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (person) DO UPDATE SET vector_set = excluded.vector_set, sealed = excluded.sealed, "
    "n_notes = excluded.n_notes, changed_at = excluded.changed_at"
)
_DROP_BASELINES: Final = (
    "WITH these AS MATERIALIZED (SELECT value FROM json_each(?)) DELETE FROM baselines WHERE person IN "
    "(SELECT person FROM notes WHERE id IN these AND in_baseline) "
    "AND NOT EXISTS (SELECT 1 FROM examples l JOIN notes m ON m.id = l.note "
    "WHERE m.person = baselines.person AND m.in_baseline AND m.id NOT IN these)"
)
_DROP_EXAMPLES: Final = "DELETE FROM examples WHERE note IN (SELECT value FROM json_each(?))"
_NONE_IN_BASELINE: Final = "UPDATE notes SET in_baseline = 0 WHERE person = ?"


class Examples:
    """The part of the store that holds what is learned from."""

    _database: Database
    _vault: Vault | None

    async def examples(
        self, *, origins: Sequence[Origin], n_at_once: int = 256, skipped: Callable[[], object] = lambda: None
    ) -> AsyncIterator[StoredExample]:
        """Read what may be learned from, in the order in which the notes came in, a few at a time.

        Only notes that carry a verdict count, of people whose yes stands. What is damaged is left out, and counted in
        the log.

        Parameters
        ----------
        origins : sequence of {'discord', 'try'}
            The front ends that may be learned from: `Settings.learns_from`.
        n_at_once : int
            How many are held in memory.
        skipped : callable
            Is called for each that is left out.

        Yields
        ------
        StoredExample
        """
        last, n_broken = 0, 0
        sql = f"{_COLUMNS}{_learnable(origins)} AND e.note > ? ORDER BY e.note LIMIT ?"
        while rows := await self._database.fetch_all(sql, (*origins, last, n_at_once)):
            marks = await self._marks_between(rows[0]["note"], rows[-1]["note"])
            opened = await asyncio.to_thread(self._open_all, rows)
            for row, vector in zip(rows, opened, strict=True):
                try:
                    example = example_from(row, vector, marks.get(row["note"], [])) if vector is not None else None
                    is_damaged = vector is None
                except ValueError:
                    example, is_damaged = None, True
                if is_damaged:
                    n_broken += 1
                    skipped()
                elif example is not None:
                    yield example
            last = rows[-1]["note"]
        if n_broken:
            _log.warning("%d examples cannot be read and are left out: they are damaged, or of another key", n_broken)

    async def count_examples(self, *, origins: Sequence[Origin]) -> int:
        """Count what `examples` reads, those that do not open included."""
        row = await self._database.fetch_one(f"SELECT count(*) AS n {_learnable(origins)}", tuple(origins))
        return 0 if row is None else int(row["n"])

    async def holds_sealed(self) -> bool:
        """Tell whether there is anything that only the right key opens."""
        sql = "SELECT 1 FROM examples UNION ALL SELECT 1 FROM baselines LIMIT 1"
        return await self._database.fetch_one(sql) is not None

    async def baseline(self, person: str) -> Baseline | None:
        """Read a person's baseline; None if there is none. One that does not open is dropped, to be made anew."""
        row = await self._database.fetch_one("SELECT * FROM baselines WHERE person = ?", (person,))
        if row is None or self._vault is None:
            return None
        try:
            values = self._vault.unseal(row["sealed"], *_baseline_place(person, row["vector_set"]))
        except SealError as error:
            _log.warning("the baseline of a person does not open (%s): it is dropped, and made anew", error)
            sql = "DELETE FROM baselines WHERE person = ? AND sealed = ?"
            await self._database.write(sql, (person, row["sealed"]))
            return None
        return Baseline(values, row["vector_set"], row["n_notes"], row["sealed"])

    async def _marks_between(self, first: int, last: int) -> dict[int, list[str]]:
        """Read the marks of some notes, in the order in which they were made."""
        sql = "SELECT note, mark FROM feedback WHERE note BETWEEN ? AND ? ORDER BY seq"
        marks: dict[int, list[str]] = {}
        for row in await self._database.fetch_all(sql, (first, last)):
            marks.setdefault(row["note"], []).append(row["mark"])
        return marks

    def _open_all(self, rows: Iterable[Row]) -> list[bytes | None]:
        """Open the vectors, None for those that do not."""
        return [self._opened(row) for row in rows]

    def _opened(self, row: Row) -> bytes | None:
        """Open one vector."""
        if self._vault is None:
            return None
        try:
            return self._vault.unseal(row["sealed"], *_note_place(row["note"], row["person"], row["vector_set"]))
        except SealError:
            return None


async def keep(transaction: Transaction, vault: Vault, note_id: int, learned: Learned, at: datetime) -> None:
    """Keep what one can learn of a note that was predicted, and the baseline; nothing without the person's yes."""
    rows = await transaction.fetch_all(_MAY_KEEP, (learned.vector_set, note_id))
    if not rows:
        return
    person = rows[0]["person"]
    sealed = vault.seal(learned.vector, *_note_place(note_id, person, learned.vector_set))
    await transaction.write(
        "INSERT OR REPLACE INTO examples (note, vector_set, sealed, created_at) VALUES (?, ?, ?, ?)",
        (note_id, learned.vector_set, sealed, time_text(at)),
    )
    if rows[0]["counts"]:  # it was heard before, deleted, and asked for again: it must not count twice
        return
    if await _keep_baseline(transaction, vault, note_id, learned, person=person, at=at):
        heard, told = await _heard_and_told(transaction, note_id)  # it may have waited for the yes, and been judged
        await _retell(transaction, vault, note_id, heard, before=None, after=told)


async def _keep_baseline(
    transaction: Transaction, vault: Vault, note_id: int, learned: Learned, *, person: str, at: datetime
) -> bool:
    """Let the baseline count the note, too; say if that was done.

    What the note made of the baseline that it was heard with replaces that one. If another note or a mark has replaced
    it meanwhile, the note is added to what stands now. If it was deleted meanwhile, by a no, it does not come back.
    """
    if learned.baseline is None:
        return False
    values, before = learned.baseline, learned.heard_with
    rows = await transaction.fetch_all("SELECT * FROM baselines WHERE person = ?", (person,))
    if not rows and before is not None:
        return False
    if rows and (before is None or before.sealed != rows[0]["sealed"]):
        try:
            standing = vault.unseal(rows[0]["sealed"], *_baseline_place(person, rows[0]["vector_set"]))
            values = _added_to(standing, learned)
        except (SealError, ValueError) as error:
            _log.warning("note %d is left out of its person's baseline: %s", note_id, error)
            return False
    n_notes = _count_notes(values, learned)
    sealed = vault.seal(values, *_baseline_place(person, learned.vector_set))
    await transaction.write(_NEXT_BASELINE, (person, learned.vector_set, sealed, n_notes, time_text(at)))
    if n_notes == 1:  # it was begun anew
        await transaction.write(_NONE_IN_BASELINE, (person,))
    await transaction.write("UPDATE notes SET in_baseline = ? WHERE id = ?", (n_notes, note_id))
    return True


def _added_to(standing: bytes, learned: Learned) -> bytes:
    """Add a note to a baseline that it was not heard with; `ValueError` if they do not belong together."""
    before = None if learned.heard_with is None else PersonalBaseline.from_bytes(learned.heard_with.values)
    after = PersonalBaseline.from_bytes(learned.baseline or b"")
    return PersonalBaseline.from_bytes(standing).with_last_note_of(after, before).to_bytes()


def _count_notes(baseline: bytes, learned: Learned) -> int:
    """Count the notes in a baseline: one more than before where a worker of another release wrote it."""
    try:
        return PersonalBaseline.from_bytes(baseline).n_notes
    except ValueError:
        before = learned.heard_with
        return 1 + (before.n_notes if before is not None and before.vector_set == learned.vector_set else 0)


@contextlib.asynccontextmanager
async def retelling(transaction: Transaction, vault: Vault | None, *note_ids: int) -> AsyncIterator[None]:
    """Let the baselines follow while the body changes what people say of notes, or deletes them."""
    if vault is None:
        yield
        return
    before = {note_id: await _heard_and_told(transaction, note_id) for note_id in note_ids}
    yield
    for note_id, (heard, told) in before.items():
        _, after = await _heard_and_told(transaction, note_id)
        await _retell(transaction, vault, note_id, heard, before=told, after=after)


async def _heard_and_told(transaction: Transaction, note_id: int) -> tuple[Emotion | None, Emotion | None]:
    """Say what was heard in a note, and which emotion its person said it was; None if nothing was heard or said."""
    sql = "SELECT p.*, n.origin FROM predictions p JOIN notes n ON n.id = p.note WHERE p.note = ?"
    rows = await transaction.fetch_all(sql, (note_id,))
    if not rows:
        return None, None
    marks = await transaction.fetch_all(MARKS, (note_id,))
    try:
        heard = prediction_from(rows[0]).emotion
        verdict = taught(rows[0], heard, [row["mark"] for row in marks])
    except ValueError as error:
        _log.warning("the prediction or a mark of note %d is damaged: %s", note_id, error)
        return None, None
    return heard, None if verdict is None or isinstance(verdict, Rejection) else verdict.emotion


async def _retell(
    transaction: Transaction,
    vault: Vault,
    note_id: int,
    heard: Emotion | None,
    *,
    before: Emotion | None,
    after: Emotion | None,
) -> None:
    """Let the baseline follow what the person says of a note, provided that the note is in it."""
    if heard is None or before is after:
        return
    rows = await transaction.fetch_all(_BASELINE_OF_NOTE, (note_id,))
    if not rows:
        return
    place = _baseline_place(rows[0]["person"], rows[0]["vector_set"])
    try:
        baseline = PersonalBaseline.from_bytes(vault.unseal(rows[0]["sealed"], *place))
    except (SealError, ValueError) as error:
        _log.warning("a baseline stays as it is: %s", error)
        return
    told = baseline.retold(heard, before, after, n_since=rows[0]["n_since"])
    sealed = vault.seal(told.to_bytes(), *place)
    await transaction.write("UPDATE baselines SET sealed = ? WHERE person = ?", (sealed, rows[0]["person"]))


async def drop_examples_of(transaction: Transaction, note_ids: Sequence[int]) -> None:
    """Delete what one could learn of notes, and baselines that hold no other note that still stands."""
    these = (json.dumps(note_ids),)
    await transaction.write(_DROP_BASELINES, these)
    await transaction.write(_DROP_EXAMPLES, these)


async def drop_examples(transaction: Transaction, person: str) -> None:
    """Delete all that one could learn of a person."""
    await transaction.write("DELETE FROM examples WHERE note IN (SELECT id FROM notes WHERE person = ?)", (person,))
    await transaction.write("DELETE FROM baselines WHERE person = ?", (person,))


def _learnable(origins: Sequence[Origin]) -> str:
    """Write the condition under which one may learn from a note; the names of the origins are parameters."""
    return _LEARNABLE.format(origins=", ".join("?" * len(origins)))


def _note_place(note_id: int, person: str, vector_set: str) -> tuple[str, ...]:
    """Name the place of a vector, so that it opens in no other row."""
    return "note", str(note_id), person, vector_set


def _baseline_place(person: str, vector_set: str) -> tuple[str, ...]:
    """Name the place of a baseline."""
    return "baseline", person, vector_set
