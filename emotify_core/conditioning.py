"""Make utterances comparable: no offset, no silence at the ends, one loudness."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotify_core.errors import AudioTooShortError, NoSpeechError

LOUDNESS: Final = 0.05  # root mean square of a normalised utterance; full scale is 1
MIN_DURATION: Final = 0.2  # seconds of sound


def condition(y: NDArray[np.float32], sr: int, *, trim: bool = True, normalize: bool = True) -> NDArray[np.float32]:
    """Remove the offset, trim silence from both ends and scale to one loudness.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Mono signal.
    sr : int
        Sampling rate in Hz.
    trim : bool, default=True
        Whether to trim.
    normalize : bool, default=True
        Whether to scale the result to a root mean square of `LOUDNESS`.

    Returns
    -------
    ndarray of float32, shape=(n_samples,)
        A new signal.

    Raises
    ------
    NoSpeechError
        If the signal is silent.
    AudioTooShortError
        If there is less than `MIN_DURATION` of sound in it.
    """
    if len(y) < MIN_DURATION * sr:
        raise AudioTooShortError(len(y) / sr, MIN_DURATION)
    hop = sr // 100
    y = y - np.float32(y.mean(dtype=np.float64))
    frames = y[: len(y) // hop * hop].reshape(-1, hop)
    level_db = 10 * np.log10(np.einsum("ij,ij->i", frames, frames) / hop + 1e-20)
    if level_db.max() < -80:
        raise NoSpeechError
    if trim:
        active = np.flatnonzero(level_db > level_db.max() - 35)
        if (active[-1] + 1 - active[0]) * hop < MIN_DURATION * sr:
            raise AudioTooShortError((active[-1] + 1 - active[0]) * hop / sr, MIN_DURATION)
        y = y[max(0, active[0] - 3) * hop : (active[-1] + 4) * hop]
    if normalize:
        y = y * np.float32(LOUDNESS / np.sqrt(np.mean(y**2, dtype=np.float64)))
    return y
