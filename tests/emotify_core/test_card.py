from __future__ import annotations

import json
import re
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotify_core.card import make_files, render_card, write_card, write_files
from emotify_core.classifier import shipped_models
from emotify_core.conditions import recorded_conditions
from emotify_core.drawing import Picture
from emotify_core.features import FEATURE_SET
from emotify_core.recipes import RECIPES
from emotify_core.registry import Header, Registry
from emotify_core.surroundings import TELEPHONE, Surroundings
from tests.emotify_core.measured import metrics_of
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
OPTIONAL = ("experts", "earlier", "loco", "checks", "arousal", "non_speech", "folds", "figures")
SOUND = np.ones(100, np.float32)
LOCO = {"protocol": "loco", "recipe": "functionals", "corpora": ["ravdess", "nemo"], "seed": 2}
PICTURES = ("confusion.png", "reliability.png", "coverage.png", "conditions.png", "speakers.png", "earlier.png")
HIDDEN = pytest.mark.parametrize(
    "hidden", [(), *((k,) for k in OPTIONAL), *combinations(OPTIONAL, 7), OPTIONAL], ids="-".join
)


@pytest.fixture(scope="module")
def metrics() -> dict[str, Any]:
    return metrics_of()


@pytest.fixture
def header() -> Header:
    return tiny_header(corpora=(CORPUS,), sha256="0123abcd", libraries={"python": "3.11.7"})


@pytest.fixture
def no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)


def table_rows(card: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in card.splitlines() if line.startswith("|")]


def prose(card: str) -> str:
    """Undo the wrapping."""
    return " ".join(card.split())


def links(card: str) -> list[str]:
    return re.findall(r"!\[[^]]+\]\(([^)]+)\)", card)


def test_what_it_is_bad_at_comes_first(header: Header, metrics: dict[str, Any]) -> None:
    chapters = re.findall(r"^## (.*)$", render_card(header, metrics), flags=re.MULTILINE)

    assert chapters == ["What it is bad at", "Uses", "Figures", "How it was made"]


def test_it_says_what_the_model_is_and_what_it_is_made_of(header: Header, metrics: dict[str, Any]) -> None:
    card = render_card(header, metrics)

    for fact in ("# Model tiny-1", f"`{FEATURE_SET}` (12 features)", "0123abcd", "python 3.11.7", ", ".join(LABELS)):
        assert fact in prose(card)
    for fact in ("RAVDESS: 100 utterances of 6 speakers", "**CC BY-NC-SA 4.0**", "Livingstone", "zenodo.org"):
        assert fact in prose(card)


def test_one_utterance_and_one_speaker_are_not_called_many(metrics: dict[str, Any]) -> None:
    corpus = {"name": "mine", "n_utterances": 1, "n_speakers": 1, "licence": "CC0"}

    assert "mine: 1 utterance of 1 speaker, CC0." in prose(render_card(tiny_header(corpora=(corpus,)), metrics))


def test_what_others_wrote_is_no_markdown(metrics: dict[str, Any]) -> None:
    licence = "[free](http://x.example) | *almost*"
    corpus = {"name": "_mine_", "n_utterances": 2, "n_speakers": 1, "licence": licence}
    clean = metrics["figures"]["clean"] | {"uar_by_speaker": {"mine/a": 0.5, "mine/<b>": 0.4}}

    card = prose(
        render_card(
            tiny_header(corpora=(corpus,), licence=licence),
            metrics | {"figures": metrics["figures"] | {"clean": clean}},
        )
    )

    shown = r"\[free\](http://x.example) \| \*almost\*"
    assert rf"- \_mine\_: 2 utterances of 1 speaker, {shown}." in card
    assert f"**{shown}**" in card
    assert r"0.40 (mine/\<b\>)" in card


def test_every_file_of_the_model_has_its_hash(metrics: dict[str, Any]) -> None:
    card = prose(render_card(tiny_header(sha256="0123", files={"network.onnx": "4567"}), metrics))

    assert "SHA-256 of `model.skops`: `0123`." in card
    assert "SHA-256 of `network.onnx`: `4567`." in card


def test_it_names_as_many_emotions_as_the_model_knows(metrics: dict[str, Any]) -> None:
    assert "Names one of four emotions" in render_card(tiny_header(labels=LABELS[:4]), metrics)
    assert "Names one of 12 emotions" in render_card(tiny_header(labels=tuple("abcdefghijkl")), metrics)


