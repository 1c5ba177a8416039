from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from sklearn.base import clone

from emotify_core.calibration import Calibration
from emotify_core.heads import Matrix, fit_temperature, softmax
from emotify_core.metrics import expected_calibration_error
from tests.emotify_core.tiny_models import tiny_calibration

Sample = tuple[NDArray[np.float64], NDArray[np.intp], Matrix]


def noisy_scores(n: int = 8000, *, seed: int = 0) -> Sample:
    """Make scores that are three times too sure of recordings of low quality, and honest for the others."""
    rng = np.random.default_rng(seed)
    honest = rng.normal(scale=1.5, size=(n, 4))
    truth = (softmax(honest).cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    is_bad = rng.random(n) < 0.5
    quality = np.column_stack([np.where(is_bad, 5.0, 25.0) + rng.normal(size=n), rng.normal(size=n)])
    return np.where(is_bad[:, None], 3.0, 1.0) * honest, truth, quality.astype(np.float32)


def calibration_error(probabilities: NDArray[np.float64], truth: NDArray[np.intp]) -> float:
    return expected_calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth)


def recalls(probabilities: NDArray[np.float64], truth: NDArray[np.intp]) -> NDArray[np.float64]:
    is_right = probabilities.argmax(axis=1) == truth
    return np.array([is_right[truth == label].mean() for label in np.unique(truth)])


class TestQuality:
    def test_good_and_bad_recordings_each_get_their_temperature(self) -> None:
        scores, truth, quality = noisy_scores()

        temperatures = Calibration().fit(scores, truth, quality).temperatures(quality)

        is_bad = quality[:, 0] < 15
        assert temperatures[is_bad].mean() == pytest.approx(3, rel=0.15)
        assert temperatures[~is_bad].mean() == pytest.approx(1, rel=0.15)

    def test_confidence_is_honest_for_both_where_one_temperature_is_not(self) -> None:
        calibration = Calibration().fit(*noisy_scores())
        scores, truth, quality = noisy_scores(seed=1)
        one = softmax(scores, temperature=fit_temperature(*noisy_scores()[:2]))
        known = calibration.probabilities(scores, quality)

        for group in (quality[:, 0] < 15, quality[:, 0] >= 15):
            assert calibration_error(known[group], truth[group]) < 0.03 < calibration_error(one[group], truth[group])

    def test_what_tells_nothing_hardly_counts(self) -> None:
        calibration = Calibration().fit(*noisy_scores())

        assert abs(calibration.slopes_[1]) < 0.05 < abs(calibration.slopes_[0])

    def test_an_outlier_counts_no_more_than_the_clip(self) -> None:
        calibration = Calibration().fit(*noisy_scores())

        far = calibration.temperatures(np.array([[-1e9, 0], [-1e4, 0]], dtype=np.float32))

        assert far[0] == far[1] <= 10

        at_the_clip = calibration.mean_ - calibration.clip * calibration.scale_ * [1, 0]
        assert far[0] == pytest.approx(calibration.temperatures(at_the_clip[None].astype(np.float32))[0], rel=1e-3)


def test_the_affine_map_gives_the_logits_of_a_voice_that_is_not_known() -> None:
    calibration, rng = tiny_calibration(), np.random.default_rng(0)
    scores, quality = rng.normal(size=(20, 8)), rng.normal(size=(20, 2)).astype(np.float32)

    slopes, offsets = calibration.affine(quality)

    np.testing.assert_allclose(softmax(scores * slopes + offsets), calibration.probabilities(scores, quality))


