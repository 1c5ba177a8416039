from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.class_weight import compute_sample_weight

from emotify_core.heads import FusedHeads, fit_temperature, principal_axes, softmax
from tests.emotify_core.tiny_models import LABELS, clouds, tiny_heads


class TestFusedHeads:
    def test_it_learns(self) -> None:
        points, labels = clouds(seed=7)

        predicted = FusedHeads(hidden=20, max_iter=30, C=0.1).fit(*clouds()).predict(points)

        assert (predicted == labels).mean() > 0.8

    def test_the_same_seed_gives_the_same_probabilities(self) -> None:
        points = clouds(seed=7)[0]

        np.testing.assert_array_equal(tiny_heads(3).predict_proba(points), tiny_heads(3).predict_proba(points))
        assert not np.array_equal(tiny_heads(3).predict_proba(points), tiny_heads(4).predict_proba(points))

    def test_probabilities_are_one_distribution_for_each_utterance(self) -> None:
        probabilities = tiny_heads().predict_proba(clouds(seed=7)[0])

        assert probabilities.shape == (48, 8)
        assert (probabilities > 0).all()
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)

    def test_the_prediction_is_the_most_probable_class(self) -> None:
        model, points = tiny_heads(), clouds(seed=7)[0]

        predicted = model.predict(points)

        np.testing.assert_array_equal(model.classes_[model.predict_proba(points).argmax(axis=1)], predicted)
        assert set(predicted) <= set(LABELS)

    def test_the_fused_score_is_the_mean_log_probability_of_both_heads(self) -> None:
        model, points = tiny_heads(), clouds(seed=7)[0]
        scaled = np.clip(model.scaler_.transform(points), -5, 5)
        heads = [model.logistic_.predict_proba(scaled), model.perceptron_.predict_proba(scaled)]

        expected = np.mean(np.log(heads), axis=0)

        np.testing.assert_allclose(model.decision_function(points), expected, atol=1e-3)

    def test_an_outlier_in_a_feature_counts_no_more_than_the_clip(self) -> None:
        model = tiny_heads()
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
        assert tuple(tiny_heads().classes_) == LABELS

    def test_what_only_further_fitting_needs_is_not_kept(self) -> None:
        assert not {"_optimizer", "_best_coefs", "_best_intercepts"} & set(vars(tiny_heads().perceptron_))


class TestSampleWeights:
    def test_without_weights_classes_count_alike(self) -> None:
        points, labels = clouds()
        rows = np.concatenate([np.arange(len(points)), np.flatnonzero(labels == "sad").repeat(3)])
        balanced = compute_sample_weight("balanced", labels[rows])

        plain = FusedHeads(hidden=6, max_iter=4).fit(points[rows], labels[rows])
        weighed = FusedHeads(hidden=6, max_iter=4).fit(points[rows], labels[rows], sample_weight=balanced)

        np.testing.assert_array_equal(plain.predict_proba(points), weighed.predict_proba(points))

    def test_what_weighs_more_is_heard_more_often(self) -> None:
        points, labels = clouds(n_features=3)
        weights = np.where(labels == "sad", 50.0, 1.0)

        plain, weighed = (
            FusedHeads(hidden=6, max_iter=20, learning_rate=1e-2).fit(points, labels, sample_weight=each)
            for each in (np.ones(len(labels)), weights)
        )

        sad = list(LABELS).index("sad")
        for head in ("logistic_", "perceptron_"):
            shares = [getattr(m, head).predict_proba(m.scale(points))[:, sad].mean() for m in (plain, weighed)]
            assert shares[1] > shares[0] + 0.02


