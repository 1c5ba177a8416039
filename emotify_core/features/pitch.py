"""Fundamental frequency, voicing and harmonics by autocorrelation and dynamic programming.

The tracker follows Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17: autocorrelation divided by that of the window,
candidates scored at their interpolated height, and the cheapest path through them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotify_core.features.paths import best_path
from emotify_core.features.spectra import HOP, SR, power_spectrum
from emotify_core.halving import halve_rate

N_BINS = 241
_SR = SR // 2  # harmonics above 4 kHz tell nothing of the pitch
_LENGTH = 400  # 50 ms: three periods of 60 Hz
_N_FFT = 480  # shorter than window and longest lag together, but there the window's tail is a thousandth
_MAX_HZ = 650
_MIN_HZ = 60
_LAG_MIN = SR // _MAX_HZ  # lags are in samples of the full rate
_LAG_MAX = SR // _MIN_HZ
_BAND = slice(3, 193)  # 50 to 3200 Hz: below is rumble, and above the half-band filter lets higher harmonics alias
_FADE_HZ = 2400  # from here to 3200 Hz they count less and less, so that peaks are round enough to interpolate
_N_CANDIDATES = 6  # one in each interval of seven semitones, as the next harmonics are an octave off
_VOICING_THRESHOLD = 0.45  # Boersma's default, here the score of the unvoiced state
_SILENCE_SLOPE = 8.0
_SILENCE_SCORE = 0.35
_OCTAVE_COST = 0.03
_OCTAVE_JUMP_COST = 0.35
_VOICING_COST = 0.14
_EPS = np.float32(1e-9)
# Half-band filter: Lagrange interpolation of the samples in between, by their three neighbours on each side.
_NEIGHBOURS = (150 / 512, -25 / 512, 3 / 512)

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PitchTrack:
    """Voicing and harmonics of one utterance; every contour has shape (n_frames,).

    Attributes
    ----------
    log2_f0 : ndarray of float32
        Base-2 logarithm of the fundamental frequency in Hz; meaningful where `voiced`.
    voiced : ndarray of bool
        Frames on the voiced part of the best path.
    strength : ndarray of float32
        Height of the autocorrelation at the period, from 0 to 1.
    voicing : ndarray of float32
        Highest autocorrelation of any candidate, from 0 to 1.
    power : ndarray of float32, shape=(n_frames, 241)
        Power spectrum of the 50 ms frames up to 4 kHz, for harmonics.
    """

    log2_f0: Vector
    voiced: NDArray[np.bool_]
    strength: Vector
    voicing: Vector
    power: Matrix


def track_pitch(y: NDArray[np.float32], n_frames: int) -> PitchTrack:
    """Track the pitch of an utterance.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Signal at 16 kHz.
    n_frames : int
        How many frames to track, one every 10 ms.

    Returns
    -------
    PitchTrack
    """
    power = _power(y, n_frames)
    correlation, loudness = _autocorrelation(power)
    lags, heights = _candidates(correlation)
    log2_f0 = np.log2(np.float32(SR) / lags)
    scores = np.empty((n_frames, _N_CANDIDATES + 1), dtype=np.float32)
    scores[:, :-1] = heights + np.float32(_OCTAVE_COST) * (log2_f0 - np.float32(np.log2(_MAX_HZ)))
    scores[:, -1] = _VOICING_THRESHOLD + np.maximum(0, _SILENCE_SCORE - _SILENCE_SLOPE * loudness)
    states = best_path(scores, _jump_costs(log2_f0))
    chosen = (np.arange(n_frames), np.minimum(states, _N_CANDIDATES - 1))
    return PitchTrack(
        log2_f0=log2_f0[chosen],
        voiced=states < _N_CANDIDATES,
        strength=np.clip(heights[chosen], np.float32(1e-3), np.float32(0.9995)),
        voicing=np.clip(heights.max(axis=1), 0, 1),
        power=power,
    )


def harmonics(track: PitchTrack, frames: NDArray[np.intp]) -> Matrix:
    """Describe the harmonics of voiced frames.

    Parameters
    ----------
    track : PitchTrack
    frames : ndarray of int, shape=(n_voiced,)
        Indices of the frames.

    Returns
    -------
    ndarray of float32, shape=(4, n_voiced)
        Harmonics-to-noise ratio, H1-H2, H1-A3 and H1-A1 in decibels (Hanson 1997, "Glottal characteristics of female
        speakers", J. Acoust. Soc. Am. 101(1)), the formant amplitudes A1 and A3 being the maxima of 300-900 and
        2000-3500 Hz.
    """
    bins_per_hz = _N_FFT / _SR
    power, strength = track.power[frames], track.strength[frames]
    first = np.clip(np.round(np.exp2(track.log2_f0[frames]) * bins_per_hz).astype(np.intp), 2, N_BINS // 2)
    a1 = power[:, round(300 * bins_per_hz) : round(900 * bins_per_hz)].max(axis=1)
    a3 = power[:, round(2000 * bins_per_hz) : round(3500 * bins_per_hz)].max(axis=1)
    levels = np.vstack([_peak_around(power, first), _peak_around(power, 2 * first), a3, a1])
    levels_db = np.float32(10) * np.log10(levels + _EPS)
    hnr = np.float32(10) * np.log10(strength / (1 - strength))
    return np.vstack([hnr, levels_db[0] - levels_db[1:]])


def _power(y: Vector, n_frames: int) -> Matrix:
    hop = HOP * _SR // SR
    padded = np.zeros(n_frames * hop + _LENGTH, dtype=np.float32)
    halved = halve_rate(y, _NEIGHBOURS)[: len(padded) - _LENGTH // 2]
    padded[_LENGTH // 2 : _LENGTH // 2 + len(halved)] = halved
    frames = np.lib.stride_tricks.sliding_window_view(padded, _LENGTH)[::hop][:n_frames]
    return power_spectrum(frames, _N_FFT)


def _autocorrelation(power: Matrix) -> tuple[Matrix, Vector]:
    """Autocorrelation from the shortest lag less one to the longest, and loudness relative to the loudest frame."""
    weights, energy_weights = _lag_weights()
    energy = power[:, _BAND] @ energy_weights + _EPS
    correlation = power[:, _BAND] @ weights
    correlation /= energy[:, None]
    return correlation, np.sqrt(energy / energy.max())


@cache
def _lag_weights() -> tuple[Matrix, Vector]:
    """Cosines that turn a power spectrum into an autocorrelation, divided by that of the window."""
    bins = np.arange(N_BINS)[_BAND]
    lags = np.arange(_LAG_MIN - 1, _LAG_MAX + 1) * (_SR / SR)
    faded = np.clip((bins * _SR / _N_FFT - _FADE_HZ) / (_BAND.stop * _SR / _N_FFT - _FADE_HZ), 0, 1)
    shares = 1 + np.cos(np.pi * faded)
    cosines = np.cos(2 * np.pi / _N_FFT * bins[:, None] * lags)
    return (shares[:, None] * cosines / _window_correlation(lags)).astype(np.float32), shares.astype(np.float32)


def _window_correlation(lags: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Autocorrelation of the Hann window at lags in samples, relative to that at zero: Boersma's eq. 8."""
    share = lags / _LENGTH
    angle = 2 * np.pi * share
    return np.asarray((1 - share) * (2 / 3 + np.cos(angle) / 3) + np.sin(angle) / (2 * np.pi))


@cache
def _intervals() -> tuple[tuple[int, int], ...]:
    edges = np.round(np.geomspace(_LAG_MIN, _LAG_MAX, _N_CANDIDATES + 1)).astype(int) - _LAG_MIN
    return tuple(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def _candidates(correlation: Matrix) -> tuple[Matrix, Matrix]:
    """Find the highest peak in each interval of lags: its lag and its height, -1 where there is none."""
    inner = correlation[:, 1:-1]
    is_peak = inner > correlation[:, :-2]
    is_peak &= inner >= correlation[:, 2:]
    peaks = np.where(is_peak, inner, np.float32(-1))
    best = np.stack([start + peaks[:, start:stop].argmax(axis=1) for start, stop in _intervals()], axis=1)
    rows = np.arange(len(best))[:, None]
    before, peak, after = (correlation[rows, best + i] for i in range(3))
    found = is_peak[rows, best]
    # The parabola through the peak and its neighbours: whole lags would miss half of a narrow peak's height.
    curvature = np.minimum(before - 2 * peak + after, -_EPS)
    slope = before - after
    shift = np.where(found, np.clip(np.float32(0.5) * slope / curvature, -0.5, 0.5), 0).astype(np.float32)
    heights = np.where(found, peak - np.float32(0.25) * slope * shift, np.float32(-1))
    return (best + np.float32(_LAG_MIN) + shift).astype(np.float32), heights


def _jump_costs(log2_f0: Matrix) -> NDArray[np.float32]:
    """Cost of going from each state to each other, shape=(n_frames - 1, n_states, n_states)."""
    costs = np.full((len(log2_f0) - 1, _N_CANDIDATES + 1, _N_CANDIDATES + 1), _VOICING_COST, dtype=np.float32)
    inner = costs[:, :-1, :-1]
    np.subtract(log2_f0[:-1, :, None], log2_f0[1:, None, :], out=inner)
    np.abs(inner, out=inner)
    inner *= np.float32(_OCTAVE_JUMP_COST)
    costs[:, -1, -1] = 0
    return costs


def _peak_around(power: Matrix, bins: NDArray[np.intp]) -> Vector:
    around = np.clip(bins[:, None] + np.arange(-2, 3), 0, N_BINS - 1)
    return np.asarray(np.take_along_axis(power, around, axis=1).max(axis=1))
