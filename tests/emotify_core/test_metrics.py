from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from emotify_core.metrics import (
    accuracy,
    bootstrap_interval,
    confusion_matrix,
    expected_calibration_error,
    recall_per_class,
    reliability,
    selective_recall,
    unweighted_average_recall,
)

LABELS = ("neutral", "calm", "happy", "sad")
pairs = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=60)


@given(pairs)
def test_figures_are_those_of_scikit_learn(verdicts: list[tuple[str, str]]) -> None:
    truth, predicted = zip(*verdicts, strict=True)
    present = sorted(set(truth))

    confusion = confusion_matrix(truth, predicted, LABELS)

    np.testing.assert_array_equal(confusion, sklearn.metrics.confusion_matrix(truth, predicted, labels=LABELS))
    recalls = sklearn.metrics.recall_score(truth, predicted, labels=LABELS, average=None, zero_division=np.nan)
    np.testing.assert_allclose(recall_per_class(confusion), recalls)
    assert unweighted_average_recall(confusion) == pytest.approx(
        sklearn.metrics.recall_score(truth, predicted, labels=present, average="macro")
    )
    assert accuracy(confusion) == pytest.approx(sklearn.metrics.accuracy_score(truth, predicted))


def test_uar_is_balanced_accuracy_where_every_class_was_expressed() -> None:
    rng = np.random.default_rng(0)
    truth = np.concatenate([LABELS, rng.choice(LABELS, 50)])
    predicted = rng.choice(LABELS, 54)

    uar = unweighted_average_recall(confusion_matrix(truth, predicted, LABELS))

    assert uar == pytest.approx(sklearn.metrics.balanced_accuracy_score(truth, predicted))


def test_uar_counts_classes_alike_however_many_utterances_they_have() -> None:
    truth, predicted = ["sad"] * 98 + ["calm", "calm"], ["sad"] * 99 + ["calm"]

    confusion = confusion_matrix(truth, predicted, LABELS)

    assert accuracy(confusion) == pytest.approx(0.99)
    assert unweighted_average_recall(confusion) == pytest.approx(0.75)


def test_rows_are_labels_and_columns_predictions() -> None:
    confusion = confusion_matrix(["sad"], ["calm"], ["calm", "sad"])

    assert confusion.tolist() == [[0, 0], [1, 0]]


def test_an_unknown_label_is_an_error() -> None:
    with pytest.raises(KeyError, match="bored"):
        confusion_matrix(["bored"], ["calm"], LABELS)


class TestCalibrationError:
    def test_it_equals_an_example_worked_by_hand(self) -> None:
        # Two bins: (0, 0.5] holds 0.3 (right) and 0.5 (wrong), (0.5, 1] holds 0.8 (right), 0.9 (right) and 1.0 (wrong).
        # |1/2 - 0.4| * 2/5 + |2/3 - 0.9| * 3/5 = 0.04 + 0.14
        confidence, correct = [0.3, 0.5, 0.8, 0.9, 1.0], [True, False, True, True, False]

        assert expected_calibration_error(confidence, correct, n_bins=2) == pytest.approx(0.18)

    def test_honest_confidence_has_none(self) -> None:
        confidence = np.repeat([0.25, 0.75], 4)
        correct = [True, False, False, False, True, True, True, False]

        assert expected_calibration_error(confidence, correct) == pytest.approx(0)

    def test_certainty_that_is_always_wrong_has_all_of_it(self) -> None:
        assert expected_calibration_error([1.0, 1.0], [False, False]) == 1

    def test_confidence_of_zero_falls_into_the_first_bin(self) -> None:
        assert expected_calibration_error([0.0], [True]) == 1

    @given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
    def test_it_lies_between_zero_and_one(self, verdicts: list[tuple[float, bool]]) -> None:
        confidence, correct = zip(*verdicts, strict=True)

        assert 0 <= expected_calibration_error(confidence, correct) <= 1


class TestReliability:
    def test_it_equals_an_example_worked_by_hand(self) -> None:
        confidence, correct = [0.3, 0.5, 0.8, 0.9, 1.0], [True, False, True, True, False]

        low, high = reliability(confidence, correct, n_bins=2)

        assert low == {"from": 0, "to": 0.5, "n": 2, "confidence": pytest.approx(0.4), "accuracy": 0.5}
        assert high == {
            "from": 0.5,
            "to": 1,
            "n": 3,
            "confidence": pytest.approx(0.9),
            "accuracy": pytest.approx(2 / 3),
        }

    @given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
    def test_its_gaps_make_up_the_calibration_error(self, verdicts: list[tuple[float, bool]]) -> None:
        confidence, correct = zip(*verdicts, strict=True)

        bins = reliability(confidence, correct, n_bins=10)

        assert sum(b["n"] for b in bins) == len(verdicts)
        error = sum(b["n"] * abs(b["confidence"] - b["accuracy"]) for b in bins) / len(verdicts)
        assert error == pytest.approx(expected_calibration_error(confidence, correct, n_bins=10))


class TestSelectiveRecall:
    TRUTH = ("sad", "sad", "calm", "calm")
    PREDICTED = ("sad", "calm", "calm", "sad")
    CONFIDENCE = (0.9, 0.3, 0.8, 0.4)

    @pytest.mark.parametrize(("coverage", "uar"), [(1.0, 0.5), (0.75, 0.75), (0.5, 1.0), (0.0, 1.0)])
    def test_the_least_certain_are_refused(self, coverage: float, uar: float) -> None:
        kept = selective_recall(self.TRUTH, self.PREDICTED, self.CONFIDENCE, ("calm", "sad"), coverage=coverage)

        assert kept == uar


class TestBootstrap:
    SPEAKERS = tuple(np.random.default_rng(1).integers(0, 9, (12, 4, 4)) + 9 * np.eye(4, dtype=np.int64))

    def test_the_same_seed_gives_the_same_interval(self) -> None:
        assert bootstrap_interval(self.SPEAKERS, seed=3) == bootstrap_interval(self.SPEAKERS, seed=3)
        assert bootstrap_interval(self.SPEAKERS, seed=3) != bootstrap_interval(self.SPEAKERS, seed=4)

    def test_the_interval_is_around_the_figure(self) -> None:
        low, high = bootstrap_interval(self.SPEAKERS)

        assert 0 < low < unweighted_average_recall(np.sum(self.SPEAKERS, axis=0)) < high < 1

    def test_speakers_who_are_all_alike_leave_no_doubt(self) -> None:
        low, high = bootstrap_interval([self.SPEAKERS[0]] * 5)

        assert low == high == unweighted_average_recall(self.SPEAKERS[0])

    def test_more_speakers_make_it_narrower(self) -> None:
        few, many = bootstrap_interval(self.SPEAKERS[:4]), bootstrap_interval(self.SPEAKERS * 8)

        assert many[1] - many[0] < few[1] - few[0]
