"""Another speaker: speed, pitch and timbre."""

from __future__ import annotations

from typing import Final

import numpy as np
import scipy.fft
import soxr
from numpy.typing import NDArray

SR: Final = 16_000
Signal = NDArray[np.float32]


def change_speed(y: Signal, rate: float) -> Signal:
    """Play faster and higher (`rate` over 1) or slower and lower.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Signal at 16 kHz, as for all functions of this package.
    rate : float
        How many times faster.

    Returns
    -------
    ndarray of float32, shape=(round(n_samples / rate),)
    """
    return np.asarray(soxr.resample(y, SR, SR / rate, "HQ"), dtype=np.float32)


def shift_pitch(y: Signal, semitones: float) -> Signal:
    """Shift the pitch, formants included, and keep the tempo.

    Parameters
    ----------
    semitones : float
        Up, or down if negative.
    """
    rate = 2 ** (semitones / 12)
    return change_speed(_stretch(y, 1 / rate), rate)


def equalize(y: Signal, rng: np.random.Generator, *, depth_db: float = 6.0) -> Signal:
    """Change the spectrum by a smooth random curve of at most `depth_db` up or down."""
    n_fft = scipy.fft.next_fast_len(len(y), real=True)
    spectrum = scipy.fft.rfft(y, n_fft)
    position = np.sqrt(np.linspace(0, 1, len(spectrum)))
    gain_db = np.interp(position, np.linspace(0, 1, 6), rng.uniform(-depth_db, depth_db, 6))
    gain = 10 ** (gain_db.astype(np.float32) / 20)
    return np.asarray(scipy.fft.irfft(spectrum * gain, n_fft)[: len(y)], dtype=np.float32)


def _stretch(y: Signal, rate: float) -> Signal:
    """Change the tempo by overlapping grains, each where it fits best (WSOLA, Verhelst & Roelands 1993, ICASSP)."""
    grain, hop, tolerance = 640, 320, 160
    step = int(hop * rate)
    if len(y) < 4 * grain:
        return y
    n_grains = len(y) // step + 2
    # One step of silence before, so that two grains overlap from the first sample on, and enough of it behind the end.
    padded = np.pad(y, (tolerance + step, grain + tolerance + step))
    window = np.hanning(grain).astype(np.float32)
    out = np.zeros((n_grains + 1) * hop, dtype=np.float32)
    position = tolerance
    for i in range(n_grains):
        target = padded[position + hop : position + hop + grain]
        around = padded[i * step : i * step + grain + 2 * tolerance]
        if i and len(target) == grain:
            position = i * step + 2 * int(np.correlate(around[::2], target[::2], "valid").argmax())
        out[i * hop : i * hop + grain] += padded[position : position + grain] * window
    return out[hop : hop + round(len(y) / rate)]
