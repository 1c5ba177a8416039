"""The training of the network."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from emotify_core.encoder import prepare
from emotify_core.network.architecture import Network
from emotify_core.network.batches import crop, distort, erase, level

Epochs = Callable[[Iterable[int], int, str], Iterable[int]]
_BATCH = 24
_MIXUP = 0.3
_SMOOTHING = 0.1
_AVERAGED_SHARE = 0.3  # of the epochs, the last ones, whose weights are averaged
_CLEAN_SHARE = 0.5  # of the draws that take the recording as it is rather than an augmented copy


@dataclass(frozen=True, eq=False)
class Examples:
    """What the network learns from.

    Attributes
    ----------
    spectra : sequence of sequences of ndarray of float, shape=(n_frames, 2, 64)
        For each utterance the spectra of the recording, then those of its augmented copies.
    targets : ndarray of int, shape=(n_utterances,)
        Column of the label.
    known : ndarray of bool, shape=(n_utterances, n_classes)
        Labels that the utterance's corpus has: an utterance says nothing about the others.
    """

    spectra: Sequence[Sequence[NDArray[np.float16]]]
    targets: NDArray[np.intp]
    known: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Pool:
    """Utterances that are drawn from together.

    Attributes
    ----------
    members : ndarray of int
        Indices into the examples.
    n_draws : int
        How many are drawn in an epoch; rare labels are drawn more often than their share, and count more.
    """

    members: NDArray[np.intp]
    n_draws: int


def fit_network(
    examples: Examples,
    pools: Sequence[Pool],
    *,
    n_epochs: int,
    learning_rate: float,
    seed: int,
    start: Network | None = None,
    view: int = 0,
    title: str = "network",
    progress: Epochs | None = None,
) -> Network:
    """Train a network, or train one on.

    Parameters
    ----------
    examples : Examples
    pools : sequence of Pool
    n_epochs : int
    learning_rate : float
        The highest; it rises for 15 % of the steps and then falls (Smith & Topin 2019, "Super-convergence").
    seed : int
        The same examples and seed give the same network on one machine.
    start : Network, optional
        Is not changed.
    view : int
        Which spectra a network that begins anew reads; others go on with theirs.
    title : str
        For `progress`.
    progress : callable, optional
        Wraps the epochs to show how far they are.

    Returns
    -------
    Network
        In evaluation mode; its weights are the mean of the last epochs' (Izmailov et al. 2018, "Averaging weights leads
        to wider optima and better generalization").
    """
    torch.manual_seed(seed)
    generator, rng = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    network = Network(examples.known.shape[1], view=view) if start is None else copy.deepcopy(start)
    weights = _weights(examples.targets, pools)
    n_steps = n_epochs * max(1, sum(pool.n_draws for pool in pools) // _BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=5e-3)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, learning_rate, total_steps=n_steps + 1, pct_start=0.15, final_div_factor=20
    )
    mean, epochs = _MeanWeights(), range(n_epochs)
    for epoch in epochs if progress is None else progress(epochs, n_epochs, title):
        network.train()
        for batch in _batches(examples, pools, rng):
            loss = _loss(network, examples, batch, weights=weights, rng=rng, generator=generator)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 2.0)
            optimizer.step()
            scheduler.step()
        if epoch >= (1 - _AVERAGED_SHARE) * n_epochs:
            mean.add(network)
    mean.load_into(network)
    return network.eval()


def run_network(
    network: Network, spectra: Sequence[NDArray[np.float32]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Score spectra before the softmax, shape=(n, n_classes), and embed them, in batches of like length."""
    network.eval()
    order = np.argsort([len(spectrum) for spectrum in spectra], kind="stable")
    parts, embeddings = [], []
    with torch.no_grad():
        for start in range(0, len(order), _BATCH):
            batch, mask = prepare([spectra[i] for i in order[start : start + _BATCH]])
            read = torch.from_numpy(batch[:, network.view : network.view + 1])
            scores, embedding = network(_channels_last(read), torch.from_numpy(mask))
            parts.append(scores.numpy())
            embeddings.append(embedding.numpy())
    back = np.argsort(order, kind="stable")
    return np.concatenate(parts)[back], np.concatenate(embeddings)[back]


