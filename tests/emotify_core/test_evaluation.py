from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import soundfile
from numpy.typing import ArrayLike, NDArray

from emotify_core import evaluation, fitting
from emotify_core.calibration import Calibration
from emotify_core.corpora import Utterance, read_ravdess
from emotify_core.dataset import Dataset, Spectra, Table, build_dataset
from emotify_core.earlier import MEASURED
from emotify_core.emotions import Emotion
from emotify_core.errors import CorpusError, TooFewExamplesError
from emotify_core.evaluation import calibrate, cross_validate, know_voices, require_no_leaks
from emotify_core.experts import FUNCTIONALS, NETWORK, fuse, say_of
from emotify_core.heads import FusedHeads, fit_temperature, softmax
from emotify_core.metrics import expected_calibration_error, unweighted_average_recall
from emotify_core.outcomes import (
    Outcome,
    after_earlier_notes,
    figures,
    in_conditions,
    paired_with_experts,
    strong_over_normal,
    uar_by_group,
)
from emotify_core.recipes import RECIPES
from emotify_core.splits import PROTOCOLS, Split, emobox_folds, leave_one_corpus_out, leave_one_speaker_out
from tests.emotify_core.stand_in_network import StandInNetwork, StandInTraining
from tests.emotify_core.tables import (
    PLAN,
    make_perceptron,
    recipe_of,
    rows_of,
    table_of,
    utterance,
    utterances_of,
)
from tests.emotify_core.voices import write_corpus

LABELS = tuple(emotion.value for emotion in Emotion)
WITH_NETWORK = recipe_of(network=PLAN)


