"""Rooms: made from a model of reverberation, or recorded."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve, lfilter

SR: Final = 16_000
Signal = NDArray[np.float32]

_DIRECT: Final = int(0.0025 * SR)  # what comes within 2.5 ms counts as direct sound, as in the ACE Challenge of 2015


def reverberate(y: Signal, rng: np.random.Generator, *, rt60: float) -> Signal:
    """Put the voice into a random room: a direct sound, five early reflections and an exponential tail.

    Parameters
    ----------
    rt60 : float
        Seconds until the tail has fallen by 60 dB (Polack's model of late reverberation).
    """
    return through_room(y, synthetic_room(rng, rt60=rt60))


def synthetic_room(rng: np.random.Generator, *, rt60: float) -> Signal:
    """Make the impulse response of a random room.

    Parameters
    ----------
    rng : numpy.random.Generator
    rt60 : float
        Seconds until the tail has fallen by 60 dB.

    Returns
    -------
    ndarray of float32, shape=(int(rt60 * 16000),)
        Its first value is the direct sound, 1.
    """
    n = int(rt60 * SR)
    tail = rng.standard_normal(n) * np.exp(-6.9 * np.arange(n) / n)  # exp(-6.9) is -60 dB
    tail[: int(0.002 * SR)] = 0
    response = lfilter([1], [1, -0.3], tail)  # air and walls take the treble
    response *= 0.5 / np.sqrt(np.sum(response**2))
    response[0] = 1
    for delay in rng.uniform(0.003, 0.02, 5):
        response[int(delay * SR)] += rng.uniform(0.2, 0.5) * rng.choice([-1, 1])
    return np.asarray(response, dtype=np.float32)


def at_distance(response: Signal, *, drr_db: float) -> Signal:
    """Move closer to the speaker, or farther away: scale what comes after the direct sound.

    Parameters
    ----------
    response : ndarray of float32, shape=(n_samples,)
        Impulse response that begins with the direct sound.
    drr_db : float
        Ratio of the energy of its first 2.5 ms to that of the rest.
    """
    direct, late = response[:_DIRECT], response[_DIRECT:]
    ratio = float(np.sum(np.square(direct)) / (np.sum(np.square(late)) + 1e-12))
    return np.concatenate([direct, late * np.float32(np.sqrt(ratio) / 10 ** (drr_db / 20))])


def through_room(y: Signal, response: Signal) -> Signal:
    """Play a signal through an impulse response, without the tail behind its end."""
    return np.asarray(fftconvolve(y, response)[: len(y)], dtype=np.float32)