def test_it_says_what_the_model_must_not_be_used_for(header: Header, metrics: dict[str, Any]) -> None:
    assert "Not for judging, screening, hiring, policing, diagnosing" in prose(render_card(header, metrics))


def test_figures_are_those_of_the_metrics(header: Header, metrics: dict[str, Any]) -> None:
    rows = {row[0]: row[1:] for row in table_rows(render_card(header, metrics))}

    clean = metrics["figures"]["clean"]
    assert rows["clean"][0] == f"{clean['uar']:.3f}"
    assert rows["clean"][2] == f"{clean['accuracy']:.3f}"
    assert "pink noise 10 dB" in rows
    for label, counts in zip(clean["labels"], clean["confusion"], strict=True):
        assert rows[f"**{label}**"] == [*map(str, counts), f"{clean['recall'][label]:.2f}"]
    assert rows["women"] == ["0.620"]
    assert rows["network"] == ["0.520"]


def test_corpora_that_it_never_met_stand_beside_chance_and_baseline(header: Header, metrics: dict[str, Any]) -> None:
    card = render_card(header, metrics)
    rows = {row[0]: row[1:] for row in table_rows(card)}

    assert rows["nemo"] == ["6", "0.167", "0.410", "0.360 to 0.460", "0.270", "0.120", "4481", "9"]
    assert rows["emodb"] == ["4", "0.250", "0.390", "-", "-", "-", "-", "-"]
    assert rows["**mean**"] == ["", "", "0.400", "", "0.300", "", "", ""]
    assert "The baseline was trained on ravdess only." in prose(card)


def test_what_a_known_voice_gains_is_told_by_mood(header: Header, metrics: dict[str, Any]) -> None:
    rows = {row[0]: row[1:] for row in table_rows(render_card(header, metrics))}

    assert rows["earlier notes"] == ["1", "4", "8"]
    assert rows["of mixed mood"] == ["0.590 (+0.010)", "0.620 (+0.040)", "0.660 (+0.080)"]
    assert rows["all in the mood of the present one"][-1] == "0.564 (-0.016)"


def test_checks_are_told(header: Header, metrics: dict[str, Any]) -> None:
    card = prose(render_card(header, metrics))

    for fact in (
        "Speakers, recordings or copies on both sides of a fold: 0.",
        "when the labels of the training are permuted: 0.126 (chance: 0.125).",
        "in 71% of 672 pairs, on average by +0.080",
        "silence 100.0%, music 98.0% and cough 50.0%.",
        "Speech refused by mistake: ravdess 0.0% and nemo 0.4%.",
    ):
        assert fact in card


@HIDDEN
def test_whatever_the_metrics_lack_is_left_out(
    header: Header, metrics: dict[str, Any], hidden: tuple[str, ...], no_matplotlib: None
) -> None:
    card = render_card(header, {key: value for key, value in metrics.items() if key not in hidden})

    assert "None" not in card.replace("None were measured.", "")
    assert ("### Corpora it never met" in card) == ("loco" not in hidden and "figures" not in hidden)
    assert ("### Voices it knows" in card) == ("earlier" not in hidden and "figures" not in hidden)
    assert ("### Experts" in card) == ("experts" not in hidden and "figures" not in hidden)
    assert not re.search(r"^###.*\n+(#|\Z)", card, flags=re.MULTILINE)  # no empty chapter


@pytest.mark.parametrize("key", sorted(metrics_of()["figures"]["clean"]))
def test_a_condition_may_lack_any_figure(header: Header, metrics: dict[str, Any], key: str) -> None:
    clean = {k: v for k, v in metrics["figures"]["clean"].items() if k != key}

    card = render_card(header, metrics | {"figures": metrics["figures"] | {"clean": clean}})

    assert "| clean | " in card
    assert "None" not in card


def test_every_table_has_as_many_cells_in_each_row(header: Header, metrics: dict[str, Any]) -> None:
    tables = re.findall(r"(?:^\|.*\n)+", render_card(header, metrics), flags=re.MULTILINE)

    assert [{len(row) for row in table_rows(table)} for table in tables] == [{8}, {10}, {4}, {2}, {4}, {2}, {9}]


