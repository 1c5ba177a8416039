"""What a sound does from frame to frame, in as few numbers as tell speech from other sounds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

SR: Final = 16_000
HOP: Final = 256  # 16 ms
N_BANDS: Final = 20
NAMES: Final = ("level", "voicing", "centroid", "flatness", "bass_share", "treble_share", "peak_share", "flux")
MIN_FRAMES: Final = 8

_FRAME: Final = 640  # 40 ms: two and a half periods of 62 Hz
_N_FFT: Final = 1024
_RUMBLE: Final = 3  # bins under 40 Hz
_BASS: Final = 10  # bins under 150 Hz
_SPEECH: Final = slice(6, 256)  # bins of 100 to 4000 Hz
_RANGE: Final = 1e-5  # of the power: what is 50 dB softer counts as silence
_PITCH_SR: Final = 8000  # of the autocorrelation
_N_PITCH_FFT: Final = _N_FFT * _PITCH_SR // SR
_FIRST_LAG, _LAST_LAG = _PITCH_SR // 620, _PITCH_SR // 62  # of the pitches in Hz that are looked for
_OCTAVE_COST: Final = 0.03  # of Boersma (1993); see `emotify_core.features.pitch`
_TINY: Final = np.float32(1e-12)

Matrix = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Contours:
    """A sound over time, a frame every 16 ms.

    Attributes
    ----------
    values : ndarray of float32, shape=(n_frames, 8)
        The contours of `NAMES`: level in decibels; height of the autocorrelation at the period, 0 to 1; centroid, in
        bands; spectral flatness of 100 to 4000 Hz in nepers, 0 for white noise; shares of the power under 150 Hz, over
        4 kHz and around the strongest bin; change of the spectrum's shape, in decibels.
    log2_f0 : ndarray of float32, shape=(n_frames,)
        Base-2 logarithm of the pitch in Hz, meaningful where voicing is high.
    bands_db : ndarray of float32, shape=(n_frames, 20)
        Mel bands of 100 to 7800 Hz in decibels.
    """

    values: Matrix
    log2_f0: NDArray[np.float32]
    bands_db: Matrix

    @property
    def n_frames(self) -> int:
        """How many frames there are."""
        return len(self.values)


def contours(y: NDArray[np.float32]) -> Contours:
    """Follow a sound.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Signal at 16 kHz, at any level.

    Returns
    -------
    Contours
        Of at least 8 frames.
    """
    power = _power(y)
    total = power.sum(axis=1) + _TINY
    bands = power @ _band_filters()
    bands_db = 10 * np.log10(bands + bands.max() * np.float32(_RANGE) + _TINY)
    voicing, log2_f0 = _pitch(power)
    floor = total[:, None] * np.float32(_RANGE / 250)
    speech = power[:, _SPEECH] + floor
    around = np.clip(power.argmax(axis=1)[:, None] + np.arange(-2, 3), 0, power.shape[1] - 1)
    form = bands_db - bands_db.mean(axis=1, keepdims=True)
    values = np.column_stack(
        [
            10 * np.log10(total),
            voicing,
            bands @ np.arange(N_BANDS, dtype=np.float32) / (bands.sum(axis=1) + _TINY),
            np.log(speech).mean(axis=1) - np.log(speech.mean(axis=1)),
            power[:, :_BASS].sum(axis=1) / total,
            power[:, _SPEECH.stop :].sum(axis=1) / total,
            np.take_along_axis(power, around, axis=1).sum(axis=1) / total,
            np.abs(np.diff(form, axis=0, prepend=form[:1])).mean(axis=1),
        ]
    )
    return Contours(values.astype(np.float32), log2_f0, bands_db.astype(np.float32))


def _power(y: NDArray[np.float32]) -> Matrix:
    """Return the power spectra of the frames, the highest peak of the signal being 1; shape (n_frames, 513)."""
    n_frames = max(MIN_FRAMES, len(y) // HOP)
    y = y / max(float(np.abs(y).max(initial=0)), 1e-30)
    padded = np.zeros(_FRAME + n_frames * HOP, dtype=np.float32)
    inside = y[: len(padded) - _FRAME // 2]
    padded[_FRAME // 2 : _FRAME // 2 + len(inside)] = inside
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::HOP][:n_frames]
    spectrum = scipy.fft.rfft(frames * _window(), _N_FFT, axis=1, workers=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    power[:, :_RUMBLE] = 0
    return np.asarray(power, dtype=np.float32)


def _pitch(power: Matrix) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return voicing and log2 of the pitch in Hz: the best peak of the autocorrelation below 4 kHz in each frame."""
    raw = scipy.fft.irfft(power[:, : _N_PITCH_FFT // 2 + 1], _N_PITCH_FFT, axis=1, workers=1)[:, : _LAST_LAG + 1]
    correlation = raw / (raw[:, :1] + _TINY) / _window_correlation()
    inner = correlation[:, _FIRST_LAG:_LAST_LAG]
    is_peak = (inner > correlation[:, _FIRST_LAG - 1 : -2]) & (inner >= correlation[:, _FIRST_LAG + 1 :])
    score = np.where(is_peak, inner - _octave_costs(), np.float32(-1))
    frames, lags = np.arange(len(score)), score.argmax(axis=1)
    found = score[frames, lags] > -1
    before, peak, after = (correlation[frames, lags + _FIRST_LAG + offset] for offset in (-1, 0, 1))
    curvature = np.where(found, before - 2 * peak + after, -1)  # of a peak it is negative
    shift = np.where(found, np.clip(0.5 * (before - after) / np.minimum(curvature, -1e-6), -0.5, 0.5), 0)
    log2_f0 = np.log2(_PITCH_SR / (lags + _FIRST_LAG + shift))
    return np.where(found, np.clip(peak, 0, 1), 0).astype(np.float32), log2_f0.astype(np.float32)


@cache
def _octave_costs() -> NDArray[np.float32]:
    lags = np.arange(_FIRST_LAG, _LAST_LAG)
    return np.asarray(_OCTAVE_COST * np.log2(lags / _FIRST_LAG), dtype=np.float32)


@cache
def _window() -> NDArray[np.float32]:
    return np.hanning(_FRAME + 1)[:-1].astype(np.float32)


@cache
def _window_correlation() -> NDArray[np.float32]:
    step = SR // _PITCH_SR
    correlation = np.fft.irfft(np.abs(np.fft.rfft(_window(), 2 * _N_FFT)) ** 2)[: step * (_LAST_LAG + 1) : step]
    return np.asarray(correlation / correlation[0], dtype=np.float32)


@cache
def _band_filters() -> Matrix:
    """Triangles, equally spaced on the mel scale (O'Shaughnessy 1987), each summing to one; shape (513, 20)."""
    low, high = 2595 * np.log10(1 + np.array([100.0, 7800.0]) / 700)
    mels = np.linspace(low, high, N_BANDS + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    f, widths = np.fft.rfftfreq(_N_FFT, 1 / SR)[:, None], np.diff(edges)
    bank = np.maximum(0, np.minimum((f - edges[:-2]) / widths[:-1], (edges[2:] - f) / widths[1:]))
    return np.asarray(bank / bank.sum(axis=0), dtype=np.float32)