class TestBiases:
    def test_an_emotion_that_is_named_too_rarely_comes_to_its_share(self) -> None:
        scores, truth, quality = noisy_scores()
        shy = scores - np.array([1.0, 0, 0, 0])

        probabilities = Calibration().fit(shy, truth, quality).probabilities(shy, quality)

        shares = np.bincount(truth) / len(truth)
        np.testing.assert_allclose(probabilities.mean(axis=0), shares, atol=0.01)

    def test_how_often_an_emotion_was_recorded_makes_no_difference(self) -> None:
        scores, truth, quality = noisy_scores()
        rare = (truth != 2) | (np.arange(len(truth)) % 4 == 0)
        all_of_them, fewer = (
            Calibration(focus=1).fit(scores[rows], truth[rows], quality[rows]) for rows in (truth >= 0, rare)
        )

        assert fewer.biases_ is not None
        assert all_of_them.biases_ is not None
        np.testing.assert_allclose(fewer.biases_, all_of_them.biases_, atol=0.1)

    @pytest.mark.parametrize("focus", [2.0, 5.0])
    def test_the_emotion_that_is_missed_most_gets_more(self, focus: float) -> None:
        scores, truth, quality = noisy_scores()
        blurred, others = scores.copy(), np.flatnonzero(truth != 1)
        unheard = np.flatnonzero(truth == 1)[::3]
        blurred[unheard] = scores[others[: len(unheard)]]  # a third of them sounds like something else

        alike, focused = (Calibration(focus=f).fit(blurred, truth, quality) for f in (1.0, focus))

        before, after = (recalls(c.probabilities(blurred, quality), truth) for c in (alike, focused))
        assert before.argmin() == 1
        assert after[1] > before[1] + 0.02
        assert after.min() > before.min()

    def test_models_from_before_go_by_what_is_usual(self) -> None:
        scores, truth, quality = noisy_scores()
        rare = (truth != 2) | (np.arange(len(truth)) % 4 == 0)
        old = Calibration().fit(scores[rare], truth[rare], quality[rare])
        del old.focus, old.strange_bias

        again = old.fit(scores[rare], truth[rare], quality[rare])

        found = again.probabilities(scores[rare], quality[rare]).mean(axis=0)
        np.testing.assert_allclose(found, np.bincount(truth[rare]) / rare.sum(), atol=0.02)

    def test_experts_who_are_never_wrong_need_none(self) -> None:
        truth = np.arange(400) % 4
        certain = 1e3 * np.eye(4)[truth]

        biases = Calibration().fit(certain, truth, np.zeros((400, 0), np.float32)).biases_

        assert biases is not None
        np.testing.assert_allclose(biases, 0, atol=1e-6)

    def test_few_utterances_say_little(self) -> None:
        scores, truth, quality = noisy_scores(60)

        few = Calibration().fit(scores - np.array([1.0, 0, 0, 0]), truth, quality).biases_

        assert few is not None
        assert np.abs(few).max() < 0.2

    def test_where_none_is_named_too_rarely_there_are_none_to_speak_of(self) -> None:
        biases = Calibration().fit(*noisy_scores()).biases_

        assert biases is not None
        np.testing.assert_allclose(biases, 0, atol=0.06)

    def test_they_fade_as_the_voice_becomes_known(self) -> None:
        scores, truth, quality = noisy_scores()
        calibration = Calibration().fit(scores - np.array([1.0, 0, 0, 0]), truth, quality)

        first = [calibration.probabilities(scores, quality, unknown=share)[:, 0].mean() for share in (1.0, 0.3, 0.0)]

        assert first == sorted(first, reverse=True)
        scaled = scores / calibration.temperatures(quality)[:, None]
        assert first[2] == pytest.approx(softmax(scaled)[:, 0].mean())

    def test_a_model_from_before_there_were_any_serves_as_it_did(self) -> None:
        scores, truth, quality = noisy_scores()
        calibration = Calibration().fit(scores, truth, quality)
        del calibration.biases_

        expected = softmax(scores / calibration.temperatures(quality)[:, None])

        np.testing.assert_array_equal(calibration.probabilities(scores, quality), expected)


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    """Fit one to recordings none of which is strange."""
    scores, truth, quality = noisy_scores()
    shy = scores - np.array([1.0, 0, 0, 0])
    return Calibration(strange_factor=3.0).fit(shy, truth, strange(quality, 0.0))


