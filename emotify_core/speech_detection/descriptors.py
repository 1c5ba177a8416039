"""Numbers that tell speech from other sounds, for every two seconds.

What they look for is what a mouth does: syllables come and go two to eight times a second (Houtgast & Steeneken 1985,
"A review of the MTF concept in room acoustics", JASA 77), each with formants of its own, on a pitch that glides and
does not rest on notes (Scheirer & Slaney 1997, "Construction and evaluation of a robust multifeature speech/music
discriminator", ICASSP).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from emotify_core.speech_detection.contours import HOP, N_BANDS, NAMES, SR, Contours, contours

PART_SECONDS: Final = 2.0  # long enough for some syllables, short enough that one word in noise is heard
PART_STEP: Final = 1.0
_ACTIVE_DB: Final = 25  # frames softer than the loudest by more say nothing
_VOICED: Final = 0.55
_RATE: Final = SR / HOP  # frames a second
_QUANTILES: Final = (0.1, 0.5, 0.9)
_N_CEPSTRA: Final = 8
_MODULATION_HZ: Final = (0.4, 2, 4, 8, 14, 31)
_N_MODULATION: Final = 128
_NOTE: Final = 0.6  # semitones: what a held note stays within
_REST: Final = 0.12  # semitones a frame: what does not count as gliding
_HIGH: Final = 12 * math.log2(450)  # higher than most speech
_TINY: Final = 1e-3

Row = NDArray[np.float64]
Mask = NDArray[np.bool_]


def speech_descriptors(y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Describe a sound by what tells speech from other sounds.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Signal at 16 kHz, of any length and level.

    Returns
    -------
    ndarray of float32, shape=(n_parts, n_descriptors)
        One row for each part of at most two seconds, half of which overlap; finite. The columns are those of
        `speech_descriptor_names()`. None depends on the level.
    """
    return np.concatenate(list(iterate_descriptors(y)))


