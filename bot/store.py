"""What the bot remembers: notes, predictions, feedback, consents and settings, each under a pseudonym.

Times come in as arguments, aware and in any zone; they are kept in UTC. Every method raises `bot.database.StoreError`,
one sentence for the operator, when the file cannot be used.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, Self

from bot.database import Database, StoreError, Transaction
from bot.examples import MARKS, Examples, keep, retelling
from bot.nights import Nights
from bot.people import People, meet
from bot.records import (
    Learned,
    Origin,
    Status,
    StoredNote,
    guild_scope,
    note_from,
    person_scope,
    prediction_columns,
    prediction_from,
    time_text,
)
from bot.vault import Vault
from bot.verdicts import Mark, Verdict, mark_from_value, verdict_of
from bot.withdrawals import Withdrawals
from emotify_core.prediction import Prediction

__all__ = ["Origin", "Status", "Store", "StoreError", "StoredNote", "guild_scope", "person_scope"]

_log = logging.getLogger(__name__)

_CLAIM: Final = (
    "INSERT INTO notes (person, origin, guild_id, channel_id, parent_id, message_id, received_at, status) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, 'received') ON CONFLICT (message_id) DO NOTHING RETURNING id"
)
# The reply that it has stays, to be told from the next one; while the note is in work that reply counts for nothing.
_CLAIM_AGAIN: Final = (
    "INSERT INTO notes (person, origin, guild_id, channel_id, parent_id, message_id, received_at, status) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, 'received') ON CONFLICT (message_id) "
    "DO UPDATE SET status = 'received', reason = NULL, received_at = excluded.received_at "
    "WHERE notes.person = excluded.person AND notes.status != 'answered' "
    "AND notes.id NOT IN (SELECT value FROM json_each(?)) RETURNING id"
)


class Store(People, Examples, Withdrawals, Nights):
    """The bot's memory, in one SQLite file."""

    def __init__(self, database: Database, vault: Vault | None = None) -> None:
        self._database = database
        self._vault = vault

    @classmethod
    async def open(cls, path: Path, *, key_id: str | None = None, vault: Vault | None = None) -> Self:
        """Open the file, or create it.

        Parameters
        ----------
        path : Path
            The SQLite file.
        key_id : str, optional
            Fingerprint of the pseudonym key (`Pseudonymizer.key_id`). The first one is remembered; with another one
            everybody would be a stranger and nobody could be forgotten, so it is refused.
        vault : Vault, optional
            What seals the vectors of notes. Its fingerprint is remembered likewise, as long as there is something that
            only its key opens. Without a vault no vector is kept, and none is read.

        Raises
        ------
        StoreError
            If the file cannot be used, or belongs to another key.
        """
        store = cls(await Database.open(path), vault)
        try:
            if key_id is not None:
                await store._bind_key(path, key_id)
            if vault is not None:
                await store._bind_vault(path, vault.key_id)
        except BaseException:
            await store.close()
            raise
        return store

    async def close(self) -> None:
        """Let the running transaction finish and close the file."""
        await self._database.close()

    async def claim_note(
        self,
        person: str,
        *,
        origin: Origin,
        received_at: datetime,
        message_id: int | None = None,
        channel_id: int | None = None,
        parent_id: int | None = None,
        guild_id: int | None = None,
        again: bool = False,
        in_work: Iterable[int] = (),
    ) -> int | None:
        """Record that a note came in, once for each message.

        Parameters
        ----------
        person : str
            Pseudonym of the speaker.
        origin : {'discord', 'try'}
            Front end that it came through.
        received_at : datetime
            When it came.
        message_id, channel_id, parent_id, guild_id : int, optional
            Where it stands in Discord; the parent is the channel that a thread belongs to.
        again : bool
            The person asks expressly: a note that has no guess of ours under it is taken up once more.
        in_work : iterable of int
            The notes that are not: they are being listened to, or their apology is on its way.

        Returns
        -------
        int or None
            Number of the note; None if the message was seen before.
        """
        async with self._database.transaction() as transaction:
            await meet(transaction, person, received_at)
            values = person, origin, guild_id, channel_id, parent_id, message_id, time_text(received_at)
            if again:
                rows = await transaction.fetch_all(_CLAIM_AGAIN, (*values, json.dumps(list(in_work))))
            else:
                rows = await transaction.fetch_all(_CLAIM, values)
        return rows[0]["id"] if rows else None

    async def save_prediction(
        self,
        note_id: int,
        prediction: Prediction,
        *,
        template: str,
        notice: bool,
        at: datetime,
        learned: Learned | None = None,
    ) -> bool:
        """Record what was predicted and which reply will say so, before that reply goes out.

        With it goes what one can learn of the note, provided that the person's yes stands at this moment.

        Returns
        -------
        bool
            False if the note was withdrawn or forgotten meanwhile: then nothing is recorded, and nothing may be said.
        """
        async with self._database.transaction() as transaction:
            changed = await transaction.write(
                "UPDATE notes SET status = 'predicted', template = ?, notice = ? "
                "WHERE id = ? AND status IN ('received', 'predicted')",
                (template, notice, note_id),
            )
            if changed:
                await transaction.write(
                    "INSERT OR REPLACE INTO predictions "
                    "(note, model, emotion, confidence, probabilities, duration, created_at) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (note_id, *prediction_columns(prediction), time_text(at)),
                )
                if learned is not None and self._vault is not None:
                    await keep(transaction, self._vault, note_id, learned, at)
        return changed > 0

    async def refuse(self, note_id: int, *, status: Literal["refused", "failed"], reason: str) -> bool:
        """Record why a note gets no prediction, or no reply; False if it was withdrawn or forgotten meanwhile."""
        changed = await self._database.write(
            "UPDATE notes SET status = ?, reason = ? WHERE id = ? AND status IN ('received', 'predicted')",
            (status, reason, note_id),
        )
        return changed > 0

    async def answered(self, note_id: int, *, reply_id: int | None, at: datetime) -> bool:
        """Record that the reply went out, and with it the first-use notice if it carried one.

        Where no guess was recorded, it can only have been an apology.

        Returns
        -------
        bool
            False if the note was withdrawn or forgotten meanwhile: the reply should be taken back.
        """
        async with self._database.transaction() as transaction:
            await transaction.write(
                "INSERT OR IGNORE INTO earlier_replies (note, reply_id) "
                "SELECT id, reply_id FROM notes WHERE id = ? AND status != 'withdrawn' AND reply_id != ?",
                (note_id, reply_id),
            )
            changed = await transaction.write(
                "UPDATE notes SET reply_id = ?, answered_at = ?, "
                "status = CASE status WHEN 'predicted' THEN 'answered' WHEN 'received' THEN 'failed' ELSE status END "
                "WHERE id = ? AND status != 'withdrawn'",
                (reply_id, time_text(at), note_id),
            )
            await transaction.write(
                "UPDATE people SET notice_shown_at = coalesce(notice_shown_at, ?) "
                "WHERE pseudonym = (SELECT person FROM notes WHERE id = ? AND notice = 1)",
                (time_text(at), note_id),
            )
        return changed > 0

    async def note(self, note_id: int) -> StoredNote | None:
        """Look a note up by its number."""
        return await self._find("SELECT * FROM notes WHERE id = ?", note_id)

    async def note_of_reply(self, reply_id: int) -> StoredNote | None:
        """Look a note up by the message that answers it; an apology answers no more once the person asks again."""
        sql = "SELECT * FROM notes WHERE reply_id = ? AND status NOT IN ('received', 'predicted')"
        return await self._find(sql, reply_id)

    async def unanswered(self, origin: Origin) -> list[StoredNote]:
        """List the notes that came in and were never answered, oldest first."""
        sql = "SELECT * FROM notes WHERE origin = ? AND status IN ('received', 'predicted') ORDER BY id"
        return [note_from(row) for row in await self._database.fetch_all(sql, (origin,))]

    async def answered_since(self, since: datetime) -> list[StoredNote]:
        """List the guesses sent since a moment, oldest first, to catch up on reactions made while the bot was away."""
        sql = "SELECT * FROM notes WHERE status = 'answered' AND answered_at >= ? AND reply_id IS NOT NULL "
        rows = await self._database.fetch_all(sql + "ORDER BY answered_at", (time_text(since),))
        return [note_from(row) for row in rows]

    async def unsaid_since(self, since: datetime) -> list[StoredNote]:
        """List the notes since a moment of which there is a guess that could not be said, oldest first."""
        rows = await self._database.fetch_all(
            "SELECT * FROM notes WHERE status IN ('failed', 'refused') AND origin = 'discord' AND received_at >= ? "
            "AND EXISTS (SELECT 1 FROM predictions WHERE note = notes.id) ORDER BY received_at",
            (time_text(since),),
        )
        return [note_from(row) for row in rows]

    async def give_up(self, *, received_before: datetime, in_work: Iterable[int] = ()) -> int:
        """Mark notes that waited for too long as failed, but for those in work; return how many they were."""
        return await self._database.write(
            "UPDATE notes SET status = 'failed', reason = 'too_late' WHERE status IN ('received', 'predicted') "
            "AND received_at < ? AND id NOT IN (SELECT value FROM json_each(?))",
            (time_text(received_before), json.dumps(list(in_work))),
        )

    async def prediction(self, note_id: int) -> Prediction | None:
        """Read what was predicted for a note; None if nothing was, or what was is damaged."""
        row = await self._database.fetch_one("SELECT * FROM predictions WHERE note = ?", (note_id,))
        try:
            return None if row is None else prediction_from(row)
        except ValueError as error:
            _log.warning("the prediction of note %d is damaged: %s", note_id, error)
            return None

    async def templates_used(self, person: str, *, besides: int, limit: int = 2000) -> tuple[str, ...]:
        """List the ids of the replies that a person got to other notes, oldest first, repeats included."""
        rows = await self._database.fetch_all(
            "SELECT template FROM notes WHERE person = ? AND id != ? AND template IS NOT NULL ORDER BY id DESC LIMIT ?",
            (person, besides, limit),
        )
        return tuple(row["template"] for row in reversed(rows))

    async def add_mark(self, note_id: int, mark: Mark, *, at: datetime) -> None:
        """Let a mark stand as the last word, also one that stood before: its removal may have gone unseen."""
        async with self._database.transaction() as transaction, retelling(transaction, self._vault, note_id):
            await _remove_mark(transaction, note_id, mark.value)
            await _add_mark(transaction, note_id, mark, at)

    async def remove_mark(self, note_id: int, mark: Mark) -> None:
        """Take a mark back."""
        async with self._database.transaction() as transaction, retelling(transaction, self._vault, note_id):
            await _remove_mark(transaction, note_id, mark.value)

    async def set_marks(self, note_id: int, marks: Sequence[Mark], *, at: datetime) -> None:
        """Let exactly these marks stand; those that stood keep their place, the others follow in the given order."""
        async with self._database.transaction() as transaction, retelling(transaction, self._vault, note_id):
            for row in await transaction.fetch_all(MARKS, (note_id,)):
                if row["mark"] not in [mark.value for mark in marks]:
                    await _remove_mark(transaction, note_id, row["mark"])
            for mark in marks:
                await _add_mark(transaction, note_id, mark, at)

    async def marks(self, note_id: int) -> tuple[Mark, ...]:
        """List the marks that stand, in the order in which they were made."""
        return tuple(mark_from_value(row["mark"]) for row in await self._database.fetch_all(MARKS, (note_id,)))

    async def verdict(self, note_id: int) -> Verdict | None:
        """Conclude what the person thinks of the guess; None if no mark stands, or nothing was guessed."""
        prediction = await self.prediction(note_id)
        return None if prediction is None else verdict_of(prediction.emotion, await self.marks(note_id))

    async def _find(self, sql: str, number: int) -> StoredNote | None:
        """Look a note up by one of its unique numbers."""
        row = await self._database.fetch_one(sql, (number,))
        return None if row is None else note_from(row)

    async def _bind_key(self, path: Path, key_id: str) -> None:
        """Remember the pseudonym key's fingerprint, or compare it with the remembered one."""
        bound = await self.setting("store", "key_id")
        if bound is None:
            await self.set_setting("store", "key_id", key_id, at=datetime.now(UTC))
        elif bound != key_id:
            raise StoreError(
                f"{path} was made with another pseudonym.key: restore that key from the backup, "
                "or move the database and the folder models away to start anew."
            )

    async def _bind_vault(self, path: Path, key_id: str) -> None:
        """Remember the examples key's fingerprint; with another one, refuse a file that holds what that cannot open."""
        bound = await self.setting("store", "examples_key_id")
        if bound == key_id:
            return
        if bound is not None and await self.holds_sealed():
            raise StoreError(
                f"{path} holds examples of another key: restore examples.key from the backup, or set "
                "EMOTIFY_EXAMPLES_KEY as it was; if that key is lost, move the database and the folder models away to "
                "start anew."
            )
        await self.set_setting("store", "examples_key_id", key_id, at=datetime.now(UTC))


async def _add_mark(transaction: Transaction, note_id: int, mark: Mark, at: datetime) -> None:
    """Insert a mark, if the note exists, has a prediction, and the mark does not stand already."""
    await transaction.write(
        "INSERT INTO feedback (note, mark, at) SELECT note, ?, ? FROM predictions WHERE note = ? "
        "ON CONFLICT (note, mark) DO NOTHING",
        (mark.value, time_text(at), note_id),
    )


async def _remove_mark(transaction: Transaction, note_id: int, mark: str) -> None:
    """Delete a mark, if it stands."""
    await transaction.write("DELETE FROM feedback WHERE note = ? AND mark = ?", (note_id, mark))