class TestStrangeness:
    def test_the_stranger_the_less_sure_and_without_biases_no_verdict_changes(self, calibration: Calibration) -> None:
        scores, _, quality = noisy_scores(seed=1)
        calibration = copy.copy(calibration)
        calibration.biases_ = None

        found = [calibration.probabilities(scores, strange(quality, how)) for how in (0.0, 0.5, 1.0)]

        confidence = [each.max(axis=1) for each in found]
        assert (confidence[0] > confidence[1]).all()
        assert (confidence[1] > confidence[2]).all()
        np.testing.assert_array_equal(found[0].argmax(axis=1), found[2].argmax(axis=1))

    def test_the_strangest_get_a_temperature_that_is_higher_by_the_factor(self, calibration: Calibration) -> None:
        scores, _, quality = noisy_scores(seed=1)
        at_home = calibration.probabilities(scores, strange(quality, 0.0))

        away = calibration.probabilities(scores, strange(quality, 1.0))

        assert calibration.biases_ is not None
        unbiased = np.log(at_home) - calibration.biases_
        np.testing.assert_allclose(away, softmax(unbiased, temperature=3.0), rtol=1e-6)

    def test_what_is_usual_at_home_counts_the_less_the_stranger(self, calibration: Calibration) -> None:
        scores, quality = np.zeros((1, 4)), np.array([[15.0, 0.0]], dtype=np.float32)

        first = [calibration.probabilities(scores, strange(quality, how))[0, 0] for how in (0.0, 0.4, 0.8, 1.0)]

        assert first == sorted(first, reverse=True)
        assert first[-1] == pytest.approx(0.25)

    def test_a_model_from_before_keeps_its_biases_everywhere(self, calibration: Calibration) -> None:
        scores, _, quality = noisy_scores(seed=1)
        old = copy.copy(calibration)
        del old.strange_bias

        found = old.probabilities(scores, strange(quality, 1.0))

        at_home = old.probabilities(scores, strange(quality, 0.0))
        np.testing.assert_allclose(found, softmax(np.log(at_home), temperature=3.0), rtol=1e-6)

    def test_the_affine_map_allows_for_it(self, calibration: Calibration) -> None:
        scores, _, quality = noisy_scores(200, seed=1)
        known = strange(quality, np.linspace(0, 1, 200))

        slopes, offsets = calibration.affine(known)

        np.testing.assert_allclose(softmax(scores * slopes + offsets), calibration.probabilities(scores, known))

    def test_strange_recordings_of_the_home_corpus_do_not_make_the_others_too_sure(self) -> None:
        scores, truth, quality = noisy_scores()
        how = np.where(np.arange(len(scores)) % 2 == 0, 1.0, 0.0)
        less_sure = np.where(how[:, None] == 1, 3.0, 1.0) * scores

        fitted = Calibration(strange_factor=3.0).fit(less_sure, truth, strange(quality, how))

        plain = Calibration().fit(scores, truth, quality)
        assert fitted.log_temperature_ == pytest.approx(plain.log_temperature_, abs=1e-3)
        np.testing.assert_allclose(fitted.slopes_, plain.slopes_, atol=1e-3)

    def test_biases_moved_at_night_allow_for_it(self, calibration: Calibration) -> None:
        scores, truth, quality = noisy_scores()
        far = strange(quality, 0.5)
        favoured = scores + np.array([0.0, 0, 0.8, 0])

        moved = calibration.moved(scores, favoured, truth, far)

        assert moved.biases_ is not None
        assert calibration.biases_ is not None
        assert (moved.biases_ - calibration.biases_).argmin() == 2

    def test_a_model_from_before_there_was_any_leaves_the_column_alone(self) -> None:
        scores, truth, quality = noisy_scores()
        old = Calibration().fit(scores, truth, quality)
        del old.strange_factor

        found = old.probabilities(scores, strange(quality, 1.0))

        np.testing.assert_array_equal(found, old.probabilities(scores, quality))


