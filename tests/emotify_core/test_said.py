from __future__ import annotations

from emotify_core.said import what_was_said


def test_what_was_set_aside_and_ignored_is_counted() -> None:
    examples = {"n_examples": 1, "n_people": 1, "n_set_aside_contradicts": 2, "n_of_another_model": 1, "n_damaged": 3}

    said = what_was_said(examples)

    assert said.startswith("What was said of 1 note by 1 person")
    assert "Set aside: 2 (against what everybody else taught)." in said
    assert said.endswith("Ignored: 1 note of another feature set, 3 notes damaged.")
