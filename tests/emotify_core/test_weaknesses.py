from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotify_core.weaknesses import weaknesses
from tests.emotify_core.measured import metrics_of

RAVDESS = ({"name": "ravdess"},)


def told(figures: dict[str, Any] | None = None, **metrics: Any) -> str:
    """Tell what a model of RAVDESS with these figures is bad at."""
    return "\n".join(weaknesses(RAVDESS, {**({} if figures is None else {"figures": figures}), **metrics}))


class TestBrokenChecks:
    def test_a_leak_is_told_before_everything_else(self) -> None:
        first, *_ = weaknesses(RAVDESS, {"figures": {}, "checks": {"leaks": 2}})

        assert first == "**Do not believe its figures**: 2 leaks between training and test were found."
        assert "1 leak between training and test was found" in told(checks={"leaks": 1})

    @pytest.mark.parametrize(("uar", "is_told"), [(0.126, False), (0.150, False), (0.153, True), (0.5, True)])
    def test_so_are_permuted_labels_that_are_recognised_beyond_chance(self, uar: float, is_told: bool) -> None:
        # three standard errors of 1440 utterances at 0.125 are 0.026
        text = told({"clean": {"n_utterances": 1440}}, checks={"permuted_labels_uar": uar, "chance": 0.125})

        assert ("Do not believe" in text) is is_told

    def test_checks_that_hold_are_no_weakness(self) -> None:
        assert "Do not believe" not in "".join(weaknesses(RAVDESS, metrics_of()))


class TestTrainingVoices:
    def test_actors_are_named_as_such(self) -> None:
        assert "actors who were told what to express, in a studio, in North American English" in told()

    def test_each_language_is_named_once(self) -> None:
        text, *_ = weaknesses([{"name": n} for n in ("ravdess", "nemo", "emodb", "nemo", "new")], {})

        assert "acted speech" in text
        assert "in North American English, Polish and German. It learned from new too; whether that was acted" in text
        assert "is not noted. Real feelings" in text

    def test_of_recordings_of_ones_own_nobody_says_that_they_were_acted(self) -> None:
        text, *_ = weaknesses([{"name": "mine"}], {})

        assert text.startswith(
            "It learned from mine; whether that was acted, and in which language, is not noted. Real"
        )


class TestEmotions:
    def test_the_worst_are_named_with_what_they_are_taken_for(self) -> None:
        clean = {
            "labels": ["calm", "happy", "sad"],
            "recall": {"calm": 0.9, "happy": None, "sad": 0.4},
            "confusion": [[9, 1, 0], [0, 0, 0], [5, 1, 4]],
        }

        text = told({"clean": clean})

        assert "misses most often: sad (40% recognised; taken for calm or happy)" in text
        assert "and calm (90% recognised; taken for happy)." in text

    def test_without_a_confusion_matrix_only_the_recall_is_told(self) -> None:
        assert "misses most often: sad (40% recognised)." in told({"clean": {"recall": {"sad": 0.4}}})


class TestConditions:
    def test_the_three_that_cost_most_are_named_with_what_is_left(self) -> None:
        figures = {"clean": {"uar": 0.7}, "a": {"uar": 0.6}, "b": {"uar": 0.5}, "c": {"uar": 0.65}, "d": {"uar": 0.66}}

        assert (
            "most of all b (20.0 points, to 0.500), a (10.0 points, to 0.600) and c (5.0 points, to 0.650); clean"
        ) in told(figures)

    def test_two_points_are_not_made_much_of(self) -> None:
        text = told({"clean": {"uar": 0.7}, "a": {"uar": 0.69}})

        assert "No condition that was measured costs it more than two points" in text

    def test_where_only_clean_recordings_were_tested_it_says_so(self) -> None:
        assert "in noise, in rooms and on telephones was not measured" in told({"clean": {"uar": 0.7}})

    def test_two_points_on_24_actors_are_within_chance(self) -> None:
        clean = {"uar": 0.7, "uar_interval": [0.65, 0.75], "n_speakers": 24, "uar_by_speaker": {"ravdess/01": 0.7}}

        text = told({"clean": clean})

        assert "Two percentage points are within chance on 24 actors: do not rank anything by them." in text
        assert "from 0.650 to 0.750" in text

    def test_of_more_speakers_it_says_how_many_they_are(self) -> None:
        clean = {"uar": 0.7, "n_speakers": 90, "uar_by_speaker": {"nemo/a": 0.7}}

        assert "within chance on 24 actors; these figures are of 90 speakers." in told({"clean": clean})


