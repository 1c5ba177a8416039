"""Cutting a note into windows that overlap."""

from __future__ import annotations

import math
from typing import Final

WINDOW_SECONDS: Final = 3.0  # a sentence, as in the recordings that models are trained on
HOP_SECONDS: Final = 1.0


def plan_windows(
    n_samples: int, sr: int, *, seconds: float = WINDOW_SECONDS, hop: float = HOP_SECONDS
) -> list[tuple[int, int]]:
    """Cut a note into overlapping windows.

    Parameters
    ----------
    n_samples : int
        Length of the note.
    sr : int
        Sampling rate in Hz.
    seconds : float, default=3.0
        Length of a window.
    hop : float, default=1.0
        Seconds from the start of one window to that of the next.

    Returns
    -------
    list of (int, int)
        First sample of each window, and the one after its last. Together they hold every sample; all have the same
        length. The last one ends where the note ends, so it may overlap more. A note that is shorter than a window is a
        window of its own.

    Raises
    ------
    ValueError
        If there is no sample, a rate or length is not positive, or `hop` is more than `seconds`.
    """
    length, step = round(seconds * sr), round(hop * sr)
    if n_samples < 1 or not 1 <= step <= length:
        raise ValueError("a window needs samples, and a hop that is positive and no longer than the window")
    last = max(0, n_samples - length)
    starts = [min(i * step, last) for i in range(math.ceil(last / step) + 1)]
    return [(start, min(start + length, n_samples)) for start in starts]
