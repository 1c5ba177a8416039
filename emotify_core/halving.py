"""Half the sampling rate of a signal, by filters of which every second coefficient is zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]
Weights = tuple[np.float32, ...]


def halve_rate(y: Signal, weights: Sequence[float | np.float32]) -> Signal:
    """Take every second sample of a signal that is low-passed to a quarter of its rate.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Silence is thought around it.
    weights : sequence of float
        How much the neighbours of a sample count that are 1, 3, 5 and so on away from it, on either side; it counts for
        one half itself.

    Returns
    -------
    ndarray of float32, shape=(ceil(n_samples / 2),)
    """
    n, reach = (len(y) + 1) // 2, len(weights)
    padded = np.zeros(2 * (n + 2 * reach), dtype=np.float32)
    padded[2 * reach : 2 * reach + len(y)] = y
    odd = np.ascontiguousarray(padded[1::2])
    halved = np.float32(0.5) * padded[2 * reach : 2 * (reach + n) : 2]
    for i, weight in enumerate(weights):
        around = odd[reach - 1 - i : reach - 1 - i + n] + odd[reach + i : reach + i + n]
        around *= np.float32(weight)
        halved += around
    return halved


def sharp_weights(reach: int, beta: float) -> Weights:
    """Weights for `halve_rate` with a steep slope.

    Parameters
    ----------
    reach : int
        Neighbours on either side: the more there are, the steeper the slope.
    beta : float
        Shape of the Kaiser window: the larger, the more is taken away beyond the slope, and the less steep it is.

    Returns
    -------
    tuple of float32, of length `reach`

    References
    ----------
    Kaiser (1974), "Nonrecursive digital filter design using the I0-sinh window function", ISCAS.
    """
    offsets = np.arange(1, 2 * reach, 2)
    one_side = np.sinc(offsets / 2) * np.kaiser(4 * reach - 1, beta)[2 * reach - 1 + offsets]
    return tuple((one_side / (4 * one_side.sum())).astype(np.float32))
