from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from emotify_core import pictures
from emotify_core.drawing import Picture
from emotify_core.pictures import (
    draw_conditions,
    draw_confusion,
    draw_coverage,
    draw_earlier,
    draw_pictures,
    draw_reliability,
    draw_speakers,
    gender_of,
)
from tests.emotify_core.measured import LABELS, metrics_of

Draw = Callable[[Mapping[str, Any]], Picture | None]
DRAWERS = (draw_confusion, draw_reliability, draw_coverage, draw_conditions, draw_speakers, draw_earlier)
EACH = pytest.mark.parametrize("draw", DRAWERS)


@pytest.fixture(scope="module")
def metrics() -> dict[str, Any]:
    return metrics_of()


@pytest.fixture(scope="module")
def drawn(metrics: dict[str, Any]) -> tuple[Picture, ...]:
    return draw_pictures(metrics)


def with_clean(**figures: Any) -> dict[str, Any]:
    return {"figures": {"clean": figures}}


def drawing(draw: Draw, metrics: Mapping[str, Any]) -> Picture:
    picture = draw(metrics)
    assert picture is not None
    return picture


def test_there_are_six(drawn: tuple[Picture, ...]) -> None:
    assert [picture.file for picture in drawn] == [
        "confusion.png",
        "reliability.png",
        "coverage.png",
        "conditions.png",
        "speakers.png",
        "earlier.png",
    ]


def test_each_is_a_small_opaque_picture_on_white_without_metadata(drawn: tuple[Picture, ...]) -> None:
    for picture in drawn:
        with Image.open(io.BytesIO(picture.png)) as image:
            assert image.format == "PNG"
            assert image.info == {}
            assert 500 < image.width < 900
            pixels = np.asarray(image.convert("RGBA"))
        assert (pixels[..., 3] == 255).all()
        assert (pixels[[0, 0, -1, -1], [0, -1, 0, -1], :3] == 255).all()
        assert len(picture.png) < 60_000


def test_the_same_figures_give_the_same_bytes(metrics: dict[str, Any], drawn: tuple[Picture, ...]) -> None:
    assert draw_pictures(metrics) == drawn


def test_the_users_own_settings_change_nothing_and_are_left_alone(
    metrics: dict[str, Any], drawn: tuple[Picture, ...]
) -> None:
    with mpl.rc_context({"font.size": 30, "figure.facecolor": "black", "lines.linewidth": 9}):
        again = draw_pictures(metrics)
        assert mpl.rcParams["font.size"] == 30

    assert again == drawn


def test_other_figures_give_another_picture(metrics: dict[str, Any], drawn: tuple[Picture, ...]) -> None:
    figures = metrics["figures"] | {"clean": metrics["figures"]["pink noise 10 dB"]}

    assert all(a.png != b.png for a, b in zip(draw_pictures(metrics | {"figures": figures}), drawn, strict=True))


@EACH
@pytest.mark.parametrize("metrics", [{}, {"figures": {}}, {"figures": {"clean": {}}}, {"figures": None}], ids=str)
def test_nothing_is_drawn_of_nothing(draw: Draw, metrics: dict[str, Any]) -> None:
    assert draw(metrics) is None


@pytest.mark.parametrize(
    ("draw", "key"),
    [
        (draw_confusion, "confusion"),
        (draw_confusion, "labels"),
        (draw_reliability, "reliability"),
        (draw_coverage, "coverage"),
        (draw_speakers, "uar_by_speaker"),
    ],
)
def test_a_picture_whose_figures_are_missing_is_left_out(draw: Draw, key: str, metrics: dict[str, Any]) -> None:
    clean = {name: value for name, value in metrics["figures"]["clean"].items() if name != key}

    assert draw({"figures": metrics["figures"] | {"clean": clean}}) is None


def test_one_condition_is_nothing_to_compare(metrics: dict[str, Any]) -> None:
    assert draw_conditions({"figures": {"clean": metrics["figures"]["clean"]}}) is None


