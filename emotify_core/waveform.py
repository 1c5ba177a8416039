"""A decoded utterance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Waveform:
    """Mono audio in memory, as `decode` gives it; samples as they came make a `Recording`.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Mono signal, finite.
    sr : int
        Sampling rate in Hz.
    note_duration : float
        Seconds of the recording as it came, before silence was trimmed from its ends.

    Raises
    ------
    ValueError
        If `y` is not a finite, mono float32 array, `sr` is not positive, or `note_duration` is no length of time.
    """

    y: NDArray[np.float32]
    sr: int
    note_duration: float

    def __post_init__(self) -> None:
        y = self.y
        if not isinstance(y, np.ndarray) or y.ndim != 1 or y.dtype != np.float32 or not np.isfinite(y).all():
            raise ValueError("y must be a finite mono array of float32")
        if not 0 < self.sr < math.inf:
            raise ValueError("sr must be positive and finite")
        if not 0 <= self.note_duration < math.inf:
            raise ValueError("note_duration must be finite and not negative")

    @property
    def duration(self) -> float:
        """Seconds of `y`."""
        return len(self.y) / self.sr


class Recording(Waveform):
    """Mono audio as it came, with its offset, level and silence: who listens to it conditions it first."""
