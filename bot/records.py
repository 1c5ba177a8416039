"""What rows of the store become in Python, and back."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from bot.database import Row, Transaction
from bot.verdicts import Confirmation, Correction, Verdict, mark_from_value, verdict_of
from emotify_core.emotions import Emotion
from emotify_core.prediction import Prediction

Origin: TypeAlias = Literal["discord", "try"]
"""The front end that a note came through."""
Status: TypeAlias = Literal["received", "predicted", "answered", "refused", "failed", "withdrawn"]
ConsentKind: TypeAlias = Literal["listening", "learning"]


@dataclass(frozen=True)
class StoredNote:
    """A voice note as the store knows it."""

    id: int
    person: str
    origin: Origin
    guild_id: int | None
    channel_id: int | None
    message_id: int | None
    reply_id: int | None
    received_at: datetime
    status: Status
    notice: bool


@dataclass(frozen=True)
class Forgotten:
    """What was deleted with a person: how many notes, and the replies (channel id, message id) left in Discord."""

    n_notes: int
    replies: tuple[tuple[int, int], ...]


def guild_scope(guild_id: int) -> str:
    """Name the scope of a server's settings."""
    return f"guild:{guild_id}"


def person_scope(person: str) -> str:
    """Name the scope of a person's settings."""
    return f"person:{person}"


def time_text(moment: datetime) -> str:
    """Write an aware time in UTC with a fixed width, so that it sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def note_from(row: Row) -> StoredNote:
    """Read a row of `notes`."""
    values = {field.name: row[field.name] for field in fields(StoredNote)}
    values["received_at"] = datetime.fromisoformat(row["received_at"])
    values["notice"] = bool(row["notice"])
    return StoredNote(**values)


def prediction_from(row: Row) -> Prediction:
    """Read a row of `predictions`."""
    probabilities = {Emotion(name): p for name, p in json.loads(row["probabilities"]).items()}
    return Prediction(probabilities, row["duration"], row["model"])


def prediction_columns(prediction: Prediction) -> tuple[str, str, float, str, float]:
    """Lay a prediction out as model, emotion, confidence, probabilities and duration."""
    probabilities = json.dumps({emotion.value: p for emotion, p in prediction.probabilities.items()})
    return prediction.model, prediction.emotion.value, prediction.confidence, probabilities, prediction.duration


def verdict_text(verdict: Verdict | None) -> str | None:
    """Name a verdict as exports do: 'right', 'wrong', or the emotion that it was."""
    if verdict is None:
        return None
    if isinstance(verdict, Confirmation):
        return "right"
    return verdict.emotion.value if isinstance(verdict, Correction) else "wrong"


async def collect(transaction: Transaction, person: str) -> dict[str, Any]:
    """Collect everything that the store keeps about a person, ready for JSON."""
    people = await transaction.fetch_all("SELECT * FROM people WHERE pseudonym = ?", (person,))
    consents = await transaction.fetch_all("SELECT * FROM consents WHERE person = ? ORDER BY kind", (person,))
    sql = "SELECT name, value FROM settings WHERE scope = ? ORDER BY name"
    settings = await transaction.fetch_all(sql, (person_scope(person),))
    notes = await transaction.fetch_all("SELECT * FROM notes WHERE person = ? ORDER BY id", (person,))
    return {
        "pseudonym": person,
        "first_seen": people[0]["first_seen"] if people else None,
        "notice_shown_at": people[0]["notice_shown_at"] if people else None,
        "consents": {row["kind"]: {"answer": bool(row["answer"]), "changed_at": row["changed_at"]} for row in consents},
        "settings": {row["name"]: row["value"] for row in settings},
        "notes": [await _collect_note(transaction, row) for row in notes],
    }


async def _collect_note(transaction: Transaction, row: Row) -> dict[str, Any]:
    """Collect one note with its prediction and feedback."""
    columns = row.keys()
    note = {name: row[name] for name in columns if name not in {"person", "notice"}}
    predictions = await transaction.fetch_all("SELECT * FROM predictions WHERE note = ?", (row["id"],))
    marks = await transaction.fetch_all("SELECT mark, at FROM feedback WHERE note = ? ORDER BY seq", (row["id"],))
    if not predictions:
        return note | {"prediction": None, "feedback": [], "verdict": None}
    prediction = prediction_from(predictions[0])
    verdict = verdict_of(prediction.emotion, [mark_from_value(mark["mark"]) for mark in marks])
    return note | {
        "prediction": prediction.to_dict() | {"created_at": predictions[0]["created_at"]},
        "feedback": [dict(mark) for mark in marks],
        "verdict": verdict_text(verdict),
    }
