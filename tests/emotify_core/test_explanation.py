from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from emotify_core.emotions import Emotion
from emotify_core.explanation import Explanation, Reason, explain

# Of each feature: its family.
FEATURES = {
    "log2_f0|mean": "pitch",
    "log2_f0|std": "pitch",
    "log2_f0|p75-p25": "pitch",
    "log2_f0|slope": "melody",
    "f0_abs_change|mean": "melody",
    "alpha_ratio|mean": "brightness",
    "hnr|mean": "voice quality",
    "harmonicity|mean": "voice quality",
    "voiced_segments_per_second": "rhythm",
    "unvoiced_mean": "rhythm",
    "unvoiced_max": "rhythm",
    "h1_h2|mean": "breath",
    "rasta_3|kurtosis": "timbre movement",
    "slope|std": "brightness movement",
    "flatness|mean": "no words",
}
NAMES, FAMILIES = tuple(FEATURES), tuple(FEATURES.values())

vectors = arrays(np.float32, len(NAMES), elements=st.floats(-5, 5, width=32))


def why(z: Mapping[str, float], weights: Mapping[str, float], *, emotion: Emotion = Emotion.ANGRY) -> Explanation:
    values = np.array([z.get(name, 0) for name in NAMES], dtype=np.float32)
    strengths = np.array([weights.get(name, 0) for name in NAMES])
    return explain(values, strengths, emotion=emotion, names=NAMES, families=FAMILIES)


@given(vectors, vectors)
def test_the_evidence_adds_up_to_the_score(z: NDArray[np.float32], weights: NDArray[np.float32]) -> None:
    total = float(z.astype(np.float64) @ weights)

    explanation = explain(z, weights, emotion=Emotion.SAD, names=NAMES, families=FAMILIES)
    assert explanation.evidence == pytest.approx(total, abs=1e-9)


def test_the_evidence_is_what_a_logistic_head_sees_in_one_emotion_above_the_mean_of_all() -> None:
    rng = np.random.default_rng(0)
    features = rng.standard_normal((120, len(NAMES))).astype(np.float32)
    head = LogisticRegression().fit(features, rng.integers(0, 4, 120))
    weights = head.coef_[2] - head.coef_.mean(axis=0)

    scores = head.decision_function(features[:1])[0] - head.intercept_
    explanation = explain(features[0], weights, emotion=Emotion.SAD, names=NAMES, families=FAMILIES)

    assert explanation.evidence == pytest.approx(scores[2] - scores.mean(), abs=1e-5)


@given(vectors, vectors)
def test_every_reason_speaks_its_way_and_the_strongest_comes_first(
    z: NDArray[np.float32], weights: NDArray[np.float32]
) -> None:
    explanation = explain(z, weights, emotion=Emotion.SAD, names=NAMES, families=FAMILIES)
    evidence = z.astype(np.float64) * weights

    assert len(explanation.reasons) <= 3
    assert len(explanation.against) <= 1
    for_it = [reason.contribution for reason in explanation.reasons]
    assert for_it == sorted(for_it, reverse=True)
    assert all(value > 0 for value in for_it)
    assert all(reason.contribution < 0 for reason in explanation.against)
    for reason in (*explanation.reasons, *explanation.against):
        own = [value for value, family in zip(evidence, FAMILIES, strict=True) if family == reason.family]
        assert reason.contribution == pytest.approx(sum(own), abs=1e-9)
        assert reason.phrase


@given(vectors, vectors, st.sampled_from(Emotion))
def test_the_text_is_one_sentence_about_other_people(
    z: NDArray[np.float32], weights: NDArray[np.float32], emotion: Emotion
) -> None:
    text = explain(z, weights, emotion=emotion, names=NAMES, families=FAMILIES).text

    assert text.startswith("It sounds ")
    assert text.count(".") == 1
    assert text.endswith(".")
    assert "compared with other people" in text
    assert not {"usual", "you", "your"} & set(text.replace(",", " ").split())


def test_words_follow_what_was_heard_and_not_the_weights() -> None:
    high = why({"log2_f0|mean": 1.0}, {"log2_f0|mean": 0.5})
    low = why({"log2_f0|mean": -1.0}, {"log2_f0|mean": -0.5})

    assert high.reasons == (Reason("pitch", 0.5, "a higher pitch"),)
    assert low.reasons == (Reason("pitch", 0.5, "a lower pitch"),)


def test_the_sentence_names_reasons_and_what_speaks_against() -> None:
    explanation = why(
        {
            "log2_f0|mean": 1.2,
            "log2_f0|std": 1.0,
            "log2_f0|p75-p25": 1.0,
            "alpha_ratio|mean": 1.0,
            "voiced_segments_per_second": -1.0,
        },
        {"log2_f0|mean": 0.5, "log2_f0|std": 0.4, "alpha_ratio|mean": 0.4, "voiced_segments_per_second": 0.3},
    )

    assert explanation.text == (
        "It sounds angry mostly because of a higher and more variable pitch and a sharper voice, compared with other "
        "people; what speaks against it is a slower pace."
    )


def test_a_trait_against_it_is_said_to_be_there_and_not_that_none_stands_out() -> None:
    explanation = why({"voiced_segments_per_second": -1.0}, {"voiced_segments_per_second": 0.3})

    assert explanation.text == (
        "It sounds angry, but no single trait of the voice stands out for it, compared with other people; "
        "what speaks against it is a slower pace."
    )


def test_several_traits_of_a_family_are_joined_by_what_they_are_traits_of() -> None:
    explanation = why(
        {"voiced_segments_per_second": -1.0, "unvoiced_mean": 1.0, "unvoiced_max": 1.0, "log2_f0|mean": 1.0},
        {"voiced_segments_per_second": -0.5, "unvoiced_max": 0.3, "log2_f0|mean": 0.4},
        emotion=Emotion.DISGUST,
    )

    assert explanation.text == (
        "It sounds disgusted mostly because of a slower pace with longer pauses and a higher pitch, compared with "
        "other people."
    )


