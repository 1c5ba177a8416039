from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emotify_core import fitting
from emotify_core.dataset import Dataset
from emotify_core.emotions import Emotion
from emotify_core.errors import MissingExtraError, TooFewExamplesError
from emotify_core.fitting import (
    balanced_weights,
    columns_of,
    export_networks,
    fit_heads,
    fit_second_expert,
    ordered_labels,
    pretrain,
    run_second_expert,
    with_copies,
)
from emotify_core.heads import FusedHeads
from emotify_core.recipes import RECIPES
from emotify_core.splits import Split, leave_one_corpus_out, leave_one_speaker_out
from tests.emotify_core.stand_in_network import StandInTraining
from tests.emotify_core.tables import PLAN, make_heads, make_perceptron, recipe_of, table_of, utterance, utterances_of

LABELS = tuple(emotion.value for emotion in Emotion)
RECIPE = recipe_of(network=PLAN)
CELLS = st.lists(st.tuples(st.sampled_from(["ravdess", "nemo", "emodb"]), st.sampled_from("xyz")), min_size=1)


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> StandInTraining:
    """Stand in for the training of the network."""
    training = StandInTraining()
    monkeypatch.setattr(fitting, "_training", lambda: training)
    return training


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Return utterances of three speakers of RAVDESS and two of each of two other corpora."""
    others = [
        utterance(speaker, emotion, corpus=corpus, take=take)
        for corpus in ("emodb", "nemo")
        for speaker in ("03", "08")
        for emotion in (Emotion.ANGRY, Emotion.SAD, Emotion.HAPPY)
        for take in (1, 2)
    ]
    return table_of([*utterances_of(("01", "02", "03")), *others], with_spectra=True)


def everything(dataset: Dataset) -> NDArray[np.intp]:
    return np.arange(len(dataset.utterances))


def corpora_of(dataset: Dataset, rows: NDArray[np.intp]) -> set[str]:
    return {dataset.utterances[row].corpus for row in rows}


def test_the_classic_recipe_learns_from_a_handful_of_utterances_without_a_warning() -> None:
    few = table_of(utterances_of(("01",), singers=()), n_copies=0)

    heads = fit_heads(few, everything(few), RECIPES["classic"], seed=0)

    assert set(heads.classes_) == set(LABELS)


class TestBalancedWeights:
    @given(CELLS)
    def test_their_mean_is_one_and_all_labels_count_alike(self, cells: list[tuple[str, str]]) -> None:
        corpora, labels = zip(*cells, strict=True)

        weights = balanced_weights(corpora, labels, {"nemo": 0.5, "emodb": 0.25})

        assert weights.mean() == pytest.approx(1)
        assert (weights > 0).all()
        sums = [weights[np.array(labels) == label].sum() for label in set(labels)]
        np.testing.assert_allclose(sums, len(cells) / len(sums))

    @given(CELLS)
    def test_within_a_label_corpora_count_as_told(self, cells: list[tuple[str, str]]) -> None:
        corpora, labels = (np.array(column) for column in zip(*cells, strict=True))
        told: Mapping[str, float] = {"nemo": 0.5, "emodb": 0.25}

        weights = balanced_weights(corpora.tolist(), labels, told)

        for label in set(labels.tolist()):
            own = labels == label
            shares = {name: weights[own & (corpora == name)].sum() for name in set(corpora[own].tolist())}
            per_unit = [share / told.get(name, 1.0) for name, share in shares.items()]
            np.testing.assert_allclose(per_unit, per_unit[0])

    def test_utterances_of_one_label_and_corpus_count_alike(self) -> None:
        weights = balanced_weights(["nemo", "nemo", "ravdess"], ["sad", "sad", "sad"], {"nemo": 0.5})

        np.testing.assert_allclose(weights, [0.5, 0.5, 2.0])


class TestWithCopies:
    @given(st.integers(1, 4), st.floats(0.01, 2))
    def test_copies_count_as_told_and_the_mean_stays(self, n_tables: int, copy_weight: float) -> None:
        weights = np.array([0.5, 1.0, 1.5])

        found = with_copies(weights, n_tables, copy_weight).reshape(n_tables, 3)

        assert found.mean() == pytest.approx(1)
        for copy in found[1:]:
            np.testing.assert_allclose(copy, copy_weight * found[0])
        np.testing.assert_allclose(found[0] / found[0].mean(), weights)


class TestHeads:
    def test_they_learn_from_all_copies_of_the_rows_with_the_weights_of_the_corpora(self, dataset: Dataset) -> None:
        seen: dict[str, Any] = {}

        class Watched(FusedHeads):
            def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:  # noqa: N803
                seen.update(X=X, y=y, weight=sample_weight)
                return super().fit(X, y, sample_weight)

        rows = np.arange(5, len(dataset.utterances))
        recipe = recipe_of(lambda seed: Watched(hidden=4, max_iter=2), corpus_weights={}, copy_weight=0.25)
        fit_heads(dataset, rows, recipe, seed=0)

        np.testing.assert_array_equal(seen["X"], np.concatenate(dataset.features[:, rows]))
        np.testing.assert_array_equal(seen["y"], np.tile(dataset.labels[rows], 2))
        weights = balanced_weights([dataset.utterances[i].corpus for i in rows], dataset.labels[rows], {})
        np.testing.assert_allclose(seen["weight"], np.concatenate([weights * 1.6, weights * 0.4]))

    def test_a_classifier_that_takes_no_weights_gets_none(self, dataset: Dataset) -> None:
        heads = fit_heads(dataset, everything(dataset), recipe_of(make_perceptron), seed=0)

        assert set(heads.classes_) == set(LABELS)

    @pytest.mark.parametrize("make", [make_heads, make_perceptron])
    def test_one_emotion_alone_teaches_nothing(self, dataset: Dataset, make: Any) -> None:
        with pytest.raises(TooFewExamplesError, match="Two emotions at least are needed"):
            fit_heads(dataset, np.flatnonzero(dataset.labels == Emotion.SAD), recipe_of(make), seed=0)

    def test_the_corpus_weights_change_what_is_learned(self, dataset: Dataset) -> None:
        def probabilities(weights: Mapping[str, float]) -> Any:
            recipe = recipe_of(make_heads, corpus_weights=weights)
            return fit_heads(dataset, everything(dataset), recipe, seed=0).predict_proba(dataset.features[0])

        np.testing.assert_array_equal(probabilities({}), probabilities({"ravdess": 1.0}))
        assert not np.allclose(probabilities({}), probabilities({"nemo": 0.01}), atol=1e-3)


class TestPretrain:
    def test_only_other_corpora_than_the_home_corpus_teach_first(
        self, dataset: Dataset, training: StandInTraining
    ) -> None:
        (network,) = pretrain(dataset, leave_one_speaker_out(dataset.utterances)[:1], RECIPE, seed=3)

        assert network is training.fitted[0]
        assert (network.stage, network.seed, network.start) == ("pretraining", 3, None)
        assert corpora_of(dataset, network.rows) == {"emodb", "nemo"}

    def test_nobody_who_is_tested_in_any_fold_teaches(self, dataset: Dataset, training: StandInTraining) -> None:
        folds = [s for s in leave_one_speaker_out(dataset.utterances) if "03" in s.name]

        (network,) = pretrain(dataset, folds, RECIPE, seed=0)

        assert set(dataset.speakers[network.rows].tolist()) == {"emodb/08", "nemo/08"}
        for split in folds:
            assert set(network.rows).isdisjoint(split.test)

    def test_where_nothing_trains_in_every_fold_there_is_no_start(
        self, dataset: Dataset, training: StandInTraining
    ) -> None:
        assert list(pretrain(dataset, leave_one_corpus_out(dataset.utterances), RECIPE, seed=0)) == []
        assert training.fitted == []

    def test_a_recipe_without_network_has_none(self, dataset: Dataset) -> None:
        splits = leave_one_speaker_out(dataset.utterances)

        assert list(pretrain(dataset, splits, recipe_of(), seed=0)) == []

    def test_every_network_has_a_seed_of_its_own(self, dataset: Dataset, training: StandInTraining) -> None:
        recipe = replace(RECIPE, network=replace(PLAN, n_networks=3))

        networks = pretrain(dataset, leave_one_speaker_out(dataset.utterances)[:1], recipe, seed=7)

        assert [network.seed for network in networks] == [7, 1007, 2007]
        assert [network.view for network in networks] == [0, 1, 0]

    def test_progress_counts_the_networks(self, dataset: Dataset, training: StandInTraining) -> None:
        told = []

        def progress(items: Iterable[Any], total: int, title: str) -> Iterable[Any]:
            told.append((total, title))
            return items

        recipe = replace(RECIPE, network=replace(PLAN, n_networks=2))
        splits = leave_one_speaker_out(dataset.utterances)[:1]
        start = pretrain(dataset, splits, recipe, seed=0, progress=progress)
        fit_second_expert(dataset, splits[0].train, recipe, seed=0, start=start, progress=progress)

        assert told == [(2, "networks, first stage"), (2, "networks")]


class TestSecondExpert:
    def test_networks_are_trained_on_from_where_they_were_left(
        self, dataset: Dataset, training: StandInTraining
    ) -> None:
        rows = everything(dataset)[4:]
        recipe = replace(RECIPE, network=replace(PLAN, n_networks=2))
        start = pretrain(dataset, [Split("all", rows, rows[:0])], recipe, seed=5)

        networks = fit_second_expert(dataset, rows, recipe, seed=5, start=start)

        assert [network.start for network in networks] == list(start)
        assert [(network.stage, network.seed) for network in networks] == [("training", 6), ("training", 1006)]
        for network in networks:
            np.testing.assert_array_equal(network.rows, rows)

    def test_without_a_start_the_first_stage_comes_first_and_hears_training_rows_only(
        self, dataset: Dataset, training: StandInTraining
    ) -> None:
        rows = np.flatnonzero(dataset.speakers != "nemo/03")

        (network,) = fit_second_expert(dataset, rows, RECIPE, seed=0)

        assert [fitted.stage for fitted in training.fitted] == ["pretraining", "training"]
        assert network.start is training.fitted[0]
        assert set(training.fitted[0].rows) <= set(rows)
        assert corpora_of(dataset, training.fitted[0].rows) == {"emodb", "nemo"}

    def test_the_home_corpus_alone_is_learned_from_nothing(self, dataset: Dataset, training: StandInTraining) -> None:
        rows = np.flatnonzero([u.corpus == "ravdess" for u in dataset.utterances])

        (network,) = fit_second_expert(dataset, rows, RECIPE, seed=0)

        assert (network.stage, network.start, len(training.fitted)) == ("training", None, 1)

    def test_without_the_home_corpus_the_first_stage_is_all(self, dataset: Dataset, training: StandInTraining) -> None:
        rows = np.flatnonzero([u.corpus != "ravdess" for u in dataset.utterances])

        (network,) = fit_second_expert(dataset, rows, RECIPE, seed=0)

        assert (network.stage, len(training.fitted)) == ("pretraining", 1)

    def test_a_recipe_without_network_has_none(self, dataset: Dataset) -> None:
        assert fit_second_expert(dataset, everything(dataset), recipe_of(), seed=0) == []

    def test_scores_are_the_mean_log_probabilities_over_the_labels_asked_for(
        self, dataset: Dataset, training: StandInTraining
    ) -> None:
        rows = everything(dataset)
        networks = [fit_second_expert(dataset, part, RECIPE, seed=0)[0] for part in (rows[::2], rows[1::2])]

        each = [run_second_expert([n], dataset.clean.spectra, ("sad", "happy")) for n in networks]
        both = run_second_expert(networks, dataset.clean.spectra, ("sad", "happy"))

        assert both.shape == (len(rows), 2)
        for scores in each:
            np.testing.assert_allclose(np.exp(scores).sum(axis=1), 1)
        np.testing.assert_allclose(both, np.mean(each, axis=0))

    def test_the_order_of_the_labels_is_the_order_of_the_columns(
        self, dataset: Dataset, training: StandInTraining
    ) -> None:
        networks = fit_second_expert(dataset, everything(dataset), RECIPE, seed=0)

        one, two = (run_second_expert(networks, dataset.clean.spectra, order) for order in (LABELS, LABELS[::-1]))

        np.testing.assert_allclose(one, two[:, ::-1])
        assert (np.array(LABELS)[one.argmax(axis=1)] == dataset.labels).mean() > 0.9

    def test_exported_networks_name_their_columns_by_the_labels(
        self, dataset: Dataset, training: StandInTraining
    ) -> None:
        networks = fit_second_expert(dataset, everything(dataset), RECIPE, seed=4)

        assert export_networks(networks, ("sad", "neutral")) == b"[5] [3, 0]"


def test_labels_are_sorted_as_the_emotions_are() -> None:
    assert ordered_labels(["sad", "angry", "neutral", "sad"]) == ("neutral", "sad", "angry")
    assert columns_of(ordered_labels(["sad", "angry", "neutral"])) == [0, 3, 4]


@pytest.mark.parametrize(("module", "package"), [("torch", "PyTorch"), ("onnx", "The package onnx")])
def test_without_what_training_needs_the_error_says_what_to_install(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, module: str, package: str
) -> None:
    if module == "onnx":
        pytest.importorskip("torch", reason="without PyTorch, that is missed first")
    monkeypatch.setitem(sys.modules, module, None)
    for name in [name for name in sys.modules if name.startswith("emotify_core.network")]:
        monkeypatch.delitem(sys.modules, name)

    with pytest.raises(MissingExtraError, match=rf"{package} .* pip --python .venv install -e '\.\[train\]'"):
        fit_second_expert(dataset, everything(dataset), RECIPE, seed=0)
