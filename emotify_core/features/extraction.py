"""Waveform -> low-level descriptors -> functionals -> one feature vector."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from emotify_core.features.descriptors import DESCRIPTOR_NAMES, N_MFCC, describe, frame_energy, mfcc
from emotify_core.features.functionals import NAMES, delta, functionals
from emotify_core.features.pitch import PitchTrack, harmonics, track_pitch
from emotify_core.features.spectra import HOP, N_BARKS, N_MELS, SR, Spectra, chroma_filters, spectra
from emotify_core.features.vector import FeatureVector
from emotify_core.waveform import Waveform

FEATURE_SET = "functionals-1"
WINDOW_SECONDS = 6.0  # the recordings that models are trained on last 3 to 5 seconds
_QUIET_WINDOW = 0.1  # windows 20 dB under the whole are pauses
_MIN_VOICED_SHARE = 0.05
_MAX_PEAK = 1e6  # full scale is 1; squares of much larger values would not fit into float32

_VOICED_NAMES = ("log2_f0", "hnr", "h1_h2", "h1_a3", "h1_a1", "voiced_energy", "harmonicity")
_MELODY_NAMES = ("f0_change", "f0_abs_change", "f0_change_of_change")
_TIMING_NAMES = (
    *("voiced_share", "voiced_segments_per_second", "voiced_mean", "voiced_max", "voiced_std"),
    *("unvoiced_mean", "unvoiced_max", "unvoiced_std", "duration", "loud_share"),
)

Vector = NDArray[np.float32]


def extract(waveform: Waveform) -> FeatureVector:
    """Describe an utterance by functionals of low-level descriptors.

    Parameters
    ----------
    waveform : Waveform
        Trimmed and normalised, at 16 kHz.

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
    y = waveform.y
    if (peak := float(np.abs(y).max())) > _MAX_PEAK:
        y = y * np.float32(_MAX_PEAK / peak)
    windows = np.array_split(y, max(1, math.ceil(waveform.duration / WINDOW_SECONDS)))
    levels = np.array([float(np.sqrt(np.mean(np.square(window)))) for window in windows])
    total = np.zeros(len(feature_names()), dtype=np.float64)
    loud = [window for window, level in zip(windows, levels, strict=True) if level >= _QUIET_WINDOW * levels.max()]
    for window in loud:
        total += _describe_window(window)
    return FeatureVector(values=(total / len(loud)).astype(np.float32), feature_set=FEATURE_SET)


def has_voice(features: FeatureVector) -> bool:
    """Tell whether the recording that these features describe has voiced sound in it at all.

    Notes
    -----
    Noise, wind and the like have next to none; the quietest-voiced clip of RAVDESS has four times the threshold.
    """
    return bool(features.values[feature_names().index("voiced_share")] >= _MIN_VOICED_SHARE)


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


def _describe_window(y: Vector) -> Vector:
    y = y * np.float32(0.05 / (np.sqrt(np.mean(np.square(y))) + 1e-9))  # functionals see every window at the same level
    seen = spectra(y)
    energy = frame_energy(seen)
    track = track_pitch(y, seen.n_frames)
    contours = np.vstack([describe(seen, energy), track.voicing[None]])
    voiced = _frames_with_voice(track)
    unvoiced = np.setdiff1d(np.arange(seen.n_frames), voiced)
    parts = [
        functionals(contours),
        functionals(delta(contours)),
        functionals(_voice_contours(track, voiced, energy)),
        _voiced_timbre(seen, energy, voiced, unvoiced if len(unvoiced) > 5 else voiced),
        _timing(track.voiced, energy),
        _mean_and_std(seen.mel_db),
        _mean_and_std(_chroma(seen.power)),
    ]
    features = np.concatenate([part.ravel() for part in parts])
    return np.asarray(np.nan_to_num(features, posinf=0, neginf=0), dtype=np.float32)


def _frames_with_voice(track: PitchTrack) -> NDArray[np.intp]:
    """Return the voiced frames, or where there are hardly any, the most voice-like quarter."""
    voiced = np.flatnonzero(track.voiced)
    if len(voiced) >= 10:
        return voiced
    return np.sort(np.argsort(-track.voicing, kind="stable")[: max(10, len(track.voicing) // 4)])


def _voice_contours(track: PitchTrack, voiced: NDArray[np.intp], energy: Vector) -> NDArray[np.float32]:
    f0 = track.log2_f0[voiced]
    change = np.where(np.diff(voiced) == 1, np.diff(f0), 0)
    change = np.append(change, change[-1:])
    voice = np.vstack(
        [f0, harmonics(track, voiced), energy[voiced] - energy.max(), 10 * np.log10(track.strength[voiced])]
    )
    melody = np.vstack([change, np.abs(change), np.diff(change, prepend=0)])
    return np.vstack([voice, melody]).astype(np.float32)


def _voiced_timbre(
    seen: Spectra, energy: Vector, voiced: NDArray[np.intp], unvoiced: NDArray[np.intp]
) -> NDArray[np.float32]:
    cepstra = mfcc(seen.mel_db)
    decibels_per_neper = 10 / np.log(10)
    relative = seen.auditory_log[:, voiced] - energy[voiced] / np.float32(decibels_per_neper)
    voiced_parts = _mean_and_std(np.vstack([cepstra[:, voiced], relative]))
    return np.concatenate([voiced_parts, _mean_and_std(cepstra[:, unvoiced])])


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


def _chroma(power: NDArray[np.float32]) -> NDArray[np.float32]:
    chroma = chroma_filters() @ power
    return np.asarray(chroma / np.maximum(chroma.max(axis=0), 1e-9))


def _mean_and_std(rows: NDArray[np.float32]) -> Vector:
    return np.concatenate([rows.mean(axis=1), rows.std(axis=1)])
