"""Signals whose properties are known, at 16 kHz."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

SR = 16000
Signal = NDArray[np.float32]


def harmonic_tone(f0: ArrayLike, duration: float = 1.0, *, slope_db: float = -6.0) -> Signal:
    """Sum the harmonics of a pitch, constant or one value a sample, up to 7 kHz, falling by `slope_db` an octave."""
    pitch = np.broadcast_to(np.asarray(f0, dtype=float), round(duration * SR))
    phase = 2 * np.pi * np.cumsum(pitch) / SR
    y = np.zeros(len(pitch))
    for n in range(1, int(7000 / pitch.max()) + 1):
        y += 10 ** (slope_db / 20 * np.log2(n)) * np.sin(n * phase + n)
    return np.asarray(0.1 * y / np.sqrt(np.mean(y**2)), np.float32)


def sine(hz: float, duration: float = 1.0) -> Signal:
    """Return a sine."""
    return (0.1 * np.sin(2 * np.pi * hz * np.arange(round(duration * SR)) / SR)).astype(np.float32)


def white_noise(duration: float = 1.0, *, seed: int = 0) -> Signal:
    """Draw white noise."""
    return (0.1 * np.random.default_rng(seed).standard_normal(round(duration * SR))).astype(np.float32)
