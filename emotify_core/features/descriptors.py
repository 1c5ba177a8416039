"""Low-level descriptors: contours of energy, spectrum and voice quality, one value a frame."""

from __future__ import annotations

from functools import cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.signal import lfilter

from emotify_core.features.spectra import N_BARKS, SR, Spectra, bin_frequencies

N_MFCC = 20
_OCTAVES = ((100, 200), (200, 400), (400, 800), (800, 1600), (1600, 3200), (3200, 8000))
_ROLL_OFFS = (0.25, 0.5, 0.75, 0.9)

SPECTRAL_NAMES = (
    *("loudness", "rasta_loudness", "energy", "zero_crossings"),
    *("band_250_650", "band_1k_4k", "alpha_ratio", "hammarberg", "slope_0_500", "slope_500_1500", "slope"),
    *(f"roll_off_{round(100 * share)}" for share in _ROLL_OFFS),
    *("centroid", "spread", "skewness", "kurtosis", "entropy", "flatness", "sharpness", "flux", "mel_flux"),
    *(f"contrast_{low}_{high}" for low, high in _OCTAVES),
)
DESCRIPTOR_NAMES = (
    *(f"mfcc_{i}" for i in range(N_MFCC)),
    *(f"rasta_{i}" for i in range(N_BARKS)),
    *SPECTRAL_NAMES,
)

Matrix = NDArray[np.float32]


def mfcc(mel_db: Matrix) -> Matrix:
    """Mel-frequency cepstral coefficients, as `librosa.feature.mfcc` gives from a mel spectrum in decibels.

    Parameters
    ----------
    mel_db : ndarray of float32, shape=(n_mels, n_frames)

    Returns
    -------
    ndarray of float32, shape=(20, n_frames)
    """
    return np.asarray(scipy.fft.dct(mel_db, axis=0, type=2, norm="ortho", workers=1)[:N_MFCC])


def frame_energy(spectra: Spectra) -> Matrix:
    """Energy of each frame in decibels, at most 60 dB under the loudest, shape=(n_frames,)."""
    energy = 10 * np.log10(spectra.power.sum(axis=0))
    return np.asarray(np.maximum(energy, energy.max() - 60))


def describe(spectra: Spectra, energy: Matrix) -> Matrix:
    """Compute the low-level descriptors of an utterance.

    Parameters
    ----------
    spectra : Spectra
    energy : ndarray of float32, shape=(n_frames,)
        From `frame_energy`.

    Returns
    -------
    ndarray of float32, shape=(len(DESCRIPTOR_NAMES), n_frames)
    """
    rasta = _rasta(spectra.auditory_log)
    loudness = np.exp(spectra.auditory_log * np.float32(0.33))  # intensity to loudness, Hermansky (1990)
    sharpness = np.arange(N_BARKS, dtype=np.float32) @ loudness / loudness.sum(axis=0)
    flux, mel_flux = _flux(spectra)
    shape = [
        *(loudness.sum(axis=0), rasta.sum(axis=0), energy, spectra.zero_crossings),
        *_balance(spectra, energy),
        *_roll_offs(spectra.power),
        *_moments(spectra),
        *(sharpness, flux, mel_flux),
        *_contrast(spectra.power_db),
    ]
    return np.vstack([mfcc(spectra.mel_db), rasta, *(row[None] for row in shape)]).astype(np.float32)


def _rasta(auditory_log: Matrix) -> Matrix:
    # Hermansky & Morgan (1994), "RASTA processing of speech", IEEE Trans. Speech Audio Process. 2(4), eq. 3.
    filtered = lfilter([0.2, 0.1, 0, -0.1, -0.2], [1, -0.94], auditory_log - auditory_log[:, :1], axis=1)
    return np.asarray(filtered, dtype=np.float32)


@cache
def _band(low: float, high: float) -> slice:
    frequencies = bin_frequencies()
    return slice(int(np.searchsorted(frequencies, low)), int(np.searchsorted(frequencies, high)))


def _band_db(power: Matrix, low: float, high: float) -> Matrix:
    return np.asarray(10 * np.log10(power[_band(low, high)].sum(axis=0) + np.float32(1e-9)))


def _slope(power_db: Matrix, low: float, high: float) -> Matrix:
    frequencies = bin_frequencies()[_band(low, high)]
    frequencies = frequencies - frequencies.mean()
    return np.asarray(frequencies @ power_db[_band(low, high)] / (frequencies @ frequencies) * 1000)  # dB per kHz


def _balance(spectra: Spectra, energy: Matrix) -> list[Matrix]:
    # Alpha ratio, Hammarberg index and slopes as in Eyben et al. (2016), "The Geneva minimalistic acoustic parameter
    # set", IEEE Trans. Affect. Comput. 7(2).
    power, power_db = spectra.power, spectra.power_db
    return [
        _band_db(power, 250, 650) - energy,
        _band_db(power, 1000, 4000) - energy,
        _band_db(power, 1000, 5000) - _band_db(power, 50, 1000),
        power_db[_band(0, 2000)].max(axis=0) - power_db[_band(2000, 5000)].max(axis=0),
        *(_slope(power_db, low, high) for low, high in ((0, 500), (500, 1500), (0, SR / 2))),
    ]


def _roll_offs(power: Matrix) -> list[Matrix]:
    cumulative = np.cumsum(power, axis=0)
    frequencies = bin_frequencies()
    return [frequencies[(cumulative >= share * cumulative[-1]).argmax(axis=0)] for share in _ROLL_OFFS]


def _moments(spectra: Spectra) -> list[Matrix]:
    frequencies = bin_frequencies()
    total = spectra.power.sum(axis=0)
    share = spectra.power / total
    centroid = frequencies @ share
    deviation = frequencies[:, None] - centroid
    weighted = deviation * deviation * share
    spread = np.sqrt(weighted.sum(axis=0)) + 1
    skewness = (weighted * deviation).sum(axis=0) / spread**3
    kurtosis = (weighted * deviation * deviation).sum(axis=0) / spread**4
    entropy = -(share * np.log(share + np.float32(1e-12))).sum(axis=0)
    flatness = spectra.power_db.mean(axis=0) - 10 * np.log10(total / len(frequencies))
    return [centroid, np.log(spread), skewness, np.log(kurtosis + 1), entropy, flatness]


def _flux(spectra: Spectra) -> tuple[Matrix, Matrix]:
    amplitude = np.sqrt(spectra.power / spectra.power.sum(axis=0))
    flux = np.sqrt((np.diff(amplitude, axis=1) ** 2).sum(axis=0))
    mel_flux = np.maximum(np.diff(spectra.mel_db, axis=1), 0).mean(axis=0)
    return np.concatenate([[0], flux]), np.concatenate([[0], mel_flux])


def _contrast(power_db: Matrix) -> list[Matrix]:
    # Jiang et al. (2002), "Music type classification by spectral contrast feature", ICME: means of the top and bottom
    # fifth.
    rows = []
    for low, high in _OCTAVES:
        levels = np.sort(power_db[_band(low, high)], axis=0)
        n = max(1, len(levels) // 5)
        rows.append(levels[-n:].mean(axis=0) - levels[:n].mean(axis=0))
    return rows
