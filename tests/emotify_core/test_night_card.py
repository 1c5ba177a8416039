from __future__ import annotations

from typing import Any

import pytest

from emotify_core.header import Header
from emotify_core.night_card import render_night_card

HEADER = Header(
    version="night-20260102-033000",
    created="2026-01-02T03:30:00+00:00",
    recipe="fused",
    feature_set="functionals-3",
    n_features=12,
    labels=("calm", "sad"),
    corpora=(),
    licence="CC BY-NC-SA 4.0",
    libraries={"numpy": "2.0"},
    seed=0,
    sha256="ab",
)


def check(what: str, champion: float, challenger: float) -> dict[str, Any]:
    difference = challenger - champion
    around = {"low": difference - 0.01, "high": difference + 0.01, "limit": "not worse", "passed": True}
    return {"what": what, "champion": champion, "challenger": challenger, "difference": difference, **around}


NIGHT = {
    "base": "fused-20260101-000000",
    "champion": "night-20260101-033000",
    "examples": {"n_examples": 40, "n_people": 3, "n_corrections": 10},
    "gate": [
        check("UAR, clean", 0.7, 0.71),
        check("recall of sad, clean", 0.5, 0.47),
        check("calibration error, clean", 0.02, 0.03),
        check("calibration error, opus 32 kbit/s", 0.03, 0.02),
    ],
}


@pytest.fixture(scope="module")
def card() -> str:
    return render_night_card(HEADER, NIGHT, picture="night.png")


def plain(card: str) -> str:
    return " ".join(card.split())


def test_what_it_is_bad_at_comes_first_and_the_worst_loss_before_the_others(card: str) -> None:
    sections = [line for line in card.splitlines() if line.startswith("## ")]

    assert sections[0] == "## What it is bad at"
    lost = "recall of sad, clean (50.0 to 47.0); calibration error, clean (2.0 to 3.0)."
    assert f"Compared with `night-20260101-033000` it lost, in percent: {lost}" in plain(card)


def test_every_row_of_the_gate_is_in_the_table(card: str) -> None:
    assert "| recall of sad, clean | 0.500 | 0.470 | -0.030 | -0.040 to -0.020 | not worse |" in card
    assert sum(line.startswith("| ") for line in card.splitlines()) == 1 + len(NIGHT["gate"])


def test_it_says_that_it_must_not_be_passed_on_and_where_it_comes_from(card: str) -> None:
    assert "it must not be passed on" in plain(card)
    assert "Made at night from `fused-20260101-000000` and" in plain(card)


def test_what_it_learned_from_is_said_as_a_sentence() -> None:
    counts = {"n_examples": 1, "n_people": 1, "n_corrections": 1, "n_people_set_aside": 0, "n_damaged": 0}

    card = plain(render_night_card(HEADER, NIGHT | {"examples": counts}, picture=None))

    assert "- What was said of 1 note by 1 person: 0 confirmed, 1 corrected, 0 rejected. - Replaced" in card


def test_examples_that_counted_less_are_told(card: str) -> None:
    careful = plain(render_night_card(HEADER, NIGHT | {"share_of_weight": 0.5}, picture=None))

    assert "0 rejected. They counted 50% of what they may, because with more the gate refused it." in careful
    assert "They counted" not in plain(card)


def test_who_was_set_aside_taught_it_nothing() -> None:
    counts = {"n_examples": 9, "n_people": 5, "n_corrections": 9, "n_people_set_aside": 4, "n_people_learned": 1}

    card = plain(render_night_card(HEADER, NIGHT | {"examples": counts}, picture=None))

    assert "It learned from one person using" in card


def test_it_says_why_the_figures_differ_from_those_of_the_card_before(card: str) -> None:
    assert "Both are calibrated as they serve, to all speakers, so `before` may differ by a point" in plain(card)


def test_the_picture_is_shown_where_there_is_one(card: str) -> None:
    assert "](night.png)" in card
    assert "![" not in render_night_card(HEADER, NIGHT, picture=None)


def test_where_nothing_was_lost_nothing_is_named() -> None:
    better = NIGHT | {"gate": [check("UAR, clean", 0.7, 0.71)]}

    assert "it lost" not in render_night_card(HEADER, better, picture=None)


def test_prose_fits_a_terminal(card: str) -> None:
    assert all(len(line) <= 80 for line in card.splitlines() if not line.startswith("|"))
