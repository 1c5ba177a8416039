"""Encoded bytes to blocks of samples, with libsndfile and FFmpeg (as the libraries soundfile and PyAV).

Blocks are small, so that a caller who counts seconds and memory can stop a decompression bomb early. Errors of the
foreign libraries end here.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from emotify_core.containers import Container, Decoder
from emotify_core.errors import AudioError, DecodingTimeoutError, UndecodableAudioError

if TYPE_CHECKING:
    import av

BLOCK_SIZE: Final = 2**19  # numbers in a block: 11 s of mono at 48 kHz, 2 MiB as float32
_PIECE: Final = 2**14  # frames read at once: as much is lost where a file breaks off
_MAX_CHANNELS: Final = 64
# Slower than any telephone, faster than any studio: a header with such a rate is broken.
_MIN_SR, _MAX_SR = 2_000, 768_000

# Sound only: a decoder of pictures has no business here, however the file was put together.
_CODECS: Final = frozenset(
    [
        *("aac", "aac_latm", "ac3", "alac", "amrnb", "amrwb", "eac3", "flac", "gsm", "gsm_ms", "mp1float", "mp2float"),
        *("mp3float", "opus", "speex", "truespeech", "vorbis", "wavpack", "wmalossless", "wmapro", "wmav1", "wmav2"),
        *("wmavoice", "adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms", "adpcm_swf", "adpcm_yamaha", "g722", "g726"),
        *("pcm_alaw", "pcm_mulaw", "pcm_s8", "pcm_u8", "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32be"),
        *("pcm_s32le", "pcm_f32be", "pcm_f32le", "pcm_f64be", "pcm_f64le"),
    ]
)
_ENCRYPTED_TAGS: Final = frozenset({"enca", "drms", "aavd", "drmi"})


@dataclass(frozen=True, eq=False)
class PcmBlock:
    """A stretch of decoded sound.

    Parameters
    ----------
    samples : ndarray of float32, shape=(n_frames, n_channels)
        Full scale is 1; files that hold floats may exceed it, or hold numbers that are not finite.
    sr : int
        Sampling rate in Hz.
    """

    samples: NDArray[np.float32]
    sr: int


@dataclass(frozen=True)
class Deadline:
    """When decoding has to end.

    Parameters
    ----------
    at : float
        Reading of the clock.
    max_seconds : float
        How long that was when the deadline was set.
    clock : callable
        Returns seconds from any start.
    """

    at: float
    max_seconds: float
    clock: Callable[[], float]

    @classmethod
    def after(cls, max_seconds: float, clock: Callable[[], float]) -> Deadline:
        """Set a deadline from now."""
        return cls(clock() + max_seconds, max_seconds, clock)

    def check(self) -> None:
        """Raise `DecodingTimeoutError` if time is up."""
        if self.clock() > self.at:
            raise DecodingTimeoutError(self.max_seconds)


def pcm_blocks(data: bytes, container: Container, deadline: Deadline) -> Iterator[PcmBlock]:
    """Decode a file block by block, with the first of its decoders that gets any sound out of it.

    Parameters
    ----------
    data : bytes
        The whole file.
    container : Container
        What the file is.
    deadline : Deadline
        When to give up.

    Yields
    ------
    PcmBlock
        At most `BLOCK_SIZE` numbers each, none empty. A file that breaks off gives what comes before the break.

    Raises
    ------
    UndecodableAudioError
        If no decoder gets any sound out of it.
    DecodingTimeoutError
        If time is up.
    """
    error = UndecodableAudioError(f"it looks like {container.name}, but there is no sound in it")
    for decoder in container.decoders:
        n_blocks = 0
        try:
            for block in _DECODERS[decoder](data, container, deadline):
                n_blocks += 1
                yield block
        except UndecodableAudioError as exc:
            error = exc
        if n_blocks:
            return
    raise error


@contextmanager
def _foreign_errors(container: Container) -> Iterator[None]:
    """Turn whatever a decoding library raises into our own error."""
    try:
        yield
    except AudioError:
        raise
    except MemoryError as exc:
        raise UndecodableAudioError(f"decoding this {container.name} file takes more memory than there is") from exc
    except Exception as exc:
        raise UndecodableAudioError(f"it looks like {container.name}, but it is broken or incomplete") from exc


def _check(sr: int, n_channels: int) -> None:
    """Refuse headers that no recorder writes."""
    if not _MIN_SR <= sr <= _MAX_SR:
        raise UndecodableAudioError(f"its header gives an impossible sampling rate of {sr} Hz")
    if not 1 <= n_channels <= _MAX_CHANNELS:
        raise UndecodableAudioError(f"its header gives {n_channels} channels")


class _MemoryFile(io.BytesIO):
    """Bytes as a file on which a broken header cannot seek to before the start.

    libsndfile calls it through C, where an exception could only be printed.
    """

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return super().seek(max(0, offset) if whence == io.SEEK_SET else offset, whence)


def _libsndfile_blocks(data: bytes, container: Container, deadline: Deadline) -> Iterator[PcmBlock]:
    """Decode with libsndfile."""
    with _foreign_errors(container), soundfile.SoundFile(_MemoryFile(data)) as file:
        _check(file.samplerate, file.channels)
        while len(samples := _read(file, BLOCK_SIZE // file.channels, deadline)):
            yield PcmBlock(samples, file.samplerate)


def _read(file: soundfile.SoundFile, n_frames: int, deadline: Deadline) -> NDArray[np.float32]:
    """Read up to `n_frames`, less at the end of the file or where it is broken."""
    samples = np.empty((n_frames, file.channels), np.float32)
    n = 0
    while n < n_frames:
        deadline.check()
        try:
            piece = file.read(out=samples[n : n + _PIECE])
        except soundfile.SoundFileError:
            if n == 0:
                raise
            break
        n += len(piece)
        if len(piece) == 0:
            break
    return samples[:n]


def _ffmpeg_blocks(data: bytes, container: Container, deadline: Deadline) -> Iterator[PcmBlock]:
    """Decode with FFmpeg."""
    with _foreign_errors(container), _open(data, container, deadline) as file:
        frames: list[PcmBlock] = []
        size = 0
        for frame in _frames(file, deadline):
            is_other = frames and (frame.sr, frame.samples.shape[1]) != (frames[0].sr, frames[0].samples.shape[1])
            if is_other or (frames and size + frame.samples.size > BLOCK_SIZE):
                yield _joined(frames)
                frames, size = [], 0
            frames.append(frame)
            size += frame.samples.size
        if frames:
            yield _joined(frames)


def _joined(frames: list[PcmBlock]) -> PcmBlock:
    """Join frames of one rate and number of channels."""
    return PcmBlock(np.concatenate([frame.samples for frame in frames]), frames[0].sr)


def _open(data: bytes, container: Container, deadline: Deadline) -> av.container.InputContainer:
    """Open a file in memory with one demuxer, no protocol, and decoders of sound only."""
    import av  # noqa: PLC0415 (a quarter of a second that WAV and Ogg do not need)

    options = {
        "format_whitelist": container.demuxer,
        "protocol_whitelist": "none",
        "codec_whitelist": ",".join(sorted(_CODECS)),
    }
    return av.open(
        io.BytesIO(data),
        mode="r",
        format=container.demuxer,
        container_options=options,
        metadata_errors="replace",
        timeout=deadline.max_seconds,
        io_open=_refuse_to_open,
    )


def _refuse_to_open(url: str, _flags: int, _options: dict[str, str]) -> Any:  # noqa: ANN401
    """Refuse what a file wants opened beside itself."""
    raise PermissionError(url)


def _frames(file: av.container.InputContainer, deadline: Deadline) -> Iterator[PcmBlock]:
    """Decode the first stream of sound, frame by frame, past damaged packets."""
    import av.error  # noqa: PLC0415

    if not file.streams.audio:
        raise UndecodableAudioError("there is no sound in it, only pictures or other data")
    stream = file.streams.audio[0]
    if stream.codec_context.codec_tag in _ENCRYPTED_TAGS:
        raise UndecodableAudioError("it is protected against copying (encrypted)")
    if stream.codec_context.name not in _CODECS:
        raise UndecodableAudioError(f"its sound is encoded as {stream.codec_context.name}, which is not read here")
    stream.codec_context.thread_count = 1  # several notes are decoded in parallel, each by one core
    for packet in file.demux(stream):
        deadline.check()
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        for frame in frames:
            if frame.samples:
                yield _to_pcm(frame)


def _to_pcm(frame: av.AudioFrame) -> PcmBlock:
    """Convert a frame of FFmpeg's to floats, one column a channel."""
    n_channels = frame.layout.nb_channels
    _check(frame.sample_rate, n_channels)
    array = frame.to_ndarray()
    samples = np.array(array.T if frame.format.is_planar else array.reshape(-1, n_channels), dtype=np.float32)
    if array.dtype == np.uint8:
        samples = (samples - 128) / np.float32(128)
    elif array.dtype.kind == "i":
        samples /= np.float32(2 ** (8 * array.dtype.itemsize - 1))
    return PcmBlock(samples, frame.sample_rate)


_DECODERS: Final = MappingProxyType[Decoder, Callable[[bytes, Container, Deadline], Iterator[PcmBlock]]](
    {Decoder.LIBSNDFILE: _libsndfile_blocks, Decoder.FFMPEG: _ffmpeg_blocks}
)
