"""What rows of the store become in Python, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

from bot.database import Row
from bot.verdicts import Confirmation, Correction, Verdict, mark_from_value, verdict_of
from emotify_core.emotions import Emotion
from emotify_core.prediction import Prediction
from responses.bands import Band, confidence_band

Origin: TypeAlias = Literal["discord", "try"]
"""The front end that a note came through."""
Status: TypeAlias = Literal["received", "predicted", "answered", "refused", "failed", "withdrawn"]
ConsentKind: TypeAlias = Literal["listening", "learning"]
Decision: TypeAlias = Literal["promoted", "kept", "failed", "skipped"]
"""What a night may end with."""
_LONG_PAST: Final = datetime.fromtimestamp(0, UTC)


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
class Stance:
    """What a person said of learning from their notes: None if they never did; and when they were asked."""

    answer: bool | None
    asked_at: datetime | None


@dataclass(frozen=True)
class Question:
    """The question whether the bot may learn: under which reply it was put, and when; `message_id` once it stands."""

    channel_id: int
    reply_id: int
    message_id: int | None
    put_at: datetime


@dataclass(frozen=True)
class Baseline:
    """How a person sounds in the mean of some notes, and the sealed form by which the store recognises this state."""

    values: bytes
    vector_set: str
    n_notes: int
    sealed: bytes


@dataclass(frozen=True)
class Learned:
    """What one can learn of a note.

    Parameters
    ----------
    vector : bytes
        What `NoteVector.to_bytes` gave.
    vector_set : str
    baseline : bytes, optional
        The speaker's baseline with this note added.
    heard_with : Baseline, optional
        The one that stood when the note was heard.
    """

    vector: bytes
    vector_set: str
    baseline: bytes | None = None
    heard_with: Baseline | None = None


@dataclass(frozen=True)
class StoredExample:
    """A note to learn from: whose it is, what was guessed, what the person said of it, and its vector."""

    person: str
    guild_id: int | None
    origin: Origin
    first_seen: datetime
    received_at: datetime
    predicted: Emotion
    verdict: Verdict
    vector_set: str
    vector: bytes


@dataclass(frozen=True)
class StoredNight:
    """A nightly retraining; what is None is not known because it never came to its end."""

    id: int
    started_at: datetime
    finished_at: datetime | None
    decision: Decision | None
    champion: str | None
    challenger: str | None
    reason: str | None
    report: dict[str, Any] | None


def guild_scope(guild_id: int) -> str:
    """Name the scope of a server's settings."""
    return f"guild:{guild_id}"


def person_scope(person: str) -> str:
    """Name the scope of a person's settings."""
    return f"person:{person}"


def time_text(moment: datetime) -> str:
    """Write an aware time in UTC with a fixed width, so that it sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def time_from(text: str) -> datetime:
    """Read what `time_text` wrote; `ValueError` if it is damaged."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} is no time in UTC")
    return moment


def moment_from(text: str) -> datetime:
    """Read what `time_text` wrote; a damaged time is long past, so that its row hides no other and nothing waits."""
    try:
        return time_from(text)
    except ValueError:
        return _LONG_PAST


def note_from(row: Row) -> StoredNote:
    """Read a row of `notes`."""
    values = {field.name: row[field.name] for field in fields(StoredNote)}
    values["received_at"] = moment_from(row["received_at"])
    values["notice"] = bool(row["notice"])
    return StoredNote(**values)


def example_from(row: Row, vector: bytes, marks: Sequence[str]) -> StoredExample | None:
    """Read an example; None if its marks were taken back meanwhile, or there is nothing to learn from them."""
    predicted = Emotion(row["emotion"])
    verdict = taught(row, predicted, marks)
    if verdict is None:
        return None
    return StoredExample(
        person=row["person"],
        guild_id=row["guild_id"],
        origin=row["origin"],
        first_seen=time_from(row["first_seen"]),
        received_at=time_from(row["received_at"]),
        predicted=predicted,
        verdict=verdict,
        vector_set=row["vector_set"],
        vector=vector,
    )


def taught(row: Row, predicted: Emotion, marks: Sequence[str]) -> Verdict | None:
    """Conclude what can be learned from the marks of a note.

    In Discord a reply names no emotion where the guess was unsure. A ✅ or ❌ under it says nothing of the guess, which
    its reader never saw; only an emotion that was named does.

    Parameters
    ----------
    row : Row
        With the note's `origin` and the prediction's `confidence`.
    predicted : Emotion
    marks : sequence of str
        That stand, in the order in which they were made.
    """
    said = [mark_from_value(mark) for mark in marks]
    was_told = row["origin"] != "discord" or confidence_band(float(row["confidence"])) is not Band.LOW
    return verdict_of(predicted, said) if was_told or (said and isinstance(said[-1], Emotion)) else None


def night_from(row: Row) -> StoredNight:
    """Read a row of `nights`; `ValueError` if it is damaged, but for its report."""
    values = {field.name: row[field.name] for field in fields(StoredNight)}
    values["started_at"] = time_from(row["started_at"])
    values["finished_at"] = time_from(row["finished_at"]) if row["finished_at"] is not None else None
    values["report"] = _report(row["report"])
    return StoredNight(**values)


def _report(text: str | None) -> dict[str, Any] | None:
    """Read the report of a night; none if it is damaged, for one of long ago must not end learning."""
    try:
        report = json.loads(text) if text else None
    except ValueError:
        return None
    return report if isinstance(report, dict) else None


def prediction_from(row: Row) -> Prediction:
    """Read a row of `predictions`; `ValueError` if it is damaged."""
    try:
        probabilities = {Emotion(name): p for name, p in json.loads(row["probabilities"]).items()}
        return Prediction(probabilities, row["duration"], row["model"])
    except (AttributeError, OverflowError, TypeError) as error:
        raise ValueError("these are no probabilities of emotions") from error


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
