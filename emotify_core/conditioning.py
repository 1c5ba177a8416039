"""Make utterances comparable: no offset, no silence at the ends, no long pauses, one loudness."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotify_core.errors import AudioTooShortError, NoSpeechError
from emotify_core.trimming import SILENCE_DB, SoundSpan, find_sound

LOUDNESS: Final = 0.05  # root mean square of a normalised utterance; full scale is 1
MIN_DURATION: Final = 0.2  # seconds of sound
# Seconds that are left of a pause. Models are trained on single sentences: a pause of a second in between would change
# what they hear more than any emotion does.
MAX_PAUSE: Final = 0.2
_MARGIN: Final = 0.05  # seconds kept before the first and after the last sound


def condition(y: NDArray[np.float32], sr: int, *, trim: bool = True, normalize: bool = True) -> NDArray[np.float32]:
    """Remove the offset, trim silence from both ends, shorten pauses and scale to one loudness.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Mono signal.
    sr : int
        Sampling rate in Hz.
    trim : bool, default=True
        Whether to trim, and to shorten pauses inside to `MAX_PAUSE`.
    normalize : bool, default=True
        Whether to scale the result to a root mean square of `LOUDNESS`; it is not clipped. Otherwise it is scaled only
        if it exceeds full scale.

    Returns
    -------
    ndarray of float32, shape=(n_samples,)
        A new signal.

    Raises
    ------
    NoSpeechError
        If the signal is silent.
    AudioTooShortError
        If there is less than `MIN_DURATION` of sound in it.
    """
    _require_duration(len(y) / sr)
    span = find_sound(y, sr)
    if span.level_db < SILENCE_DB:
        raise NoSpeechError
    offset = np.float32(y.mean(dtype=np.float64))
    if trim:
        _require_duration(span.duration)
        pieces = _sound_of(y, sr, span)
        y = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    conditioned = y - offset
    if not conditioned.any():  # of a large offset the level is but rounding errors
        raise NoSpeechError
    conditioned *= _gain(conditioned, normalize=normalize)
    return conditioned


def sound_duration(y: NDArray[np.float32], sr: int) -> float:
    """Count the seconds that `condition` leaves of a signal when it trims, without making a new one.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Mono signal.
    sr : int
        Sampling rate in Hz.

    Raises
    ------
    AudioTooShortError
        If the signal is shorter than `MIN_DURATION`.
    """
    _require_duration(len(y) / sr)
    return sum(len(piece) for piece in _sound_of(y, sr, find_sound(y, sr))) / sr


def _sound_of(y: NDArray[np.float32], sr: int, span: SoundSpan) -> list[NDArray[np.float32]]:
    """Cut silence off both ends, and long pauses down to `MAX_PAUSE`; the pieces are views."""
    pieces, start = [], max(0.0, span.start - _MARGIN)
    for pause_start, pause_stop in span.pauses:
        if pause_stop - pause_start > MAX_PAUSE:
            pieces.append(y[round(start * sr) : round((pause_start + MAX_PAUSE / 2) * sr)])
            start = pause_stop - MAX_PAUSE / 2
    return [*pieces, y[round(start * sr) : round((span.stop + _MARGIN) * sr)]]


def _require_duration(duration: float) -> None:
    """Refuse what is too short to hear anything in."""
    if duration < MIN_DURATION:
        raise AudioTooShortError(duration, MIN_DURATION)


def _gain(y: NDArray[np.float32], *, normalize: bool) -> np.float32:
    """Return the factor that brings the signal to its level."""
    if normalize:
        power = np.einsum("i,i->", y, y, dtype=np.float64) / len(y)
        return np.float32(LOUDNESS / np.sqrt(power))
    return np.float32(1 / max(1.0, float(y.max()), -float(y.min())))
