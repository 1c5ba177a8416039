"""What stands in for the training of the network, where tests ask who trains on what: no PyTorch, no time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotify_core.dataset import Dataset
from emotify_core.emotions import Emotion

_UNKNOWN = -1e3


@dataclass(frozen=True, eq=False)
class StandInNetwork:
    """The mean spectrum of each emotion, of one view, and where it comes from."""

    rows: NDArray[np.intp]
    stage: str
    seed: int
    start: StandInNetwork | None
    view: int
    means: NDArray[np.float64]


@dataclass(eq=False)
class StandInTraining:
    """Has the functions of `emotify_core.network.training`, and remembers what was asked of it."""

    fitted: list[StandInNetwork] = field(default_factory=list)
    n_run: int = 0

    def fit_stage(
        self,
        dataset: Dataset,
        rows: NDArray[np.intp],
        plan: Any,
        *,
        stage: str,
        seed: int,
        start: StandInNetwork | None = None,
        view: int = 0,
    ) -> StandInNetwork:
        spectra = np.array([dataset.spectra[0][int(row)][:, view].mean(axis=0, dtype=np.float64) for row in rows])
        means = np.full((len(Emotion), spectra.shape[1]), np.nan)
        for column, emotion in enumerate(Emotion):
            own = dataset.labels[rows] == emotion.value
            if own.any():
                means[column] = spectra[own].mean(axis=0)
        self.fitted.append(StandInNetwork(np.asarray(rows), stage, seed, start, view, means))
        return self.fitted[-1]

    def run_network(
        self, network: StandInNetwork, spectra: Sequence[NDArray[Any]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self.n_run += len(spectra)
        found = np.array([spectrum[:, network.view].mean(axis=0, dtype=np.float64) for spectrum in spectra])
        distance = np.square(found[:, None] - network.means[None]).mean(axis=2) / 20
        return np.where(np.isnan(distance), _UNKNOWN, -distance).astype(np.float32), found.astype(np.float32)

    def to_onnx(self, networks: Sequence[StandInNetwork], columns: Sequence[int]) -> bytes:
        return f"{[network.seed for network in networks]} {list(columns)}".encode()