@pytest.mark.parametrize("weights", [(0.5, 0.4), (0.4, 0.5)])
def test_one_melody_is_named_once(weights: tuple[float, float]) -> None:
    changing, slope = weights
    explanation = why(
        {"f0_abs_change|mean": -3.0, "log2_f0|slope": -1.0}, {"f0_abs_change|mean": -changing, "log2_f0|slope": -slope}
    )

    assert [reason.phrase for reason in explanation.reasons] == ["a much steadier melody that rises less"]


def test_reasons_that_are_the_smaller_part_of_the_evidence_explain_it_partly() -> None:
    explanation = why({"log2_f0|mean": 1.0, "rasta_3|kurtosis": 2.0}, {"log2_f0|mean": 0.5, "rasta_3|kurtosis": 0.5})

    assert explanation.text == "It sounds angry partly because of a higher pitch, compared with other people."


@pytest.mark.parametrize("evidence", [0.0, -4.5])
def test_reasons_explain_partly_what_all_the_evidence_speaks_against(evidence: float) -> None:
    reason = Reason("timbre", 0.5, "a darker timbre")

    text = Explanation(Emotion.DISGUST, (reason,), (), evidence=evidence).text

    assert text == "It sounds disgusted partly because of a darker timbre, compared with other people."


def test_a_trait_that_speaks_the_other_way_than_its_family_is_not_its_reason() -> None:
    explanation = why(
        {"log2_f0|mean": 1.0, "log2_f0|std": 1.0, "log2_f0|p75-p25": 1.0},
        {"log2_f0|mean": -0.2, "log2_f0|std": 0.8},
    )

    assert [reason.phrase for reason in explanation.reasons] == ["a more variable pitch"]


def test_families_without_a_trait_in_words_are_left_out() -> None:
    assert why({"flatness|mean": 5.0}, {"flatness|mean": 1.0}).reasons == ()


def test_what_changes_is_named_where_no_trait_speaks_for_the_verdict() -> None:
    z = {"rasta_3|kurtosis": 1.0, "slope|std": 1.0, "log2_f0|mean": 1.0}
    weights = {"rasta_3|kurtosis": 0.3, "slope|std": 0.6, "log2_f0|mean": -0.2}

    for_it = why(z, weights)
    against_it = why(z, {"rasta_3|kurtosis": -0.6, "slope|std": 0.01})
    with_a_trait = why(z, weights | {"log2_f0|mean": 0.2})

    assert for_it.text == (
        "It sounds angry mostly because of how its sharpness changes and how its timbre changes, compared with other "
        "people; what speaks against it is a higher pitch."
    )
    assert [reason.family for reason in for_it.reasons] == ["brightness movement", "timbre movement"]
    assert [reason.contribution for reason in for_it.reasons] == pytest.approx([0.6, 0.3])
    assert against_it.reasons == against_it.against == ()
    assert [reason.phrase for reason in with_a_trait.reasons] == ["a higher pitch"]


def test_families_that_hardly_contribute_are_left_out() -> None:
    small_share = why({"log2_f0|mean": 1.0, "hnr|mean": 2.0}, {"log2_f0|mean": 0.09, "hnr|mean": 1.0})
    small = why({"log2_f0|mean": 1.0}, {"log2_f0|mean": 0.04})

    assert [reason.family for reason in small_share.reasons] == ["voice quality"]
    assert small.reasons == ()


def test_an_average_voice_has_no_explanation() -> None:
    explanation = why({}, {"log2_f0|mean": 1.0})

    assert (explanation.reasons, explanation.against, explanation.evidence) == ((), (), 0)
    assert explanation.text == (
        "It sounds angry, but no single trait of the voice stands out, compared with other people."
    )


def test_to_dict_is_ready_for_json() -> None:
    explanation = why(
        {"log2_f0|mean": 1.0, "hnr|mean": 2.0}, {"log2_f0|mean": 0.5, "hnr|mean": -0.25}, emotion=Emotion.SURPRISED
    )

    assert json.loads(json.dumps(explanation.to_dict())) == {
        "emotion": "surprised",
        "evidence": 0.0,
        "reasons": [{"family": "pitch", "contribution": 0.5, "phrase": "a higher pitch"}],
        "against": [{"family": "voice quality", "contribution": -0.5, "phrase": "a clearer voice"}],
        "text": explanation.text,
    }


@pytest.mark.parametrize(
    ("z", "weights"),
    [
        (np.zeros(3), np.zeros(3)),
        (np.zeros(len(NAMES)), np.zeros(3)),
        (np.zeros((1, len(NAMES))), np.zeros((1, len(NAMES)))),
        (np.full(len(NAMES), np.nan), np.zeros(len(NAMES))),
    ],
)
def test_arguments_that_do_not_fit_are_refused(z: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="must"):
        explain(z.astype(np.float32), weights, emotion=Emotion.SAD, names=NAMES, families=FAMILIES)


def test_a_voice_is_not_called_breathier_and_clearer_at_once() -> None:
    names, families = ("hnr|mean", "h1_h2|mean", "log2_f0|mean"), ("voice quality", "voice quality", "pitch")
    z, weights = np.array([1.0, 1.0, 1.0], np.float32), np.array([0.5, 0.4, 0.3])

    found = explain(z, weights, emotion=Emotion.FEARFUL, names=names, families=families)

    assert [reason.phrase for reason in found.reasons] == ["a clearer voice", "a higher pitch"]
    assert found.reasons[0].contribution == pytest.approx(0.9)