class _MeanWeights:
    """The running mean of a network's weights and statistics."""

    def __init__(self) -> None:
        self._n = 0
        self._state: dict[str, Tensor] = {}

    def add(self, network: Network) -> None:
        self._n += 1
        for name, value in network.state_dict().items():
            before = self._state.get(name, torch.zeros_like(value, dtype=torch.float32))
            self._state[name] = before + (value.float() - before) / self._n

    def load_into(self, network: Network) -> None:
        if self._n:
            network.load_state_dict(self._state)


def _class_counts(targets: NDArray[np.intp], pool: Pool) -> NDArray[np.float64]:
    """Count for each member of a pool how many of its label there are."""
    labels = targets[pool.members]
    return np.bincount(labels)[labels].astype(float)


def _weights(targets: NDArray[np.intp], pools: Sequence[Pool]) -> Tensor:
    """Weigh the rare labels of each pool more: half by how often they are drawn, half by this."""
    weights = np.ones(len(targets))
    for pool in pools:
        rarity = 1 / np.sqrt(_class_counts(targets, pool))
        weights[pool.members] = rarity / rarity.mean()
    return torch.from_numpy(weights).float()


def _batches(examples: Examples, pools: Sequence[Pool], rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """Draw an epoch's batches, each of utterances of like length so that there is little padding."""
    drawn = []
    for pool in pools:
        chance = 1 / np.sqrt(_class_counts(examples.targets, pool))
        replace = pool.n_draws > len(pool.members)
        drawn.append(rng.choice(pool.members, pool.n_draws, replace=replace, p=chance / chance.sum()))
    order = rng.permutation(np.concatenate(drawn))
    lengths = np.array([len(examples.spectra[i][0]) for i in order])
    batches = []
    for start in range(0, len(order), 8 * _BATCH):
        part = order[start : start + 8 * _BATCH][np.argsort(lengths[start : start + 8 * _BATCH], kind="stable")]
        batches += [part[i : i + _BATCH] for i in range(0, len(part) - _BATCH + 1, _BATCH)]
    batches = batches or [order]
    yield from (batches[i] for i in rng.permutation(len(batches)))


def _loss(
    network: Network,
    examples: Examples,
    batch: NDArray[np.intp],
    *,
    weights: Tensor,
    rng: np.random.Generator,
    generator: torch.Generator,
) -> Tensor:
    """Weighted cross entropy over the labels that each utterance's corpus has, with mixup and label smoothing."""
    x, lengths = crop([_draw(examples.spectra[i], rng)[:, network.view] for i in batch], rng)
    x, lengths = distort(x, lengths, generator, view=network.view)
    x, mask = level(x, lengths)
    x = erase(x, lengths, generator)
    known = torch.from_numpy(examples.known[batch])
    target = functional.one_hot(torch.from_numpy(examples.targets[batch]), known.shape[1]).float()
    target = (1 - _SMOOTHING) * target + _SMOOTHING * known / known.sum(1, keepdim=True)
    if rng.random() < 0.3:  # mixup: Zhang et al. (2018), ICLR
        share = max(ratio := float(rng.beta(_MIXUP, _MIXUP)), 1 - ratio)
        other = torch.randperm(len(batch), generator=generator)
        x = share * x + (1 - share) * x[other]
        mask = torch.maximum(mask, mask[other])
        target = share * target + (1 - share) * target[other]
        known = known | known[other]
    scores, _ = network(_channels_last(x), mask)
    log_probabilities = scores.masked_fill(~known, -1e4).log_softmax(1)
    return -((target * log_probabilities).sum(1) * weights[batch]).mean()


def _draw(copies: Sequence[NDArray[np.float16]], rng: np.random.Generator) -> NDArray[np.float32]:
    chosen = 0 if len(copies) == 1 or rng.random() < _CLEAN_SHARE else int(rng.integers(1, len(copies)))
    return copies[chosen].astype(np.float32)


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)
