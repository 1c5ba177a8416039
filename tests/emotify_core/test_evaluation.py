from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from emotify_core import evaluation
from emotify_core.corpora import Utterance
from emotify_core.dataset import Dataset
from emotify_core.emotions import Emotion
from emotify_core.errors import TooFewExamplesError
from emotify_core.evaluation import Outcome, cross_validate, figures, fit, fit_calibrated, ordered_labels
from emotify_core.heads import FusedHeads, fit_temperature
from emotify_core.metrics import expected_calibration_error
from emotify_core.splits import PROTOCOLS, emobox_folds, leave_one_speaker_out
from tests.emotify_core.tables import (
    ACTORS,
    make_heads,
    make_perceptron,
    recipe_of,
    rows_of,
    table_of,
    utterance,
    utterances_of,
)

LABELS = tuple(emotion.value for emotion in Emotion)


class Watched(FusedHeads):
    """Heads that remember what they were fitted on and asked about."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.fitted_on: NDArray[np.float32]
        self.asked_about: list[NDArray[np.float32]] = []

    def fit(self, X: NDArray[np.float32], y: ArrayLike) -> Self:  # noqa: N803
        self.fitted_on = X
        return super().fit(X, y)

    def decision_function(self, X: NDArray[np.float32]) -> NDArray[np.float64]:  # noqa: N803
        self.asked_about.append(X)
        return super().decision_function(X)


class Watch:
    """Makes watched heads, and remembers them."""

    def __init__(self) -> None:
        self.made: list[Watched] = []

    def __call__(self, seed: int) -> Watched:
        self.made.append(Watched(C=0.1, hidden=4, max_iter=2, random_state=seed))
        return self.made[-1]


def speakers_in(features: NDArray[np.float32], dataset: Dataset) -> set[str]:
    """Find whose utterances, or copies of them, the features are."""
    everything = dataset.features.reshape(-1, dataset.features.shape[2])
    return {str(dataset.speakers[row % len(dataset.utterances)]) for row in rows_of(features, everything)}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return table_of(utterances_of())


@pytest.fixture(scope="module")
def outcome(dataset: Dataset) -> Outcome:
    return cross_validate(dataset, emobox_folds(dataset.utterances), recipe_of())["clean"]


class TestLeaks:
    @pytest.mark.parametrize("protocol", ["emobox", "loso"])
    def test_nothing_is_fitted_on_a_speaker_who_is_tested(self, dataset: Dataset, protocol: str) -> None:
        for split in PROTOCOLS[protocol](dataset.utterances, 0):
            watch = Watch()
            cross_validate(dataset, [split], recipe_of(watch))

            tested = set(dataset.speakers[split.test].tolist())
            assert len(watch.made) == 4  # the fold's own, and one for each inner fold
            for model in watch.made:
                assert speakers_in(model.fitted_on, dataset).isdisjoint(tested)

    def test_the_fold_is_fitted_on_all_others_copies_and_song_included(self, dataset: Dataset) -> None:
        split, watch = emobox_folds(dataset.utterances)[0], Watch()

        cross_validate(dataset, [split], recipe_of(watch))

        assert {u.speaker for u in dataset.utterances if u.kind == "song"} == {"01", "02"}
        everything = dataset.features.reshape(-1, dataset.features.shape[2])
        n = len(dataset.utterances)
        expected = {copy * n + int(row) for copy in range(len(dataset.features)) for row in split.train}
        assert rows_of(watch.made[0].fitted_on, everything) == expected

    def test_the_temperature_comes_from_training_speakers_whom_the_inner_model_does_not_know(
        self, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        split, watch = emobox_folds(dataset.utterances)[0], Watch()
        seen: list[int] = []

        def fit_watched(scores: NDArray[np.float64], truth: NDArray[np.intp]) -> float:
            seen.append(len(scores))
            return fit_temperature(scores, truth)

        monkeypatch.setattr(evaluation, "fit_temperature", fit_watched)
        cross_validate(dataset, [split], recipe_of(watch))

        tested = set(dataset.speakers[split.test].tolist())
        for inner in watch.made[1:]:
            asked = set().union(*(speakers_in(features, dataset) for features in inner.asked_about))
            assert asked.isdisjoint(speakers_in(inner.fitted_on, dataset) | tested)
        n_spoken = int(dataset.is_speech[split.train].sum())
        assert seen == [n_spoken * len(dataset.features)]

    def test_the_temperature_ignores_song(self, dataset: Dataset) -> None:
        watch = Watch()

        fit_calibrated(dataset, np.arange(len(dataset.utterances)), recipe_of(watch), seed=0)

        everything = dataset.features.reshape(-1, dataset.features.shape[2])
        n = len(dataset.utterances)
        for inner in watch.made[1:]:
            rows = set().union(*(rows_of(features, everything) for features in inner.asked_about))
            assert all(dataset.is_speech[row % n] for row in rows)

    def test_labels_that_mean_nothing_are_guessed_by_chance(self) -> None:
        meaningless = table_of(utterances_of(n_takes=6, singers=()))
        rng = np.random.default_rng(0)
        shuffled = Dataset(meaningless.utterances, rng.permuted(meaningless.features, axis=1))

        outcome = cross_validate(shuffled, emobox_folds(shuffled.utterances), recipe_of())["clean"]

        assert figures(outcome)["uar"] < 0.25  # chance is 0.125


class TestCrossValidation:
    def test_it_recognises_what_can_be_recognised(self, outcome: Outcome) -> None:
        assert figures(outcome)["uar"] > 0.6

    def test_every_spoken_utterance_is_tested_once(self, dataset: Dataset, outcome: Outcome) -> None:
        spoken = [(str(u.label), f"ravdess/{u.speaker}") for u in dataset.utterances if u.kind == "speech"]

        assert sorted(zip(outcome.truth.tolist(), outcome.speakers.tolist(), strict=True)) == sorted(spoken)

    def test_columns_are_in_the_order_of_the_emotions(self, outcome: Outcome) -> None:
        assert outcome.labels == LABELS
        np.testing.assert_allclose(outcome.probabilities.sum(axis=1), 1)
        np.testing.assert_array_equal(outcome.scores.argmax(axis=1), outcome.probabilities.argmax(axis=1))

    def test_the_same_seed_gives_the_same_figures(self, dataset: Dataset, outcome: Outcome) -> None:
        again = cross_validate(dataset, emobox_folds(dataset.utterances), recipe_of())["clean"]
        other = cross_validate(dataset, emobox_folds(dataset.utterances), recipe_of(), seed=1)["clean"]

        np.testing.assert_array_equal(again.probabilities, outcome.probabilities)
        assert not np.array_equal(other.probabilities, outcome.probabilities)

    def test_the_number_of_processes_changes_nothing(self, dataset: Dataset, outcome: Outcome) -> None:
        parallel = cross_validate(dataset, emobox_folds(dataset.utterances), recipe_of(), n_jobs=2)["clean"]

        np.testing.assert_array_equal(parallel.probabilities, outcome.probabilities)

    def test_conditions_are_tested_with_the_same_models(self, dataset: Dataset, outcome: Outcome) -> None:
        conditions = {"the same": dataset.features[0], "nothing left": np.zeros_like(dataset.features[0])}

        outcomes = cross_validate(dataset, emobox_folds(dataset.utterances), recipe_of(), conditions=conditions)

        assert list(outcomes) == ["clean", "the same", "nothing left"]
        np.testing.assert_array_equal(outcomes["clean"].probabilities, outcome.probabilities)
        np.testing.assert_array_equal(outcomes["the same"].probabilities, outcome.probabilities)
        assert figures(outcomes["nothing left"])["uar"] == pytest.approx(0.125)

    def test_progress_counts_the_folds(self, dataset: Dataset) -> None:
        told: list[tuple[int, str, int]] = []

        def progress(folds: Iterable[Any], total: int, title: str) -> Iterable[Any]:
            done = list(folds)
            told.append((total, title, len(done)))
            return done

        cross_validate(dataset, emobox_folds(dataset.utterances), recipe_of(), progress=progress)

        assert told == [(5, "folds", 5)]

    def test_a_classifier_without_temperature_is_fitted_once_a_fold(self, dataset: Dataset) -> None:
        made = []

        def make(seed: int) -> Any:
            made.append(make_perceptron(seed))
            return made[-1]

        outcome = cross_validate(dataset, emobox_folds(dataset.utterances), recipe_of(make, name="classic"))["clean"]

        assert len(made) == 5
        np.testing.assert_allclose(np.exp(outcome.scores), outcome.probabilities, rtol=1e-5)

    def test_an_emotion_that_only_the_tested_speakers_express_is_refused_by_name(self) -> None:
        alone = [utterance("01", Emotion.DISGUST), utterance("01", Emotion.CALM)]
        others = [utterance(s, e) for s in ("02", "03") for e in (Emotion.SAD, Emotion.CALM)]
        dataset = table_of([*alone, *others])

        with pytest.raises(TooFewExamplesError, match=r"When speakers 01 are tested.*disgust"):
            cross_validate(dataset, leave_one_speaker_out(dataset.utterances), recipe_of())


class TestCalibration:
    def test_confidence_is_more_honest_with_the_temperature_than_without(self) -> None:
        dataset = table_of(utterances_of(n_takes=8, singers=()), seed=4)
        rows = np.flatnonzero(dataset.speakers != "ravdess/06")
        held_out = np.flatnonzero(dataset.speakers == "ravdess/06")

        def calibration_error(model: Any) -> float:
            probabilities = model.predict_proba(dataset.features[0][held_out])
            correct = model.classes_[probabilities.argmax(axis=1)] == dataset.labels[held_out]
            return expected_calibration_error(probabilities.max(axis=1), correct, n_bins=5)

        calibrated = fit_calibrated(dataset, rows, recipe_of(), seed=0)

        assert calibrated.temperature_ != 1
        assert calibration_error(calibrated) < calibration_error(fit(dataset, rows, recipe_of(), seed=0))

    def test_one_speaker_gives_no_temperature(self) -> None:
        dataset = table_of(utterances_of(("01",), singers=()))

        model = fit_calibrated(dataset, np.arange(len(dataset.utterances)), recipe_of(), seed=0)

        assert model.temperature_ == 1

    @pytest.mark.parametrize(
        "utterances",
        [
            [utterance(s, e, kind="song") for s in ACTORS for e in Emotion],
            [utterance(s, e, take=t) for s, e in zip(ACTORS, Emotion, strict=False) for t in (1, 2)],
        ],
        ids=["only song", "an emotion each"],
    )
    def test_where_nothing_can_be_held_out_the_temperature_stays_one(self, utterances: Sequence[Utterance]) -> None:
        dataset = table_of(utterances)

        model = fit_calibrated(dataset, np.arange(len(dataset.utterances)), recipe_of(make_heads), seed=0)

        assert model.temperature_ == 1


class TestWithout:
    def test_it_leaves_out_what_some_speakers_said(self, outcome: Outcome) -> None:
        rest = outcome.without({"ravdess/01", "ravdess/02"})

        assert set(rest.speakers) == {"ravdess/03", "ravdess/04", "ravdess/05", "ravdess/06"}
        assert rest.labels == outcome.labels
        kept = np.isin(outcome.speakers, list(set(rest.speakers)))
        np.testing.assert_array_equal(rest.truth, outcome.truth[kept])
        np.testing.assert_array_equal(rest.probabilities, outcome.probabilities[kept])
        np.testing.assert_array_equal(rest.scores, outcome.scores[kept])

    def test_it_may_leave_out_nobody(self, outcome: Outcome) -> None:
        np.testing.assert_array_equal(outcome.without(()).truth, outcome.truth)


class TestFigures:
    def test_they_are_plain_numbers_ready_for_json(self, outcome: Outcome) -> None:
        summary = figures(outcome)

        assert json.loads(json.dumps(summary, allow_nan=False)) == summary

    def test_they_agree_with_each_other(self, outcome: Outcome) -> None:
        summary = figures(outcome)

        confusion = np.array(summary["confusion"])
        assert confusion.sum() == summary["n_utterances"] == 96
        assert summary["n_speakers"] == len(summary["uar_by_speaker"]) == 6
        assert summary["accuracy"] == pytest.approx(np.trace(confusion) / 96)
        assert summary["uar"] == pytest.approx(np.mean(list(summary["recall"].values())))
        assert summary["uar_interval"][0] <= summary["uar"] <= summary["uar_interval"][1]
        assert summary["accuracy"] <= summary["top2_accuracy"] <= 1
        assert summary["uar_at_75_coverage"] > summary["uar"]

    def test_an_emotion_that_nobody_expressed_has_no_recall(self) -> None:
        outcome = Outcome(
            labels=("calm", "sad"),
            truth=np.array(["sad", "sad"]),
            speakers=np.array(["ravdess/01", "ravdess/02"]),
            probabilities=np.array([[0.2, 0.8], [0.6, 0.4]]),
            scores=np.log([[0.2, 0.8], [0.6, 0.4]]),
        )

        summary = figures(outcome)

        assert summary["recall"] == {"calm": None, "sad": 0.5}
        assert summary["uar"] == 0.5
        assert summary["top2_accuracy"] == 1
        assert json.dumps(summary, allow_nan=False)

    def test_labels_are_sorted_as_the_emotions_are(self) -> None:
        assert ordered_labels(["sad", "angry", "neutral", "sad"]) == ("neutral", "sad", "angry")
