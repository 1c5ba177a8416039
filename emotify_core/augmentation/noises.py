"""Noise of many kinds, made from nothing or taken from a recording, and its level under a voice."""

from __future__ import annotations

from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

SR: Final = 16_000
Signal = NDArray[np.float32]


def add_noise(y: Signal, rng: np.random.Generator, *, snr_db: float, exponent: float = 1.0) -> Signal:
    """Add stationary noise.

    Parameters
    ----------
    snr_db : float
        Ratio of the power of the whole utterance, its pauses included, to that of the noise.
    exponent : float
        The noise's power falls as 1 / f**exponent: 0 white, 1 pink, 2 brown.
    """
    return mix(y, coloured_noise(len(y), rng, exponent=exponent), snr_db=snr_db)


def mix(y: Signal, noise: Signal, *, snr_db: float) -> Signal:
    """Add a noise of the same length at a ratio of whole-utterance powers."""
    scale = np.sqrt(np.mean(np.square(y)) / (np.mean(np.square(noise)) + 1e-20)) / 10 ** (snr_db / 20)
    return (y + np.float32(scale) * noise).astype(np.float32)


def coloured_noise(
    n: int, rng: np.random.Generator, *, exponent: float, low_hz: float = 0.0, high_hz: float = SR / 2
) -> Signal:
    """Make stationary noise.

    Parameters
    ----------
    n : int
        Samples at 16 kHz.
    rng : numpy.random.Generator
    exponent : float
        Its power falls as 1 / f**exponent: -1 blue, 0 white, 1 pink, 2 brown.
    low_hz, high_hz : float
        The band that it fills; nothing sounds outside.

    Returns
    -------
    ndarray of float32, shape=(n,)
        Of any level: `mix` sets it.
    """
    n_fft = scipy.fft.next_fast_len(n, real=True)
    spectrum = scipy.fft.rfft(rng.standard_normal(n_fft))
    frequency = np.maximum(np.arange(len(spectrum)), 1.0)
    spectrum = spectrum / frequency ** (exponent / 2)
    if low_hz > 0 or high_hz < SR / 2:
        first, last = round(low_hz / SR * n_fft), round(high_hz / SR * n_fft)
        spectrum[:first] = 0
        spectrum[max(last, first) + 1 :] = 0
    return np.asarray(scipy.fft.irfft(spectrum, n_fft)[:n], dtype=np.float32)


def gusts(noise: Signal, rng: np.random.Generator, *, rate_hz: float, depth_db: float) -> Signal:
    """Let a noise rise and fall irregularly, as wind and passing cars do.

    Parameters
    ----------
    noise : ndarray of float32, shape=(n_samples,)
    rng : numpy.random.Generator
    rate_hz : float
        New levels a second.
    depth_db : float
        Decibels by which the levels differ at most.
    """
    seconds = len(noise) / SR
    levels = rng.uniform(-depth_db / 2, depth_db / 2, int(seconds * rate_hz) + 2)
    level_db = np.interp(np.linspace(0, seconds * rate_hz, len(noise)), np.arange(len(levels)), levels)
    return np.asarray(noise * 10 ** (level_db.astype(np.float32) / 20), dtype=np.float32)


def throbbing(noise: Signal, *, rate_hz: float, depth: float) -> Signal:
    """Let a noise throb regularly, as engines and fans do.

    Parameters
    ----------
    rate_hz : float
        Beats a second.
    depth : float
        Share of the amplitude that is lost between the beats, 0 to 1.
    """
    cycles = (np.arange(len(noise)) * (rate_hz / SR)) % 1
    envelope = 1 - depth / 2 * (1 - np.cos(2 * np.pi * cycles.astype(np.float32)))
    return np.asarray(noise * envelope, dtype=np.float32)


def hum(n: int, rng: np.random.Generator, *, mains_hz: float = 50.0, n_harmonics: int = 12) -> Signal:
    """Make the hum of the mains: harmonics of random phase, softer the higher they are.

    Parameters
    ----------
    n : int
        Samples at 16 kHz.
    rng : numpy.random.Generator
    mains_hz : float
        Fundamental frequency: 50 Hz, or 60 Hz in America.
    n_harmonics : int
        Loud to soft from the fundamental on; the highest must lie below 8 kHz.
    """
    n_fft = scipy.fft.next_fast_len(max(n, SR), real=True)  # lines of 1 Hz at most, so that the mains hit one closely
    number = np.arange(1, n_harmonics + 1)
    amplitude = rng.uniform(0.1, 1, n_harmonics) / number ** rng.uniform(0, 1.5)
    spectrum = np.zeros(n_fft // 2 + 1, dtype=np.complex64)
    spectrum[number * round(mains_hz / SR * n_fft)] = amplitude * np.exp(2j * np.pi * rng.uniform(0, 1, n_harmonics))
    return np.asarray(scipy.fft.irfft(spectrum, n_fft)[:n] * (n_fft / 2), dtype=np.float32)


def bursts(n: int, rng: np.random.Generator, *, per_second: float) -> Signal:
    """Make impacts at random moments, as of dishes, doors and keys: noise of 10 to 150 ms that dies away.

    Parameters
    ----------
    n : int
        Samples at 16 kHz.
    rng : numpy.random.Generator
    per_second : float
        How many on average; there is at least one.
    """
    y = np.zeros(n, dtype=np.float32)
    for start in rng.integers(0, max(1, int(0.9 * n)), 1 + rng.poisson(per_second * n / SR)):
        length = min(int(rng.uniform(0.03, 0.45) * SR), n - int(start))
        decay = np.exp(-6.9 / max(length, 1) * np.arange(length, dtype=np.float32))  # exp(-6.9) is -60 dB
        low_hz = 100 * 2 ** rng.uniform(0, 4)
        impact = coloured_noise(length, rng, exponent=0, low_hz=low_hz, high_hz=low_hz * 2 ** rng.uniform(1, 4))
        y[start : start + length] += np.float32(10 ** rng.uniform(-1, 0)) * unit(impact * decay)
    return y


def excerpt(recording: Signal, n: int, rng: np.random.Generator) -> Signal:
    """Cut `n` samples out of a recording from a random moment on, which goes round if it is too short."""
    start = int(rng.integers(len(recording)))
    if start + n <= len(recording):
        return recording[start : start + n]
    return np.resize(np.roll(recording, -start), n)


def unit(y: Signal) -> Signal:
    """Scale to a peak of 1; silence stays."""
    return y / np.float32(max(float(np.abs(y).max(initial=0)), 1e-9))