def test_a_missing_matplotlib_is_told_only_if_something_is_to_be_drawn(
    metrics: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    assert draw_pictures({}) == ()
    with pytest.raises(ImportError):
        draw_pictures(metrics)


def test_matplotlib_is_not_loaded_with_the_module_and_pyplot_never(metrics: dict[str, Any]) -> None:
    code = (
        f"import sys\nfrom emotify_core.pictures import draw_pictures\nassert 'matplotlib' not in sys.modules\n"
        f"assert len(draw_pictures({metrics!r})) == 6\nassert 'matplotlib.pyplot' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


class TestTexts:
    """What each picture says to those who cannot see it."""

    def test_confusion_names_every_recall(self) -> None:
        picture = drawing(
            draw_confusion, with_clean(labels=["sad", "calm", "happy"], confusion=[[1, 3, 0], [0, 4, 0], [0] * 3])
        )

        assert picture.alt == "Confusion matrix, clean recordings. Recognised: sad 25%, calm 100%."

    def test_reliability_names_the_error_and_the_surest(self) -> None:
        bins = [
            {"from": 0.3, "to": 0.4, "n": 20, "confidence": 0.35, "accuracy": 0.4},
            {"from": 0.9, "to": 1.0, "n": 30, "confidence": 0.95, "accuracy": 0.9},
        ]

        assert drawing(draw_reliability, with_clean(reliability=bins, ece=0.05)).alt == (
            "Reliability diagram. Expected calibration error: 0.050. In the highest bin it is 95% sure and 90% right, "
            "on 30 utterances."
        )
        assert "error" not in drawing(draw_reliability, with_clean(reliability=bins)).alt

    def test_coverage_names_three_points(self) -> None:
        picture = drawing(draw_coverage, with_clean(coverage=[[1.0, 0.5], [0.5, 0.7], [0.1, 0.9]]))

        assert picture.alt.endswith("0.50 of 100%, 0.70 of 50%, 0.90 of 10%.")

    def test_conditions_are_named_from_best_to_worst(self) -> None:
        figures = {
            name: {"uar": uar, "uar_interval": [uar - 0.1, uar + 0.1]}
            for name, uar in (("clean", 0.6), ("worse", 0.4), ("better", 0.7))
        }

        assert drawing(draw_conditions, {"figures": figures | {"no interval": {"uar": 0.1}}}).alt == (
            "UAR by condition, from best to worst: better 0.70, clean 0.60, worse 0.40."
        )

    def test_earlier_notes_are_named_by_their_mood(self, metrics: dict[str, Any]) -> None:
        picture = drawing(draw_earlier, metrics)
        uar = metrics["figures"]["clean"]["uar"]

        assert picture.alt == (
            f"UAR by earlier notes: {uar:.2f} after none; mixed moods 0.66 after 8, all in the mood of now 0.56 after "
            "8, all in another mood 0.61 after 8."
        )

    def test_a_mood_that_was_not_measured_is_left_out(self, metrics: dict[str, Any]) -> None:
        rows = [row for row in metrics["earlier"] if row["mood"] == "mixed"]

        assert "another" not in drawing(draw_earlier, metrics | {"earlier": rows}).alt

    def test_speakers_are_counted(self) -> None:
        by_speaker = {"ravdess/01": 0.4, "ravdess/02": 0.9, "emospeech/x": 0.6}

        assert drawing(draw_speakers, with_clean(uar_by_speaker=by_speaker)).alt == (
            "UAR of each of 3 speakers: from 0.40 to 0.90, median 0.60."
        )

    @pytest.mark.parametrize(("n_best", "names"), [(2, "ravdess/02\nravdess/08"), (3, "3 speakers")])
    def test_those_who_share_an_extreme_are_named_without_hiding_each_other(
        self, n_best: int, names: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        noted: list[str] = []
        monkeypatch.setattr(pictures, "_note", lambda _, text, place: noted.append(text))
        best = dict.fromkeys(("ravdess/02", "ravdess/08", "ravdess/10")[:n_best], 0.9)

        drawing(draw_speakers, with_clean(uar_by_speaker={"ravdess/01": 0.4, "ravdess/03": 0.6} | best))

        assert sorted(noted) == sorted(["ravdess/01", names])

    def test_a_name_is_no_formula(self) -> None:
        assert drawing(draw_speakers, with_clean(uar_by_speaker={r"mine/$\frac$": 0.4, "mine/b": 0.6})).png


class TestGender:
    @pytest.mark.parametrize(
        ("speaker", "gender"),
        [("ravdess/01", "male"), ("ravdess/24", "female"), ("ravdess/x", None), ("nemo/01", None), ("", None)],
    )
    def test_ravdess_numbers_its_men_oddly(self, speaker: str, gender: str | None) -> None:
        assert gender_of(speaker) == gender

    def test_women_and_men_are_drawn_apart(self) -> None:
        in_one_row, in_two = ({f"ravdess/{a}": 0.4, f"ravdess/{b}": 0.6} for a, b in (("01", "03"), ("01", "04")))

        heights = [
            Image.open(io.BytesIO(drawing(draw_speakers, with_clean(uar_by_speaker=uars)).png)).height
            for uars in (in_one_row, in_two)
        ]

        assert heights[0] < heights[1]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=150))
def test_marks_of_a_row_stay_in_it_and_none_hides_another(values: list[float]) -> None:
    heights = pictures._stack(values)

    assert max(map(abs, heights)) <= 0.4 + 1e-9
    places = {(round(value / 1.7), round(height, 9)) for value, height in zip(values, heights, strict=True)}
    assert len(places) == len(values)


def test_no_row_of_the_confusion_matrix_needs_an_utterance() -> None:
    empty = [[0] * len(LABELS)] * len(LABELS)

    assert drawing(draw_confusion, with_clean(labels=list(LABELS), confusion=empty)).png
