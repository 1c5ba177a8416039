from __future__ import annotations

import re

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


def test_a_privacy_summary_counts() -> None:
    notes = [
        {"prediction": {}, "verdict": "right"},
        {"prediction": {}, "verdict": None},
        {"prediction": None, "verdict": None},
    ]
    summary = messages.privacy_summary({"notes": notes}, listening=True)
    for count in ("3 voice notes", "2 guesses", "1 verdict of yours"):
        assert count in summary


def test_forgetting_is_confirmed() -> None:
    assert "2 voice notes" in messages.forgotten(2, had_opted_out=False)
    assert "nothing about you is kept" in messages.forgotten(0, had_opted_out=False)
    assert "wish" not in messages.forgotten(1, had_opted_out=False)
    assert "wish" in messages.forgotten(0, had_opted_out=True)


def test_texts_fit_into_a_discord_message() -> None:
    assert len(messages.NOTICE) + 500 < 2000