class TestAxes:
    def test_heads_that_are_fitted_in_fewer_axes_read_the_features_themselves(self) -> None:
        points, labels = clouds(n_features=60)

        model = FusedHeads(hidden=6, max_iter=4, n_axes=20).fit(points, labels)

        assert model.logistic_.coef_.shape == (8, 60)
        assert model.perceptron_.coefs_[0].shape == (60, 6)
        assert model.predict_proba(clouds(n_features=60, seed=7)[0]).shape == (48, 8)

    def test_the_logistic_head_is_the_same_in_the_space_that_the_rows_span(self) -> None:
        rng = np.random.default_rng(0)
        low = rng.normal(size=(48, 10)) @ rng.normal(size=(10, 60))  # 48 rows that span ten axes
        points, labels = low.astype(np.float32), clouds()[1]

        plain = FusedHeads(hidden=6, max_iter=4, C=0.1, clip=100).fit(points, labels)
        turned = FusedHeads(hidden=6, max_iter=4, C=0.1, clip=100, n_axes=12).fit(points, labels)

        probabilities = [m.logistic_.predict_proba(m.scale(points)) for m in (plain, turned)]
        np.testing.assert_allclose(probabilities[1], probabilities[0], atol=2e-3)

    def test_axes_are_orthonormal_and_as_many_as_the_rows_span(self) -> None:
        rng = np.random.default_rng(0)
        rows = (rng.normal(size=(50, 6)) @ rng.normal(size=(6, 40))).astype(np.float32)

        axes = principal_axes(rows, 20)

        assert axes is not None
        assert axes.shape == (40, 6)
        np.testing.assert_allclose(axes.T @ axes, np.eye(6), atol=1e-4)
        np.testing.assert_allclose(rows @ axes @ axes.T, rows, atol=1e-3)

    @pytest.mark.parametrize("shape", [(20, 40), (40, 20), (5, 5)])
    def test_where_it_would_save_nothing_there_are_none(self, shape: tuple[int, int]) -> None:
        assert principal_axes(np.ones(shape, dtype=np.float32), 20) is None


class TestEvidence:
    def test_it_adds_up_to_the_difference_between_the_classes_scores(self) -> None:
        model, points = tiny_heads(), clouds(seed=7)[0]
        z = model.scale(points)
        scores = model.logistic_.decision_function(z) - model.logistic_.intercept_

        for i, label in enumerate(LABELS):
            expected = scores[:, i] - scores.mean(axis=1)
            np.testing.assert_allclose(z @ model.evidence_weights(label), expected, atol=1e-6)

    def test_of_two_classes_what_speaks_for_one_speaks_against_the_other(self) -> None:
        points, labels = clouds()
        two = np.isin(labels, ["angry", "sad"])
        model = FusedHeads(hidden=6, max_iter=4).fit(points[two], labels[two])

        angry, sad = model.evidence_weights("angry"), model.evidence_weights("sad")

        np.testing.assert_allclose(angry, -sad)
        z = model.scale(points[two])
        log_odds = model.logistic_.decision_function(z) - model.logistic_.intercept_  # of sad against angry
        np.testing.assert_allclose(z @ (sad - angry), log_odds, atol=1e-6)
        evidence = z @ sad
        assert evidence[labels[two] == "sad"].mean() > 0 > evidence[labels[two] == "angry"].mean()

    def test_a_class_that_is_unknown_has_none(self) -> None:
        with pytest.raises(ValueError, match="bored"):
            tiny_heads().evidence_weights("bored")


def test_scaled_features_are_standardised_and_clipped() -> None:
    points = clouds()[0]
    far = points.copy()
    far[0] = 1e9

    scaled = tiny_heads().scale(points)

    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    assert scaled.dtype == np.float32
    assert (tiny_heads().scale(far)[0] == 5).all()


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


def test_what_is_far_from_the_training_utterances_is_unfamiliar() -> None:
    model, points = tiny_heads(), clouds(seed=7)[0]

    near, far, farther = (model.unfamiliarity(model.scale(points + shift)) for shift in (0, 5, 1e6))

    assert near.shape == (48,)
    assert (far > near).all()
    np.testing.assert_allclose(farther, 5)  # no feature counts for more than the clip