def test_it_says_which_calibration_error_is_chance_where_that_was_measured(
    header: Header, metrics: dict[str, Any]
) -> None:
    clean, others = metrics["figures"]["clean"], {name: {"uar": 0.5} for name in ("a", "b")}
    known = clean | {"ece": 0.04, "ece_by_chance": [0.0301, 0.0424]}
    unknown = {key: value for key, value in known.items() if key != "ece_by_chance"}

    told = render_card(header, metrics | {"figures": {"clean": known, **others}})
    silent = render_card(header, metrics | {"figures": {"clean": unknown, **others}})

    rows = {row[0]: row for row in table_rows(told)}
    assert rows["condition"][5:7] == ["ECE", "ECE by chance"]
    assert rows["clean"][5:7] == ["0.040", "0.030 (to 0.042)"]
    assert rows["a"][6] == "-"
    assert "cannot be told from perfection" in prose(told)
    assert "by chance" not in silent
    assert "cannot be told from perfection" not in prose(silent)


def test_the_prose_fits_a_terminal(header: Header, metrics: dict[str, Any]) -> None:
    lines = render_card(header, metrics).splitlines()

    assert [line for line in lines if len(line) > 80 and not line.startswith(("|", "!", "    "))] == []


def test_the_command_that_prints_the_same_figures_is_complete(header: Header, metrics: dict[str, Any]) -> None:
    assert (
        "emotify evaluate --corpus ravdess=DIR --corpus nemo=DIR --protocol emobox --recipe fused --seed 4 --conditions"
        in render_card(header, metrics)
    )


@pytest.mark.parametrize(
    ("surroundings", "options"),
    [
        (Surroundings(), ""),
        (Surroundings(noises={"exercise_bike": SOUND}), " --noise DIR"),
        (Surroundings(rooms={"kitchen-true-stereo": SOUND}), " --rooms DIR"),
        (Surroundings({"exercise_bike": SOUND}, {TELEPHONE: SOUND}), " --noise DIR --rooms DIR"),
    ],
)
def test_the_command_names_the_recordings_without_which_conditions_are_missing(
    header: Header, metrics: dict[str, Any], surroundings: Surroundings, options: str
) -> None:
    clean = metrics["figures"]["clean"]
    figures = {"clean": clean, **dict.fromkeys(recorded_conditions(surroundings), clean)}

    card = render_card(header, metrics | {"figures": figures, "loco": metrics["loco"] | LOCO})

    start = f"    emotify evaluate --corpus ravdess=DIR --corpus nemo=DIR{options} --protocol"
    assert f"{start} emobox --recipe fused --seed 4 --conditions\n" in card
    assert f"\n\nPrinted by\n\n{start} loco --recipe functionals --seed 2\n" in card


def test_other_corpora_of_an_unnoted_protocol_have_no_command(header: Header, metrics: dict[str, Any]) -> None:
    unnoted = {key: value for key, value in metrics["loco"].items() if key != "protocol"}

    card = render_card(header, metrics | {"loco": unnoted})

    assert "### Corpora it never met" in card
    assert "Printed by" not in card


def test_the_check_by_permuted_labels_names_its_option(header: Header, metrics: dict[str, Any]) -> None:
    card = prose(render_card(header, metrics | {"checks": {"permuted_labels_uar": 0.123, "chance": 0.125}}))

    assert "are permuted: 0.123 (chance: 0.125). `emotify evaluate --permute` prints it." in card


def test_figures_of_no_known_protocol_have_no_command(header: Header) -> None:
    card = render_card(header, {"figures": {"clean": {"uar": 0.6789}}})

    assert "Protocol `not noted`" in card
    assert "emotify evaluate" not in card
    assert ["clean", "0.679", "-", "-", "-", "-", "-"] in table_rows(card)


def test_an_emotion_that_nobody_expressed_has_no_recall(header: Header, metrics: dict[str, Any]) -> None:
    clean = metrics["figures"]["clean"] | {
        "labels": ["calm", "happy"],
        "recall": {"calm": 0.9, "happy": None},
        "confusion": [[9, 1], [0, 0]],
    }

    assert "| **happy** | 0 | 0 | - |" in render_card(header, metrics | {"figures": {"clean": clean}})


def test_speakers_on_whom_no_setting_was_chosen_are_counted_apart(header: Header, metrics: dict[str, Any]) -> None:
    card = prose(render_card(header, metrics | {"untuned": {"uar": 0.5, "n_speakers": 3}}))

    assert "for the 3 on whom none was, the UAR is 0.500." in card
    assert "on whom none was" not in render_card(header, metrics | {"untuned": None})
    assert f"0.500. {RECIPES[header.recipe].chosen_on_all}" in card


