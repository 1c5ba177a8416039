"""Everything that is kept about a person, as they may download it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from bot.database import Row, Transaction
from bot.records import person_scope, prediction_from, verdict_text
from bot.verdicts import mark_from_value, verdict_of

_ABOUT_VECTORS: Final = (
    "Where vector_kept is true, numbers that describe how the note sounds are kept to learn from; a baseline is how "
    "your voice is usually heard, from n_notes of the notes, and which emotions you said they were; in_baseline is a "
    "note's place in it, 0 if it has none. Both are encrypted, under a key that lies with the bot and nowhere else, so "
    "the numbers themselves are not in this file."
)

_OF_PERSON: Final = "SELECT * FROM {table} WHERE person = ?"
_OF_NOTES: Final = "SELECT {columns} FROM {table} WHERE note IN (SELECT id FROM notes WHERE person = ?)"
_QUERIES: Final = {
    "people": "SELECT * FROM people WHERE pseudonym = ?",
    "consents": f"{_OF_PERSON.format(table='consents')} ORDER BY kind",
    "questions": _OF_PERSON.format(table="questions"),
    "baselines": _OF_PERSON.format(table="baselines"),
    "notes": f"{_OF_PERSON.format(table='notes')} ORDER BY id",
    "predictions": _OF_NOTES.format(columns="*", table="predictions"),
    "earlier_replies": _OF_NOTES.format(columns="*", table="earlier_replies"),
    "examples": _OF_NOTES.format(columns="note", table="examples"),
    "feedback": f"{_OF_NOTES.format(columns='*', table='feedback')} ORDER BY seq",
}


async def read_all(transaction: Transaction, person: str) -> dict[str, list[Row]]:
    """Read everything that the store keeps about a person, table by table: everybody else waits for the store."""
    rows = {table: await transaction.fetch_all(sql, (person,)) for table, sql in _QUERIES.items()}
    sql = "SELECT name, value FROM settings WHERE scope = ? ORDER BY name"
    return rows | {"settings": await transaction.fetch_all(sql, (person_scope(person),))}


def write_up(person: str, rows: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """Put together what was read, ready for JSON; of thousands of notes that takes a while."""
    people, baselines = rows["people"], rows["baselines"]
    notes = _collect_notes(rows)
    return {
        "pseudonym": person,
        "first_seen": people[0]["first_seen"] if people else None,
        "notice_shown_at": people[0]["notice_shown_at"] if people else None,
        "learning_asked_at": people[0]["learning_asked_at"] if people else None,
        "learning_question": dict(rows["questions"][0]) if rows["questions"] else None,
        "consents": {
            row["kind"]: {"answer": bool(row["answer"]), "changed_at": row["changed_at"]} for row in rows["consents"]
        },
        "settings": {row["name"]: row["value"] for row in rows["settings"]},
        "about_vectors": _ABOUT_VECTORS,
        "baseline": {name: baselines[0][name] for name in ("n_notes", "changed_at")} if baselines else None,
        "n_damaged": sum(note["is_damaged"] for note in notes),
        "notes": notes,
    }


def _collect_notes(rows: Mapping[str, Sequence[Row]]) -> list[dict[str, Any]]:
    """Put together what belongs to each note."""
    prediction_of = {row["note"]: row for row in rows["predictions"]}
    with_vector = {row["note"] for row in rows["examples"]}
    marks_of, earlier_of = _by_note(rows["feedback"]), _by_note(rows["earlier_replies"])
    return [
        _collect_note(note, prediction_of.get(n), marks_of.get(n, []), has_vector=n in with_vector)
        | {"earlier_replies": [row["reply_id"] for row in earlier_of.get(n, [])]}
        for n, note in ((row["id"], row) for row in rows["notes"])
    ]


def _by_note(rows: Iterable[Row]) -> dict[int, list[Row]]:
    """Sort rows by the note that they belong to."""
    sorted_rows: dict[int, list[Row]] = {}
    for row in rows:
        sorted_rows.setdefault(row["note"], []).append(row)
    return sorted_rows


def _collect_note(row: Row, predicted: Row | None, marks: Iterable[Row], *, has_vector: bool) -> dict[str, Any]:
    """Collect one note with its prediction and feedback."""
    note = {name: row[name] for name in row.keys() if name not in {"person", "notice"}}  # noqa: SIM118 - it is no dict
    note["vector_kept"], note["is_damaged"] = has_vector, False
    if predicted is None:
        return note | {"prediction": None, "feedback": [], "verdict": None}
    note["feedback"] = [{"mark": mark["mark"], "at": mark["at"]} for mark in marks]
    try:
        prediction = prediction_from(predicted)
        verdict = verdict_of(prediction.emotion, [mark_from_value(mark["mark"]) for mark in marks])
    except ValueError:
        return note | {"prediction": None, "verdict": None, "is_damaged": True}
    return note | {
        "prediction": prediction.to_dict() | {"created_at": predicted["created_at"]},
        "verdict": verdict_text(verdict),
    }
