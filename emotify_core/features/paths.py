"""The best path through states over time, by dynamic programming on blocks of frames side by side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BLOCK = 16  # transitions in a block: numpy steps once a frame in a block and once a block, so about the root of 400


def best_path(scores: NDArray[np.float32], costs: NDArray[np.float32]) -> NDArray[np.intp]:
    """Find the path with the greatest sum of scores less costs.

    Parameters
    ----------
    scores : ndarray of float32, shape=(n_frames, n_states)
        What being in a state is worth; at least two frames.
    costs : ndarray of float32, shape=(n_frames - 1, n_states, n_states)
        What going from one state to another costs.

    Returns
    -------
    ndarray of int, shape=(n_frames,)

    Notes
    -----
    This is the algorithm of Viterbi (1967). A step of numpy takes as long for one frame as for thirty, so blocks of
    frames take their steps together: first how well each state is reached from each across whole blocks (products of
    matrices in max-plus algebra), then along the blocks, then within them once more, from the now known starts.
    """
    gains = _in_blocks(scores[1:, None, :] - costs)
    entries = _block_entries(scores[0], gains)
    came_from, totals = _within_blocks(entries, gains)
    return _trace_back(came_from, int(totals[:, -1].argmax()))[: len(scores)]


def _in_blocks(gains: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lay transitions out as (n_block, n_states, n_states, n_blocks), filled up with staying where one is."""
    n, n_states = gains.shape[:2]
    n_blocks = -(-n // _BLOCK)
    filled = np.full((n_blocks * _BLOCK, n_states, n_states), -np.inf, dtype=np.float32)
    filled[:n] = gains
    filled[n:, np.arange(n_states), np.arange(n_states)] = 0
    blocks = filled.reshape(n_blocks, _BLOCK, n_states, n_states)
    return np.ascontiguousarray(blocks.transpose(1, 2, 3, 0))


def _block_entries(start: NDArray[np.float32], gains: NDArray[np.float32]) -> NDArray[np.float32]:
    """Best totals at the first frame of each block, shape=(n_states, n_blocks)."""
    product = gains[0]
    for step in gains[1:]:
        product = (product[:, :, None] + step).max(axis=1)
    entries = np.empty((len(start), product.shape[-1]), dtype=np.float32)
    entries[:, 0] = start
    for block, across in enumerate(np.moveaxis(product, -1, 0)[:-1]):
        entries[:, block + 1] = (entries[:, block, None] + across).max(axis=0)
    return entries


def _within_blocks(
    totals: NDArray[np.float32], gains: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Predecessors of each state, shape=(n_block, n_states, n_blocks), and the totals at the end of each block."""
    came_from = np.empty((len(gains), *totals.shape), dtype=np.intp)
    for step, best in zip(gains, came_from, strict=True):
        reached = totals[:, None] + step
        reached.argmax(axis=0, out=best)
        totals = reached.max(axis=0)
    return came_from, totals


def _trace_back(came_from: NDArray[np.intp], last: int) -> NDArray[np.intp]:
    """Follow the predecessors from the last state, in all blocks and from all of their states at once."""
    n_block, n_states, n_blocks = came_from.shape
    states = np.empty((n_block + 1, n_states, n_blocks), dtype=np.intp)
    states[-1] = np.arange(n_states)[:, None]
    for i in range(n_block - 1, -1, -1):
        states[i] = np.take_along_axis(came_from[i], states[i + 1], axis=0)
    ends = np.empty(n_blocks, dtype=np.intp)
    entry_of = states[0].T.tolist()
    for block in range(n_blocks - 1, -1, -1):
        ends[block] = last
        last = entry_of[block][last]
    chosen = states[:, ends, np.arange(n_blocks)]
    return np.append(chosen[:-1].T.ravel(), ends[-1])
