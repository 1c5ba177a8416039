"""Encoded audio to a waveform: any format, rate and number of channels, within limits."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emotify_core.conditioning import condition
from emotify_core.containers import recognize, without_tags
from emotify_core.decoders import MAX_SR, MIN_SR, Deadline, PcmBlock, pcm_blocks
from emotify_core.errors import AudioTooLargeError, AudioTooLongError, UndecodableAudioError
from emotify_core.mono import mono_signal
from emotify_core.waveform import Recording, Waveform

Source = bytes | bytearray | memoryview | str | os.PathLike[str]


@dataclass(frozen=True)
class DecodeLimits:
    """How much audio is decoded before giving up.

    Parameters
    ----------
    max_bytes : int, default=26214400
        Bytes of the encoded audio.
    max_duration : float, default=1200
        Seconds of the recording.
    max_seconds : float, default=20
        Seconds that decoding may take.

    Raises
    ------
    ValueError
        If a limit is not positive.
    """

    max_bytes: int = 25 * 2**20
    max_duration: float = 1200.0
    max_seconds: float = 20.0

    def __post_init__(self) -> None:
        if not (self.max_bytes > 0 and self.max_duration > 0 and self.max_seconds > 0):
            raise ValueError("limits must be positive")


def decode(
    source: Source,
    *,
    limits: DecodeLimits = DecodeLimits(),
    sr: int = 16000,
    trim: bool = True,
    normalize: bool = True,
    clock: Callable[[], float] = time.monotonic,
) -> Waveform:
    """Decode a voice note.

    The format is recognised by content, never by name. Nothing is written to the disk, and several threads may decode
    at once.

    Parameters
    ----------
    source : bytes-like, str or path-like
        The encoded audio, or the path of a file that holds it. WAV, FLAC, AIFF, AU, CAF, MP3, Ogg Vorbis and Opus,
        MP4/M4A, AAC, WebM, AMR and WMA are read.
    limits : DecodeLimits, optional
        When to give up.
    sr : int, default=16000
        Sampling rate of the result in Hz, from 2,000 to 768,000.
    trim : bool, default=True
        Whether to trim silence from both ends, knowing the noise floor, and to shorten pauses to 0.2 seconds.
    normalize : bool, default=True
        Whether to scale to one loudness, a root mean square of 0.05; samples may then exceed full scale, which is 1.
    clock : callable, optional
        Seconds from any start, for `limits.max_seconds`.

    Returns
    -------
    Waveform
        Mono sound; its `note_duration` is that of the whole recording.

    Raises
    ------
    AudioError
        Its subclasses say what is wrong: `UndecodableAudioError`, `AudioTooLargeError`, `AudioTooLongError`,
        `AudioTooShortError`, `DecodingTimeoutError`, `NoSpeechError`.
    ValueError
        If `sr` is out of its range.
    """
    recording = read(source, limits=limits, sr=sr, clock=clock)
    return Waveform(condition(recording.y, sr, trim=trim, normalize=normalize), sr, recording.note_duration)


def read(
    source: Source,
    *,
    limits: DecodeLimits = DecodeLimits(),
    sr: int = 16000,
    clock: Callable[[], float] = time.monotonic,
) -> Recording:
    """Decode a recording as it is, with its offset, level and silence.

    Parameters and errors are those of `decode`, except that nothing is too short or silent.
    """
    if not MIN_SR <= sr <= MAX_SR:
        raise ValueError(f"sr must be from {MIN_SR} to {MAX_SR}")
    deadline = Deadline.after(limits.max_seconds, clock)
    data = _bytes_of(source, limits.max_bytes)
    container = recognize(data)
    with closing(pcm_blocks(without_tags(data, container), container, deadline)) as blocks:
        y = _joined(mono_signal(_up_to(limits.max_duration, blocks), sr))
    return Recording(y, sr, note_duration=len(y) / sr)


def _bytes_of(source: Source, max_bytes: int) -> bytes:
    """Return the encoded audio, read from a path if need be."""
    if isinstance(source, bytes | bytearray | memoryview):
        n_bytes = memoryview(source).nbytes
        if n_bytes > max_bytes:
            raise AudioTooLargeError(n_bytes, max_bytes)
        return bytes(source)
    try:
        return _read(os.fspath(source), max_bytes)
    except TypeError as exc:
        kind = type(source).__name__
        message = f"encoded audio or its path is needed, not {kind}; samples make an emotify_core.Recording"
        raise TypeError(message) from exc
    except FileNotFoundError as exc:
        raise UndecodableAudioError("there is no such file") from exc
    except PermissionError as exc:
        raise UndecodableAudioError("the file may not be read (permission denied)") from exc
    except OSError as exc:
        raise UndecodableAudioError(f"the file cannot be read ({exc.strerror or type(exc).__name__})") from exc
    except ValueError as exc:  # a null character
        raise UndecodableAudioError("that is not the name of a file") from exc


def _read(path: str, max_bytes: int) -> bytes:
    """Read a regular file, if it is not too large."""
    # Without O_NONBLOCK, opening a pipe waits for its writer.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        _require_small_file(os.fstat(descriptor), max_bytes)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(max_bytes + 1)  # it may have grown, or be one of those that claim to be empty
    finally:
        os.close(descriptor)
    if len(data) > max_bytes:
        raise AudioTooLargeError(len(data), max_bytes)
    return data


def _require_small_file(status: os.stat_result, max_bytes: int) -> None:
    """Refuse folders, devices, pipes and large files before anything is read from them."""
    if stat.S_ISDIR(status.st_mode):
        raise UndecodableAudioError("it is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise UndecodableAudioError("it is no ordinary file")
    if status.st_size > max_bytes:
        raise AudioTooLargeError(status.st_size, max_bytes)


def _up_to(max_duration: float, blocks: Iterable[PcmBlock]) -> Iterator[PcmBlock]:
    """Pass blocks on until they last too long."""
    duration = 0.0
    for block in blocks:
        duration += len(block.samples) / block.sr
        if duration > max_duration:
            raise AudioTooLongError(duration, max_duration)
        yield block


def _joined(blocks: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Join blocks in a buffer that grows in place: `concatenate` would hold twenty minutes twice."""
    buffer = bytearray()
    for block in blocks:
        buffer += block.tobytes()
    return np.frombuffer(buffer, np.float32)
