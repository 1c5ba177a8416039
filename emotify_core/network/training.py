"""The two stages of training, on a dataset."""

from __future__ import annotations

from collections import defaultdict
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from emotify_core.dataset import Dataset
from emotify_core.emotions import Emotion
from emotify_core.network.architecture import Network
from emotify_core.network.export import to_onnx
from emotify_core.network.fitting import Examples, Pool, fit_network, run_network
from emotify_core.recipes import NetworkPlan

__all__ = ["Stage", "fit_stage", "run_network", "to_onnx"]

Stage = Literal["pretraining", "training"]


def fit_stage(
    dataset: Dataset,
    rows: NDArray[np.intp],
    plan: NetworkPlan,
    *,
    stage: Stage,
    seed: int,
    start: Network | None = None,
    view: int = 0,
) -> Network:
    """Train a network on utterances of a dataset, by one thread so that the number of cores changes nothing."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        examples, pools = _examples(dataset, rows), _pools(dataset, rows, plan, stage)
        is_first = stage == "pretraining"
        return fit_network(
            examples,
            pools,
            n_epochs=plan.n_pretraining_epochs if is_first else plan.n_epochs,
            learning_rate=plan.pretraining_rate if is_first else plan.rate,
            seed=seed,
            start=start,
            view=view,
        )
    finally:
        torch.set_num_threads(before)


def _examples(dataset: Dataset, rows: NDArray[np.intp]) -> Examples:
    """Collect spectra and targets of utterances, and which labels the corpus of each has."""
    columns = {emotion.value: i for i, emotion in enumerate(Emotion)}
    targets = np.array([columns[dataset.labels[row]] for row in rows], dtype=np.intp)
    corpora = [_corpus(dataset, row) for row in rows]
    labels: dict[str, set[int]] = defaultdict(set)
    for corpus, target in zip(corpora, targets, strict=True):
        labels[corpus].add(int(target))
    known = np.zeros((len(rows), len(columns)), dtype=bool)
    for i, corpus in enumerate(corpora):
        known[i, sorted(labels[corpus])] = True
    spectra = [[copy[int(row)] for copy in dataset.spectra] for row in rows]
    return Examples(spectra, targets, known)


def _pools(dataset: Dataset, rows: NDArray[np.intp], plan: NetworkPlan, stage: Stage) -> list[Pool]:
    members: dict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        members[_corpus(dataset, row)].append(i)
    draws = plan.pretraining_draws if stage == "pretraining" else plan.draws
    return [
        Pool(np.array(own, dtype=np.intp), draws.get(corpus, min(len(own), plan.other_draws)))
        for corpus, own in sorted(members.items())
    ]


def _corpus(dataset: Dataset, row: int) -> str:
    """Name the corpus of an utterance; what is sung in it counts as another one."""
    utterance = dataset.utterances[row]
    return utterance.corpus if utterance.kind == "speech" else f"{utterance.corpus} {utterance.kind}"
