"""Which kind of file some bytes are, told from the bytes alone.

File names and content types lie, and a decoder that guesses for itself can be talked into opening playlists that name
other files and addresses. So each decoder is told what to expect, by the table in this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from emotify_core.errors import UndecodableAudioError
from emotify_core.matroska import require_readable_matroska
from emotify_core.mp4 import require_readable_mp4
from emotify_core.ogg import MAX_COMMENTS, TOO_MANY_COMMENTS, has_too_many_comments, n_comments, require_few_links


class Decoder(Enum):
    """A library that turns encoded audio into samples."""

    LIBSNDFILE = "libsndfile"
    FFMPEG = "ffmpeg"


@dataclass(frozen=True)
class Container:
    """A kind of audio file.

    Parameters
    ----------
    name : str
        What people call it.
    demuxer : str
        FFmpeg's name of the one demuxer that may read it.
    decoders : tuple of Decoder
        The decoders that read it, the one to be tried first first.
    """

    name: str
    demuxer: str
    decoders: tuple[Decoder, ...] = (Decoder.FFMPEG,)


_BOTH: Final = (Decoder.LIBSNDFILE, Decoder.FFMPEG)

WAV: Final = Container("WAV", "wav", _BOTH)
WAVE64: Final = Container("Wave64", "w64", _BOTH)
FLAC: Final = Container("FLAC", "flac", _BOTH)
AIFF: Final = Container("AIFF", "aiff", _BOTH)
AU: Final = Container("AU", "au", _BOTH)
# The same samples as from libsndfile, in half the time (Opus, 4 s: 10 against 20 ms).
OGG: Final = Container("Ogg", "ogg", (Decoder.FFMPEG, Decoder.LIBSNDFILE))
# libsndfile reads MP3 too, but its libmpg123 prints to stderr and gives up at the first kilobyte of damage.
MP3: Final = Container("MP3", "mp3")
WAV_OF_MP3: Final = Container("WAV", "wav")
CAF: Final = Container("CAF", "caf")  # likewise: its ALAC decoder prints to stdout
AAC: Final = Container("AAC", "aac")
MP4: Final = Container("MP4", "mov")
MATROSKA: Final = Container("WebM", "matroska")
AMR: Final = Container("AMR", "amr")
WMA: Final = Container("Windows Media", "asf")

_SIGNATURES: Final = tuple(
    (re.compile(pattern, re.DOTALL), container)
    for pattern, container in (
        (rb"(RIFF|RF64|BW64)....WAVE.{0,4096}?fmt ....\x55\0", WAV_OF_MP3),
        (rb"(RIFF|RIFX|RF64|BW64)....WAVE", WAV),
        (rb"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00", WAVE64),
        (rb"fLaC", FLAC),
        (rb"FORM....AIF[FC]", AIFF),
        (rb"OggS", OGG),
        (rb"\.snd|dns\.", AU),
        (rb"caff", CAF),
        (rb"[\0\1]...(ftyp|moov|mdat|wide|skip|free)", MP4),
        (rb"\x1a\x45\xdf\xa3", MATROSKA),
        (rb"#!AMR(-WB)?\n", AMR),
        (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", WMA),
    )
)

_NOT_AUDIO: Final = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), reason)
    for pattern, reason in (
        (rb"\x89PNG|\xff\xd8\xff|GIF8[79]a|BM.{4}\0\0\0\0|RIFF....WEBP|II\*\0|MM\0\*", "it is a picture"),
        (rb"%PDF", "it is a PDF document"),
        (rb"PK\x03\x04|Rar!|7z\xbc\xaf|\x1f\x8b|\xfd7zXZ|BZh", "it is an archive"),
        (rb"RIFF....AVI |FLV\x01|\0\0\x01[\xb3\xba]", "it is a video of a kind that I cannot read"),
        (rb"MThd", "it is a MIDI file, which holds notes and no sound"),
        (rb"(\xef\xbb\xbf)?\s*(#EXTM3U|\[playlist\]|ffconcat)", "it is a playlist, which holds no sound itself"),
        (rb"(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml|svg)", "it is a web page or another text"),
        (rb"\x7fELF|MZ", "it is a program"),
    )
)

# Any tag, and one of which FFmpeg agrees where it ends: a known version, no footer, a size of seven bits a byte.
_TAG: Final = re.compile(rb"ID3.{7}", re.DOTALL)
_WHOLE_TAG: Final = re.compile(rb"ID3[\2-\4][^\xff][\0 @`\x80\xa0\xc0\xe0][\0-\x7f]{4}", re.DOTALL)
_TAG_BETWEEN: Final = re.compile(rb"ID3[^\xff][^\xff].[\0-\x7f]{4}", re.DOTALL)
_SYNC: Final = re.compile(rb"\xff[\xf0-\xff]")
_MAX_TAGS: Final = 1000  # 25 MB of empty ones would take ten seconds


def recognize(data: bytes) -> Container:
    """Tell from its content what kind of audio file this is.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    Container
        The kind of file, and who reads it.

    Raises
    ------
    UndecodableAudioError
        If it is empty, none of the kinds that are read here, or one that is known to be unreadable.

    Examples
    --------
    >>> recognize(b"fLaC" + bytes(40)).name
    'FLAC'
    >>> recognize(b"%PDF-1.7")
    Traceback (most recent call last):
        ...
    emotify_core.errors.UndecodableAudioError: This is not audio that I can read: it is a PDF document.
    """
    if not data:
        raise UndecodableAudioError("the file is empty")
    start = _after_tags(data)
    container = _signature(data, start) or _elementary_stream(data, start)
    if container is MP4:
        require_readable_mp4(data[start:])
    elif container is OGG:
        require_few_links(data)
        if has_too_many_comments(data):
            raise UndecodableAudioError(TOO_MANY_COMMENTS)
    elif container is MATROSKA:
        require_readable_matroska(data[start:])
    elif container is FLAC and _n_comments_of_flac(data, start) > MAX_COMMENTS:
        raise UndecodableAudioError(TOO_MANY_COMMENTS)
    if container is not None:
        return container
    if start:
        return MP3  # nothing else is written behind an ID3 tag, and its demuxer searches for the first frame
    raise UndecodableAudioError(_what_it_is(data))


def without_tags(data: bytes, container: Container) -> bytes:
    """Return a file without ID3 tags, which some programs write before any kind of file, and between the frames of AAC.

    FFmpeg compares each of a tag's frames with all before it: a megabyte of them would take a minute.

    Parameters
    ----------
    data : bytes
        The whole file.
    container : Container
        What `recognize` says of it. An MP3 keeps a damaged tag: where it ends is for the demuxer to find.

    Returns
    -------
    bytes
        What the decoders of `container` expect.

    Raises
    ------
    UndecodableAudioError
        If there are too many between the frames.
    """
    if container is AAC:
        return b"".join(_between_tags(data, _after_tags(data)))
    if container is not MP3:
        return data[_after_tags(data) :]
    start = _after_tags(data, _WHOLE_TAG)
    return data[start:] if start < len(data) else data


def _n_comments_of_flac(data: bytes, start: int) -> int:
    """Count the comments in the blocks before the sound (RFC 9639, section 8)."""
    n, at, is_last = 0, start + 4, False
    while not is_last and at + 4 <= len(data):
        is_last, size = data[at] >= 128, int.from_bytes(data[at + 1 : at + 4], "big")
        if data[at] & 127 == 4:
            n += n_comments(data[at + 4 : at + 4 + size], 0)
        at += 4 + size
    return n


def _signature(data: bytes, start: int) -> Container | None:
    """Find the container whose signature stands at `start`."""
    return next((container for pattern, container in _SIGNATURES if pattern.match(data, start)), None)


def _what_it_is(data: bytes) -> str:
    """Say what the bytes are when they are not audio."""
    for pattern, reason in _NOT_AUDIO:
        if pattern.match(data):
            return reason
    if not any(data):
        return "it holds nothing but zeros"
    head = data[:1024]
    if all(byte >= 32 or byte in b"\t\n\r\f" for byte in head) and b"\x7f" not in head:
        return "it is a text"
    return "its content is of no kind that I know"


def _after_tags(data: bytes, tag: re.Pattern[bytes] = _TAG) -> int:
    """Return where the content begins behind ID3v2 tags (https://id3.org/id3v2.4.0-structure, section 3.1)."""
    start = n_tags = 0
    while tag.match(data, start) and n_tags < _MAX_TAGS:
        start, n_tags = _end_of_tag(data, start), n_tags + 1
    return start


def _end_of_tag(data: bytes, start: int) -> int:
    size = 0
    for byte in data[start + 6 : start + 10]:
        size = size << 7 | byte & 0x7F
    return start + 10 + size + (10 if data[start + 5] & 0x10 else 0)


def _between_tags(data: bytes, start: int) -> Iterator[bytes]:
    """Cut AAC at the tags between its frames, where FFmpeg reads them: behind damage it looks for a frame only."""
    at, n_tags = _next_sync(data, start), 0
    while at < len(data):
        if data[at] == 0xFF and data[at + 1 : at + 2] >= b"\xf0":
            size = (int.from_bytes(data[at + 3 : at + 6], "big") >> 5) & 0x1FFF
            if size < 7:
                break  # so does FFmpeg
            at += size
        elif _TAG_BETWEEN.match(data, at):
            yield data[start:at]
            start = at = _end_of_tag(data, at)
            n_tags += 1
            if n_tags > MAX_COMMENTS:
                raise UndecodableAudioError(TOO_MANY_COMMENTS)
        else:
            at = _next_sync(data, at + 10)
    yield data[start:]


def _next_sync(data: bytes, start: int) -> int:
    """Find the next bytes that a frame of AAC begins with."""
    found = _SYNC.search(data, start)
    return found.start() if found else len(data)


def _elementary_stream(data: bytes, start: int) -> Container | None:
    """Recognise MP3 and ADTS AAC, whose frames follow each other with no header of the file."""
    if start == 0:  # some encoders pad with zeros
        start = len(data) - len(data[:65536].lstrip(b"\0")) - len(data[65536:])
    for container, frame_size in ((MP3, _mp3_frame_size), (AAC, _adts_frame_size)):
        if _is_chain(data, start, frame_size):
            return container
    return None


def _is_chain(data: bytes, start: int, frame_size: Callable[[bytes], int]) -> bool:
    """Tell whether three frames, or all that there are, follow each other."""
    position = start
    for _ in range(3):
        size = frame_size(data[position : position + 6])
        if size == 0:
            return False
        position += size
        if position >= len(data):
            return True
    return True


# Kilobits a second by index (ISO/IEC 11172-3, 13818-3): layers I, II, III of MPEG-1, then I, II and III of MPEG-2.
_BITRATES: Final = (
    (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_MPEG1_RATES: Final = (44100, 48000, 32000)


def _mp3_frame_size(header: bytes) -> int:
    """Return the bytes of the MPEG audio frame with this header, 0 if it is none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] < 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)  # version 3 is MPEG-1, 2 is MPEG-2, 0 is MPEG-2.5
    bitrate_index, rate_index, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer == 4 or bitrate_index in (0, 15) or rate_index == 3:
        return 0
    bitrate = 1000 * _BITRATES[layer - 1 if version == 3 else min(layer, 2) + 2][bitrate_index - 1]
    sr = _MPEG1_RATES[rate_index] >> {3: 0, 2: 1, 0: 2}[version]
    if layer == 1:
        return (12 * bitrate // sr + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bitrate // sr + padding


def _adts_frame_size(header: bytes) -> int:
    """Return the bytes of the ADTS frame with this header (ISO/IEC 13818-7, 6.2), 0 if it is none."""
    if len(header) < 6 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or header[2] >> 2 & 15 > 12:
        return 0
    size = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return size if size >= 7 else 0
