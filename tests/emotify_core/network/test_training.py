from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from emotify_core.dataset import Dataset  # noqa: E402
from emotify_core.emotions import Emotion  # noqa: E402
from emotify_core.encoder import Encoder  # noqa: E402
from emotify_core.fitting import (  # noqa: E402
    export_networks,
    fit_second_expert,
    ordered_labels,
    pretrain,
    run_second_expert,
)
from emotify_core.network.training import _examples, _pools, fit_stage, run_network  # noqa: E402
from emotify_core.splits import Split  # noqa: E402
from tests.emotify_core.tables import PLAN, recipe_of, table_of, utterance, utterances_of  # noqa: E402

FOREIGN = (Emotion.ANGRY, Emotion.SAD, Emotion.HAPPY)
EMOTIONS = list(Emotion)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    foreign = [utterance(s, e, corpus="emodb", take=t) for s in ("03", "08") for e in FOREIGN for t in range(8)]
    return table_of([*utterances_of(("01", "02", "03"), n_takes=3), *foreign], with_spectra=True)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterable[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def everything(dataset: Dataset) -> Any:
    return np.arange(len(dataset.utterances))


class TestExamples:
    def test_every_corpus_knows_its_own_labels_and_song_is_a_corpus(self, dataset: Dataset) -> None:
        examples = _examples(dataset, everything(dataset))

        for utterance_, known in zip(dataset.utterances, examples.known, strict=True):
            names = {EMOTIONS[i] for i in np.flatnonzero(known)}
            if utterance_.kind == "song":
                assert names == {Emotion.CALM, Emotion.SAD}
            else:
                assert names == (set(FOREIGN) if utterance_.corpus == "emodb" else set(Emotion))
        assert [EMOTIONS[i].value for i in examples.targets] == dataset.labels.tolist()
        assert all(len(copies) == 2 for copies in examples.spectra)

    def test_only_the_rows_that_are_given_are_used(self, dataset: Dataset) -> None:
        rows = np.array([3, 60, 1])

        examples = _examples(dataset, rows)

        for copies, row in zip(examples.spectra, rows, strict=True):
            np.testing.assert_array_equal(copies[0], dataset.spectra[0][int(row)])
            np.testing.assert_array_equal(copies[1], dataset.spectra[1][int(row)])

    def test_every_corpus_and_song_is_a_pool_of_its_own(self, dataset: Dataset) -> None:
        plan = replace(PLAN, draws={"ravdess": 7, "ravdess song": 5}, pretraining_draws={"emodb": 9}, other_draws=11)
        rows = everything(dataset)[::-1]

        training = _pools(dataset, rows, plan, "training")
        first = _pools(dataset, rows, plan, "pretraining")

        assert [(len(pool.members), pool.n_draws) for pool in training] == [(48, 11), (72, 7), (4, 5)]
        assert [pool.n_draws for pool in first] == [9, 11, 4]
        for pool, kind in zip(training, (("emodb", "speech"), ("ravdess", "speech"), ("ravdess", "song")), strict=True):
            assert {(dataset.utterances[rows[i]].corpus, dataset.utterances[rows[i]].kind) for i in pool.members} == {
                kind
            }


class TestStages:
    def test_both_learn_and_what_is_exported_says_the_same(self, dataset: Dataset) -> None:
        recipe = recipe_of(network=replace(PLAN, other_draws=96, n_pretraining_epochs=6, n_epochs=10, rate=5e-3))
        rows = everything(dataset)
        test = np.flatnonzero(dataset.speakers == "ravdess/03")
        train = np.setdiff1d(rows, test)

        start = pretrain(dataset, [Split("x", train, test)], recipe, seed=0)
        networks = fit_second_expert(dataset, train, recipe, seed=0, start=start)

        labels = ordered_labels(dataset.labels.tolist())
        spectra = dataset.clean.at(test).spectra
        scores = run_second_expert(networks, spectra, labels)
        assert (np.array(labels)[scores.argmax(axis=1)] == dataset.labels[test]).mean() > 0.6
        exported, _ = Encoder(export_networks(networks, labels)).run([s.astype(np.float32) for s in spectra])
        np.testing.assert_allclose(np.exp(exported), np.exp(scores), atol=0.02)  # batches are padded differently

    @pytest.mark.parametrize("stage", ["pretraining", "training"])
    def test_a_stage_has_the_epochs_and_the_rate_of_the_plan(
        self, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, stage: Any
    ) -> None:
        seen: dict[str, Any] = {}
        monkeypatch.setattr("emotify_core.network.training.fit_network", lambda *_, **options: seen.update(options))

        fit_stage(dataset, everything(dataset), replace(PLAN, n_epochs=5, rate=0.25), stage=stage, seed=3)

        expected = (5, 0.25) if stage == "training" else (PLAN.n_pretraining_epochs, PLAN.pretraining_rate)
        assert (seen["n_epochs"], seen["learning_rate"], seen["seed"]) == (*expected, 3)

    def test_the_number_of_processes_changes_nothing(self, dataset: Dataset) -> None:
        recipe = recipe_of(network=replace(PLAN, other_draws=32, n_epochs=1, n_pretraining_epochs=1, n_networks=2))
        rows = everything(dataset)

        one, two = (fit_second_expert(dataset, rows, recipe, seed=0, n_jobs=n_jobs) for n_jobs in (1, 2))

        for a, b in zip(one, two, strict=True):
            for name, values in a.state_dict().items():
                np.testing.assert_allclose(b.state_dict()[name].numpy(), values.numpy(), atol=1e-6)
        spectra = [spectrum.astype(np.float32) for spectrum in dataset.clean.spectra[:4]]
        first, second = (run_network(network, spectra)[0] for network in one)
        assert not np.allclose(first, second, atol=1e-4)

    def test_the_number_of_threads_is_what_it_was(self, dataset: Dataset) -> None:
        torch.set_num_threads(2)

        fit_stage(dataset, everything(dataset)[:40], replace(PLAN, n_epochs=1), stage="training", seed=0)

        assert torch.get_num_threads() == 2