def iterate_descriptors(y: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Yield the rows of `speech_descriptors` when they are asked for, each of shape (1, n_descriptors)."""
    length = min(len(y), round(PART_SECONDS * SR))
    n_parts = 1 + math.ceil((len(y) - length) / (PART_STEP * SR))
    for start in np.linspace(0, len(y) - length, n_parts).round().astype(int):
        row = _describe(contours(y[start : start + length]))
        yield np.nan_to_num(row[None], posinf=0, neginf=0).astype(np.float32)


@cache
def speech_descriptor_names() -> tuple[str, ...]:
    """Names of the descriptors, in the order of the columns."""
    return (
        *(f"{name}|{q}" for q in _QUANTILES for name in NAMES),
        *("voiced_share", "active_share", "voiced_mean_run", "voiced_max_run", "voiced_run_rate"),
        *("f0_median", "f0_range", "f0_change|0.5", "f0_change|0.9", "f0_rest_share", "f0_note_share", "f0_high_share"),
        *("level_rise", "level_fall", "level_skewness"),
        *("level_voicing", "level_centroid", "voicing_centroid", "level_flux"),
        *("band_std", "band_agreement", *(f"modulation_{low}_hz" for low in _MODULATION_HZ[:-1])),
        *(f"cepstrum_{i}|{f}" for f in ("mean", "std", "change") for i in range(1, _N_CEPSTRA + 1)),
        "log_duration",
    )


def _describe(part: Contours) -> Row:
    level_db = part.values[:, 0] - part.values[:, 0].max()
    values = np.column_stack([level_db, part.values[:, 1:]])
    active = level_db > -_ACTIVE_DB
    heard = np.sort(values[active], axis=0)
    voiced = active & (values[:, 1] > _VOICED)
    return np.concatenate(
        [
            *(heard[int(q * len(heard))] for q in _QUANTILES),
            [voiced.sum() / active.sum(), active.mean()],
            _runs(voiced),
            _intonation(part.log2_f0, voiced),
            _dynamics(level_db),
            _agreements(values[active]),
            _modulation(part.bands_db),
            _articulation(part.bands_db, active),
            [math.log(part.n_frames)],
        ]
    )


def _runs(voiced: Mask) -> Row:
    """How long voice goes on, and how often it starts."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], voiced.astype(np.int8), [0]])))
    runs = edges[1::2] - edges[::2]
    longest, mean = (runs.max(), runs.mean()) if len(runs) else (0, 0)
    return np.array([np.log1p(mean), np.log1p(longest), len(runs) / len(voiced)])


def _intonation(log2_f0: NDArray[np.float32], voiced: Mask) -> Row:
    """Height, range and movement of the pitch in semitones, and whether it rests on notes."""
    f0 = np.sort(12 * log2_f0[voiced])
    n = len(f0)
    if n < 3:
        return np.zeros(7)
    change = np.sort(np.abs(12 * np.diff(log2_f0)[voiced[1:] & voiced[:-1]]))
    change = np.minimum(change, 6) if len(change) else np.zeros(1)
    note = (np.searchsorted(f0, f0 + _NOTE, side="right") - np.arange(n)).max()
    return np.array(
        [
            *(f0[n // 2] / 12, f0[int(0.9 * n)] - f0[int(0.1 * n)]),
            *(change[len(change) // 2], change[int(0.9 * len(change))], (change < _REST).mean()),
            *(note / n, (f0 > _HIGH).mean()),
        ]
    )


def _dynamics(level_db: NDArray[np.float32]) -> Row:
    """How steeply the level rises and falls: what is hit or plucked rises at once and fades slowly."""
    change = np.sort(np.diff(np.maximum(level_db, -40)))
    centred = change - change.mean()
    skewness = (centred**3).mean() / (change.std() + _TINY) ** 3
    return np.array([change[int(0.95 * len(change))], change[int(0.05 * len(change))], skewness])


def _agreements(heard: NDArray[np.float32]) -> Row:
    """Correlations of level, voicing, centroid and flux: vowels are loud, voiced and dark, fricatives the contrary."""
    z = heard[:, [NAMES.index(name) for name in ("level", "voicing", "centroid", "flux")]]
    z = z - z.mean(axis=0)
    z = z / (z.std(axis=0) + _TINY)
    r = z.T @ z / len(z)
    return np.array([r[0, 1], r[0, 2], r[1, 2], r[0, 3]])


def _modulation(bands_db: NDArray[np.float32]) -> Row:
    """How much the bands move, how far they move together, and how fast."""
    centred = bands_db - bands_db.mean(axis=0)
    variance = (centred**2).mean(axis=0)
    agreement = (centred.mean(axis=1) ** 2).mean() / (variance.mean() + _TINY)
    window = np.hanning(len(centred) + 2)[1:-1, None].astype(np.float32)
    spectrum = scipy.fft.rfft(centred * window, _N_MODULATION, axis=0, workers=1)
    power = (np.square(spectrum.real) + np.square(spectrum.imag)).sum(axis=1)
    edges = np.searchsorted(np.arange(len(power)) * _RATE / _N_MODULATION, _MODULATION_HZ)
    shares = np.add.reduceat(power, edges[:-1]) / (power.sum() + _TINY)
    return np.concatenate([[np.sqrt(variance).mean(), agreement], np.log(shares + _TINY)])


def _articulation(bands_db: NDArray[np.float32], active: Mask) -> Row:
    """Mean, spread and movement of the spectrum's shape."""
    cepstra = bands_db @ _cosines()
    heard, change = cepstra[active], np.abs(np.diff(cepstra, axis=0, prepend=cepstra[:1]))[active]
    return np.concatenate([heard.mean(axis=0), heard.std(axis=0), change.mean(axis=0)])


@cache
def _cosines() -> NDArray[np.float32]:
    """Cosine transform of the bands, without the constant; shape (20, 8)."""
    angles = np.pi * np.arange(1, _N_CEPSTRA + 1) * (np.arange(N_BANDS)[:, None] + 0.5) / N_BANDS
    return np.asarray(np.cos(angles) * math.sqrt(2 / N_BANDS), dtype=np.float32)
