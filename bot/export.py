"""Everything that is kept about a person, as they may download it."""

from __future__ import annotations

from typing import Any, Final

from bot.database import Row, Transaction
from bot.records import person_scope, prediction_from, verdict_text
from bot.verdicts import mark_from_value, verdict_of

_ABOUT_VECTORS: Final = (
    "Where vector_kept is true, numbers that describe how the note sounds are kept to learn from; a baseline is how "
    "your voice is usually heard, from n_notes of the notes, and which emotions you said they were. Both are "
    "encrypted, under a key that lies with the bot and nowhere else, so the numbers themselves are not in this file."
)


async def collect(transaction: Transaction, person: str) -> dict[str, Any]:
    """Collect everything that the store keeps about a person, ready for JSON."""
    people = await transaction.fetch_all("SELECT * FROM people WHERE pseudonym = ?", (person,))
    consents = await transaction.fetch_all("SELECT * FROM consents WHERE person = ? ORDER BY kind", (person,))
    sql = "SELECT name, value FROM settings WHERE scope = ? ORDER BY name"
    settings = await transaction.fetch_all(sql, (person_scope(person),))
    baselines = await transaction.fetch_all("SELECT n_notes, changed_at FROM baselines WHERE person = ?", (person,))
    notes = await transaction.fetch_all("SELECT * FROM notes WHERE person = ? ORDER BY id", (person,))
    return {
        "pseudonym": person,
        "first_seen": people[0]["first_seen"] if people else None,
        "notice_shown_at": people[0]["notice_shown_at"] if people else None,
        "learning_asked_at": people[0]["learning_asked_at"] if people else None,
        "consents": {row["kind"]: {"answer": bool(row["answer"]), "changed_at": row["changed_at"]} for row in consents},
        "settings": {row["name"]: row["value"] for row in settings},
        "about_vectors": _ABOUT_VECTORS,
        "baseline": dict(baselines[0]) if baselines else None,
        "notes": [await _collect_note(transaction, row) for row in notes],
    }


async def _collect_note(transaction: Transaction, row: Row) -> dict[str, Any]:
    """Collect one note with its prediction and feedback."""
    columns = row.keys()
    note = {name: row[name] for name in columns if name not in {"person", "notice"}}
    predictions = await transaction.fetch_all("SELECT * FROM predictions WHERE note = ?", (row["id"],))
    vectors = await transaction.fetch_all("SELECT 1 FROM examples WHERE note = ?", (row["id"],))
    note["vector_kept"] = bool(vectors)
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
