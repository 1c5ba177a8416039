from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotify_core.emotions import Emotion
from emotify_core.prediction import Prediction


@st.composite
def predictions(draw: st.DrawFn) -> Prediction:
    emotions = draw(st.lists(st.sampled_from(Emotion), min_size=1, max_size=8, unique=True))
    weights = [draw(st.floats(0, 1)) for _ in emotions]
    total = sum(weights)
    shares = [weight / total for weight in weights] if total > 1e-6 else [1 / len(emotions)] * len(emotions)
    return Prediction(dict(zip(emotions, shares, strict=True)), duration=draw(st.floats(0.2, 1200)), model="model-1")


def through_a_pipe(prediction: Prediction) -> Any:
    """Do what happens to a prediction that a worker process returns."""
    return ForkingPickler.loads(ForkingPickler.dumps(prediction))


@given(predictions())
def test_probabilities_sum_to_one(prediction: Prediction) -> None:
    assert sum(prediction.probabilities.values()) == pytest.approx(1)


@given(predictions())
def test_ranked_holds_every_emotion_once_most_probable_first(prediction: Prediction) -> None:
    shares = [prediction.probabilities[emotion] for emotion in prediction.ranked]

    assert sorted(prediction.ranked) == sorted(prediction.probabilities)
    assert shares == sorted(shares, reverse=True)


@given(predictions())
def test_emotion_and_confidence_are_those_of_the_most_probable(prediction: Prediction) -> None:
    assert prediction.emotion is prediction.ranked[0]
    assert prediction.confidence == max(prediction.probabilities.values())


@given(predictions())
def test_valence_and_arousal_stay_within_bounds(prediction: Prediction) -> None:
    assert -1 <= prediction.valence <= 1
    assert -1 <= prediction.arousal <= 1


@given(predictions())
def test_to_dict_is_ready_for_json_and_loses_nothing(prediction: Prediction) -> None:
    facts = json.loads(json.dumps(prediction.to_dict()))

    probabilities = {Emotion(name): share for name, share in facts["probabilities"].items()}
    assert Prediction(probabilities, facts["duration"], facts["model"]) == prediction
    assert facts["emotion"] == prediction.emotion.value
    assert facts["confidence"] == prediction.confidence
    assert (facts["valence"], facts["arousal"]) == (prediction.valence, prediction.arousal)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, through_a_pipe])
@given(prediction=predictions())
def test_predictions_survive_copying_and_the_way_to_another_process(
    prediction: Prediction, again: Callable[[Prediction], Prediction]
) -> None:
    assert again(prediction) == prediction


@given(predictions())
def test_equal_predictions_are_one_in_a_set(prediction: Prediction) -> None:
    assert len({prediction, copy.deepcopy(prediction)}) == 1


def test_to_dict_has_the_keys_of_the_design_in_their_order() -> None:
    prediction = Prediction({Emotion.SAD: 0.75, Emotion.CALM: 0.25}, duration=2.0, model="model-1")

    assert list(prediction.to_dict()) == [
        "emotion",
        "confidence",
        "probabilities",
        "valence",
        "arousal",
        "duration",
        "model",
    ]


def test_ties_are_broken_in_the_order_of_the_emotions() -> None:
    prediction = Prediction({Emotion.SURPRISED: 0.5, Emotion.CALM: 0.5}, duration=1.0, model="model-1")

    assert prediction.ranked == (Emotion.CALM, Emotion.SURPRISED)
    assert prediction.second_emotion is Emotion.SURPRISED


def test_a_model_of_one_emotion_has_no_second() -> None:
    assert Prediction({Emotion.CALM: 1.0}, duration=1.0, model="model-1").second_emotion is None


def test_valence_and_arousal_are_weighted_means() -> None:
    prediction = Prediction({Emotion.HAPPY: 0.75, Emotion.SAD: 0.25}, duration=1.0, model="model-1")

    assert prediction.valence == pytest.approx(0.75 * 0.9 - 0.25 * 0.8)
    assert prediction.arousal == pytest.approx(0.75 * 0.3 - 0.25 * 0.4)


@pytest.mark.parametrize(
    "probabilities",
    [
        {},
        {Emotion.SAD: 0.5},
        {Emotion.SAD: 1.5, Emotion.CALM: -0.5},
        {Emotion.SAD: math.nan, Emotion.CALM: 1.0},
        {Emotion.SAD: math.inf},
        {Emotion.SAD: 0.6, Emotion.CALM: 0.6},
    ],
)
def test_what_is_no_distribution_is_refused(probabilities: dict[Emotion, float]) -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        Prediction(probabilities, duration=1.0, model="model-1")


def test_a_prediction_cannot_be_changed() -> None:
    source = {Emotion.SAD: 0.75, Emotion.CALM: 0.25}
    prediction = Prediction(source, duration=1.0, model="model-1")
    source[Emotion.SAD] = 0.0

    with pytest.raises(TypeError):
        prediction.probabilities[Emotion.SAD] = 1.0  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        prediction.model = "model-2"  # type: ignore[misc]
    assert prediction.confidence == 0.75


class TestEmbedding:
    def prediction(self, embedding: Any = None) -> Prediction:
        return Prediction({Emotion.SAD: 0.75, Emotion.CALM: 0.25}, duration=2.0, model="model-1", embedding=embedding)

    def test_there_is_none_unless_a_network_made_one(self) -> None:
        assert self.prediction().embedding is None

    @pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, through_a_pipe])
    def test_it_goes_along(self, again: Callable[[Prediction], Prediction]) -> None:
        embedding = np.arange(4, dtype=np.float32)

        copied = again(self.prediction(embedding)).embedding

        assert copied is not None
        assert copied.dtype == np.float32
        np.testing.assert_array_equal(copied, embedding)

    def test_it_is_neither_compared_nor_shown_nor_printed(self) -> None:
        bare, full = self.prediction(), self.prediction(np.arange(4, dtype=np.float32))

        assert bare == full
        assert repr(bare) == repr(full)
        assert bare.to_dict() == full.to_dict()
