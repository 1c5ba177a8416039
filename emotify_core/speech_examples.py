"""What the speech detector is trained on: speech in every condition, and sounds without a voice through the same."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_toeplitz
from scipy.signal import butter, lfilter, sosfilt

from emotify_core.augmentation import add_noise, equalize, mix, reverberate, shift_pitch, through_opus
from emotify_core.conditioning import condition
from emotify_core.errors import AudioError
from emotify_core.non_speech import synthesize_non_speech
from emotify_core.speech_detection import speech_descriptor_names, speech_descriptors
from emotify_core.synthesis import synthesize_voice

SR: Final = 16_000
_TUNES: Final = ("siren", "beeps", "melody", "song", "legato", "glide")
Signal = NDArray[np.float32]
Matrix = NDArray[np.float32]


def speech_examples(y: Signal, rng: np.random.Generator) -> Matrix:
    """Describe an utterance as it is, degraded, whispered, under a siren or a tune, and a short piece of it.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Signal at 16 kHz, neither trimmed nor normalised.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape=(n_parts, n_descriptors)
        See `speech_descriptors`; no rows if nothing in the signal can be heard.
    """
    sound = _conditioned(y)
    if sound is None:
        return _no_rows()
    piece = _piece(sound, rng, seconds=float(np.exp(rng.uniform(np.log(0.25), np.log(1.5)))))
    copies = [y, _degrade(_add_background(y, rng), rng), _degrade(_add_background(piece, rng), rng)]
    if rng.random() < 0.3:
        copies.append(_degrade(whisper(y, rng), rng))
    if rng.random() < 0.3:
        copies.append(_degrade(_add_tune(sound, rng), rng))
    return _describe(copies)


def synthetic_speech_examples(rng: np.random.Generator) -> Matrix:
    """Describe a synthetic voice as `speech_examples` does: robots and reading machines speak too, if without melody.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape=(n_parts, n_descriptors)
    """
    y = synthesize_voice(
        float(np.exp(rng.uniform(np.log(0.4), np.log(4)))),
        f0=float(np.exp(rng.uniform(np.log(75), np.log(330)))),
        pitch_range=rng.uniform(0, 8),
        tempo=rng.uniform(2, 7),
        loudness=float(np.exp(rng.uniform(np.log(0.01), np.log(0.2)))),
        seed=int(rng.integers(2**31)),
    )
    return speech_examples(y, rng)


def non_speech_examples(rng: np.random.Generator, *, kind: str | None = None) -> Matrix:
    """Describe a synthetic sound without a voice, from 0.4 to 6 seconds long.

    Parameters
    ----------
    rng : numpy.random.Generator
    kind : str, optional
        One of `emotify_core.non_speech.KINDS`; by default, any, and at times two at once.

    Returns
    -------
    ndarray of float32, shape=(n_parts, n_descriptors)
        See `speech_descriptors`; no rows if nothing can be heard.
    """
    duration = float(np.exp(rng.uniform(np.log(0.4), np.log(6))))
    y = synthesize_non_speech(rng, kind=kind, duration=duration)
    if kind is None and rng.random() < 0.3:
        y = mix(y, synthesize_non_speech(rng, duration=duration), snr_db=rng.uniform(0, 15))
    return _describe([_degrade(y, rng) if rng.random() < 0.6 else y])


def whisper(y: Signal, rng: np.random.Generator) -> Signal:
    """Replace the voice of an utterance by breath.

    Notes
    -----
    Linear prediction of order 16 (Makhoul 1975, "Linear prediction: a tutorial review", Proc. IEEE 63(4)) finds the
    vocal tract in frames of 25 ms, and white noise goes through it instead of the voice, brighter by 6 dB an octave, as
    the spectra of whispers are flatter.
    """
    width, hop, order = 400, 100, 16
    window = np.hanning(width + 1)[:-1]
    out = np.zeros(len(y) + width)
    for start in range(0, len(y) - width, hop):
        frame = y[start : start + width] * window
        correlation = np.correlate(frame, frame, "full")[width - 1 : width + order]
        correlation[0] = 1.001 * correlation[0] + 1e-9
        predictor = solve_toeplitz(correlation[:-1], correlation[1:])
        breath = lfilter([1.0, -0.9], np.concatenate([[1.0], -predictor]), rng.standard_normal(width) * window)
        out[start : start + width] += breath * np.sqrt(np.mean(frame**2) / (np.mean(breath**2) + 1e-12))
    return out[: len(y)].astype(np.float32)


def _add_background(y: Signal, rng: np.random.Generator) -> Signal:
    """Mostly, add noise of any colour, or a sound without a voice: somebody speaks all the same."""
    if rng.random() < 0.3:
        return y
    if rng.random() < 0.5:
        return add_noise(y, rng, snr_db=rng.uniform(5, 25), exponent=rng.uniform(0, 2))
    background = synthesize_non_speech(rng, duration=max(0.1, (len(y) + 1) / SR))[: len(y)]
    return mix(y, background, snr_db=rng.uniform(6, 25))


def _add_tune(y: Signal, rng: np.random.Generator) -> Signal:
    """Add what goes on and has a pitch, too, only a little softer than the voice."""
    kind = _TUNES[int(rng.integers(len(_TUNES)))]
    tune = synthesize_non_speech(rng, kind=kind, duration=max(0.1, (len(y) + 1) / SR))[: len(y)]
    return mix(y, tune, snr_db=rng.uniform(3, 12))


def _degrade(y: Signal, rng: np.random.Generator) -> Signal:
    """Send any sound through the same rooms and channels: they must tell nothing."""
    if rng.random() < 0.4:
        y = equalize(y, rng, depth_db=10)
    if rng.random() < 0.15:
        y = shift_pitch(y, rng.uniform(-3, 6))
    if rng.random() < 0.35:
        y = reverberate(y, rng, rt60=rng.uniform(0.15, 0.8))
    if rng.random() < 0.25:
        low, high = (300, 3400) if rng.random() < 0.6 else (50, 3900)  # a telephone, or a rate of 8 kHz
        y = sosfilt(butter(4, [low, high], "bandpass", fs=SR, output="sos"), y).astype(np.float32)
    if rng.random() < 0.15:
        limit = np.float32(rng.uniform(0.1, 0.7) * np.abs(y).max())
        y = np.clip(y, -limit, limit)
    if rng.random() < 0.25:
        y = through_opus(y, bitrate=int(rng.choice([12_000, 16_000, 32_000])))
    return y


def _piece(y: Signal, rng: np.random.Generator, *, seconds: float) -> Signal:
    """Cut a piece out, the loudest of four."""
    n = int(seconds * SR)
    if len(y) <= n:
        return y
    starts = rng.integers(0, len(y) - n, 4)
    return max((y[start : start + n] for start in starts), key=lambda piece: float(np.square(piece).sum()))


def _describe(sounds: list[Signal]) -> Matrix:
    heard = [sound for sound in map(_conditioned, sounds) if sound is not None]
    return np.concatenate([_no_rows(), *map(speech_descriptors, heard)])


def _conditioned(y: Signal) -> Signal | None:
    try:
        return condition(y, SR)
    except AudioError:
        return None


def _no_rows() -> Matrix:
    return np.empty((0, len(speech_descriptor_names())), dtype=np.float32)
