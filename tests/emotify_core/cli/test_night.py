from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from emotify_core.cli.night import show_night
from tests.emotify_core.gates import gate_row, night_facts


def shown(night: dict[str, Any]) -> str:
    out = Console(file=io.StringIO(), width=80, highlight=False, markup=False)
    show_night(out, night)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_a_night_fits_on_a_terminal_of_80_columns() -> None:
    text = shown(night_facts())

    assert max(map(len, text.splitlines())) <= 80
    assert "2026-01-02 03:31 UTC, champion shipped-1 against challenger night-1" in text
    assert "What was said of 40 notes by 3 people: 20 confirmed, 15 corrected, 5 rejected." in text
    lines = [line.split() for line in text.splitlines()]
    assert ["✓", "UAR,", "clean", "66.1", "67.3", "+1.2", "+0.2", "to", "+2.2"] in lines
    assert "✗ recall of surprised, pink noise 20 dB     66.1       59.6  -6.5 -7.5 to -5.5" in text
    assert text.endswith("The challenger is the champion now: Nowhere worse than allowed.\n")


def test_what_is_demanded_is_said_once_for_each_kind() -> None:
    text = shown(night_facts(gate=[gate_row(), gate_row("UAR, opus")]))

    assert text.count("surely not down by more than 1 point") == 1


def test_it_says_why_the_figures_differ_from_those_of_the_card() -> None:
    assert "Both are calibrated as they serve, so a card may differ by a point.\n" in shown(night_facts())


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ("kept", "The champion stays: UAR 0.7 -> 0.6."),
        ("skipped", "Nothing was learned: There is no feedback."),
        ("failed", "The night failed, and the champion stays: OSError: no space."),
        (None, "No decision is known: no reason was given."),
    ],
)
def test_a_night_without_table_is_a_sentence(decision: str | None, said: str) -> None:
    reason = said.partition(": ")[2] if decision else None

    assert shown({"decision": decision, "reason": reason}) == f"{said}\n"


def test_a_reason_that_begins_with_the_decision_does_not_say_it_twice() -> None:
    assert shown({"decision": "kept", "reason": "The champion stays: it is better."}) == (
        "The champion stays: it is better.\n"
    )


def test_figures_that_could_not_be_measured_are_question_marks() -> None:
    text = shown(night_facts(gate=[gate_row() | {"low": None, "high": None, "difference": None}]))

    assert "? ? to ?" in text
