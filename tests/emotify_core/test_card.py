from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emotify_core.card import render_card, write_card
from emotify_core.evaluation import cross_validate, figures
from emotify_core.registry import Header
from emotify_core.splits import emobox_folds
from tests.emotify_core.tables import recipe_of, table_of, utterances_of
from tests.emotify_core.tiny_models import LABELS, tiny_header

CORPUS = {
    "name": "ravdess",
    "title": "RAVDESS",
    "licence": "CC BY-NC-SA 4.0",
    "citation": "Livingstone SR, Russo FA (2018).",
    "url": "https://zenodo.org/records/1188976",
    "n_utterances": 100,
    "n_speakers": 6,
}


@pytest.fixture(scope="module")
def metrics() -> dict[str, Any]:
    dataset = table_of(utterances_of())
    outcome = cross_validate(dataset, emobox_folds(dataset.utterances), recipe_of())["clean"]
    return {
        "protocol": "emobox",
        "recipe": "functionals",
        "corpora": ["ravdess"],
        "seed": 4,
        "figures": {"clean": figures(outcome), "pink noise 10 dB": figures(outcome)},
    }


@pytest.fixture
def header() -> Header:
    return tiny_header(corpora=(CORPUS,), sha256="0123abcd", libraries={"python": "3.11.7"})


def table_rows(card: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in card.splitlines() if line.startswith("|")]


def test_it_says_what_the_model_is_and_what_it_is_made_of(header: Header, metrics: dict[str, Any]) -> None:
    card = render_card(header, metrics)

    for fact in ("# Model tiny-1", "`functionals-1` (12 features)", "0123abcd", "python 3.11.7", ", ".join(LABELS)):
        assert fact in card
    for fact in ("RAVDESS: 100 utterances of 6 speakers", "**CC BY-NC-SA 4.0**", "Livingstone", "zenodo.org"):
        assert fact in card


def test_it_says_what_the_model_must_not_be_used_for_and_is_bad_at(header: Header, metrics: dict[str, Any]) -> None:
    card = render_card(header, metrics)

    assert "diagnosing" in card
    assert "## What it is bad at" in card


def test_figures_are_those_of_the_metrics(header: Header, metrics: dict[str, Any]) -> None:
    rows = {row[0]: row[1:] for row in table_rows(render_card(header, metrics))}

    clean = metrics["figures"]["clean"]
    assert rows["clean"][0] == f"{clean['uar']:.3f}"
    assert rows["clean"][2] == f"{clean['accuracy']:.3f}"
    assert "pink noise 10 dB" in rows
    for label, counts in zip(clean["labels"], clean["confusion"], strict=True):
        assert rows[f"**{label}**"] == [*map(str, counts), f"{clean['recall'][label]:.2f}"]


def test_every_table_has_as_many_cells_in_each_row(header: Header, metrics: dict[str, Any]) -> None:
    lengths = {len(row) for row in table_rows(render_card(header, metrics))}

    assert lengths == {7, 10, 4}  # figures, confusion, reliability


def test_the_command_that_prints_the_same_figures_is_complete(header: Header, metrics: dict[str, Any]) -> None:
    both = metrics | {"corpora": ["ravdess", "nemo"]}

    assert (
        "emotify evaluate --corpus ravdess=DIR --corpus nemo=DIR --protocol emobox --recipe functionals --seed 4"
        in render_card(header, both)
    )


def test_the_worst_emotions_are_named_with_what_they_are_taken_for(header: Header, metrics: dict[str, Any]) -> None:
    clean = metrics["figures"]["clean"] | {
        "labels": ["calm", "happy", "sad"],
        "recall": {"calm": 0.9, "happy": None, "sad": 0.4},
        "confusion": [[9, 1, 0], [0, 0, 0], [5, 1, 4]],
    }

    card = render_card(header, metrics | {"figures": {"clean": clean}})

    assert "misses most often: sad (40% recognised; taken for calm or happy) and calm (90%" in card
    assert "| **happy** | 0 | 0 | 0 | - |" in card


def test_speakers_on_whom_no_setting_was_chosen_are_counted_apart(header: Header, metrics: dict[str, Any]) -> None:
    card = render_card(header, metrics | {"untuned": {"uar": 0.5, "n_speakers": 3}})

    assert "for the 3 on whom none was, the UAR is 0.500." in card
    assert "on whom none was" not in render_card(header, metrics | {"untuned": None})


def test_without_figures_it_says_so(header: Header) -> None:
    card = render_card(header, {})

    assert "None were measured." in card
    assert table_rows(card) == []


def test_it_is_written_beside_the_model(tmp_path: Path, header: Header, metrics: dict[str, Any]) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))

    write_card(tmp_path, header)

    assert (tmp_path / "card.md").read_text(encoding="utf-8") == render_card(header, metrics)
