"""Windows of a long note: pieces as long as the recordings that models are trained on, and which of them are pauses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

WINDOW_SECONDS: Final = 6.0  # the recordings that models are trained on last 3 to 5 seconds
PAUSE_DB: Final = 20.0  # windows that are softer than the loudest by more are pauses
_SILENCE: Final = 1e-45  # the least number that float32 can tell from zero; keeps decibels of silence finite


@dataclass(frozen=True, eq=False)
class Window:
    """A piece of a note.

    Attributes
    ----------
    start : float
        Seconds from the beginning of the note.
    y : ndarray of float32, shape=(n_samples,)
        Its signal, a view of the note's.
    level_db : float
        Root mean square in decibels under full scale, which is 1; finite even for silence.
    """

    start: float
    y: NDArray[np.float32]
    level_db: float


def split_windows(y: NDArray[np.float32], *, sr: int = 16_000, seconds: float = WINDOW_SECONDS) -> list[Window]:
    """Cut a note into windows of equal length that do not overlap.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Signal of the note.
    sr : int, default=16000
        Sampling rate in Hz.
    seconds : float, default=6.0
        Length of a window at most.

    Returns
    -------
    list of Window
        Quiet ones included, in the order of time; together they hold every sample, and each at least one.

    Raises
    ------
    ValueError
        If there is no sample, or a window would have less than one.
    """
    if not len(y):
        raise ValueError("windows need at least one sample")
    if round(seconds * sr) < 1:
        raise ValueError("a window must have room for at least one sample")
    pieces = np.array_split(y, min(len(y), math.ceil(len(y) / (seconds * sr))))
    starts = np.cumsum([0, *(len(piece) for piece in pieces[:-1])])
    return [
        Window(start=float(start) / sr, y=piece, level_db=_level_db(piece))
        for start, piece in zip(starts, pieces, strict=True)
    ]


def loud_windows(windows: Sequence[Window], *, pause_db: float = PAUSE_DB) -> list[Window]:
    """Keep the windows that are not pauses.

    Parameters
    ----------
    windows : sequence of Window
    pause_db : float, default=20.0
        How many decibels softer than the loudest window a pause is.

    Returns
    -------
    list of Window
        In their order. The loudest is always among them; of silence all are kept.
    """
    loudest = max((window.level_db for window in windows), default=0.0)
    return [window for window in windows if window.level_db >= loudest - pause_db]


def _level_db(y: NDArray[np.float32]) -> float:
    # Squares of very large and very small samples do not fit into float32.
    power = float(np.einsum("i,i->", y, y, dtype=np.float64)) / len(y)
    return 10 * math.log10(max(power, _SILENCE**2))
