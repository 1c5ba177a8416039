"""Changed copies of training utterances, so that a model meets rooms, noise and codecs before its users do."""

from __future__ import annotations

import io

import av
import numpy as np
import scipy.fft
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.signal import fftconvolve, lfilter

SR = 16_000
Signal = NDArray[np.float32]


def augment(y: Signal, rng: np.random.Generator) -> Signal:
    """Change an utterance at random: speed, pitch, equaliser, room, noise, Opus.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Signal at 16 kHz, with its silence, neither trimmed nor normalised.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape=(n_other_samples,)
    """
    if rng.random() < 0.6:
        y = change_speed(y, rng.uniform(0.92, 1.08))
    if rng.random() < 0.5:
        y = shift_pitch(y, rng.uniform(-1.5, 1.5))
    if rng.random() < 0.6:
        y = equalize(y, rng)
    if rng.random() < 0.35:
        y = reverberate(y, rng, rt60=rng.uniform(0.15, 0.5))
    if rng.random() < 0.6:
        y = add_noise(y, rng, snr_db=rng.uniform(10, 25), exponent=rng.uniform(0, 1.5))
    if rng.random() < 2 / 3:
        y = through_opus(y, bitrate=int(rng.choice([16_000, 24_000, 32_000])))
    return y


def change_speed(y: Signal, rate: float) -> Signal:
    """Play faster and higher (`rate` over 1) or slower and lower."""
    return np.asarray(soxr.resample(y, SR, SR / rate, "HQ"), dtype=np.float32)


def shift_pitch(y: Signal, semitones: float) -> Signal:
    """Shift the pitch, formants included, and keep the tempo."""
    rate = 2 ** (semitones / 12)
    return change_speed(_stretch(y, 1 / rate), rate)


def equalize(y: Signal, rng: np.random.Generator, *, depth_db: float = 6.0) -> Signal:
    """Change the spectrum by a smooth random curve of at most `depth_db` up or down."""
    n_fft = scipy.fft.next_fast_len(len(y), real=True)
    spectrum = scipy.fft.rfft(y, n_fft)
    position = np.sqrt(np.linspace(0, 1, len(spectrum)))
    gain_db = np.interp(position, np.linspace(0, 1, 6), rng.uniform(-depth_db, depth_db, 6))
    return np.asarray(scipy.fft.irfft(spectrum * 10 ** (gain_db / 20), n_fft)[: len(y)], dtype=np.float32)


def add_noise(y: Signal, rng: np.random.Generator, *, snr_db: float, exponent: float = 1.0) -> Signal:
    """Add stationary noise.

    Parameters
    ----------
    snr_db : float
        Ratio of the power of the whole utterance, its pauses included, to that of the noise.
    exponent : float
        The noise's power falls as 1 / f**exponent: 0 white, 1 pink, 2 brown.
    """
    n_fft = scipy.fft.next_fast_len(len(y), real=True)
    spectrum = scipy.fft.rfft(rng.standard_normal(n_fft))
    frequency = np.maximum(np.arange(len(spectrum)), 1.0)
    noise = scipy.fft.irfft(spectrum / frequency ** (exponent / 2), n_fft)[: len(y)]
    return mix(y, noise.astype(np.float32), snr_db=snr_db)


def mix(y: Signal, noise: Signal, *, snr_db: float) -> Signal:
    """Add a noise of the same length at a ratio of whole-utterance powers."""
    scale = np.sqrt(np.mean(np.square(y)) / (np.mean(np.square(noise)) + 1e-20)) / 10 ** (snr_db / 20)
    return (y + np.float32(scale) * noise).astype(np.float32)


def reverberate(y: Signal, rng: np.random.Generator, *, rt60: float) -> Signal:
    """Put the voice into a random room: a direct sound, five early reflections and an exponential tail.

    Parameters
    ----------
    rt60 : float
        Seconds until the tail has fallen by 60 dB (Polack's model of late reverberation).
    """
    return fftconvolve(y, _room(rng, rt60))[: len(y)].astype(np.float32)


def through_opus(y: Signal, *, bitrate: int) -> Signal:
    """Encode as Ogg Opus and decode again, as a voice message is.

    Parameters
    ----------
    bitrate : int
        Bits per second, 6000 to 256000.
    """
    peak = np.float32(max(1.0, float(np.abs(y).max(initial=0))))
    encoded = io.BytesIO()
    with av.open(encoded, "w", format="ogg") as container:
        # The fast setting of the encoder: half the time, and nobody hears the difference at these rates.
        stream = container.add_stream("libopus", rate=48_000, layout="mono", options={"compression_level": "2"})
        stream.bit_rate = bitrate
        samples = soxr.resample(y / peak, SR, 48_000, "HQ").astype(np.float32)
        # libsndfile refuses some of FFmpeg's files of a single page, which holds a second.
        padded = np.pad(samples, (0, max(0, 60_000 - len(samples))))
        frame = av.AudioFrame.from_ndarray(padded[None], format="flt", layout="mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    decoded, _ = soundfile.read(io.BytesIO(encoded.getvalue()), dtype="float32")
    return np.asarray(soxr.resample(decoded, 48_000, SR, "HQ")[: len(y)] * peak, dtype=np.float32)


def _room(rng: np.random.Generator, rt60: float) -> Signal:
    n = int(rt60 * SR)
    tail = rng.standard_normal(n) * np.exp(-6.9 * np.arange(n) / n)  # exp(-6.9) is -60 dB
    tail[: int(0.002 * SR)] = 0
    response = lfilter([1], [1, -0.3], tail)  # air and walls take the treble
    response *= 0.5 / np.sqrt(np.sum(response**2))
    response[0] = 1
    for delay in rng.uniform(0.003, 0.02, 5):
        response[int(delay * SR)] += rng.uniform(0.2, 0.5) * rng.choice([-1, 1])
    return response.astype(np.float32)


def _stretch(y: Signal, rate: float) -> Signal:
    """Change the tempo by overlapping grains, each where it fits best (WSOLA, Verhelst & Roelands 1993, ICASSP)."""
    grain, hop, tolerance = 640, 320, 160
    step = int(hop * rate)
    n_grains = (len(y) - grain - 2 * tolerance) // step
    if n_grains < 5:
        return y
    window = np.hanning(grain).astype(np.float32)
    out = np.zeros(n_grains * hop + grain, dtype=np.float32)
    position = tolerance
    for i in range(n_grains):
        target = y[position + hop : position + hop + grain]
        around = y[i * step : i * step + grain + 2 * tolerance]
        if i and len(target) == grain:
            position = i * step + 2 * int(np.correlate(around[::2], target[::2], "valid").argmax())
        out[i * hop : i * hop + grain] += y[position : position + grain] * window
    return out
