from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from emotify_core.domain import DomainDetector
from emotify_core.experts import FUNCTIONALS, NETWORK, Experts, fuse, head_scores, quality_of, say_of
from emotify_core.heads import softmax
from tests.emotify_core.tiny_models import LABELS, clouds, tiny_calibration, tiny_heads, tiny_model

SCORES = arrays.arrays(np.float64, (3, 4), elements=st.floats(-50, 50))


class TestFuse:
    @given(SCORES)
    def test_a_single_expert_is_passed_through(self, scores: NDArray[np.float64]) -> None:
        np.testing.assert_array_equal(fuse({FUNCTIONALS: scores}), scores)

    def test_probabilities_are_averaged_as_in_a_logarithmic_opinion_pool(self) -> None:
        one, two = np.array([[0.7, 0.2, 0.1]]), np.array([[0.3, 0.3, 0.4]])

        fused = softmax(fuse({FUNCTIONALS: np.log(one), NETWORK: np.log(two)}))

        expected = one**0.4 * two**0.6
        np.testing.assert_allclose(fused, expected / expected.sum(), atol=5e-4)

    @given(SCORES, SCORES, st.floats(-100, 100))
    def test_only_what_an_expert_finds_more_probable_counts(
        self, one: NDArray[np.float64], two: NDArray[np.float64], shift: float
    ) -> None:
        plain = fuse({FUNCTIONALS: one, NETWORK: two})

        np.testing.assert_allclose(fuse({FUNCTIONALS: one + shift, NETWORK: two}), plain, atol=1e-6)
        np.testing.assert_allclose(fuse({NETWORK: two, FUNCTIONALS: one}), plain, atol=1e-12)

    @given(SCORES)
    def test_experts_that_agree_are_taken_at_their_word(self, scores: NDArray[np.float64]) -> None:
        fused = softmax(fuse({FUNCTIONALS: scores, NETWORK: scores}))

        np.testing.assert_allclose(fused, softmax(scores), atol=5e-4)

    @given(SCORES, SCORES)
    def test_the_say_may_be_another(self, one: NDArray[np.float64], two: NDArray[np.float64]) -> None:
        opinions, swapped = {FUNCTIONALS: one, NETWORK: two}, {FUNCTIONALS: two, NETWORK: one}

        np.testing.assert_allclose(fuse(opinions, network_say=0.3), fuse(swapped, network_say=0.7), atol=1e-12)
        np.testing.assert_allclose(softmax(fuse(opinions, network_say=1.0)), softmax(two), atol=5e-4)

    @given(SCORES, SCORES)
    def test_each_recording_may_have_a_say_of_its_own(self, one: NDArray[np.float64], two: NDArray[np.float64]) -> None:
        opinions, strangeness = {FUNCTIONALS: one, NETWORK: two}, np.array([0.0, 1.0, 0.5])

        fused = fuse(opinions, network_say=say_of(strangeness, home=0.6, strange=0.9))

        for row, say in enumerate((0.6, 0.9, 0.75)):
            np.testing.assert_allclose(fused[row], fuse(opinions, network_say=say)[row], atol=1e-12)

    def test_models_from_before_the_say_was_theirs_listen_to_both_alike_wherever(self) -> None:
        older = Experts.__new__(Experts)

        np.testing.assert_array_equal(older.say(np.array([0.0, 1.0])), [0.5, 0.5])

    def test_an_expert_that_is_certain_does_not_overrule_the_other(self) -> None:
        certain, moderate = np.array([[0.0, -1e3, -1e3]]), np.log([[1e-5, 0.9, 0.1]])

        fused = softmax(fuse({FUNCTIONALS: certain, NETWORK: moderate}))

        assert np.isfinite(fused).all()
        assert fused.min() > 1e-3


class TestHeadScores:
    def test_fused_heads_give_their_log_scores(self) -> None:
        heads, points = tiny_heads(), clouds(seed=7)[0]

        np.testing.assert_array_equal(head_scores(heads, points), heads.decision_function(points))

    def test_other_classifiers_give_the_logarithm_of_their_probabilities(self) -> None:
        points, labels = clouds()
        heads = MLPClassifier((4,), max_iter=1000, tol=0.1, random_state=0).fit(points, labels)

        scores = head_scores(heads, points)

        np.testing.assert_allclose(np.exp(scores), heads.predict_proba(points), atol=1e-6)
        assert scores.dtype == np.float64

    def test_impossible_classes_have_finite_scores(self) -> None:
        class Certain:
            def predict_proba(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
                return np.eye(2)[[0] * len(features)]

        assert np.isfinite(head_scores(Certain(), np.zeros((3, 1), np.float32))).all()


class TestExperts:
    def test_classes_are_those_of_the_heads_as_plain_text(self) -> None:
        classes = tiny_model().classes

        assert classes == LABELS
        assert {type(name) for name in classes} == {str}

    @pytest.mark.parametrize("heads", [None, {"a": 1}, MLPClassifier()])
    def test_what_was_not_fitted_knows_none(self, heads: object) -> None:
        assert Experts(heads).classes == ()

    def test_by_default_nothing_is_scaled_and_everything_counts_as_speech(self) -> None:
        experts = Experts(None)
        scores = np.log([[0.2, 0.3, 0.5]])

        assert experts.detector is None
        np.testing.assert_allclose(experts.probabilities(scores, np.zeros((1, 0), np.float32)), [[0.2, 0.3, 0.5]])

    def test_a_calibration_makes_the_probabilities(self) -> None:
        calibration = tiny_calibration()
        experts = tiny_model(calibration=calibration)
        scores, quality = np.random.default_rng(1).normal(size=(4, 8)), np.ones((4, 2), np.float32)

        found = experts.probabilities(scores, quality)

        np.testing.assert_array_equal(found, calibration.probabilities(scores, quality))
        assert not np.allclose(found, softmax(scores))


class TestQuality:
    def test_models_tell_which_features_their_calibration_depends_on(self) -> None:
        assert Experts(None, quality=[3, 1]).quality_columns((3, 1, 2)) == (3, 1)

    def test_those_that_do_not_tell_know_all_but_the_last(self) -> None:
        experts = Experts(None)
        del experts.quality

        assert experts.quality_columns((3, 1, 2)) == (3, 1)
        assert experts.quality_columns(()) == ()

    def test_it_is_some_features_and_how_unfamiliar_the_utterance_is(self) -> None:
        heads, points = tiny_heads(), clouds(seed=7)[0]

        quality = quality_of(heads, points, (3, 1))

        np.testing.assert_array_equal(quality[:, :2], points[:, [3, 1]])
        np.testing.assert_allclose(quality[:, 2], heads.unfamiliarity(heads.scale(points)), rtol=1e-6)
        assert quality.dtype == np.float32

    def test_last_comes_how_strange_it_is(self) -> None:
        heads, points = tiny_heads(), clouds(seed=7)[0]
        domain = DomainDetector().fit(heads.scale(points), np.ones(len(points), dtype=bool))
        other = points + np.array([9, -9] * 6, dtype=np.float32)

        known, strange = (quality_of(heads, rows, (3, 1), domain) for rows in (points, other))

        np.testing.assert_array_equal(known[:, :3], quality_of(heads, points, (3, 1)))
        assert known[:, 3].mean() < 0.2
        assert strange[:, 3].mean() > 0.8

    def test_of_other_classifiers_only_the_features_are_known(self) -> None:
        points = clouds()[0]

        np.testing.assert_array_equal(quality_of(MLPClassifier(), points, (3, 1)), points[:, [3, 1]])
        assert quality_of(MLPClassifier(), points, ()).shape == (48, 0)
