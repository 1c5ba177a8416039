"""Low-level descriptors: contours of energy, spectrum and voice quality, one value a frame."""

from __future__ import annotations

from functools import cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.signal import lfilter

from emotify_core.features.spectra import N_BARKS, N_MELS, SR, Spectra, bin_frequencies, to_db

N_MFCC = 20
_BANDS = ((250, 650), (1000, 4000), (1000, 5000), (50, 1000))
_SLOPES = ((0, 500), (500, 1500), (0, SR / 2))
_NARROWEST = 50.0  # Hz; a tone is as wide as the window lets it be, and less would only be rounding

SPECTRAL_NAMES = (
    *("loudness", "rasta_loudness", "energy", "zero_crossings"),
    *("band_250_650", "band_1k_4k", "alpha_ratio", "hammarberg", "slope_0_500", "slope_500_1500", "slope"),
    *("centroid", "spread", "entropy", "flatness", "sharpness", "flux", "mel_flux"),
)
DESCRIPTOR_NAMES = (
    *(f"mfcc_{i}" for i in range(N_MFCC)),
    *(f"rasta_{i}" for i in range(N_BARKS)),
    *SPECTRAL_NAMES,
)

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]


def mfcc(mel_db: Matrix) -> Matrix:
    """Mel-frequency cepstral coefficients, as `librosa.feature.mfcc` gives from a mel spectrum in decibels.

    Parameters
    ----------
    mel_db : ndarray of float32, shape=(64, n_frames)

    Returns
    -------
    ndarray of float32, shape=(20, n_frames)
    """
    return np.asarray(_cosine_transform() @ mel_db)


def frame_energy(spectra: Spectra) -> Vector:
    """Energy of each frame in decibels, at most 60 dB under the loudest, shape=(n_frames,)."""
    energy = to_db(spectra.power.sum(axis=1))
    return np.asarray(np.maximum(energy, energy.max() - 60))


def describe(spectra: Spectra, energy: Vector) -> Matrix:
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
    total_loudness = loudness.sum(axis=0)
    sharpness = np.arange(N_BARKS, dtype=np.float32) @ loudness / total_loudness
    power_sums = _power_weights() @ spectra.power.T
    log_sums = _log_weights() @ spectra.power_log.T
    return np.vstack(
        [
            mfcc(spectra.mel_db),
            rasta,
            *(total_loudness, rasta.sum(axis=0), energy, spectra.zero_crossings),
            *_balance(spectra, power_sums, energy),
            log_sums[:-1],
            *_shape(spectra, power_sums, log_sums[-1]),
            *(sharpness, _flux(spectra.power, power_sums[0]), _mel_flux(spectra.mel_db)),
        ],
        dtype=np.float32,
    )


@cache
def _cosine_transform() -> Matrix:
    return scipy.fft.dct(np.eye(N_MELS), axis=0, type=2, norm="ortho")[:N_MFCC].astype(np.float32)


def _rasta(auditory_log: Matrix) -> Matrix:
    # Hermansky & Morgan (1994), "RASTA processing of speech", IEEE Trans. Speech Audio Process. 2(4), eq. 3.
    numerator, denominator = np.array([0.2, 0.1, 0, -0.1, -0.2], np.float32), np.array([1, -0.94], np.float32)
    return np.asarray(lfilter(numerator, denominator, auditory_log - auditory_log[:, :1], axis=1))


@cache
def _band(low: float, high: float) -> slice:
    frequencies = bin_frequencies()
    return slice(int(np.searchsorted(frequencies, low)), int(np.searchsorted(frequencies, high)))


@cache
def _power_weights() -> Matrix:
    """Weights of a power spectrum: its total, its first two moments, and bands."""
    frequencies = _relative_frequencies()
    bands = np.zeros((len(_BANDS), len(frequencies)))
    for row, (low, high) in zip(bands, _BANDS, strict=True):
        row[_band(low, high)] = 1
    return np.vstack([frequencies**i for i in range(3)] + [bands]).astype(np.float32)


def _relative_frequencies() -> NDArray[np.float64]:
    return np.linspace(-1, 1, len(bin_frequencies()))  # centred, so that moments do not cancel each other out


@cache
def _log_weights() -> Matrix:
    """Weights of a log power spectrum: slopes in dB per kHz, and its mean."""
    rows = np.zeros((len(_SLOPES) + 1, len(bin_frequencies())))
    for row, (low, high) in zip(rows, _SLOPES, strict=False):
        frequencies = bin_frequencies()[_band(low, high)].astype(np.float64)
        frequencies = frequencies - frequencies.mean()
        row[_band(low, high)] = frequencies / (frequencies @ frequencies) * 1000 * 10 / np.log(10)
    rows[-1] = 1 / len(bin_frequencies())
    return rows.astype(np.float32)


def _balance(spectra: Spectra, power_sums: Matrix, energy: Vector) -> list[Vector]:
    # Alpha ratio and Hammarberg index as in Eyben et al. (2016), "The Geneva minimalistic acoustic parameter set", IEEE
    # Trans. Affect. Comput. 7(2); so are the slopes.
    first_formant, presence, high, low = to_db(power_sums[3:] + np.float32(1e-9))
    power = spectra.power
    strongest = to_db(power[:, _band(0, 2000)].max(axis=1) / power[:, _band(2000, 5000)].max(axis=1))
    return [first_formant - energy, presence - energy, high - low, strongest]


def _shape(spectra: Spectra, power_sums: Matrix, mean_log: Vector) -> list[Vector]:
    total = power_sums[0]
    mean, square = power_sums[1] / total, power_sums[2] / total
    variance = np.maximum(square - mean * mean, 0) + np.float32((_NARROWEST / (SR / 4)) ** 2)
    log_total = np.log(total)
    entropy = log_total - np.einsum("ij,ij->i", spectra.power, spectra.power_log) / total
    flatness = np.float32(10 / np.log(10)) * (mean_log - log_total + np.float32(np.log(len(bin_frequencies()))))
    return [
        (mean + 1) * np.float32(SR / 4),
        np.log(variance) / 2 + np.float32(np.log(SR / 4)),
        entropy,
        flatness,
    ]


def _flux(power: Matrix, total: Vector) -> Vector:
    """Distance of each frame's amplitude spectrum, at unit length, from that of the frame before."""
    amplitude = np.sqrt(power)
    common = np.einsum("ij,ij->i", amplitude[1:], amplitude[:-1]) / np.sqrt(total[1:] * total[:-1])
    return np.concatenate([np.zeros(1, np.float32), np.sqrt(np.maximum(2 - 2 * common, 0))])


def _mel_flux(mel_db: Matrix) -> Vector:
    rise = mel_db[:, 1:] - mel_db[:, :-1]
    np.maximum(rise, 0, out=rise)
    return np.concatenate([np.zeros(1, np.float32), rise.mean(axis=0)])
