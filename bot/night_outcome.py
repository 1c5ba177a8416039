"""What came of a night: as a version's metrics have it, as lines of the log, as a picture."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.records import Decision
from emotify_core.errors import sentence_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What came of a night.

    `is_outdated` tells that its challenger was good, but may have learned from notes that were deleted meanwhile.
    """

    decision: Decision
    reason: str
    champion: str
    challenger: str | None
    report: Mapping[str, Any]
    decided_at: datetime
    is_outdated: bool = False

    def facts(self) -> dict[str, Any]:
        """Lay it out as `emotify_core.cli.night.show_night` and a version's metrics have it."""
        return {
            "decision": self.decision,
            "reason": self.reason,
            "champion": self.champion,
            "challenger": self.challenger,
            "decided_at": self.decided_at.astimezone(UTC).isoformat(timespec="seconds"),
            **self.report,
        }


class UntidyNightError(Exception):
    """A night was decided, but could not be recorded, or old versions not be deleted; the next one makes up for it."""

    def __init__(self, outcome: Outcome, cause: Exception) -> None:
        super().__init__(sentence_of(cause))
        self.outcome = outcome


def draw(outcome: Outcome) -> bytes | None:
    """Draw the gate's table; None if there is none, or matplotlib is not installed."""
    from emotify_core.gate_picture import draw_gate  # noqa: PLC0415 - only a night that compared something draws

    rows = outcome.report.get("gate", [])
    n_failed = sum(not row["passed"] for row in rows)
    day = outcome.decided_at
    came_of_it = "the challenger is the champion now" if outcome.decision == "promoted" else "the champion stays"
    if outcome.decision != "promoted" and n_failed:
        came_of_it += f", the challenger falls short in {n_failed} of {len(rows)} checks"
    try:
        picture = draw_gate(rows, title=f"{day.day} {day:%B %Y}: {came_of_it}")
    except ImportError:
        _log.warning("There is no picture of the night: matplotlib, of the extra bot, is not installed")
        return None
    return None if picture is None else picture.png


def gate_lines(outcome: Outcome) -> list[str]:
    """Write the gate's table out for a log, a line for each check; none if nothing was compared."""
    return [
        f"{row['what']}: {_share(row['champion'])} -> {_share(row['challenger'])}, difference "
        f"{_share(row['difference'], '+')} ({_share(row['low'], '+')} to {_share(row['high'], '+')}), "
        f"{'passed' if row['passed'] else 'not passed'}: {row['limit']}"
        for row in outcome.report.get("gate", [])
    ]


def _share(share: float | None, sign: str = "") -> str:
    return "unknown" if share is None else f"{share:{sign}.3f}"
