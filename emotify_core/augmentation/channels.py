"""What a microphone, a telephone or a codec does to a voice."""

from __future__ import annotations

import io
from typing import Final

import av
import numpy as np
import scipy.fft
import soundfile
import soxr
from numpy.typing import NDArray

SR: Final = 16_000
Signal = NDArray[np.float32]

_SLOPE: Final = 0.1  # of a band's edge in Hz, over which it fades in or out


def limit_band(y: Signal, *, low_hz: float, high_hz: float) -> Signal:
    """Let through one band only, 300 to 3400 Hz for a telephone (ITU-T G.712).

    Parameters
    ----------
    low_hz, high_hz : float
        Where the level has fallen by 6 dB; 20 % of the edge further out nothing is left.
    """
    n_fft = scipy.fft.next_fast_len(len(y) + SR // 20, real=True)  # so that the end does not ring into the beginning
    spectrum = scipy.fft.rfft(y, n_fft)
    frequency = np.arange(len(spectrum), dtype=np.float32) * np.float32(SR / n_fft)
    rise = np.clip((frequency / low_hz - 1) / (2 * _SLOPE) + 0.5, 0, 1)
    fall = np.clip((1 - frequency / high_hz) / (2 * _SLOPE) + 0.5, 0, 1)
    return np.asarray(scipy.fft.irfft(spectrum * (rise * fall), n_fft)[: len(y)], dtype=np.float32)


def lower_rate(y: Signal, *, sr: int) -> Signal:
    """Resample to a low sampling rate in Hz and back, after which nothing is left above half of it."""
    low = soxr.resample(y, SR, sr, "HQ")
    back = soxr.resample(low, sr, SR, "HQ")[: len(y)]
    return np.pad(back, (0, len(y) - len(back))).astype(np.float32)


def change_gain(y: Signal, *, gain_db: float) -> Signal:
    """Make louder, or softer if negative."""
    return y * np.float32(10 ** (gain_db / 20))


def clip(y: Signal, *, share: float, soft: bool = False) -> Signal:
    """Overload an input.

    Parameters
    ----------
    share : float
        Share of the samples, 0 to 1, that exceed what the input can take: the loudest ones.
    soft : bool, default=False
        Whether the input bends (a hyperbolic tangent, as amplifiers and tapes do) rather than cuts off.
    """
    limit = np.float32(np.quantile(np.abs(y), 1 - share)) if len(y) else np.float32(0)
    if limit <= 0:  # digital silence for most of the time: there is no level that this share exceeds
        return y.copy()
    return limit * np.tanh(y / limit) if soft else np.clip(y, -limit, limit)


def add_offset(y: Signal, *, offset: float) -> Signal:
    """Add a constant, full scale being 1."""
    return y + np.float32(offset)


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
