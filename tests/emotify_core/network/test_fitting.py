from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from numpy.typing import NDArray  # noqa: E402

from emotify_core.encoder import N_BANDS, N_VIEWS  # noqa: E402
from emotify_core.network.architecture import Network  # noqa: E402
from emotify_core.network.fitting import (  # noqa: E402
    _BATCH,
    Examples,
    Pool,
    _batches,
    _MeanWeights,
    _weights,
    fit_network,
    run_network,
)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterable[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def examples_of(targets: Any, known: Any, *, n_copies: int = 0, n_frames: int = 24) -> Examples:
    """Give every class sixteen bands of its own that are louder."""
    rng = np.random.default_rng(0)
    targets = np.array(targets, dtype=np.intp)
    band = np.arange(N_BANDS) // 16
    spectra = [
        [
            (25.0 * (band == target) - 60 + rng.normal(scale=4, size=(n_frames + i % 9, N_VIEWS, N_BANDS))).astype(
                np.float16
            )
            for _ in range(1 + n_copies)
        ]
        for i, target in enumerate(targets)
    ]
    return Examples(spectra, targets, np.array(known, dtype=bool))


def everything(examples: Examples, n_draws: int = 64) -> list[Pool]:
    return [Pool(np.arange(len(examples.targets)), n_draws)]


def spectra_of(examples: Examples) -> list[NDArray[np.float32]]:
    return [copies[0].astype(np.float32) for copies in examples.spectra]


def state(network: Network) -> dict[str, Any]:
    return {name: value.numpy() for name, value in network.state_dict().items()}


class TestFit:
    def test_it_learns(self) -> None:
        examples = examples_of([0, 1, 2, 3] * 12, np.ones((48, 4)), n_copies=1)

        network = fit_network(examples, everything(examples, 96), n_epochs=10, learning_rate=5e-3, seed=0)

        scores, embeddings = run_network(network, spectra_of(examples))
        assert (scores.argmax(axis=1) == examples.targets).mean() > 0.8
        assert embeddings.shape == (48, 128)
        assert not network.training

    def test_the_same_seed_gives_the_same_network(self) -> None:
        examples = examples_of([0, 1] * 20, np.ones((40, 2)), n_copies=2)

        one, again, other = (
            state(fit_network(examples, everything(examples), n_epochs=2, learning_rate=1e-3, seed=seed))
            for seed in (1, 1, 2)
        )

        for name, values in one.items():
            np.testing.assert_array_equal(again[name], values)
        assert not np.array_equal(other["head.weight"], one["head.weight"])

    def test_a_network_that_is_trained_on_is_not_changed(self) -> None:
        examples = examples_of([0, 1] * 20, np.ones((40, 2)))
        start = Network(2)
        before = {name: values.copy() for name, values in state(start).items()}

        network = fit_network(examples, everything(examples), n_epochs=1, learning_rate=1e-3, seed=0, start=start)

        for name, values in before.items():
            np.testing.assert_array_equal(state(start)[name], values)
        moved = np.abs(state(network)["head.weight"] - before["head.weight"]).mean()
        assert 0 < moved < 0.05

    def test_a_network_reads_the_view_that_it_began_with(self) -> None:
        examples = examples_of([0, 1, 2, 3] * 12, np.ones((48, 4)))
        spectra = [[copy.copy() for copy in copies] for copies in examples.spectra]
        for (first,) in spectra:
            first[:, 0] = np.random.default_rng(0).normal(size=first[:, 0].shape)  # the first view tells nothing
        examples = Examples(spectra, examples.targets, examples.known)

        def share_right(view: int) -> float:
            begun = fit_network(examples, everything(examples), n_epochs=6, learning_rate=5e-3, seed=0, view=view)
            network = fit_network(
                examples, everything(examples), n_epochs=6, learning_rate=5e-3, seed=0, start=begun, view=1 - view
            )
            assert network.view == view
            return float((run_network(network, spectra_of(examples))[0].argmax(axis=1) == examples.targets).mean())

        assert share_right(1) > 0.8
        assert share_right(0) < 0.5

    def test_a_label_that_a_corpus_lacks_is_not_pushed_down_by_it(self) -> None:
        targets = [0, 1] * 24
        masked, told = (examples_of(targets, [[True, True, knows, knows]] * 48) for knows in (False, True))

        probabilities = []
        for examples in (masked, told):
            network = fit_network(examples, everything(examples), n_epochs=8, learning_rate=5e-3, seed=0)
            scores = torch.from_numpy(run_network(network, spectra_of(examples))[0])
            probabilities.append(scores.softmax(1)[:, 2:].sum(1).mean().item())

        assert probabilities[0] > 2 * probabilities[1]

    def test_progress_counts_the_epochs(self) -> None:
        told = []

        def progress(epochs: Iterable[int], total: int, title: str) -> Iterable[int]:
            told.append((total, title, list(epochs)))
            return told[-1][2]

        examples = examples_of([0, 1] * 4, np.ones((8, 2)))
        fit_network(
            examples, everything(examples, 8), n_epochs=2, learning_rate=1e-3, seed=0, title="x", progress=progress
        )

        assert told == [(2, "x", [0, 1])]


class TestRun:
    def test_scores_come_in_the_order_of_the_spectra(self) -> None:
        torch.manual_seed(0)
        network = Network(4)
        spectra = spectra_of(examples_of([0, 1, 2, 3] * 10, np.ones((40, 4)), n_frames=40))

        scores, embeddings = run_network(network, spectra)

        back = run_network(network, spectra[::-1])
        np.testing.assert_allclose(back[0][::-1], scores, atol=0.01)
        np.testing.assert_allclose(back[1][::-1], embeddings, atol=0.05)


class TestBatches:
    def test_pools_give_as_many_as_they_are_told_and_rare_labels_more_than_their_share(self) -> None:
        examples = examples_of([0] * 90 + [1] * 10, np.ones((100, 2)))
        pools = [Pool(np.arange(0, 50), 2 * _BATCH), Pool(np.arange(50, 100), 6 * _BATCH)]

        drawn = np.concatenate(
            [np.concatenate(list(_batches(examples, pools, np.random.default_rng(i)))) for i in range(8)]
        )

        assert (drawn >= 50).mean() == pytest.approx(6 / 8)
        assert (examples.targets[drawn[drawn >= 50]] == 1).mean() > 0.27  # their share is a fifth

    def test_batches_hold_utterances_of_like_length(self) -> None:
        examples = examples_of([0, 1] * 128, np.ones((256, 2)))

        for batch in _batches(examples, everything(examples, 16 * _BATCH), np.random.default_rng(0)):
            lengths = [len(examples.spectra[i][0]) for i in batch]
            assert len(batch) == _BATCH
            assert max(lengths) - min(lengths) <= 3

    def test_fewer_utterances_than_a_batch_are_one(self) -> None:
        examples = examples_of([0, 1] * 5, np.ones((10, 2)))

        (batch,) = _batches(examples, everything(examples, 10), np.random.default_rng(0))

        assert sorted(batch) == list(range(10))

    def test_rare_labels_of_each_pool_weigh_more(self) -> None:
        targets = np.array([0] * 16 + [1] * 4 + [0] * 4)

        weights = _weights(targets, [Pool(np.arange(20), 20), Pool(np.arange(20, 24), 4)]).numpy()

        assert weights[16] / weights[0] == pytest.approx(2)
        np.testing.assert_allclose(weights[20:], 1)
        assert weights[:20].mean() == pytest.approx(1)


def test_the_mean_of_weights_is_their_mean_statistics_included() -> None:
    networks = [Network(2), Network(2), Network(2)]
    for i, network in enumerate(networks):
        network.frontend[1].running_mean.fill_(i)
    mean, target = _MeanWeights(), Network(2)
    for network in networks:
        mean.add(network)

    mean.load_into(target)

    expected = np.mean([state(network)["head.weight"] for network in networks], axis=0)
    np.testing.assert_allclose(state(target)["head.weight"], expected, atol=1e-6)
    np.testing.assert_allclose(state(target)["frontend.1.running_mean"], 1)