class Watched(FusedHeads):
    """Heads that remember what they were fitted on and asked about."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.fitted_on: NDArray[np.float32]
        self.asked_about: list[NDArray[np.float32]] = []

    def fit(self, X: NDArray[np.float32], y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:  # noqa: N803
        self.fitted_on = X
        return super().fit(X, y, sample_weight)

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


class Unteachable:
    """Heads whose scores depend on no label: only a calibration can."""

    def __init__(self, seed: int) -> None:
        self.classes_ = np.array(LABELS)

    def fit(self, X: NDArray[np.float32], y: ArrayLike) -> Self:  # noqa: N803
        return self

    def decision_function(self, X: NDArray[np.float32]) -> NDArray[np.float32]:  # noqa: N803
        return X[:, :8]


def speakers_in(features: NDArray[np.float32], dataset: Dataset) -> set[str]:
    """Find whose utterances, or copies of them, the features are."""
    everything = dataset.features.reshape(-1, dataset.features.shape[2])
    return {str(dataset.speakers[row % len(dataset.utterances)]) for row in rows_of(features, everything)}


def table_of_tested(dataset: Dataset, splits: Sequence[Split]) -> Table:
    """Put the tested utterances in the order of the folds, as conditions are."""
    return dataset.clean.at(np.concatenate([split.test for split in splits]))


def with_labels(dataset: Dataset, rows: NDArray[np.intp], order: NDArray[np.intp]) -> Dataset:
    """Let utterances exchange their labels, and nothing else."""
    utterances = list(dataset.utterances)
    for row, other in zip(rows.tolist(), rows[order].tolist(), strict=True):
        utterances[row] = replace(dataset.utterances[row], label=dataset.utterances[other].label)
    return replace(dataset, utterances=tuple(utterances))


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> StandInTraining:
    """Stand in for the training of the network."""
    training = StandInTraining()
    monkeypatch.setattr(fitting, "_training", lambda: training)
    return training


@pytest.fixture(scope="module")
def corpora() -> Dataset:
    """Return six actors of RAVDESS, and two speakers of each of two corpora that lack some emotions."""
    known = {"emodb": (Emotion.ANGRY, Emotion.SAD, Emotion.HAPPY), "nemo": (Emotion.ANGRY, Emotion.SURPRISED)}
    others = [
        utterance(speaker, emotion, corpus=corpus, take=take)
        for corpus, emotions in known.items()
        for speaker in ("03", "08")
        for emotion in emotions
        for take in (1, 2)
    ]
    return table_of([*utterances_of(), *others], with_spectra=True)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return table_of(utterances_of())


@pytest.fixture(scope="module")
def outcome(dataset: Dataset) -> Outcome:
    return cross_validate(dataset, emobox_folds(dataset.utterances), recipe_of())["clean"]


class TestLeaks:
    @pytest.mark.parametrize("protocol", ["emobox", "loso"])
    def test_nothing_is_fitted_on_a_speaker_who_is_tested(self, dataset: Dataset, protocol: str) -> None:
        watch = Watch()
        splits = PROTOCOLS[protocol](dataset.utterances, 0)

        cross_validate(dataset, splits, recipe_of(watch))

        assert len(watch.made) == len(splits)
        for split, model in zip(splits, watch.made, strict=True):
            tested = set(dataset.speakers[split.test].tolist())
            assert speakers_in(model.fitted_on, dataset).isdisjoint(tested)
            assert set().union(*(speakers_in(each, dataset) for each in model.asked_about)) == tested

    @pytest.mark.parametrize("protocol", ["emobox", "loso", "loco"])
    def test_no_network_is_trained_in_any_stage_on_a_speaker_whom_it_is_tested_on(
        self, corpora: Dataset, training: StandInTraining, monkeypatch: pytest.MonkeyPatch, protocol: str
    ) -> None:
        splits = PROTOCOLS[protocol](corpora.utterances, 0)
        used: list[list[StandInNetwork]] = []

        def run_watched(networks: Any, spectra: Any, labels: Any) -> Any:
            used.append(list(networks))
            return fitting.run_second_expert(networks, spectra, labels)

        monkeypatch.setattr(evaluation, "run_second_expert", run_watched)
        cross_validate(corpora, splits, WITH_NETWORK)

        assert len(used) == len(splits)
        for split, networks in zip(splits, used, strict=True):
            tested = set(corpora.speakers[split.test].tolist())
            for network in networks:
                stage: StandInNetwork | None = network
                while stage is not None:
                    assert tested.isdisjoint(corpora.speakers[stage.rows].tolist())
                    stage = stage.start

    def test_the_fold_is_fitted_on_all_others_copies_and_song_included(self, dataset: Dataset) -> None:
        split, watch = emobox_folds(dataset.utterances)[0], Watch()

        cross_validate(dataset, [split], recipe_of(watch))

        assert {u.speaker for u in dataset.utterances if u.kind == "song"} == {"01", "02"}
        everything = dataset.features.reshape(-1, dataset.features.shape[2])
        n = len(dataset.utterances)
        expected = {copy * n + int(row) for copy in range(len(dataset.features)) for row in split.train}
        assert rows_of(watch.made[0].fitted_on, everything) == expected

    def test_labels_that_mean_nothing_are_guessed_by_chance(self) -> None:
        meaningless = table_of(utterances_of(n_takes=6, singers=()))
        rng = np.random.default_rng(0)
        shuffled = replace(meaningless, features=rng.permuted(meaningless.features, axis=1))

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
        same = outcome.scores.argmax(axis=1) == outcome.probabilities.argmax(axis=1)
        assert same.mean() > 0.8  # biases turn some of the closest calls

    def test_the_same_seed_gives_the_same_figures(self, dataset: Dataset, outcome: Outcome) -> None:
        again = cross_validate(dataset, emobox_folds(dataset.utterances), recipe_of())["clean"]
        other = cross_validate(dataset, emobox_folds(dataset.utterances), recipe_of(), seed=1)["clean"]

        np.testing.assert_array_equal(again.probabilities, outcome.probabilities)
        assert not np.array_equal(other.probabilities, outcome.probabilities)

    def test_the_number_of_processes_changes_nothing(self, dataset: Dataset, outcome: Outcome) -> None:
        parallel = cross_validate(dataset, emobox_folds(dataset.utterances), recipe_of(), n_jobs=2)["clean"]

        np.testing.assert_array_equal(parallel.probabilities, outcome.probabilities)

    def test_conditions_are_tested_with_the_same_models(self, dataset: Dataset, outcome: Outcome) -> None:
        folds = emobox_folds(dataset.utterances)
        same = table_of_tested(dataset, folds)
        conditions = {"the same": same, "nothing left": replace(same, features=np.zeros_like(same.features))}
        recipe = recipe_of(is_calibrated=False)

        outcomes = cross_validate(dataset, folds, recipe, conditions=conditions)

        assert list(outcomes) == ["clean", "the same", "nothing left"]
        np.testing.assert_array_equal(outcomes["clean"].scores, outcome.scores)
        np.testing.assert_array_equal(outcomes["the same"].scores, outcome.scores)
        np.testing.assert_array_equal(outcomes["the same"].probabilities, outcomes["clean"].probabilities)
        assert figures(outcomes["nothing left"])["uar"] == pytest.approx(0.125)

    def test_progress_counts_the_folds(self, dataset: Dataset) -> None:
        told: list[tuple[int, str, int]] = []

        def progress(folds: Iterable[Any], total: int, title: str) -> Iterable[Any]:
            done = list(folds)
            told.append((total, title, len(done)))
            return done

        cross_validate(dataset, emobox_folds(dataset.utterances), recipe_of(), progress=progress)

        assert told == [(5, "folds", 5)]

    def test_a_recipe_without_calibration_has_the_probabilities_of_its_classifier(self, dataset: Dataset) -> None:
        made = []

        def make(seed: int) -> Any:
            made.append(make_perceptron(seed))
            return made[-1]

        recipe = recipe_of(make, name="classic", is_calibrated=False)
        outcome = cross_validate(dataset, emobox_folds(dataset.utterances), recipe)["clean"]

        assert len(made) == 5
        np.testing.assert_allclose(np.exp(outcome.scores), outcome.probabilities, atol=1e-6)

    def test_an_emotion_that_only_the_tested_speakers_express_is_refused_by_name(self) -> None:
        alone = [utterance("01", Emotion.DISGUST), utterance("01", Emotion.CALM)]
        others = [utterance(s, e) for s in ("02", "03") for e in (Emotion.SAD, Emotion.CALM)]
        dataset = table_of([*alone, *others])

        with pytest.raises(TooFewExamplesError, match=r"When speakers 01 are tested.*disgust"):
            cross_validate(dataset, leave_one_speaker_out(dataset.utterances), recipe_of())


class TestTwoExperts:
    @pytest.fixture
    def outcome(self, corpora: Dataset, training: StandInTraining) -> Outcome:
        return cross_validate(corpora, emobox_folds(corpora.utterances), WITH_NETWORK)["clean"]

    def test_the_verdict_is_what_both_say(self, outcome: Outcome) -> None:
        assert list(outcome.opinions) == [FUNCTIONALS, NETWORK]
        np.testing.assert_allclose(outcome.scores, fuse(outcome.opinions))

    def test_where_a_recording_is_strange_to_the_home_corpus_the_network_has_more_of_the_say(
        self, corpora: Dataset, training: StandInTraining
    ) -> None:
        recipe = replace(WITH_NETWORK, home="ravdess")

        outcome = cross_validate(corpora, emobox_folds(corpora.utterances), recipe)["clean"]

        strangeness = outcome.quality[:, -1]
        assert strangeness.max() > 0
        np.testing.assert_allclose(outcome.scores, fuse(outcome.opinions, network_say=say_of(strangeness)))
        one, two = (outcome.of_expert(name).probabilities for name in outcome.opinions)
        assert not np.allclose(one, two)

    def test_each_may_be_asked_alone(self, outcome: Outcome) -> None:
        alone = outcome.of_expert(NETWORK)

        np.testing.assert_allclose(alone.probabilities, softmax(outcome.opinions[NETWORK]))
        np.testing.assert_array_equal(alone.truth, outcome.truth)
        assert unweighted_average_recall(alone.confusion) > 0.9

    def test_one_expert_alone_has_the_opinion_that_counts(self, dataset: Dataset, corpora: Dataset) -> None:
        outcome = cross_validate(corpora, emobox_folds(corpora.utterances), recipe_of())["clean"]

        assert list(outcome.opinions) == [FUNCTIONALS]
        np.testing.assert_array_equal(outcome.opinions[FUNCTIONALS], outcome.scores)

    def test_both_hear_the_conditions(self, corpora: Dataset, training: StandInTraining) -> None:
        folds = emobox_folds(corpora.utterances)
        same = table_of_tested(corpora, folds)
        quiet = Spectra(np.zeros_like(same.spectra.frames), same.spectra.starts)
        conditions = {"the same": same, "no spectrum": Table(same.features, quiet)}

        outcomes = cross_validate(corpora, folds, WITH_NETWORK, conditions=conditions)

        clean, spoilt = outcomes["clean"], outcomes["no spectrum"]
        np.testing.assert_array_equal(outcomes["the same"].scores, clean.scores)
        np.testing.assert_array_equal(spoilt.opinions[FUNCTIONALS], clean.opinions[FUNCTIONALS])
        assert unweighted_average_recall(spoilt.of_expert(NETWORK).confusion) < 0.2

    def test_the_first_stage_is_done_once_for_all_folds(self, corpora: Dataset, training: StandInTraining) -> None:
        folds = emobox_folds(corpora.utterances)

        cross_validate(corpora, folds, WITH_NETWORK)

        assert [network.stage for network in training.fitted] == ["pretraining"] + ["training"] * len(folds)

    def test_a_start_that_is_given_is_taken(self, corpora: Dataset, training: StandInTraining) -> None:
        folds = emobox_folds(corpora.utterances)
        start = fitting.pretrain(corpora, folds, WITH_NETWORK, seed=0)

        cross_validate(corpora, folds, WITH_NETWORK, start=start)

        assert all(network.start is start[0] for network in training.fitted[1:])
        assert len(training.fitted) == 1 + len(folds)


class TestLeftOutCorpora:
    @pytest.fixture
    def outcome(self, corpora: Dataset, training: StandInTraining) -> Outcome:
        return cross_validate(corpora, leave_one_corpus_out(corpora.utterances), WITH_NETWORK)["clean"]

    def test_the_verdict_is_among_the_labels_that_the_corpus_has(self, outcome: Outcome) -> None:
        for corpus, own in (("emodb", {"angry", "sad", "happy"}), ("nemo", {"angry", "surprised"})):
            rows = np.char.startswith(outcome.speakers, corpus)
            assert set(outcome.predicted[rows].tolist()) <= own
            np.testing.assert_allclose(outcome.probabilities[rows].sum(axis=1), 1)

    def test_a_corpus_is_measured_on_its_own(self, outcome: Outcome) -> None:
        own = outcome.of_corpus("nemo", {"surprised", "angry"})

        assert own.labels == ("angry", "surprised")
        assert set(own.speakers.tolist()) == {"nemo/03", "nemo/08"}
        assert own.probabilities.shape == own.scores.shape == (8, 2)
        np.testing.assert_allclose(own.probabilities.sum(axis=1), 1)
        assert figures(own)["n_speakers"] == 2

    def test_a_name_that_begins_another_is_not_that_corpus(self, outcome: Outcome) -> None:
        renamed = replace(outcome, speakers=np.char.replace(outcome.speakers, "nemo", "emodb2"))

        assert len(renamed.of_corpus("emodb", LABELS).truth) == 12
        assert len(renamed.of_corpus("emodb2", LABELS).truth) == 8
        assert len(renamed.of_corpus("nemo", LABELS).truth) == 0

    def test_what_is_usual_in_other_corpora_does_not_count(self, outcome: Outcome) -> None:
        for corpus, own in (("emodb", ["angry", "sad", "happy"]), ("nemo", ["angry", "surprised"])):
            columns = [outcome.labels.index(label) for label in own]
            rows = np.char.startswith(outcome.speakers, corpus)
            best = outcome.scores[rows][:, columns].argmax(axis=1)
            assert outcome.predicted[rows].tolist() == [own[i] for i in best]

    def test_the_verdict_may_be_among_fewer_labels_still(self, outcome: Outcome) -> None:
        own = outcome.of_corpus("emodb", {"sad", "angry"})

        assert own.labels == ("sad", "angry")
        np.testing.assert_allclose(own.probabilities.sum(axis=1), 1)


class TestCalibration:
    def test_confidence_is_more_honest_with_the_temperatures_than_without(self) -> None:
        dataset = table_of(utterances_of(n_takes=8, singers=()), seed=4)
        folds = leave_one_speaker_out(dataset.utterances)

        def calibration_error(*, is_calibrated: bool) -> float:
            outcome = cross_validate(dataset, folds, recipe_of(is_calibrated=is_calibrated))["clean"]
            return expected_calibration_error(outcome.confidence, outcome.predicted == outcome.truth, n_bins=5)

        assert calibration_error(is_calibrated=True) < calibration_error(is_calibrated=False)

    def test_a_fold_has_a_calibration_that_the_others_give(self, dataset: Dataset) -> None:
        folds = leave_one_speaker_out(dataset.utterances)
        outcome = cross_validate(dataset, folds, recipe_of(quality=(1, 4)))["clean"]
        columns = np.array([LABELS.index(label) for label in outcome.truth])

        for speaker in np.unique(outcome.speakers):
            own = outcome.speakers == speaker
            others = Calibration().fit(outcome.scores[~own], columns[~own], outcome.quality[~own])
            expected = others.probabilities(outcome.scores[own], outcome.quality[own])
            np.testing.assert_allclose(outcome.probabilities[own], expected)

    def test_it_knows_the_features_that_the_recipe_names(self, dataset: Dataset) -> None:
        folds = leave_one_speaker_out(dataset.utterances)
        outcome = cross_validate(dataset, folds, recipe_of(quality=(1, 4)))["clean"]

        tested = table_of_tested(dataset, folds).features
        np.testing.assert_array_equal(outcome.quality[:, :2], tested[:, [1, 4]])
        assert outcome.quality.shape == (96, 3)  # the last says how far from the training speakers an utterance is

    def test_without_such_features_a_fold_has_one_temperature(self, dataset: Dataset) -> None:
        folds = leave_one_speaker_out(dataset.utterances)
        outcome = cross_validate(dataset, folds, recipe_of(make_perceptron))["clean"]

        for speaker in np.unique(outcome.speakers):
            own = outcome.speakers == speaker
            columns = np.array([LABELS.index(label) for label in outcome.truth[~own]])
            temperature = fit_temperature(outcome.scores[~own], columns)
            nothing = np.zeros((len(columns), 0), dtype=np.float32)
            biases = Calibration().fit(outcome.scores[~own], columns, nothing).biases_
            expected = softmax(outcome.scores[own] / temperature + biases)
            np.testing.assert_allclose(outcome.probabilities[own], expected, atol=1e-3)

    @pytest.mark.parametrize("quality", [(), (1, 4)])
    def test_the_labels_of_those_who_are_tested_change_nothing(
        self, dataset: Dataset, quality: tuple[int, ...]
    ) -> None:
        folds, recipe = leave_one_speaker_out(dataset.utterances), recipe_of(Unteachable, quality=quality)
        rows = folds[2].test
        permuted = with_labels(dataset, rows, np.random.default_rng(0).permutation(len(rows)))

        plain, again = (cross_validate(each, folds, recipe)["clean"] for each in (dataset, permuted))

        own = plain.speakers == dataset.speakers[rows[0]]
        assert not np.array_equal(again.truth, plain.truth)
        np.testing.assert_array_equal(again.scores, plain.scores)
        np.testing.assert_array_equal(again.probabilities[own], plain.probabilities[own])
        assert not np.allclose(again.probabilities[~own], plain.probabilities[~own])

    def test_degraded_utterances_have_a_say(self, dataset: Dataset) -> None:
        folds = leave_one_speaker_out(dataset.utterances)
        same = table_of_tested(dataset, folds)
        noisy = replace(same, features=same.features[::-1].copy())

        alone = cross_validate(dataset, folds, recipe_of())
        both = cross_validate(dataset, folds, recipe_of(), conditions={"wrong": noisy})

        np.testing.assert_array_equal(both["clean"].scores, alone["clean"].scores)
        assert both["clean"].confidence.mean() < alone["clean"].confidence.mean()

    def test_one_fold_alone_has_none(self, dataset: Dataset) -> None:
        outcome = cross_validate(dataset, emobox_folds(dataset.utterances)[:1], recipe_of())["clean"]

        np.testing.assert_allclose(outcome.probabilities, softmax(outcome.scores))

    def test_that_of_the_final_model_is_fitted_to_all_folds_and_conditions(self, dataset: Dataset) -> None:
        folds = leave_one_speaker_out(dataset.utterances)
        same = table_of_tested(dataset, folds)
        conditions = {"wrong": replace(same, features=same.features[::-1].copy())}
        outcomes = cross_validate(dataset, folds, recipe_of(quality=(1, 4)), conditions=conditions)

        found = calibrate(outcomes, recipe_of())

        columns = np.array([LABELS.index(label) for label in outcomes["clean"].truth])
        scores, quality = (
            np.concatenate([getattr(outcome, name) for outcome in outcomes.values()]) for name in ("scores", "quality")
        )
        expected = Calibration().fit(scores, np.tile(columns, 2), quality)
        assert found.log_temperature_ == pytest.approx(expected.log_temperature_, abs=1e-4)
        np.testing.assert_allclose(found.slopes_, expected.slopes_, atol=1e-4)
        assert found.biases_ is not None
        assert expected.biases_ is not None
        in_order_of_classes = expected.biases_[[LABELS.index(label) for label in sorted(LABELS)]]
        np.testing.assert_allclose(found.biases_, in_order_of_classes, atol=1e-4)
        assert found.log_temperature_ > calibrate({"clean": outcomes["clean"]}, recipe_of()).log_temperature_


class TestStrangeness:
    def test_the_calibration_knows_which_recordings_are_unlike_the_home_corpus(self) -> None:
        at_home = utterances_of(n_takes=8)
        utterances = (*at_home, *(replace(each, corpus="elsewhere") for each in at_home))
        made = table_of(utterances)
        is_away = np.array([utterance.corpus == "elsewhere" for utterance in utterances])
        features = made.features.copy()
        features[:, is_away, 0] += 30  # another microphone
        dataset = replace(made, features=features)
        folds = leave_one_speaker_out(dataset.utterances)

        alike = cross_validate(dataset, folds, recipe_of())["clean"]
        knowing = cross_validate(dataset, folds, recipe_of(home="ravdess", strange_factor=2.0))["clean"]

        strange = np.concatenate([is_away[split.test] for split in folds])
        np.testing.assert_array_equal(knowing.scores, alike.scores)
        assert knowing.quality[strange, -1].min() > 0.9
        assert knowing.quality[~strange, -1].mean() < 0.5
        columns = np.array([LABELS.index(label) for label in knowing.truth])
        own = np.arange(len(columns)) < len(folds[0].test)
        others = Calibration(strange_factor=2.0).fit(knowing.scores[~own], columns[~own], knowing.quality[~own])
        expected = others.probabilities(knowing.scores[own], knowing.quality[own])
        np.testing.assert_allclose(knowing.probabilities[own], expected, atol=1e-6)


class TestWithout:
    def test_it_leaves_out_what_some_speakers_said(self, outcome: Outcome) -> None:
        rest = outcome.without({"ravdess/01", "ravdess/02"})

        assert set(rest.speakers) == {"ravdess/03", "ravdess/04", "ravdess/05", "ravdess/06"}
        assert rest.labels == outcome.labels
        kept = np.isin(outcome.speakers, list(set(rest.speakers)))
        np.testing.assert_array_equal(rest.truth, outcome.truth[kept])
        np.testing.assert_array_equal(rest.probabilities, outcome.probabilities[kept])
        np.testing.assert_array_equal(rest.scores, outcome.scores[kept])
        np.testing.assert_array_equal(rest.opinions[FUNCTIONALS], outcome.opinions[FUNCTIONALS][kept])

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
        mean, high = summary["ece_by_chance"]
        assert 0 < mean < high < 1

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


class TestGroups:
    def test_each_group_is_measured_apart(self, outcome: Outcome) -> None:
        groups = {"ravdess/01": "male", "ravdess/03": "male", "ravdess/02": "female", "ravdess/04": None}

        shares = uar_by_group(outcome, groups)

        assert list(shares) == ["female", "male"]
        women = outcome.without(set(outcome.speakers.tolist()) - {"ravdess/02"})
        assert shares["female"] == unweighted_average_recall(women.confusion)

    def test_where_nobody_has_one_there_is_none(self, outcome: Outcome) -> None:
        assert uar_by_group(outcome, {}) == {}


class TestPaired:
    def outcome(self, *, skill: float) -> Outcome:
        rng = np.random.default_rng(0)
        truth = np.tile(LABELS, 40)
        right = np.tile(np.eye(8), (40, 1))
        opinions = {
            FUNCTIONALS: skill * right + rng.normal(size=right.shape),
            NETWORK: 1.5 * right + rng.normal(size=right.shape),
        }
        scores = fuse(opinions)
        speakers = np.repeat([f"ravdess/{i:02d}" for i in range(1, 21)], 16)
        return Outcome(LABELS, truth, speakers, softmax(scores), scores, opinions)

    def test_both_experts_are_compared_with_each(self) -> None:
        outcome = self.outcome(skill=1.5)

        compared = paired_with_experts(outcome)

        assert list(compared) == [FUNCTIONALS, NETWORK]
        for name, pair in compared.items():
            alone = unweighted_average_recall(outcome.of_expert(name).confusion)
            assert pair["difference"] == pytest.approx(unweighted_average_recall(outcome.confusion) - alone)
            assert 0 < pair["low"] <= pair["difference"] <= pair["high"]

    def test_they_are_ready_for_json(self) -> None:
        compared = paired_with_experts(self.outcome(skill=0))

        assert json.loads(json.dumps(compared, allow_nan=False)) == compared
        assert compared[NETWORK]["difference"] < 0 < compared[FUNCTIONALS]["difference"]

    def test_where_there_is_one_expert_there_is_nothing_to_compare(self, outcome: Outcome) -> None:
        assert paired_with_experts(outcome) == {}


class TestArousal:
    """Strong utterances must come out with more arousal than normal ones."""

    def dataset(self, *, speakers: Sequence[str] = ("01", "02")) -> Dataset:
        utterances = [
            replace(utterance(speaker, label), intensity=intensity, sentence=sentence)
            for speaker in speakers
            for label in (Emotion.ANGRY, Emotion.SAD)
            for sentence in ("01", "02")
            for intensity in ("normal", "strong")
        ]
        return table_of(utterances)

    def outcome(self, dataset: Dataset, anger: dict[tuple[str, str], float]) -> tuple[list[Split], Outcome]:
        """Let anger be heard by speaker and intensity, and sadness otherwise."""
        rows = np.arange(len(dataset.utterances))
        shares = np.array([anger[u.speaker, str(u.intensity)] for u in dataset.utterances])
        probabilities = np.column_stack([1 - shares, shares])
        outcome = Outcome(("sad", "angry"), dataset.labels, dataset.speakers, probabilities, np.log(probabilities))
        half = len(rows) // 2
        return [Split("a", rows[half:], rows[:half]), Split("b", rows[:half], rows[half:])], outcome

    def test_pairs_of_the_same_words_are_compared(self) -> None:
        dataset = self.dataset()
        anger = {("01", "normal"): 0.2, ("01", "strong"): 0.7, ("02", "normal"): 0.6, ("02", "strong"): 0.5}
        splits, outcome = self.outcome(dataset, anger)

        found = strong_over_normal(dataset, splits, outcome)

        span = Emotion.ANGRY.arousal - Emotion.SAD.arousal
        assert found == {
            "share_of_pairs": 0.5,
            "n_pairs": 8,
            "mean_difference": pytest.approx(span * (0.5 - 0.1) / 2),
            "share_of_speakers": 0.5,
        }

    def test_an_utterance_without_its_pair_does_not_count(self) -> None:
        dataset = self.dataset(speakers=("01",))
        anger = {("01", "normal"): 0.2, ("01", "strong"): 0.7}
        _, outcome = self.outcome(dataset, anger)
        kept = np.array([0, 1, 2])  # the strong one of the second sentence is missing

        found = strong_over_normal(
            dataset,
            [Split("a", kept[:0], kept)],
            Outcome(
                outcome.labels,
                *(each[kept] for each in (outcome.truth, outcome.speakers)),
                *(each[kept] for each in (outcome.probabilities, outcome.scores)),
            ),
        )

        assert found is not None
        assert found["n_pairs"] == 1

    def test_utterances_of_unknown_words_are_not_compared(self) -> None:
        dataset = table_of([replace(u, sentence=None) for u in self.dataset().utterances])
        splits, outcome = self.outcome(dataset, {(s, i): 0.5 for s in ("01", "02") for i in ("normal", "strong")})

        assert strong_over_normal(dataset, splits, outcome) is None

    def test_corpora_without_intensities_say_nothing(self, dataset: Dataset, outcome: Outcome) -> None:
        assert strong_over_normal(dataset, emobox_folds(dataset.utterances), outcome) is None


class TestRequireNoLeaks:
    @pytest.fixture
    def utterances(self, tmp_path: Path) -> tuple[Utterance, ...]:
        return read_ravdess(write_corpus(tmp_path, ("01", "04"), (Emotion.SAD, Emotion.ANGRY)))

    def test_folds_that_share_nothing_pass(self, utterances: tuple[Utterance, ...]) -> None:
        require_no_leaks(table_of(utterances), leave_one_speaker_out(utterances))

    def test_a_speaker_on_both_sides_is_refused(self, utterances: tuple[Utterance, ...]) -> None:
        rows = np.arange(len(utterances))

        with pytest.raises(CorpusError, match=r"The figures would flatter: .*ravdess/01"):
            require_no_leaks(table_of(utterances), [Split("a fold", rows[1:], rows[:1])])

    def test_the_same_recording_under_two_names_is_refused(self, utterances: tuple[Utterance, ...]) -> None:
        utterances[-1].path.write_bytes(utterances[0].path.read_bytes())

        with pytest.raises(CorpusError, match="The figures would flatter"):
            require_no_leaks(table_of(utterances), leave_one_speaker_out(utterances))

    def test_the_same_recording_in_another_format_under_another_speaker_is_refused(
        self, utterances: tuple[Utterance, ...]
    ) -> None:
        y, sr = soundfile.read(utterances[0].path, dtype="int16")
        soundfile.write(copied := utterances[-1].path.with_suffix(".wav"), y, sr)
        copies = (*utterances[:-1], replace(utterances[-1], path=copied))
        dataset = build_dataset(copies, RECIPES["classic"])

        with pytest.raises(CorpusError, match=r"1 of the recordings that are tested also train: 03-01"):
            require_no_leaks(dataset, leave_one_speaker_out(dataset.utterances))


@pytest.fixture(scope="module")
def after_notes() -> dict[str, Outcome]:
    """Let actors express everything, with voices as far apart as their emotions."""
    made = table_of(utterances_of(n_takes=3), n_features=12, seed=3)
    speakers = np.array([utterance.speaker for utterance in made.utterances])
    voices = {name: np.random.default_rng(int(name)).normal(scale=2, size=12) for name in set(speakers.tolist())}
    features = made.features + np.array([voices[name] for name in speakers.tolist()])
    dataset = replace(made, features=features.astype(np.float32))
    return cross_validate(dataset, emobox_folds(dataset.utterances), recipe_of(knows_voices=True))


class TestEarlierNotes:
    def test_every_number_and_mood_is_measured_on_the_same_utterances(self, after_notes: dict[str, Outcome]) -> None:
        assert set(after_notes) == {"clean", *(earlier.name for earlier in MEASURED)}
        assert set(in_conditions(after_notes)) == {"clean"}
        for outcome in after_notes.values():
            np.testing.assert_array_equal(outcome.truth, after_notes["clean"].truth)

    def test_knowing_a_voice_helps(self, after_notes: dict[str, Outcome]) -> None:
        rows = {(row["mood"], row["n_notes"]): row for row in after_earlier_notes(after_notes)}

        assert len(rows) == len(MEASURED)
        assert rows["mixed", 16]["difference"] > 0.05
        assert rows["mixed", 16]["uar"] == pytest.approx(
            unweighted_average_recall(after_notes["clean"].confusion) + rows["mixed", 16]["difference"]
        )
        assert json.loads(json.dumps(list(rows.values()))) == list(rows.values())

    def test_it_helps_to_say_what_the_mood_was(self, after_notes: dict[str, Outcome]) -> None:
        uar = {(row["mood"], row["n_notes"]): row["uar"] for row in after_earlier_notes(after_notes)}

        assert uar["same, told", 8] > uar["same", 8]

    def test_the_calibration_does_not_depend_on_them(self, after_notes: dict[str, Outcome]) -> None:
        recipe = recipe_of()

        all_of_them, clean = calibrate(after_notes, recipe), calibrate({"clean": after_notes["clean"]}, recipe)

        assert all_of_them.log_temperature_ == clean.log_temperature_

    def test_a_recipe_that_knows_no_voices_measures_none(self, outcome: Outcome) -> None:
        assert after_earlier_notes({"clean": outcome}) == []

    def test_the_final_model_knows_what_was_said_of_voices_that_were_held_out(
        self, after_notes: dict[str, Outcome]
    ) -> None:
        clean = after_notes["clean"]
        prior = know_voices(after_notes, recipe_of(knows_voices=True))

        assert prior is not None
        assert prior.means_ is not None
        assert prior.classes_.tolist() == sorted(clean.labels)
        sad = clean.scores[clean.truth == "sad"][:, clean.labels.index("happy")].mean()
        classes = prior.classes_.tolist()
        assert prior.means_[classes.index("sad"), classes.index("happy")] == pytest.approx(sad)
        assert know_voices(after_notes, recipe_of()) is None
