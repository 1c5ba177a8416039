"""Encoded bytes to blocks of samples, with libsndfile and FFmpeg (as the libraries soundfile and PyAV).

Blocks are small, so that a caller who counts seconds and memory can stop a decompression bomb early. Errors of the
foreign libraries end here.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from emotify_core.containers import OGG, Container, Decoder
from emotify_core.errors import AudioError, DecodingTimeoutError, UndecodableAudioError
from emotify_core.ogg import ogg_links
from emotify_core.trimming import is_silent

if TYPE_CHECKING:
    import av

BLOCK_SIZE: Final = 2**19  # numbers in a block: 11 s of mono at 48 kHz, 2 MiB as float32
_MAX_PIECES: Final = 2**13  # in a block: a broken file may give its samples one by one
_SCRAP: Final = 16  # frames of a packet that is hardly worth its while; Vorbis's shortest have 32
_MAX_SCRAPS: Final = 2**17  # 43 minutes of AMR's frames without data; damaged headers can make millions of a few bytes
_PIECE: Final = 2**12  # frames read at once: as much is lost where a file breaks off
_MAX_CHANNELS: Final = 64
_MAX_TRACKS: Final = 32  # of any kind; FFmpeg makes room to decode all that it finds, 0.7 to 3 MB for each of AAC
# PyAV 18 counts planes up to a null pointer, which need not stand behind the eighth: it reads past them, and crashes.
_UNSAFE_PLANES: Final = 8
# In pauses their encoders send how the noise sounds, now and then, or nothing: FFmpeg makes no sound of either.
_WITH_PAUSES: Final = frozenset(("amrnb", "amrwb"))
_FRAMES_OF_PAUSES: Final = 50  # a second (3GPP TS 26.093 and 26.193)
_MIN_SOUND: Final = 0.2  # seconds, as much as is needed to hear anything in a recording
_TOO_MANY_TRACKS: Final = f"it has more than {_MAX_TRACKS} tracks, or takes more memory than there is"
# Slower than any telephone, faster than any studio: a header with such a rate is broken.
MIN_SR, MAX_SR = 2_000, 768_000

# Sound only: a decoder of pictures has no business here, however the file was put together.
_CODECS: Final = frozenset(
    (
        *("aac", "aac_latm", "ac3", "alac", "amrnb", "amrwb", "eac3", "flac", "gsm", "gsm_ms", "mp1float", "mp2"),
        *("mp2float", "mp3float", "opus", "speex", "truespeech", "vorbis", "wavpack", "wmalossless", "wmapro", "wmav1"),
        *(
            "wmav2",
            "wmavoice",
            "adpcm_ima_qt",
            "adpcm_ima_wav",
            "adpcm_ms",
            "adpcm_swf",
            "adpcm_yamaha",
            "g722",
            "g726",
        ),
        *("pcm_alaw", "pcm_mulaw", "pcm_s8", "pcm_u8", "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32be"),
        *("pcm_s32le", "pcm_f32be", "pcm_f32le", "pcm_f64be", "pcm_f64le"),
    )
)


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

    @property
    def form(self) -> tuple[int, int]:
        """Sampling rate and number of channels; blocks of one form can be joined."""
        return self.sr, self.samples.shape[1]


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

    def is_over(self) -> bool:
        """Tell whether time is up."""
        return self.clock() > self.at

    def check(self) -> None:
        """Raise `DecodingTimeoutError` if time is up."""
        if self.is_over():
            raise DecodingTimeoutError(self.max_seconds)


def pcm_blocks(data: bytes, container: Container, deadline: Deadline) -> Generator[PcmBlock]:
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
            for block in _joined(_until_broken(_DECODERS[decoder](data, container, deadline), container, deadline)):
                n_blocks += 1
                yield block
        except UndecodableAudioError as exc:
            error = exc
        if n_blocks:
            return
    raise error


def _until_broken(pieces: Iterator[PcmBlock], container: Container, deadline: Deadline) -> Iterator[PcmBlock]:
    """Pass on what is decoded, up to where the file breaks off; errors of foreign libraries end here."""
    is_empty = True
    try:
        for piece in pieces:
            is_empty = False
            yield piece
    except AudioError:
        raise
    except MemoryError as exc:
        raise UndecodableAudioError(f"decoding this {container.name} takes more memory than there is") from exc
    except Exception as exc:
        deadline.check()  # FFmpeg gives up opening a file with an error of its own
        if is_empty:
            raise UndecodableAudioError(f"it looks like {container.name}, but it is broken or incomplete") from exc


def _joined(pieces: Iterator[PcmBlock]) -> Iterator[PcmBlock]:
    """Join pieces of one form to blocks of about `BLOCK_SIZE`."""
    block: list[PcmBlock] = []
    size = 0
    for piece in pieces:
        is_full = len(block) == _MAX_PIECES or size + piece.samples.size > BLOCK_SIZE
        if block and (is_full or piece.form != block[0].form):
            yield _concatenated(block)
            block, size = [], 0
        block.append(piece)
        size += piece.samples.size
    if block:
        yield _concatenated(block)


def _concatenated(block: list[PcmBlock]) -> PcmBlock:
    return PcmBlock(np.concatenate([piece.samples for piece in block]), block[0].sr)


def _check(sr: int, n_channels: int) -> None:
    """Refuse headers that no recorder writes."""
    if not MIN_SR <= sr <= MAX_SR:
        raise UndecodableAudioError(f"its header gives an impossible sampling rate of {sr} Hz")
    if not 1 <= n_channels <= _MAX_CHANNELS:
        raise UndecodableAudioError(f"its header gives {n_channels} channels")


class _MemoryFile(io.BytesIO):
    """Bytes as a file on which a broken header cannot seek to before the start.

    libsndfile calls it through C, where an exception could only be printed.
    """

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return super().seek(max(0, offset) if whence == io.SEEK_SET else offset, whence)


def _libsndfile_pieces(data: bytes, _container: Container, deadline: Deadline) -> Iterator[PcmBlock]:
    """Decode with libsndfile."""
    with soundfile.SoundFile(_MemoryFile(data)) as file:
        _check(file.samplerate, file.channels)
        while True:
            deadline.check()
            samples = file.read(_PIECE, dtype="float32", always_2d=True)
            if len(samples) == 0:
                return
            yield PcmBlock(samples, file.samplerate)


class _TimedFile(io.BytesIO):
    """Bytes as a file that ends when time is up: FFmpeg looks at its own clock only from the first packet on.

    Before it may stand a hundred thousand tags, each of which it compares with all those before: that takes minutes.
    """

    def __init__(self, data: bytes, deadline: Deadline) -> None:
        super().__init__(data)
        self._deadline = deadline

    def read(self, size: int | None = -1, /) -> bytes:
        return b"" if self._deadline.is_over() else super().read(size)


def _open(data: bytes, container: Container, deadline: Deadline) -> av.container.InputContainer:
    """Open a file in memory with one demuxer, no protocol, few tracks, and decoders of sound only."""
    import av.error  # noqa: PLC0415 (a quarter of a second that WAV and FLAC do not need)

    options = {
        "format_whitelist": container.demuxer,
        "protocol_whitelist": "none",
        "codec_whitelist": ",".join(sorted(_CODECS)),
        "max_streams": str(_MAX_TRACKS + 1),
    }
    try:
        return av.open(
            _TimedFile(data, deadline),
            mode="r",
            format=container.demuxer,
            container_options=options,
            metadata_errors="replace",
            timeout=deadline.max_seconds,
            io_open=_refuse_to_open,
        )
    except av.error.MemoryError as exc:  # which is also what FFmpeg says of too many tracks
        raise UndecodableAudioError(_TOO_MANY_TRACKS) from exc


def _refuse_to_open(url: str, _flags: int, _options: dict[str, str]) -> Any:  # noqa: ANN401
    """Refuse what a file wants opened beside itself."""
    raise PermissionError(url)


def _ffmpeg_pieces(data: bytes, container: Container, deadline: Deadline) -> Iterator[PcmBlock]:
    """Decode the first track with sound by FFmpeg, past damaged packets, and that of each link of a chain."""
    import av.error  # noqa: PLC0415

    # The demuxer goes on to further links by itself, but drops those of another codec, rate or number of channels.
    links = ogg_links(data) if container is OGG else [data]
    for link in links:
        deadline.check()
        try:
            yield from _ffmpeg_link(link, container, deadline)
        except (UndecodableAudioError, av.error.FFmpegError):
            deadline.check()
            if len(links) == 1:
                raise  # of a chain, the other links count, whatever lies between them


def _ffmpeg_link(data: bytes, container: Container, deadline: Deadline) -> Iterator[PcmBlock]:
    with _open(data, container, deadline) as file:
        n_tracks = _n_tracks(file)
        if n_tracks == 1:
            yield from _track(file, 0, deadline)
            return
    heard = (i for i in range(n_tracks) if _has_sound(data, container, deadline, i))
    with _open(data, container, deadline) as file:
        yield from _track(file, next(heard, 0), deadline)


def _n_tracks(file: av.container.InputContainer) -> int:
    """Count the tracks of sound."""
    if len(file.streams) > _MAX_TRACKS:
        raise UndecodableAudioError(_TOO_MANY_TRACKS)
    if not file.streams.audio:
        raise UndecodableAudioError("there is no sound in it, only pictures or other data")
    return len(file.streams.audio)


def _has_sound(data: bytes, container: Container, deadline: Deadline, i: int) -> bool:
    """Tell whether a track can be read, and is more than silence and a click."""
    import av.error  # noqa: PLC0415

    duration = 0.0
    try:
        with _open(data, container, deadline) as file:
            for piece in _track(file, i, deadline):
                if not all(is_silent(channel) for channel in piece.samples.T):
                    duration += len(piece.samples) / piece.sr
                if duration > _MIN_SOUND:
                    return True
    except (UndecodableAudioError, av.error.FFmpegError):
        deadline.check()
    return False


def _track(file: av.container.InputContainer, i: int, deadline: Deadline) -> Iterator[PcmBlock]:
    """Decode a track of sound."""
    import av.error  # noqa: PLC0415

    stream = file.streams.audio[i]
    codec = stream.codec_context
    if codec.name not in _CODECS:
        raise UndecodableAudioError(f"its sound is encoded as {codec.name}, which is not read here")
    codec.thread_count = 1  # several notes are decoded in parallel, each by one core
    n_scraps, has_begun = 0, False
    for packet in file.demux(stream):
        deadline.check()
        try:
            frames = packet.decode()
            has_begun = True
        except (av.error.InvalidDataError, av.error.PatchWelcomeError):
            frames = []
            if has_begun and codec.name in _WITH_PAUSES:
                yield PcmBlock(np.zeros((codec.sample_rate // _FRAMES_OF_PAUSES, 1), np.float32), codec.sample_rate)
        n_scraps += sum(frame.samples for frame in frames) < _SCRAP
        if n_scraps > _MAX_SCRAPS:
            return
        yield from (_to_pcm(frame) for frame in frames if frame.samples)


def _to_pcm(frame: av.AudioFrame) -> PcmBlock:
    """Convert a frame of FFmpeg's to floats, one column a channel."""
    n_channels = frame.layout.nb_channels
    _check(frame.sample_rate, n_channels)
    if frame.format.is_planar and n_channels >= _UNSAFE_PLANES:
        frame = _packed(frame)
    array = frame.to_ndarray()
    with np.errstate(over="ignore", invalid="ignore"):  # what becomes infinite or is NaN is refused with the others
        samples = np.array(array.T if frame.format.is_planar else array.reshape(-1, n_channels), dtype=np.float32)
    if array.dtype == np.uint8:
        samples = (samples - 128) / np.float32(128)
    elif array.dtype.kind == "i":
        samples /= np.float32(2 ** (8 * array.dtype.itemsize - 1))
    return PcmBlock(samples, frame.sample_rate)


def _packed(frame: av.AudioFrame) -> av.AudioFrame:
    """Interleave the channels of a frame."""
    import av  # noqa: PLC0415

    form = av.AudioResampler(format=frame.format.packed, layout=frame.layout, rate=frame.sample_rate)
    (packed,) = form.resample(frame)
    return packed


_DECODERS: Final = MappingProxyType[Decoder, Callable[[bytes, Container, Deadline], Iterator[PcmBlock]]](
    {Decoder.LIBSNDFILE: _libsndfile_pieces, Decoder.FFMPEG: _ffmpeg_pieces}
)
