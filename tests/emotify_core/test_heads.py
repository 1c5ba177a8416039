from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from sklearn.base import clone

from emotify_core.heads import FusedHeads, fit_temperature, softmax
from tests.emotify_core.tiny_models import LABELS, clouds, tiny_model


class TestFusedHeads:
    def test_it_learns(self) -> None:
        points, labels = clouds(seed=7)

        predicted = FusedHeads(hidden=20, max_iter=30, C=0.1).fit(*clouds()).predict(points)

        assert (predicted == labels).mean() > 0.8

    def test_the_same_seed_gives_the_same_probabilities(self) -> None:
        points = clouds(seed=7)[0]

        np.testing.assert_array_equal(tiny_model(3).predict_proba(points), tiny_model(3).predict_proba(points))
        assert not np.array_equal(tiny_model(3).predict_proba(points), tiny_model(4).predict_proba(points))

    def test_probabilities_are_one_distribution_for_each_utterance(self) -> None:
        probabilities = tiny_model().predict_proba(clouds(seed=7)[0])

        assert probabilities.shape == (48, 8)
        assert (probabilities > 0).all()
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)

    def test_the_prediction_is_the_most_probable_class_whatever_the_temperature(self) -> None:
        model, points = tiny_model(), clouds(seed=7)[0]
        before = model.predict(points)

        model.temperature_ = 3.0

        np.testing.assert_array_equal(model.predict(points), before)
        np.testing.assert_array_equal(model.classes_[model.predict_proba(points).argmax(axis=1)], before)

    def test_the_fused_score_is_the_mean_log_probability_of_both_heads(self) -> None:
        model, points = tiny_model(), clouds(seed=7)[0]
        scaled = np.clip(model.scaler_.transform(points), -5, 5)
        heads = [model.logistic_.predict_proba(scaled), model.perceptron_.predict_proba(scaled)]

        expected = np.mean(np.log(heads), axis=0)

        np.testing.assert_allclose(model.decision_function(points), expected, atol=1e-3)

    def test_an_outlier_in_a_feature_counts_no_more_than_the_clip(self) -> None:
        model = tiny_model()
        far, farther = clouds(n=1)[0], clouds(n=1)[0]
        far[:, 0], farther[:, 0] = 1e4, 1e30

        np.testing.assert_array_equal(model.predict_proba(far), model.predict_proba(farther))

    def test_rare_classes_count_as_much_as_frequent_ones(self) -> None:
        rng = np.random.default_rng(0)
        points = rng.normal(size=(220, 3)).astype(np.float32)
        labels = np.array(["often"] * 200 + ["rare"] * 20)
        points[200:] += 0.8

        predicted = FusedHeads(hidden=20, max_iter=30, C=1.0).fit(points, labels).predict(points)

        assert (predicted[200:] == "rare").mean() > 0.6

    def test_it_only_stores_its_parameters_so_that_scikit_learn_can_clone_it(self) -> None:
        model = FusedHeads(C=0.3, hidden=7, clip=2.0)

        assert clone(model).get_params() == model.get_params()

    def test_classes_are_the_labels_it_saw(self) -> None:
        assert tuple(tiny_model().classes_) == LABELS
        assert tiny_model().temperature_ == 1.0


class TestSoftmax:
    @given(arrays.arrays(np.float64, (3, 4), elements=st.floats(-1e4, 1e4)), st.floats(0.1, 10))
    def test_it_gives_distributions_in_the_order_of_the_scores(
        self, scores: NDArray[np.float64], temperature: float
    ) -> None:
        probabilities = softmax(scores, temperature=temperature)

        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        best = np.take_along_axis(probabilities, scores.argmax(axis=1)[:, None], axis=1)[:, 0]
        np.testing.assert_array_equal(best, probabilities.max(axis=1))

    def test_log_probabilities_come_back_at_temperature_one(self) -> None:
        np.testing.assert_allclose(softmax(np.log([[0.2, 0.3, 0.5]])), [[0.2, 0.3, 0.5]])

    def test_a_high_temperature_makes_modest(self) -> None:
        scores = np.log([[0.1, 0.9]])

        assert softmax(scores, temperature=4.0).max() < 0.9 < softmax(scores, temperature=0.5).max()


class TestTemperature:
    @pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
    def test_a_known_temperature_is_found(self, temperature: float) -> None:
        rng = np.random.default_rng(0)
        honest = rng.normal(scale=2, size=(20_000, 4))
        probabilities = softmax(honest)
        truth = (probabilities.cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)

        assert fit_temperature(honest * temperature, truth) == pytest.approx(temperature, rel=0.05)

    def test_scores_that_are_always_wrong_get_the_highest(self) -> None:
        scores = np.array([[5.0, 0.0]] * 10)

        assert fit_temperature(scores, np.ones(10, dtype=np.intp)) == pytest.approx(10, rel=0.01)

    def test_scores_that_are_always_right_get_the_lowest(self) -> None:
        scores = np.array([[0.1, 0.0]] * 10)

        assert fit_temperature(scores, np.zeros(10, dtype=np.intp)) == pytest.approx(0.1, rel=0.01)
