"""What can be told of a Matroska or WebM file from its elements: that FFmpeg would take minutes to read its tags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from emotify_core.errors import UndecodableAudioError
from emotify_core.ogg import MAX_COMMENTS, TOO_MANY_COMMENTS, n_comments

# Elements are named as in RFC 9559, section 5.1.
_ENTRIES: Final = (b"\x67\xc8", b"\x73\xc4")  # a tag (SimpleTag), a chapter (ChapterUID)
_BY_CHANCE: Final = 2**14  # bytes in which to allow for one more: in any sound, chance makes one in 64 kB
_TRACKS: Final = b"\x16\x54\xae\x6b"
_MAX_TRACKS: Final = 4  # one element holds all, and the index mentions it
_PRIVATE: Final = b"\x63\xa2"  # what the decoder is told
# ContentEncodings, ContentEncoding in it, and ContentEncodingScope in that
_ENCODINGS, _ENCODING, _SCOPE = b"\x6d\x80", b"\x62\x40", b"\x50\x32"
_PRIVATE_OR_SCOPE: Final = re.compile(_PRIVATE + b"|" + _SCOPE)
_OF_PRIVATE: Final = 2  # bit of the scope: this is compressed, too
_STREAM_INFO: Final = 42  # bytes before the other blocks of FLAC's (RFC 9639, section 8)


def require_readable_matroska(data: bytes) -> None:
    """Refuse a file with so many tags or chapters that FFmpeg, which compares each with the others, takes minutes.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    UndecodableAudioError
        If there are too many, or there may be in what is compressed.
    """
    if any(data.count(entry) > MAX_COMMENTS + len(data) // _BY_CHANCE for entry in _ENTRIES):
        raise UndecodableAudioError(TOO_MANY_COMMENTS)
    if b"A_FLAC" in data:  # the only codec whose decoder is told tags
        if data.count(_TRACKS) > _MAX_TRACKS:
            raise UndecodableAudioError("its index is broken")
        for _, tracks in _elements(data, re.compile(_TRACKS)):
            _require_few_comments_of_flac(bytes(tracks))


def _require_few_comments_of_flac(tracks: bytes) -> None:
    """Refuse tracks of FLAC with too many comments in the blocks that precede the sound."""
    encoding = tracks.find(_ENCODING, tracks.find(_ENCODINGS))
    n = 0
    for at, content in _elements(tracks, _PRIVATE_OR_SCOPE):
        n += 1
        if tracks.startswith(_PRIVATE, at):
            for block in _blocks_of_flac(content):
                n += 1 + (n_comments(block, 4) if block[0] & 127 == 4 else 0)
                if n > MAX_COMMENTS:
                    break
        elif 0 <= encoding < at and 0 < len(content) <= 8 and content[-1] & _OF_PRIVATE:
            raise UndecodableAudioError("its index is compressed")
        if n > MAX_COMMENTS:  # elements and blocks count, too: thousands of them are no better
            raise UndecodableAudioError(TOO_MANY_COMMENTS)


def _blocks_of_flac(private: memoryview) -> Iterator[memoryview]:
    """List the blocks behind the first, each with its header; FFmpeg does not care which says that it is the last."""
    at = _STREAM_INFO
    while at + 4 <= len(private):
        stop = at + 4 + int.from_bytes(private[at + 1 : at + 4], "big")
        yield private[at:stop]
        at = stop


def _elements(data: bytes, kind: re.Pattern[bytes]) -> Iterator[tuple[int, memoryview]]:
    """List what may be elements of a kind (RFC 8794, sections 4 to 6): where they stand, and their content."""
    for found in kind.finditer(data):
        start = found.end()
        width = 9 - data[start].bit_length() if start < len(data) else 9
        unknown = (1 << 7 * width) - 1
        size = int.from_bytes(data[start : start + width], "big") & unknown
        stop = len(data) if size == unknown else start + width + size
        yield found.start(), memoryview(data)[start + width : stop]
