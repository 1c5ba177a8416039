"""Waveform -> low-level descriptors -> functionals -> one feature vector."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from emotify_core.conditioning import LOUDNESS
from emotify_core.features.descriptors import DESCRIPTOR_NAMES, N_MFCC, describe, frame_energy
from emotify_core.features.functionals import NAMES, delta, functionals
from emotify_core.features.pitch import PitchTrack, harmonics, track_pitch
from emotify_core.features.spectra import HOP, N_BARKS, N_MELS, SR, Spectra, spectra
from emotify_core.features.vector import FeatureVector
from emotify_core.features.windows import loud_windows, split_windows
from emotify_core.header import FEATURE_SET
from emotify_core.waveform import Waveform

_MIN_VOICED_FRAMES = 10
_ROUNDING = 1e-6  # of the peak: nothing but the rounding of float32 is softer

_VOICED_NAMES = ("log2_f0", "hnr", "h1_h2", "h1_a3", "h1_a1", "voiced_energy", "harmonicity")
_MELODY_NAMES = ("f0_change", "f0_abs_change", "f0_change_of_change")
_TIMING_NAMES = (
    *("voiced_share", "voiced_segments_per_second", "voiced_mean", "voiced_max", "voiced_std"),
    *("unvoiced_mean", "unvoiced_max", "unvoiced_std", "duration", "loud_share"),
)

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]


def extract(waveform: Waveform) -> FeatureVector:
    """Describe an utterance by functionals of low-level descriptors.

    Parameters
    ----------
    waveform : Waveform
        Trimmed, at 16 kHz and any level.

    Returns
    -------
    FeatureVector
        Values in the order of `feature_names()`.

    Raises
    ------
    ValueError
        If the waveform has another sampling rate, or no samples.

    Notes
    -----
    An utterance of more than six seconds is cut into equal windows of at most six; its features are the mean over the
    windows that are not pauses. Memory is bounded by one window, however long the note is.
    """
    if waveform.sr != SR or not len(waveform.y):
        raise ValueError(f"a waveform at {SR} Hz with at least one sample is needed")
    windows = loud_windows(split_windows(waveform.y))
    total = np.zeros(len(feature_names()), dtype=np.float64)
    for window in windows:
        total += describe_window(window.y)
    return FeatureVector(values=(total / len(windows)).astype(np.float32), feature_set=FEATURE_SET)


def describe_window(y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Describe one window by functionals of low-level descriptors.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Finite signal at 16 kHz and any level, of at least one sample.

    Returns
    -------
    ndarray of float32, shape=(n_features,)
        Finite values in the order of `feature_names()`. The level and the offset of the signal make no difference.

    Raises
    ------
    ValueError
        If there are no samples.
    """
    y = _normalise(y)
    seen = spectra(y)
    energy = frame_energy(seen)
    track = track_pitch(y, seen.n_frames)
    contours = np.vstack([describe(seen, energy), track.voicing])
    is_voiced = _has_voice(track)
    parts = [
        functionals(np.vstack([contours, delta(contours)])),  # in one go, as numpy's calls cost more than their work
        functionals(_voice_contours(track, np.flatnonzero(is_voiced), energy)),
        _voiced_timbre(contours[:N_MFCC], seen, energy, is_voiced),
        _timing(track.voiced, energy),
        _mean_and_std(seen.mel_db),
        _mean_and_std(seen.chroma),
    ]
    features = np.concatenate([part.ravel() for part in parts])
    return np.asarray(np.nan_to_num(features, copy=False, posinf=0, neginf=0))