def test_the_experts_stand_beside_what_both_gain(header: Header, metrics: dict[str, Any]) -> None:
    paired = {"network": {"difference": 0.042, "low": 0.021, "high": -0.0625}}
    rows = {row[0]: row[1:] for row in table_rows(render_card(header, metrics | {"paired": paired}))}

    assert rows["network"] == ["0.520", "+0.042 (95 %: +0.021 to -0.062)"]


@pytest.mark.parametrize(("licence", "demands"), [("CC BY-NC-SA 4.0 and CC0 1.0", True), ("CC BY 4.0", False)])
def test_only_a_licence_that_forbids_commercial_use_is_said_to(
    metrics: dict[str, Any], licence: str, demands: bool
) -> None:
    card = prose(render_card(tiny_header(licence=licence), metrics))

    assert f"**{licence}**" in card
    assert ("no commercial use" in card) is demands


def test_calibration_errors_of_strangers_are_told_with_what_they_are_of(
    header: Header, metrics: dict[str, Any]
) -> None:
    card = prose(render_card(header, metrics))

    assert "expect more (a confidence that was fitted to other corpora was off by 12.0 on nemo)." in card
    assert "ECE is that of a calibration which was fitted to the other corpora that were left out" in card


def test_what_the_noise_was_is_said_where_it_is_noted(header: Header, metrics: dict[str, Any]) -> None:
    assert "may be of the kinds trained on" in prose(render_card(header, metrics))
    card = prose(render_card(header, metrics | {"conditions_note": "Rooms were held out."}))
    assert "Rooms were held out." in card
    assert "may be of the kinds trained on" not in card


def test_without_figures_it_says_so(header: Header) -> None:
    card = render_card(header, {})

    assert "None were measured." in card
    assert table_rows(card) == []


class TestPictures:
    def test_all_of_them_are_shown_with_a_text(self, header: Header, metrics: dict[str, Any]) -> None:
        files = make_files(header, metrics)

        assert sorted(links(files["card.md"].decode())) == sorted(PICTURES)
        assert sorted(files) == sorted([*PICTURES, "card.md"])
        assert list(files)[-1] == "card.md"

    def test_only_those_that_were_drawn_are_linked(self, header: Header, metrics: dict[str, Any]) -> None:
        card = render_card(header, metrics, pictures=[Picture("speakers.png", "Two dots", b"")])

        assert "![Two dots](speakers.png)" in card
        assert links(card) == ["speakers.png"]

    def test_without_matplotlib_the_card_says_so_in_a_sentence(
        self, header: Header, metrics: dict[str, Any], no_matplotlib: None
    ) -> None:
        files = make_files(header, metrics)

        assert list(files) == ["card.md"]
        card = prose(files["card.md"].decode())
        assert "This card has no pictures: matplotlib, which is in the extra `train`, was not installed" in card
        assert f"{metrics['figures']['clean']['uar']:.3f}" in card

    def test_it_does_not_say_so_where_there_is_nothing_to_draw(self, header: Header, no_matplotlib: None) -> None:
        assert "matplotlib" not in make_files(header, {})["card.md"].decode()


class TestWriting:
    def test_it_is_written_beside_the_model(self, tmp_path: Path, header: Header) -> None:
        metrics = {"figures": {"clean": {"uar_by_speaker": {"ravdess/01": 0.5}}}}
        (tmp_path / "metrics.json").write_text(json.dumps(metrics))

        write_card(tmp_path, header)

        assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != "metrics.json"} == (
            make_files(header, metrics)
        )

    def test_the_old_card_stays_where_a_picture_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "card.md").write_text("old")
        (tmp_path / "speakers.png").mkdir()

        with pytest.raises(OSError, match=r"speakers\.png"):
            write_files(tmp_path, {"speakers.png": b"new", "card.md": b"new"})

        assert sorted(path.name for path in tmp_path.iterdir()) == ["card.md", "speakers.png"]
        assert (tmp_path / "card.md").read_text() == "old"


@pytest.mark.parametrize("version", Registry(shipped_models()).versions())
def test_every_shipped_version_still_renders(version: str) -> None:
    registry = Registry(shipped_models())

    files = make_files(registry.header(version), registry.metrics(version))

    card = files["card.md"].decode()
    assert set(links(card)) == set(files) - {"card.md"}
    for name, figures in registry.metrics(version)["figures"].items():
        assert f"| {name} | {figures['uar']:.3f} |" in card
