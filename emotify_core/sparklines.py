"""Curves of one line of text."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_BLOCKS: Final = "▁▂▃▄▅▆▇█"


def sparkline(
    values: NDArray[np.float64], *, width: int, low: float, high: float, shown: NDArray[np.bool_] | None = None
) -> str:
    """Draw values over time in one line of block characters.

    Parameters
    ----------
    values : ndarray of float64, shape=(n_points,)
        At least one, finite.
    width : int
        Characters of the line. Where there are more points, those of one character are averaged; where there are fewer,
        they are repeated.
    low, high : float
        Values of the lowest and the highest block; beyond them, values are clipped.
    shown : ndarray of bool, shape=(n_points,), optional
        Points that are drawn; characters without any are blank. All if left out.

    Returns
    -------
    str
        Exactly `width` characters.

    Raises
    ------
    ValueError
        If there is no point, `width` is not positive, or `high` is not above `low`.

    Examples
    --------
    >>> sparkline(np.array([0.0, 0.5, 1.0]), width=6, low=0, high=1)
    '▁▁▅▅██'
    """
    if not len(values) or width < 1 or high <= low:
        raise ValueError("sparkline needs points, a positive width, and high above low")
    visible = np.ones(len(values), dtype=bool) if shown is None else shown
    edges = np.arange(width + 1) * len(values) / width
    first, stop = np.floor(edges[:-1]).astype(int), np.ceil(edges[1:]).astype(int)
    return "".join(_block(values[a:b][visible[a:b]], low, high) for a, b in zip(first, stop, strict=True))


def _block(values: NDArray[np.float64], low: float, high: float) -> str:
    if not len(values):
        return " "
    height = (float(values.mean()) - low) / (high - low)
    return _BLOCKS[min(max(int(height * len(_BLOCKS)), 0), len(_BLOCKS) - 1)]