@cache
def feature_names() -> tuple[str, ...]:
    """Names of the features, in the order of the vector: ``descriptor|functional``."""
    cepstra = [*(f"mfcc_{i}" for i in range(N_MFCC))]
    voiced = [*cepstra, *(f"auditory_{i}" for i in range(N_BARKS))]
    return (
        *(f"{name}|{f}" for name in (*DESCRIPTOR_NAMES, "voicing") for f in NAMES),
        *(f"delta_{name}|{f}" for name in (*DESCRIPTOR_NAMES, "voicing") for f in NAMES),
        *(f"{name}|{f}" for name in (*_VOICED_NAMES, *_MELODY_NAMES) for f in NAMES),
        *(f"voiced_{name}|{f}" for f in ("mean", "std") for name in voiced),
        *(f"unvoiced_{name}|{f}" for f in ("mean", "std") for name in cepstra),
        *_TIMING_NAMES,
        *(f"mel_{i}|{f}" for f in ("mean", "std") for i in range(N_MELS)),
        *(f"chroma_{i}|{f}" for f in ("mean", "std") for i in range(12)),
    )


def _normalise(y: Vector) -> Vector:
    """Remove the offset and scale to one loudness, so that all floors below are relative to it."""
    if not len(y):
        raise ValueError("a window of at least one sample is needed")
    peak = max(float(y.max()), -float(y.min()))
    if peak == 0:
        return y
    y = y / np.float32(peak)  # first of all, as squares of very large or small samples do not fit into float32
    y -= y.mean()
    rms = float(np.sqrt(y @ y / len(y)))
    if rms < _ROUNDING:
        return np.zeros_like(y)
    y *= np.float32(LOUDNESS / rms)
    return y


def _has_voice(track: PitchTrack) -> NDArray[np.bool_]:
    """Tell which frames are voiced, or where there are hardly any, the most voice-like quarter."""
    if np.count_nonzero(track.voiced) >= _MIN_VOICED_FRAMES:
        return track.voiced
    n = max(_MIN_VOICED_FRAMES, len(track.voicing) // 4)
    chosen = np.zeros(len(track.voicing), dtype=np.bool_)
    chosen[np.argsort(-track.voicing, kind="stable")[:n]] = True
    return chosen


def _voice_contours(track: PitchTrack, voiced: NDArray[np.intp], energy: Vector) -> Matrix:
    f0 = track.log2_f0[voiced]
    change = np.where(np.diff(voiced) == 1, np.diff(f0), np.float32(0))
    change = np.append(change, change[-1:])
    harmonicity = np.float32(10) * np.log10(track.strength[voiced])
    voice = [f0, harmonics(track, voiced), energy[voiced] - energy.max(), harmonicity]
    return np.vstack([*voice, change, np.abs(change), np.diff(change, prepend=np.float32(0))])


def _voiced_timbre(cepstra: Matrix, seen: Spectra, energy: Vector, is_voiced: NDArray[np.bool_]) -> Vector:
    """Summarise the cepstrum and the auditory bands of voiced frames, and the cepstrum of the others."""
    others = ~is_voiced if np.count_nonzero(~is_voiced) > 5 else is_voiced
    relative = seen.auditory_log - energy * np.float32(np.log(10) / 10)
    voiced = np.vstack([cepstra, relative])[:, is_voiced]
    return np.concatenate([_mean_and_std(voiced), _mean_and_std(cepstra[:, others])])


def _timing(voiced: NDArray[np.bool_], energy: Vector) -> Vector:
    seconds = len(voiced) * HOP / SR
    runs, pauses = _run_lengths(voiced), _run_lengths(~voiced)
    return np.array(
        [
            *(voiced.mean(), len(runs) / seconds, runs.mean(), runs.max(), runs.std()),
            *(pauses.mean(), pauses.max(), pauses.std(), seconds, (energy > energy.max() - 25).mean()),
        ],
        dtype=np.float32,
    )


def _run_lengths(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return edges[1::2] - edges[::2] if len(edges) else np.zeros(1, dtype=np.int64)


def _mean_and_std(rows: NDArray[np.float32]) -> Vector:
    return np.concatenate([rows.mean(axis=1), rows.std(axis=1)])
