"""Encoded voice notes for the tests, made in memory by the real encoders."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from typing import Any

import av
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from emotify_core.synthesis import synthesize_voice

SPEECH = synthesize_voice(1.6, seed=3)  # at 16 kHz

# soundfile's name of the container, its name of the encoding, sampling rate, channels
SOUNDFILE_NOTES = {
    **{
        f"wav-{subtype.lower()}": ("WAV", subtype, 16000, 1)
        for subtype in (
            "PCM_U8",
            "PCM_16",
            "PCM_24",
            "PCM_32",
            "FLOAT",
            "DOUBLE",
            "ALAW",
            "ULAW",
            "IMA_ADPCM",
            "MS_ADPCM",
        )
    },
    "wav-gsm": ("WAV", "GSM610", 8000, 1),
    **{f"wav-{sr}-hz": ("WAV", "PCM_16", sr, 1) for sr in (8000, 11025, 22050, 44100, 48000, 96000, 192000)},
    **{f"wav-{n}-channels": ("WAV", "PCM_16", 16000, n) for n in range(2, 9)},
    "wav-extensible": ("WAVEX", "PCM_24", 44100, 6),
    "rf64": ("RF64", "PCM_16", 48000, 1),
    "wave64": ("W64", "PCM_16", 48000, 1),
    "flac": ("FLAC", "PCM_16", 16000, 1),
    "flac-8-channels": ("FLAC", "PCM_24", 96000, 8),
    "aiff": ("AIFF", "PCM_16", 44100, 2),
    "aiff-float": ("AIFF", "FLOAT", 44100, 1),
    "au": ("AU", "ULAW", 8000, 1),
    "caf": ("CAF", "PCM_16", 44100, 1),
    "mp3": ("MP3", "MPEG_LAYER_III", 44100, 1),
    "mp3-stereo": ("MP3", "MPEG_LAYER_III", 48000, 2),
    "vorbis": ("OGG", "VORBIS", 44100, 1),
    "opus": ("OGG", "OPUS", 48000, 1),
    "opus-stereo": ("OGG", "OPUS", 48000, 2),
}

# FFmpeg's name of the muxer, its name of the encoder, sampling rate, options of the muxer
FFMPEG_NOTES: dict[str, tuple[str, str, int, dict[str, str]]] = {
    "opus-32k": ("ogg", "libopus", 48000, {}),
    "flac-in-ogg": ("ogg", "flac", 16000, {}),
    "m4a-index-at-the-end": ("ipod", "aac", 44100, {}),
    "m4a-in-fragments": ("mp4", "aac", 44100, {"movflags": "frag_keyframe+empty_moov"}),
    "m4a-lossless": ("ipod", "alac", 48000, {}),
    "mov-pcm": ("mov", "pcm_s16be", 48000, {}),
    "mov-pcm-u8": ("mov", "pcm_u8", 22050, {}),
    "aac-adts": ("adts", "aac", 44100, {}),
    "webm-opus": ("webm", "libopus", 48000, {}),
    "matroska-flac": ("matroska", "flac", 48000, {}),
    "amr": ("amr", "libopencore_amrnb", 8000, {}),
    "3gp-amr": ("3gp", "libopencore_amrnb", 8000, {}),
    "wma": ("asf", "wmav2", 44100, {}),
    "mp2": ("mp2", "mp2", 44100, {}),
    "wav-of-mp3": ("wav", "libmp3lame", 44100, {}),
}
NOTES = (*SOUNDFILE_NOTES, *FFMPEG_NOTES)
# Their bands, 4 kHz, or their quantisation keep them from looking like the original.
COARSE = {"wav-gsm", "au", "amr", "3gp-amr", "wav-8000-hz"}


@functools.cache
def note(name: str) -> bytes:
    """Encode the speech in one of `NOTES`."""
    if name in SOUNDFILE_NOTES:
        container, subtype, sr, n_channels = SOUNDFILE_NOTES[name]
        return with_soundfile(_columns(_speech(sr), n_channels), sr, container, subtype)
    muxer, encoder, sr, options = FFMPEG_NOTES[name]
    return with_ffmpeg(_speech(sr), sr, muxer, encoder, options)


def wav(y: NDArray[Any], sr: int = 16000, subtype: str = "PCM_16") -> bytes:
    """Encode samples, shape (n_samples,) or (n_samples, n_channels), as WAV."""
    return with_soundfile(y, sr, "WAV", subtype)


def with_soundfile(y: NDArray[Any], sr: int, container: str, subtype: str) -> bytes:
    """Encode samples by libsndfile."""
    file = io.BytesIO()
    soundfile.write(file, y, sr, format=container, subtype=subtype)
    return file.getvalue()


def with_ffmpeg(
    y: NDArray[np.float32],
    sr: int,
    muxer: str,
    encoder: str,
    options: dict[str, str] | None = None,
    *,
    layout: str = "mono",
) -> bytes:
    """Encode a mono signal by FFmpeg."""
    return with_tracks([y], sr, muxer, encoder, options, layout=layout)


def with_tracks(
    signals: Sequence[NDArray[np.float32]],
    sr: int,
    muxer: str,
    encoder: str,
    options: dict[str, str] | None = None,
    *,
    layout: str = "mono",
) -> bytes:
    """Encode mono signals by FFmpeg, each as a track of its own."""
    file = io.BytesIO()
    with av.open(file, "w", format=muxer, options=options or {}) as container:
        streams = []
        for _ in signals:
            stream = container.add_stream(encoder, rate=sr)
            assert isinstance(stream, av.AudioStream)
            stream.layout = layout
            stream.bit_rate = 12200 if "amr" in encoder else 64000
            stream.codec_context.open()
            streams.append(stream)
        for y, stream in zip(signals, streams, strict=True):
            frame = av.AudioFrame.from_ndarray(y[np.newaxis], format="fltp", layout="mono")
            frame.sample_rate = sr
            frame.pts = 0
            resampler = av.AudioResampler(
                stream.codec_context.format.name, layout, sr, stream.codec_context.frame_size or 1024
            )
            for piece in [*resampler.resample(frame), *resampler.resample(None), None]:
                container.mux(stream.encode(piece))
    return file.getvalue()


def silent_video(muxer: str) -> bytes:
    """Make a film of five pictures and no sound."""
    file = io.BytesIO()
    with av.open(file, "w", format=muxer) as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        for i in range(5):
            picture = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 40 * i, np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return file.getvalue()


def similarity(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return the highest correlation of two signals over all shifts, 1 for copies that are shifted and scaled."""
    n = len(a) + len(b)
    spectrum = np.fft.rfft(a, n) * np.conj(np.fft.rfft(b, n))
    correlation = 4 * np.fft.irfft(spectrum, 4 * n)  # in quarters of a sample
    return float(correlation.max() / np.sqrt(np.sum(a**2, dtype=float) * np.sum(b**2, dtype=float)))


@functools.cache
def _speech(sr: int) -> NDArray[np.float32]:
    return SPEECH if sr == 16000 else soxr.resample(SPEECH, 16000, sr)


def _columns(y: NDArray[np.float32], n_channels: int) -> NDArray[np.float32]:
    return np.repeat(y[:, np.newaxis], n_channels, axis=1)
