"""How the store lets go of notes that were deleted in Discord, by themselves or with all that was around them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from bot.database import Database, Transaction
from bot.examples import drop_examples_of, retelling
from bot.people import leave_replies
from bot.records import StoredNote, note_from
from bot.vault import Vault

_OF_MESSAGE: Final = (
    "SELECT id, message_id FROM notes WHERE status != 'withdrawn' "
    "AND (message_id = ? OR reply_id = ? AND status NOT IN ('received', 'predicted'))"
)
_A_FEW_IN: Final = (
    "SELECT id, in_baseline FROM notes WHERE (channel_id = ? OR parent_id = ?) AND status != 'withdrawn' LIMIT 50"
)
# From one server to the next in the index: there are few, with many notes each.
_SERVERS: Final = (
    "WITH RECURSIVE servers (id) AS (SELECT min(guild_id) FROM notes WHERE guild_id > 0 AND status != 'withdrawn' "
    "UNION ALL SELECT (SELECT min(guild_id) FROM notes WHERE guild_id > servers.id AND status != 'withdrawn') "
    "FROM servers WHERE id IS NOT NULL) SELECT id FROM servers WHERE id IS NOT NULL"
)
_WITHDRAWALS: Final = (
    (
        "UPDATE notes SET status = 'withdrawn', reason = NULL, template = NULL, notice = 0 "
        "WHERE id IN (SELECT value FROM json_each(?))"
    ),
    "DELETE FROM predictions WHERE note IN (SELECT value FROM json_each(?))",
    "DELETE FROM feedback WHERE note IN (SELECT value FROM json_each(?))",
)


class Withdrawals:
    """The part of the store that deletes what describes the voices in notes."""

    _database: Database
    _vault: Vault | None

    async def withdraw(self, message_id: int) -> StoredNote | None:
        """Delete what describes the voice, because the note or the reply with this message id was deleted.

        The prediction, the feedback, what one could learn and the chosen reply go; that there was a note stays. What
        answered a note that was deleted itself is among `replies_left` from then on.

        Returns
        -------
        StoredNote or None
            The note as it is now; None if the message is none of ours, or was withdrawn before.
        """
        row = await self._database.fetch_one(_OF_MESSAGE, (message_id, message_id))
        if row is None:
            return None
        await self.withdraw_note(row["id"], is_gone=row["message_id"] == message_id)
        row = await self._database.fetch_one("SELECT * FROM notes WHERE id = ?", (row["id"],))
        return None if row is None else note_from(row)

    async def withdraw_note(self, note_id: int, *, is_gone: bool = True) -> None:
        """Delete what describes the voice in a note; its place in the baseline stays, as it may be asked for again."""
        async with self._database.transaction() as transaction, retelling(transaction, self._vault, note_id):
            await _withdraw(transaction, [note_id])
            if is_gone:
                await leave_replies(transaction, "id", note_id)

    async def withdraw_channel(self, channel_id: int) -> list[int]:
        """Do what `withdraw` does for all notes of a deleted channel and of its threads; returns their numbers.

        A few at a time: there may be thousands, and voice notes that come in meanwhile have their turns.
        """
        note_ids: list[int] = []
        while True:
            async with self._database.transaction() as transaction:
                rows = await transaction.fetch_all(_A_FEW_IN, (channel_id, channel_id))
                if not rows:
                    return note_ids
                async with retelling(transaction, self._vault, *(row["id"] for row in rows if row["in_baseline"])):
                    await _withdraw(transaction, [row["id"] for row in rows])
            note_ids += [row["id"] for row in rows]

    async def servers(self) -> list[int]:
        """List the servers in which notes stand."""
        return [row["id"] for row in await self._database.fetch_all(_SERVERS)]

    async def channels_in(self, guild_id: int) -> list[int]:
        """List the channels and threads of a server in which notes stand."""
        sql = "SELECT DISTINCT channel_id FROM notes WHERE guild_id = ? AND status != 'withdrawn'"
        return [row["channel_id"] for row in await self._database.fetch_all(sql, (guild_id,))]


async def _withdraw(transaction: Transaction, note_ids: Sequence[int]) -> None:
    """Delete what describes the voice in notes."""
    await drop_examples_of(transaction, note_ids)
    for sql in _WITHDRAWALS:
        await transaction.write(sql, (json.dumps(note_ids),))
