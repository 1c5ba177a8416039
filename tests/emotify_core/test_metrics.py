from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from emotify_core.metrics import (
    COVERAGES,
    PairedDifference,
    accuracy,
    bootstrap_interval,
    brier_score,
    calibration_error_by_chance,
    confusion_matrix,
    coverage_curve,
    expected_calibration_error,
    negative_log_likelihood,
    paired_bootstrap,
    recall_per_class,
    reliability,
    resampled,
    restrict_probabilities,
    selective_recall,
    spread,
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


class TestCalibrationErrorByChance:
    CONFIDENCE = np.random.default_rng(0).uniform(0.2, 1, 1440)

    def test_it_is_what_honest_probabilities_show(self) -> None:
        rng = np.random.default_rng(1)
        probabilities = rng.dirichlet(np.full(8, 0.3), 1440)
        verdicts, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
        edges = probabilities.cumsum(axis=1)
        shown = [
            expected_calibration_error(confidence, (rng.random((1440, 1)) > edges).sum(axis=1) == verdicts)
            for _ in range(100)
        ]

        mean, high = calibration_error_by_chance(confidence)

        assert mean == pytest.approx(np.mean(shown), abs=0.002)
        assert high == pytest.approx(np.percentile(shown, 95), abs=0.005)
        assert 0.02 < mean < 0.04

    def test_the_same_seed_draws_the_same(self) -> None:
        assert calibration_error_by_chance(self.CONFIDENCE) == calibration_error_by_chance(self.CONFIDENCE)
        assert calibration_error_by_chance(self.CONFIDENCE) != calibration_error_by_chance(self.CONFIDENCE, seed=1)

    def test_many_utterances_leave_less_to_chance(self) -> None:
        few, many = (calibration_error_by_chance(np.tile(self.CONFIDENCE, n)) for n in (1, 16))

        assert many[0] == pytest.approx(few[0] / 4, rel=0.2)

    @pytest.mark.parametrize("confidence", [[0.0], [1.0], [0.0, 1.0, 1.0]])
    def test_certainty_leaves_nothing_to_chance(self, confidence: list[float]) -> None:
        assert calibration_error_by_chance(confidence) == (0, 0)


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

    def test_it_is_measured_on_the_sum_of_those_who_were_drawn(self) -> None:
        draws = np.random.default_rng(3).integers(0, 12, size=(50, 12))
        drawn = [sum(self.SPEAKERS[i] for i in draw) for draw in draws]

        assert np.array_equal(resampled(np.stack(self.SPEAKERS), 50, seed=3), drawn)
        assert bootstrap_interval(self.SPEAKERS, n_resamples=50, seed=3) == tuple(
            np.percentile([unweighted_average_recall(each) for each in drawn], [2.5, 97.5])
        )

    def test_more_speakers_make_it_narrower(self) -> None:
        few, many = bootstrap_interval(self.SPEAKERS[:4]), bootstrap_interval(self.SPEAKERS * 8)

        assert many[1] - many[0] < few[1] - few[0]


class TestPairedBootstrap:
    RNG = np.random.default_rng(2)
    SPEAKERS = tuple(RNG.integers(1, 9, (12, 4, 4)) + 5 * np.eye(4, dtype=np.int64))

    @staticmethod
    def better(confusion: np.ndarray, *, by: int) -> np.ndarray:
        """Let a system recognise more of each class."""
        moved = np.minimum(confusion, by)
        np.fill_diagonal(moved, 0)
        return np.asarray(confusion - moved + np.diag(moved.sum(axis=1)))

    def test_it_equals_the_arithmetic_done_by_hand(self) -> None:
        # Two speakers, two classes: A hears all of the first and half of the second; B half of both. The three sets of
        # two speakers differ by 0.5 (first twice), 0.25 (both) and 0 (second twice).
        whole, half = np.array([[2, 0], [0, 2]]), np.array([[1, 1], [1, 1]])

        compared = paired_bootstrap([whole, half], [half, half], seed=1)

        assert compared.difference == 0.25
        assert (compared.low, compared.high) == (0, 0.5)
        assert compared.p_worse == pytest.approx(0.25, abs=0.03)

    def test_resamples_are_those_of_the_single_interval(self) -> None:
        right = [np.diag(c.sum(axis=1)) for c in self.SPEAKERS]
        low, high = bootstrap_interval(self.SPEAKERS, seed=5)

        compared = paired_bootstrap(right, self.SPEAKERS, seed=5)

        assert [compared.low, compared.high] == pytest.approx([1 - high, 1 - low])

    def test_a_system_is_not_better_than_itself(self) -> None:
        assert paired_bootstrap(self.SPEAKERS, self.SPEAKERS) == PairedDifference(0, 0, 0, 1)

    def test_a_system_that_is_better_for_every_speaker_is_surely_better(self) -> None:
        better = [self.better(c, by=1) for c in self.SPEAKERS]

        there, back = paired_bootstrap(better, self.SPEAKERS), paired_bootstrap(self.SPEAKERS, better)

        assert 0 < there.low < there.difference < there.high
        assert (there.p_worse, back.p_worse) == (0, 1)
        assert back.difference == -there.difference
        assert [back.low, back.high] == pytest.approx([-there.high, -there.low])

    def test_pairs_tell_apart_what_single_intervals_do_not(self) -> None:
        better = [self.better(c, by=1) for c in self.SPEAKERS]

        widths = [high - low for low, high in map(bootstrap_interval, (better, self.SPEAKERS))]
        compared = paired_bootstrap(better, self.SPEAKERS)

        assert compared.high - compared.low < min(widths)

    def test_the_seed_decides(self) -> None:
        better = [self.better(c, by=i % 3) for i, c in enumerate(self.SPEAKERS)]

        def compare(seed: int) -> PairedDifference:
            return paired_bootstrap(better, self.SPEAKERS, n_resamples=50, seed=seed)

        assert compare(1) == compare(1) != compare(2)

    @pytest.mark.parametrize("others", [SPEAKERS[:-1], tuple(reversed(SPEAKERS))], ids=["fewer", "another order"])
    def test_other_utterances_cannot_be_compared(self, others: tuple[np.ndarray, ...]) -> None:
        with pytest.raises(ValueError, match="same utterances of the same speakers"):
            paired_bootstrap(self.SPEAKERS, others)


class TestCoverageCurve:
    def test_it_is_the_selective_recall_at_each_coverage(self) -> None:
        rng = np.random.default_rng(3)
        truth, predicted, confidence = rng.choice(LABELS, 80), rng.choice(LABELS, 80), rng.random(80)

        curve = coverage_curve(truth, predicted, confidence, LABELS)

        assert tuple(coverage for coverage, _ in curve) == COVERAGES
        assert [uar for _, uar in curve] == [
            selective_recall(truth, predicted, confidence, LABELS, coverage=coverage) for coverage in COVERAGES
        ]
        assert curve[0][1] == unweighted_average_recall(confusion_matrix(truth, predicted, LABELS))

    def test_confidence_that_knows_makes_it_rise(self) -> None:
        truth = ["sad", "calm"] * 4
        predicted = ["sad", "calm"] * 2 + ["calm", "sad"] * 2
        confidence = np.linspace(1, 0.3, 8)

        curve = coverage_curve(truth, predicted, confidence, LABELS, coverages=(1.0, 0.75, 0.5))

        assert curve == [(1.0, 0.5), (0.75, pytest.approx(2 / 3)), (0.5, 1.0)]


@st.composite
def distributions(draw: st.DrawFn) -> np.ndarray:
    n = draw(st.integers(1, 12))
    weights = st.lists(st.floats(0, 1), min_size=4, max_size=4).filter(lambda row: sum(row) > 1e-3)
    rows = np.array(draw(st.lists(weights, min_size=n, max_size=n)))
    return np.asarray(rows / rows.sum(axis=1, keepdims=True))


class TestOwnLabels:
    @given(distributions(), st.sets(st.sampled_from(LABELS), min_size=1))
    def test_the_most_probable_of_the_allowed_is_chosen(self, probabilities: np.ndarray, allowed: set[str]) -> None:
        columns = [i for i, label in enumerate(LABELS) if label in allowed]

        chosen = np.array(LABELS)[restrict_probabilities(probabilities, LABELS, allowed).argmax(axis=1)]

        for row, label in zip(probabilities, chosen, strict=True):
            assert label in allowed
            assert row[LABELS.index(label)] == pytest.approx(max(row[i] for i in columns))

    @given(distributions(), st.sets(st.sampled_from(LABELS), min_size=1))
    def test_what_remains_sums_to_one_in_the_old_proportions(
        self, probabilities: np.ndarray, allowed: set[str]
    ) -> None:
        restricted = restrict_probabilities(probabilities, LABELS, allowed)

        np.testing.assert_allclose(restricted.sum(axis=1), 1)
        assert not restricted[:, [label not in allowed for label in LABELS]].any()
        for before, after in zip(probabilities, restricted, strict=True):
            share = sum(p for p, label in zip(before, LABELS, strict=True) if label in allowed)
            if share > 1e-6:
                np.testing.assert_allclose(after * share, np.where(np.isin(LABELS, list(allowed)), before, 0))

    def test_a_verdict_that_is_ruled_out_gives_way_to_the_next(self) -> None:
        shares = restrict_probabilities([[0.6, 0.1, 0.25, 0.05]], LABELS, ["calm", "happy", "bored"])

        assert np.array(LABELS)[shares.argmax(axis=1)].tolist() == ["happy"]

    def test_labels_that_had_no_chance_at_all_share_alike(self) -> None:
        assert restrict_probabilities([[1, 0, 0, 0]], LABELS, ["calm", "sad"]).tolist() == [[0, 0.5, 0, 0.5]]

    @pytest.mark.parametrize("allowed", [[], ["bored"]])
    def test_nothing_to_choose_from_is_an_error(self, allowed: list[str]) -> None:
        with pytest.raises(ValueError, match="among the labels"):
            restrict_probabilities([[0.25] * 4], LABELS, allowed)


class TestProperScores:
    # scikit-learn wants the columns in alphabetical order.
    ORDER = np.argsort(LABELS)

    @given(distributions(), st.data())
    def test_they_are_those_of_scikit_learn(self, probabilities: np.ndarray, data: st.DataObject) -> None:
        n = len(probabilities)
        truth = data.draw(st.lists(st.sampled_from(LABELS), min_size=n, max_size=n))
        smooth = 0.9 * probabilities + 0.1 / 4

        expected = sklearn.metrics.log_loss(truth, smooth[:, self.ORDER], labels=sorted(LABELS))
        assert negative_log_likelihood(truth, smooth, LABELS) == pytest.approx(expected)
        expected = sklearn.metrics.brier_score_loss(
            truth, smooth[:, self.ORDER], labels=sorted(LABELS), scale_by_half=False
        )
        assert brier_score(truth, smooth, LABELS) == pytest.approx(expected)

    def test_they_equal_an_example_worked_by_hand(self) -> None:
        truth, probabilities = ["calm", "sad"], [[0.5, 0.5], [0.0, 1.0]]

        assert brier_score(truth, probabilities, ("calm", "sad")) == pytest.approx(0.25)
        assert negative_log_likelihood(truth, probabilities, ("calm", "sad")) == pytest.approx(np.log(2) / 2)

    def test_certainty_that_is_wrong_costs_much_but_not_everything(self) -> None:
        assert brier_score(["calm"], [[0, 1]], ("calm", "sad")) == 2
        assert negative_log_likelihood(["calm"], [[0, 1]], ("calm", "sad")) == pytest.approx(12 * np.log(10))

    def test_an_unknown_label_is_an_error(self) -> None:
        with pytest.raises(KeyError, match="bored"):
            brier_score(["bored"], [[0.25] * 4], LABELS)


class TestSpread:
    def test_it_tells_the_weakest_the_middle_and_the_best(self) -> None:
        assert spread({"ravdess/01": 0.5, "ravdess/02": 0.8, "ravdess/03": 0.75}) == {
            "min": 0.5,
            "median": 0.75,
            "max": 0.8,
            "range": pytest.approx(0.3),
        }

    def test_one_group_has_none(self) -> None:
        assert spread({"female": 0.7})["range"] == 0

    def test_no_group_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="no group"):
            spread({})
