from __future__ import annotations

import re
from typing import Any

import pytest

from bot import messages
from bot.troubles import Trouble

ALL = [messages.sorry(trouble, max_seconds=1200, max_bytes=26214400) for trouble in Trouble]


@pytest.mark.parametrize("sentence", ALL)
def test_every_trouble_is_one_friendly_sentence(sentence: str) -> None:
    assert re.fullmatch(r"[A-Z][^!?]*\.", sentence)
    assert len(re.findall(r"[.](\s|$)", sentence)) == 1
    assert not re.search(r"error|exception|invalid|traceback|fail", sentence, re.IGNORECASE)


def test_no_two_troubles_sound_alike() -> None:
    assert len(set(ALL)) == len(Trouble)


def test_limits_are_named() -> None:
    assert "20 minutes" in messages.sorry(Trouble.TOO_LONG, max_seconds=1200, max_bytes=1)
    assert "25 MiB" in messages.sorry(Trouble.TOO_LARGE, max_seconds=1, max_bytes=25 * 2**20)


@pytest.mark.parametrize("notice", [messages.notice("discord"), messages.notice("try")])
def test_the_notice_tells_what_a_person_must_know(notice: str) -> None:
    for word in ("machine", "often wrong", "don't keep your audio", "emotion I guessed", "pseudonym"):
        assert word in notice


def test_the_notice_in_discord_names_the_commands() -> None:
    assert "/privacy" in messages.NOTICE
    assert "/forget-me" in messages.NOTICE
    for word in ("when and where", "your reactions", "only with your yes"):
        assert word in messages.NOTICE


def test_the_notice_on_a_terminal_tells_that_the_bot_learns() -> None:
    for word in ("to learn from", "numbers that describe how your voice sounds", "encrypted", "try --forget"):
        assert word in messages.NOTICE_TRY


def export(
    *, n_vectors: int = 0, n_notes_in_baseline: int = 0, asked: bool = False, n_damaged: int = 0
) -> dict[str, Any]:
    notes: list[dict[str, Any]] = [{"prediction": {}, "verdict": "right"}, {"prediction": {}, "verdict": None}]
    notes.append({"prediction": None, "verdict": None})
    return {
        "notes": [note | {"vector_kept": i < n_vectors} for i, note in enumerate(notes)],
        "baseline": {"n_notes": n_notes_in_baseline} if n_notes_in_baseline else None,
        "consents": {"learning": {"answer": False}} if asked else {},
        "n_damaged": n_damaged,
    }


def test_a_privacy_summary_counts() -> None:
    summary = messages.privacy_summary(export(), listening=True, learning=None)
    for count in ("3 voice notes", "2 guesses", "1 verdict of yours"):
        assert count in summary
    assert "read" not in summary
    summary = messages.privacy_summary(export(n_damaged=1), listening=True, learning=None)
    assert "2 guesses of mine, 1 verdict of yours. 1 more guess of mine cannot be read any more." in summary


@pytest.mark.parametrize(
    ("kept", "learning", "told"),
    [
        ({}, None, "Nothing is learned from your voice: my operator has switched that off."),
        ({"n_vectors": 2}, None, "Still kept from before: numbers that describe the sound of 2 notes."),
        ({}, False, "Nothing is learned from your voice without your yes"),
        ({"asked": True}, False, "I do not learn from your voice notes, as you asked, and keep no numbers"),
        ({}, True, "as you allowed. No numbers of them are kept yet."),
        ({"n_vectors": 1}, True, "Kept for that, encrypted: numbers that describe the sound of 1 note."),
        ({"n_vectors": 2, "n_notes_in_baseline": 5}, True, "2 notes and how your voice usually sounds, from 5 notes."),
    ],
)
def test_a_privacy_summary_tells_what_is_learned(kept: dict[str, Any], learning: bool | None, told: str) -> None:
    assert told in messages.privacy_summary(export(**kept), listening=True, learning=learning)


def test_the_question_whether_to_learn_tells_what_a_person_must_know() -> None:
    for word in ("numbers", "encrypted", "pseudonym", "never the audio", "never your words", "/privacy", "deleted"):
        assert word in messages.LEARNING_QUESTION
    assert messages.LEARNING_QUESTION.count("?") == 1
    for answer in (messages.LEARNING_ON, messages.LEARNING_OFF):
        assert "/privacy" in answer


def test_forgetting_is_confirmed() -> None:
    assert "2 voice notes" in messages.forgotten(2, had_opted_out=False)
    assert "1 voice note with all that belonged to it." in messages.forgotten(1, had_opted_out=False)
    assert "nothing about you is kept" in messages.forgotten(0, had_opted_out=False)
    assert "wish" not in messages.forgotten(1, had_opted_out=False)
    assert "wish" in messages.forgotten(0, had_opted_out=True)


def test_texts_fit_into_a_discord_message() -> None:
    assert len(messages.NOTICE) + 500 < 2000
