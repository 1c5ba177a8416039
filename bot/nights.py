"""What the store remembers of each nightly retraining."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.database import Database
from bot.records import Decision, StoredNight, night_from, time_text

_log = logging.getLogger(__name__)

_END = (
    "UPDATE nights SET finished_at = ?, decision = ?, champion = ?, challenger = ?, reason = ?, report = ? WHERE id = ?"
)


class Nights:
    """The part of the store that holds the nights."""

    _database: Database

    async def begin_night(self, at: datetime) -> int:
        """Record that the job began, and return the number of the night."""
        rows = await self._database.fetch_all(
            "INSERT INTO nights (started_at) VALUES (?) RETURNING id", (time_text(at),)
        )
        return int(rows[0]["id"])

    async def end_night(
        self,
        night_id: int,
        *,
        decision: Decision,
        champion: str | None,
        challenger: str | None,
        reason: str,
        report: Mapping[str, Any],
        at: datetime,
    ) -> None:
        """Record what was decided.

        Parameters
        ----------
        night_id : int
            What `begin_night` returned.
        decision : {'promoted', 'kept', 'failed', 'skipped'}
        champion, challenger : str, optional
            Versions: the one that was compared with, and the one that was made in the night.
        reason : str
            One sentence.
        report : Mapping[str, Any]
            Counts and the gate's table, ready for JSON; nobody is named in it.
        at : datetime
            When it ended.
        """
        text = json.dumps(dict(report), ensure_ascii=False, allow_nan=False)
        await self._database.write(_END, (time_text(at), decision, champion, challenger, reason, text, night_id))

    async def nights(self, limit: int = 30) -> list[StoredNight]:
        """List the latest nights, newest first, those that never came to their end included; damaged ones are not."""
        rows = await self._database.fetch_all("SELECT * FROM nights ORDER BY id DESC LIMIT ?", (limit,))
        nights = []
        for row in rows:
            try:
                nights.append(night_from(row))
            except ValueError as error:
                _log.warning("Night %d is passed over, because its row is damaged: %s", row["id"], error)
        return nights
