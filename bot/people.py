"""What the store remembers of people: what they decided, what they set, and how all of it is shown and forgotten."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from bot.database import Database, Transaction
from bot.examples import drop_examples, keep
from bot.export import read_all, write_up
from bot.records import ConsentKind, Learned, Question, Stance, moment_from, person_scope, time_text
from bot.vault import Vault

_log = logging.getLogger(__name__)

_LEAVE_REPLIES: Final = (
    (
        "INSERT OR IGNORE INTO replies_left (reply_id, channel_id) SELECT reply_id, channel_id FROM notes "
        "WHERE {column} = ? AND reply_id IS NOT NULL AND channel_id IS NOT NULL"
    ),
    (
        "INSERT OR IGNORE INTO replies_left (reply_id, channel_id) SELECT e.reply_id, channel_id "
        "FROM earlier_replies e JOIN notes ON id = note WHERE {column} = ? AND channel_id IS NOT NULL"
    ),
)
_LEAVE_QUESTIONS: Final = (
    "INSERT OR IGNORE INTO replies_left (reply_id, channel_id) SELECT message_id, channel_id FROM questions "
    "WHERE person = ? AND message_id IS NOT NULL"
)
_LEFT: Final = (
    "SELECT channel_id, reply_id FROM replies_left WHERE ?1 IS NULL OR reply_id IN (SELECT reply_id FROM notes "
    "WHERE id = ?1 UNION ALL SELECT reply_id FROM earlier_replies WHERE note = ?1) ORDER BY reply_id"
)


class People:
    """The part of the store that holds people, and the settings of theirs and of servers."""

    _database: Database
    _vault: Vault | None

    async def notice_shown(self, person: str) -> bool:
        """Tell whether the person has got the first-use notice."""
        sql = "SELECT 1 FROM people WHERE pseudonym = ? AND notice_shown_at IS NOT NULL"
        return await self._database.fetch_one(sql, (person,)) is not None

    async def consent(self, person: str, kind: ConsentKind) -> bool | None:
        """Read what the person decided; None if they never did."""
        sql = "SELECT answer FROM consents WHERE person = ? AND kind = ?"
        row = await self._database.fetch_one(sql, (person, kind))
        return None if row is None else bool(row["answer"])

    async def set_consent(self, person: str, kind: ConsentKind, *, answer: bool, at: datetime) -> None:
        """Record what the person decided."""
        async with self._database.transaction() as transaction:
            await _set_consent(transaction, person, kind, answer=answer, at=at)

    async def stance(self, person: str) -> Stance:
        """Read what the person said of learning from their notes, and whether they were asked."""
        row = await self._database.fetch_one(
            "SELECT learning_asked_at, answer FROM people "
            "LEFT JOIN consents ON person = pseudonym AND kind = 'learning' WHERE pseudonym = ?",
            (person,),
        )
        if row is None:
            return Stance(None, None)
        asked_at = row["learning_asked_at"]
        answer = None if row["answer"] is None else bool(row["answer"])
        return Stance(answer, None if asked_at is None else moment_from(asked_at))

    async def question_leaves(self, person: str, reply_id: int, *, at: datetime) -> None:
        """Record that the person is being asked under a reply whether the bot may learn from their notes."""
        await self._database.write(
            "INSERT OR REPLACE INTO questions (person, channel_id, reply_id, put_at) "
            "SELECT person, channel_id, reply_id, ? FROM notes WHERE reply_id = ? AND person = ?",
            (time_text(at), reply_id, person),
        )

    async def learning_question(self, person: str) -> Question | None:
        """Find the question to a person that stands where others see it, or was on its way when the bot was killed."""
        row = await self._database.fetch_one("SELECT * FROM questions WHERE person = ?", (person,))
        if row is None:
            return None
        return Question(row["channel_id"], row["reply_id"], row["message_id"], moment_from(row["put_at"]))

    async def learning_asked(self, person: str, message_id: int | None = None, *, at: datetime) -> bool:
        """Record that the question stands, as a message if others see it; False if the person is forgotten by now."""
        async with self._database.transaction() as transaction:
            changed = await transaction.write(
                "UPDATE people SET learning_asked_at = coalesce(learning_asked_at, ?) WHERE pseudonym = ?",
                (time_text(at), person),
            )
            if message_id is None:
                await transaction.write("DELETE FROM questions WHERE person = ?", (person,))
            else:
                await transaction.write("UPDATE questions SET message_id = ? WHERE person = ?", (message_id, person))
        return changed > 0

    async def set_learning(
        self, person: str, *, learning: bool, at: datetime, waiting: Mapping[int, Learned] | None = None
    ) -> None:
        """Record whether the bot may learn from the person's notes, and act on it at once.

        Parameters
        ----------
        person : str
        learning : bool
            With a yes what waits is kept; with a no all that was kept is deleted, and its traces in the file.
        at : datetime
        waiting : Mapping[int, Learned], optional
            What one can learn of the person's latest notes, by the number of the note.
        """
        async with self._database.transaction() as transaction:
            await _set_consent(transaction, person, "learning", answer=learning, at=at)
            await transaction.write("DELETE FROM questions WHERE person = ?", (person,))
            if not learning:
                await drop_examples(transaction, person)
            elif self._vault is not None:
                for note_id, learned in (waiting or {}).items():
                    await keep(transaction, self._vault, note_id, learned, at)
        if not learning:
            await self._erase_traces("a person's examples were deleted")

    async def setting(self, scope: str, name: str) -> str | None:
        """Read a setting of a server (`guild_scope`) or a person (`person_scope`)."""
        sql = "SELECT value FROM settings WHERE scope = ? AND name = ?"
        row = await self._database.fetch_one(sql, (scope, name))
        return None if row is None else row["value"]

    async def set_setting(self, scope: str, name: str, value: str | None, *, at: datetime) -> None:
        """Write a setting, or delete it with None."""
        if value is None:
            await self._database.write("DELETE FROM settings WHERE scope = ? AND name = ?", (scope, name))
            return
        await self._database.write(
            "INSERT INTO settings (scope, name, value, changed_at) VALUES (?, ?, ?, ?) ON CONFLICT (scope, name) "
            "DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at",
            (scope, name, value, time_text(at)),
        )

    async def export(self, person: str) -> dict[str, Any]:
        """Collect everything that is kept about a person, ready for JSON."""
        async with self._database.transaction() as transaction:
            rows = await read_all(transaction, person)
        return await asyncio.to_thread(write_up, person, rows)

    async def forget(self, person: str) -> int:
        """Delete everything about a person, in one transaction, and its traces from the file.

        Returns
        -------
        int
            How many notes there were; what answered them is among `replies_left` from then on.
        """
        async with self._database.transaction() as transaction:
            await leave_replies(transaction, "person", person)
            await transaction.write(_LEAVE_QUESTIONS, (person,))
            [[n_notes]] = await transaction.fetch_all("SELECT count(*) FROM notes WHERE person = ?", (person,))
            await transaction.write("DELETE FROM settings WHERE scope = ?", (person_scope(person),))
            await transaction.write("DELETE FROM people WHERE pseudonym = ?", (person,))  # the rest cascades
        await self._erase_traces("a person was forgotten")
        return int(n_notes)

    async def replies_left(self, note_id: int | None = None) -> tuple[tuple[int, int], ...]:
        """List what may still stand of the replies and questions to people who were forgotten, and to deleted notes.

        Parameters
        ----------
        note_id : int, optional
            A note that was deleted: only the replies to it.

        Returns
        -------
        tuple of (int, int)
            Channel and message ids.
        """
        rows = await self._database.fetch_all(_LEFT, (note_id,))
        return tuple((row["channel_id"], row["reply_id"]) for row in rows)

    async def reply_gone(self, reply_id: int) -> None:
        """Record that such a reply stands no more, or cannot be deleted."""
        await self._database.write("DELETE FROM replies_left WHERE reply_id = ?", (reply_id,))

    async def _erase_traces(self, what: str) -> None:
        """Erase what deleted rows left in the file, or tell the operator how."""
        if not await self._database.erase_traces():
            _log.warning("%s, but another process reads the database: restart it to erase all traces", what)


async def leave_replies(transaction: Transaction, column: Literal["id", "person"], value: int | str) -> None:
    """Let the replies to a note, or to all notes of a person, be among `replies_left`."""
    for sql in _LEAVE_REPLIES:
        await transaction.write(sql.format(column=column), (value,))


async def _set_consent(transaction: Transaction, person: str, kind: ConsentKind, *, answer: bool, at: datetime) -> None:
    """Record what a person decided."""
    await meet(transaction, person, at)
    await transaction.write(
        "INSERT INTO consents (person, kind, answer, changed_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (person, kind) DO UPDATE SET answer = excluded.answer, changed_at = excluded.changed_at",
        (person, kind, answer, time_text(at)),
    )


async def meet(transaction: Transaction, person: str, at: datetime) -> None:
    """Make sure that there is a row for a person."""
    sql = "INSERT INTO people (pseudonym, first_seen) VALUES (?, ?) ON CONFLICT (pseudonym) DO NOTHING"
    await transaction.write(sql, (person, time_text(at)))
