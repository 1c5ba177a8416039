"""Fundamental frequency, voicing and harmonics by autocorrelation and dynamic programming.

The tracker follows Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17: autocorrelation divided by that of the window,
candidates, and the cheapest path through them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from emotify_core.features.spectra import SR, frame, hann

_LENGTH = 800  # 50 ms: three periods of 60 Hz
_N_FFT = 1280
_MAX_HZ = 650
_MIN_HZ = 60
_LAG_MIN = int(SR / _MAX_HZ)
_LAG_MAX = int(SR / _MIN_HZ)
_N_CANDIDATES = 6
_VOICING_THRESHOLD = 0.45  # Boersma's default, here the score of the unvoiced state
_SILENCE_SLOPE = 8.0
_SILENCE_SCORE = 0.35
_OCTAVE_COST = 0.03
_OCTAVE_JUMP_COST = 0.35
_VOICING_COST = 0.14

Vector = NDArray[np.float32]


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
    power : ndarray of float32, shape=(n_frames, 641)
        Power spectrum of the 50 ms frames, for harmonics.
    """

    log2_f0: Vector
    voiced: NDArray[np.bool_]
    strength: Vector
    voicing: Vector
    power: NDArray[np.float32]


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
    power, correlation, loudness = _autocorrelation(y, n_frames)
    lags, scores = _candidates(correlation)
    before, peak, after = (np.take_along_axis(correlation, lags + offset, axis=1) for offset in (-1, 0, 1))
    log2_f0 = np.log2(SR / (lags + _parabolic_shift(before, peak, after)))
    silence = np.maximum(0, _SILENCE_SCORE - _SILENCE_SLOPE * loudness)
    states = _best_path(np.column_stack([scores, _VOICING_THRESHOLD + silence]), log2_f0)
    voiced = states < _N_CANDIDATES
    chosen = (np.arange(len(states)), np.minimum(states, _N_CANDIDATES - 1))
    return PitchTrack(
        log2_f0=log2_f0[chosen].astype(np.float32),
        voiced=voiced,
        strength=np.clip(peak[chosen], 1e-3, 0.9995).astype(np.float32),
        voicing=np.clip(peak.max(axis=1), 0, 1).astype(np.float32),
        power=power,
    )


def harmonics(track: PitchTrack, frames: NDArray[np.intp]) -> NDArray[np.float32]:
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
    bins_per_hz = _N_FFT / SR
    power_db = 10 * np.log10(track.power[frames] + 1e-9)
    first = np.clip(np.round(2 ** track.log2_f0[frames] * bins_per_hz).astype(int), 2, _N_FFT // 4)
    h1, h2 = _peak_around(power_db, first), _peak_around(power_db, 2 * first)
    a1 = power_db[:, int(300 * bins_per_hz) : int(900 * bins_per_hz)].max(axis=1)
    a3 = power_db[:, int(2000 * bins_per_hz) : int(3500 * bins_per_hz)].max(axis=1)
    strength = track.strength[frames]
    return np.vstack([10 * np.log10(strength / (1 - strength)), h1 - h2, h1 - a3, h1 - a1]).astype(np.float32)


def _autocorrelation(y: NDArray[np.float32], n_frames: int) -> tuple[NDArray[np.float32], NDArray[np.float32], Vector]:
    frames = frame(y, _LENGTH, n_frames)
    if len(frames) < n_frames:
        frames = np.pad(frames, ((0, n_frames - len(frames)), (0, 0)))
    frames = (frames - frames.mean(axis=1, keepdims=True)) * hann(_LENGTH)
    transform = scipy.fft.rfft(frames, _N_FFT, axis=1, workers=1)
    power = transform.real**2 + transform.imag**2
    below_4_khz = np.arange(power.shape[1]) < 4000 * _N_FFT / SR
    raw = scipy.fft.irfft(power * below_4_khz, _N_FFT, axis=1, workers=1)[:, : _LAG_MAX + 2]
    energy = raw[:, :1] + 1e-9
    loudness = np.sqrt(np.maximum(energy[:, 0], 0) / max(float(energy.max()), 1e-9))
    return (
        power.astype(np.float32),
        (raw / energy / _window_correlation()).astype(np.float32),
        loudness.astype(np.float32),
    )


@cache
def _window_correlation() -> NDArray[np.float32]:
    correlation = np.fft.irfft(np.abs(np.fft.rfft(hann(_LENGTH), _N_FFT)) ** 2, _N_FFT)[: _LAG_MAX + 2]
    return np.asarray(correlation / correlation[0], dtype=np.float32)


def _candidates(correlation: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    inner = correlation[:, _LAG_MIN:_LAG_MAX]
    is_peak = (inner > correlation[:, _LAG_MIN - 1 : _LAG_MAX - 1]) & (
        inner >= correlation[:, _LAG_MIN + 1 : _LAG_MAX + 1]
    )
    favour_short_lags = _OCTAVE_COST * np.log2(_LAG_MIN / np.arange(_LAG_MIN, _LAG_MAX, dtype=np.float32))
    scores = np.where(is_peak, inner + favour_short_lags, np.float32(-1))
    best = np.argpartition(-scores, _N_CANDIDATES, axis=1)[:, :_N_CANDIDATES]
    return np.asarray(best + _LAG_MIN), np.take_along_axis(scores, best, axis=1)


def _parabolic_shift(
    before: NDArray[np.float32], peak: NDArray[np.float32], after: NDArray[np.float32]
) -> NDArray[np.float32]:
    curvature = before - 2 * peak + after
    safe = np.where(np.abs(curvature) > 1e-9, curvature, 1)
    return np.where(np.abs(curvature) > 1e-9, np.clip(0.5 * (before - after) / safe, -0.5, 0.5), 0).astype(np.float32)


def _best_path(scores: NDArray[np.float32], log2_f0: NDArray[np.float32]) -> NDArray[np.intp]:
    n_frames, n_states = scores.shape
    jumps = np.full((n_frames, n_states, n_states), _VOICING_COST, dtype=np.float32)
    jumps[1:, :-1, :-1] = _OCTAVE_JUMP_COST * np.abs(log2_f0[:-1, :, None] - log2_f0[1:, None, :])
    jumps[:, -1, -1] = 0
    total = scores[0]
    came_from = np.zeros((n_frames, n_states), dtype=np.intp)
    columns = np.arange(n_states)
    for t in range(1, n_frames):
        reached = total[:, None] - jumps[t]
        came_from[t] = best = reached.argmax(axis=0)
        total = scores[t] + reached[best, columns]
    states = np.empty(n_frames, dtype=np.intp)
    states[-1] = total.argmax()
    for t in range(n_frames - 1, 0, -1):
        states[t - 1] = came_from[t, states[t]]
    return states


def _peak_around(power_db: NDArray[np.float32], bins: NDArray[np.intp]) -> NDArray[np.float32]:
    rows = np.arange(len(bins))[:, None]
    around = np.clip(bins[:, None] + np.arange(-2, 3), 0, power_db.shape[1] - 1)
    return np.asarray(power_db[rows, around].max(axis=1), dtype=np.float32)