class TestOtherCorpora:
    def test_the_worst_comes_first_with_its_chance_level(self) -> None:
        text = told(loco=metrics_of()["loco"])

        assert "0.390 on emodb (4 emotions, chance 0.250) and 0.410 on nemo (6 emotions, chance 0.167)" in text

    def test_where_none_was_tested_it_says_so(self) -> None:
        assert "corpora that it never met was not measured" in told({"clean": {"uar": 0.7}})


class TestSpeakers:
    def test_the_extremes_are_named(self) -> None:
        clean = {"uar_by_speaker": {"ravdess/01": 0.5, "ravdess/02": 0.9, "ravdess/03": 0.7}}

        assert "UAR by speaker: 0.50 (ravdess/01) to 0.90 (ravdess/02)" in told({"clean": clean})

    def test_all_who_share_an_extreme_are_named_or_counted(self) -> None:
        tied = {"ravdess/01": 0.5, "ravdess/02": 0.9, "ravdess/08": 0.9}
        many = dict.fromkeys(tied, 0.7) | {"ravdess/09": 0.8}

        assert "to 0.90 (ravdess/02 and ravdess/08)" in told({"clean": {"uar_by_speaker": tied}})
        assert "UAR by speaker: 0.70 (3 speakers) to 0.80 (ravdess/09)" in told({"clean": {"uar_by_speaker": many}})

    @pytest.mark.parametrize(
        ("women", "men", "verdict"),
        [(0.6, 0.7, "women fared worse"), (0.7, 0.6, "men fared worse"), (0.7, 0.69, "too little apart")],
    )
    def test_women_and_men_are_compared(self, women: float, men: float, verdict: str) -> None:
        assert verdict in told({"clean": {"uar_by_gender": {"female": women, "male": men}}})


class TestConfidenceAndDetection:
    def test_the_condition_with_the_worst_calibration_is_named(self) -> None:
        assert "off by 4.0 points on average (ECE) where it is worst, in the condition a" in told(
            {"clean": {"ece": 0.02}, "a": {"ece": 0.04}}
        )

    def test_sounds_that_pass_for_a_voice_are_named_the_worst_first(self) -> None:
        text = told(non_speech=metrics_of()["non_speech"])

        assert "for a voice: 50% of cough and 2% of music." in text
        assert "does not hear a voice where there is one: 0.4% of nemo." in text

    def test_nothing_is_said_of_sounds_that_never_pass(self) -> None:
        text = told(non_speech={"refused": {"silence": 1.0}, "false_refusals": {"ravdess": 0.0}})

        assert "a voice for a voice" not in text
        assert "where there is one" not in text

    def test_arousal_is_told_with_its_chance(self) -> None:
        assert "of 672 pairs of a strong and a normal clip" in told(arousal=metrics_of()["arousal"])
        assert "arousal" not in told(arousal={"strong_over_normal": {"share_of_pairs": None, "n_pairs": 0}})


@given(
    uars=st.dictionaries(st.sampled_from(["clean", "a", "b", "c", "d"]), st.floats(0, 1), max_size=5),
    recall=st.dictionaries(st.sampled_from(["sad", "calm"]), st.none() | st.floats(0, 1)),
)
def test_any_figures_give_whole_sentences(uars: dict[str, float], recall: dict[str, float | None]) -> None:
    figures: dict[str, dict[str, Any]] = {name: {"uar": uar} for name, uar in uars.items()}
    figures.setdefault("clean", {})["recall"] = recall

    sentences = weaknesses(RAVDESS, {"figures": figures})

    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in sentences)
    assert not any(str(math.nan) in sentence or "None" in sentence for sentence in sentences)
