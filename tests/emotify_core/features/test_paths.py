from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emotify_core.features.paths import best_path


def worth(path: NDArray[np.intp], scores: NDArray[np.float32], costs: NDArray[np.float32]) -> float:
    steps = np.arange(len(path) - 1)
    return float(scores[np.arange(len(path)), path].sum() - costs[steps, path[:-1], path[1:]].sum())


def viterbi(scores: NDArray[np.float32], costs: NDArray[np.float32]) -> float:
    """Find the worth of the best path a frame at a time."""
    total = scores[0].astype(float)
    for score, cost in zip(scores[1:], costs, strict=True):
        total = (total[:, None] - cost).max(axis=0) + score
    return float(total.max())


@given(n_frames=st.integers(2, 90), n_states=st.integers(1, 6), seed=st.integers(0, 1000))
def test_no_path_is_worth_more(n_frames: int, n_states: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(n_frames, n_states)).astype(np.float32)
    costs = rng.gamma(1.0, size=(n_frames - 1, n_states, n_states)).astype(np.float32)

    path = best_path(scores, costs)

    assert path.shape == (n_frames,)
    assert worth(path, scores, costs) == pytest.approx(viterbi(scores, costs), abs=1e-4)


def test_all_paths_are_considered() -> None:
    rng = np.random.default_rng(3)
    scores, costs = rng.normal(size=(5, 3)).astype(np.float32), rng.normal(size=(4, 3, 3)).astype(np.float32)
    paths = [np.array(path) for path in itertools.product(range(3), repeat=5)]

    best = max(paths, key=lambda path: worth(path, scores, costs))

    np.testing.assert_array_equal(best_path(scores, costs), best)


@pytest.mark.parametrize("n_frames", [16, 17, 18, 33, 400])
def test_where_jumps_cost_too_much_the_path_stays(n_frames: int) -> None:
    scores = np.zeros((n_frames, 3), np.float32)
    scores[:, 1] = 0.1
    scores[n_frames // 2, 2] = 0.5
    costs = np.broadcast_to(1 - np.eye(3, dtype=np.float32), (n_frames - 1, 3, 3))

    assert (best_path(scores, costs) == 1).all()