def strange(quality: Matrix, how: NDArray[np.float64] | float) -> Matrix:
    """Add the column that says how strange each recording is."""
    return np.column_stack([quality, np.broadcast_to(how, len(quality))]).astype(np.float32)


def test_without_features_it_is_the_one_temperature() -> None:
    scores, truth, _ = noisy_scores()
    nothing = np.zeros((len(scores), 0), dtype=np.float32)

    calibration = Calibration().fit(scores, truth, nothing)

    np.testing.assert_allclose(calibration.temperatures(nothing), fit_temperature(scores, truth), rtol=1e-3)


@given(
    arrays.arrays(np.float64, (3, 4), elements=st.floats(-1e3, 1e3)),
    arrays.arrays(np.float32, (3, 2), elements=st.floats(-1e6, 1e6, width=32)),
)
def test_probabilities_are_distributions_in_the_order_of_the_scores_and_biases(
    scores: NDArray[np.float64], quality: Matrix
) -> None:
    probabilities = _FITTED.probabilities(scores, quality)

    assert _FITTED.biases_ is not None
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    shifted = scores / _FITTED.temperatures(quality)[:, None] + _FITTED.biases_
    best = np.take_along_axis(probabilities, shifted.argmax(axis=1)[:, None], axis=1)[:, 0]
    np.testing.assert_array_equal(best, probabilities.max(axis=1))


_FITTED = Calibration().fit(*noisy_scores(500))


def test_it_only_stores_its_parameters_so_that_scikit_learn_can_clone_it() -> None:
    parameters = {"penalty": 0.2, "bias_penalty": 60.0, "focus": 2.0, "clip": 1.0, "strange_factor": 3.0}
    parameters["strange_bias"] = 0.5

    assert clone(Calibration(**parameters)).get_params() == parameters


class TestMoved:
    def test_biases_make_up_for_what_other_experts_favour(self) -> None:
        scores, truth, quality = noisy_scores()
        fitted = Calibration().fit(scores, truth, quality)
        favoured = scores + np.array([0.0, 0, 0.8, 0]) * fitted.temperatures(quality)[:, None]

        moved = fitted.moved(scores, favoured, truth, quality)

        np.testing.assert_allclose(
            moved.probabilities(favoured, quality).mean(axis=0),
            fitted.probabilities(scores, quality).mean(axis=0),
            atol=0.01,
        )
        assert moved.log_temperature_ == fitted.log_temperature_

    def test_what_was_fitted_to_more_is_not_forgotten(self) -> None:
        fitted = Calibration().fit(*noisy_scores())
        few = noisy_scores(100, seed=3)

        same = fitted.moved(few[0], *few)

        np.testing.assert_array_equal(same.biases_, fitted.biases_)

    def test_moves_do_not_add_up(self) -> None:
        scores, truth, quality = noisy_scores()
        fitted = Calibration().fit(scores, truth, quality)
        favoured = scores + np.array([0.0, 0.5, 0, 0])
        once = fitted.moved(scores, favoured, truth, quality)

        twice = once.moved(scores, favoured, truth, quality)

        np.testing.assert_array_equal(twice.biases_, once.biases_)
        np.testing.assert_array_equal(once.moved(scores, scores, truth, quality).biases_, fitted.biases_)
        assert not np.array_equal(np.asarray(once.biases_), np.asarray(fitted.biases_))

    def test_without_biases_there_is_nothing_to_move(self) -> None:
        scores, truth, quality = noisy_scores(200)
        old = Calibration().fit(scores, truth, quality)
        old.biases_ = old.fitted_biases_ = None

        assert old.moved(scores, scores + 1, truth, quality) is old
