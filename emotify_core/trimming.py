"""Where the sound in a recording begins, pauses and ends, whatever noise there is behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

SILENCE_DB: Final = -80  # the loudest frame of what counts as silence: three steps of 16 bits
_HOP: Final = 0.010  # seconds
_WINDOW: Final = 0.025
_BANDS_HZ: Final = (100, 300, 600, 1000, 1600, 2400, 3500, 5000, 8000)
_CLICK: Final = 9  # frames of the median: what is loud for less than half of them is a click
_SMOOTHING: Final = 5  # frames
_RANGE_DB: Final = 30  # what is softer than the loudest frame by more is silence
_FLOOR_PERCENTILE: Final = 5
_FLOOR_SECONDS: Final = 0.5  # needed to tell a noise floor: the softest frame of a syllable is none
_OVER_FLOOR_DB: Final = 8  # noise alone stays below its own softest twentieth plus this
_MIN_DYNAMICS_DB: Final = (
    _OVER_FLOOR_DB + 6
)  # a band that varies less tells nothing: its noise, or a held note, fills it
_BANG_DB: Final = 15  # over the median of the frames with sound: no syllable is louder by so much, nor half of them
# From a bang to the floor, at most: a voice is softer by 40, its softest frame by 30 more, and over the floor by 8. The
# silence that codecs make has no floor.
_BANG_RANGE_DB: Final = 40 + _RANGE_DB + _OVER_FLOOR_DB
_BANG_EDGE_DB: Final = 6  # the rest of a bang, which rings out
_CHUNK: Final = 4096  # frames whose spectra are held at once
_PIECE: Final = 2**20  # samples whose gains are held at once


@dataclass(frozen=True)
class SoundSpan:
    """The stretch of a recording from its first sound to its last.

    Parameters
    ----------
    start, stop : float
        Seconds from the beginning of the recording.
    level_db : float
        Level of the loudest frame, clicks aside, in decibels; a sine at full scale has -3.
    pauses : tuple of (float, float)
        Where there is no sound in between: seconds from the beginning of the recording.
    """

    start: float
    stop: float
    level_db: float
    pauses: tuple[tuple[float, float], ...] = ()

    @property
    def duration(self) -> float:
        """Seconds from the first sound to the last."""
        return self.stop - self.start


def find_sound(y: NDArray[np.float32], sr: int) -> SoundSpan:
    """Find the first and the last sound, and the pauses in between.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Mono signal of at least 0.1 seconds.
    sr : int
        Sampling rate in Hz.

    Returns
    -------
    SoundSpan
        From the first to the last sound; the whole signal if nothing in it stands out.

    Notes
    -----
    A frame of 25 ms is sound if the level in any of eight bands is within 30 dB of the loudest frame and 8 dB over that
    band's noise floor, its 5th percentile; in less than half a second, which may be one syllable, there is no floor to
    be told. Levels are medians over 90 ms before they are smoothed, so a click does not count. On RAVDESS, which has a
    second of silence at both ends, pink or white noise at a signal-to-noise ratio of 10 dB moves the cuts by 0 ms in
    the median and by 10 to 60 ms in the 90th percentile; a threshold under the peak alone moves them by the whole
    second.
    """
    band_db, total_db = _levels(y, sr)
    level_db = float(total_db.max())
    floor_db = np.percentile(band_db, _FLOOR_PERCENTILE, axis=0) if len(y) >= _FLOOR_SECONDS * sr else -np.inf
    threshold_db = np.maximum(level_db - _RANGE_DB, floor_db + _OVER_FLOOR_DB)
    is_telling = band_db.max(axis=0) - floor_db >= _MIN_DYNAMICS_DB
    frames = np.flatnonzero(((band_db > threshold_db) & is_telling).any(axis=1))
    if len(frames) == 0:
        return SoundSpan(0.0, len(y) / sr, level_db)
    edge = (_SMOOTHING // 2) * _HOP + (_WINDOW - _HOP) / 2  # by so much, smoothing and overlap make a sound longer
    start = frames[0] * _HOP + edge if frames[0] > 0 else 0.0
    stop = frames[-1] * _HOP + _WINDOW - edge if frames[-1] < len(band_db) - 1 else len(y) / sr
    return SoundSpan(float(start), float(max(start, stop)), level_db, _pauses(frames, edge))


def is_silent(y: NDArray[np.float32]) -> bool:
    """Tell whether a signal of any length, offset aside, nowhere exceeds silence."""
    return bool(np.ptp(y) < 2 * 10 ** (SILENCE_DB / 20))


def without_bangs(y: NDArray[np.float32], sr: int) -> NDArray[np.float32] | None:
    """Turn down what is far louder than the rest, such as a door that bangs, to the level of the noise floor.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Mono signal.
    sr : int
        Sampling rate in Hz.

    Returns
    -------
    ndarray of float32, shape=(n_samples,), or None
        A new signal, in which everything is where it was; None if nothing in it is that loud.
    """
    if len(y) < _WINDOW * sr:
        return None
    _, level_db = _levels(y, sr)
    floor_db = max(float(np.percentile(level_db, _FLOOR_PERCENTILE)), float(level_db.max()) - _BANG_RANGE_DB)
    heard = level_db[level_db > floor_db + _OVER_FLOOR_DB]
    typical_db = float(np.median(heard)) if len(heard) else np.inf
    edges = np.flatnonzero(np.diff(level_db > typical_db + _BANG_EDGE_DB, prepend=False, append=False))
    gain_db, reach = np.zeros(len(level_db)), _CLICK // 2  # by so much, the median makes a sound shorter
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        if level_db[start:stop].max() > typical_db + _BANG_DB:
            around = slice(max(0, start - reach), stop + reach)
            gain_db[around] = np.minimum(floor_db - level_db[around], 0)
    return _amplified(y, gain_db, sr) if gain_db.any() else None


def _amplified(y: NDArray[np.float32], gain_db: NDArray[np.float64], sr: int) -> NDArray[np.float32]:
    """Change the level of each frame, gliding from one to the next."""
    middles = (np.arange(len(gain_db)) * _HOP + _WINDOW / 2) * sr
    pieces = []
    for start in range(0, len(y), _PIECE):
        piece = y[start : start + _PIECE]
        gain = 10 ** (np.interp(np.arange(start, start + len(piece)), middles, gain_db) / 20)
        pieces.append((piece * gain).astype(np.float32))
    return np.concatenate(pieces)


def _pauses(frames: NDArray[np.intp], edge: float) -> tuple[tuple[float, float], ...]:
    """List the gaps between frames of sound."""
    before = np.flatnonzero(np.diff(frames) > 1)
    starts, stops = frames[before] * _HOP + _WINDOW - edge, frames[before + 1] * _HOP + edge
    return tuple((float(start), float(stop)) for start, stop in zip(starts, stops, strict=True) if start < stop)


def _levels(y: NDArray[np.float32], sr: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the levels of bands and of their sum in decibels, shape (n_frames, n_bands) and (n_frames,)."""
    power = _band_powers(y, sr)
    power = np.column_stack([power, power.sum(axis=1)])
    power = np.partition(_neighbours(power, _CLICK), _CLICK // 2, axis=-1)[..., _CLICK // 2]  # the median
    power = _neighbours(power, _SMOOTHING).mean(axis=-1)
    level_db = 10 * np.log10(np.maximum(power, 1e-16))
    return level_db[:, :-1], level_db[:, -1]


def _neighbours(frames: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Return each frame with those around it, shape (n_frames, n_bands, n); the first and last count repeatedly."""
    padded = np.pad(frames, ((n // 2, n // 2), (0, 0)), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, n, axis=0)


def _band_powers(y: NDArray[np.float32], sr: int) -> NDArray[np.float32]:
    """Return the mean square in each band, shape (n_frames, n_bands)."""
    hop, width = round(_HOP * sr), round(_WINDOW * sr)
    n_fft = 1 << (width - 1).bit_length()
    window = np.hanning(width + 1)[:-1].astype(np.float32)
    scale = np.float32(2 / (n_fft * np.square(window).sum()))
    edges = np.unique([min(round(hz * n_fft / sr), n_fft // 2) for hz in _BANDS_HZ])
    frames = np.lib.stride_tricks.sliding_window_view(y, width)[::hop]
    powers = []
    for start in range(0, len(frames), _CHUNK):
        chunk = frames[start : start + _CHUNK]
        spectra = scipy.fft.rfft((chunk - chunk.mean(axis=1, keepdims=True)) * window, n_fft)
        power = np.square(spectra.real) + np.square(spectra.imag)
        powers.append(np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1) * scale)
    return np.concatenate(powers)
