"""The pages, links and comments of an Ogg file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from emotify_core.errors import UndecodableAudioError

MAX_COMMENTS: Final = 5000  # a quarter of a second
TOO_MANY_COMMENTS: Final = f"it has more than {MAX_COMMENTS:,} tags"
_MAX_LINKS: Final = 1000  # in 25 MB there is room for ten thousand and more, which would take half a minute
# Bytes before the comments of a packet: Speex and CELT; FLAC; Daala; Vorbis, Theora, VP8 and OGM; Opus.
_OFFSETS: Final = (0, 4, 6, 7, 8)
_LARGE: Final = re.compile(rb"\xff{78,}[^\xff]")  # sizes of the segments of a packet with room for so many comments
_HEADER: Final = 27  # bytes of a page's, the last of which counts the segments whose sizes follow


@dataclass(frozen=True)
class _Page:
    """A page of an Ogg file (RFC 3533, section 6): where it starts, its stream, and the sizes of its segments."""

    start: int
    is_beginning: bool  # the streams of a link all begin before any goes on
    stream: bytes
    sizes: bytes

    @property
    def body(self) -> int:
        return self.start + _HEADER + len(self.sizes)


def ogg_links(data: bytes) -> list[bytes]:
    """Cut a chained Ogg file into its links, each of which is a file of its own (RFC 3533, section 4).

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    list of bytes
        In their order; together they are the file. Most have but one.
    """
    starts = [0, *_further_links(data)]
    return [data[start:stop] for start, stop in zip(starts, [*starts[1:], len(data)], strict=True)]


def require_few_links(data: bytes) -> None:
    """Refuse a chain of which every link would take a few milliseconds, however little sound is in it."""
    if next(islice(_further_links(data), _MAX_LINKS - 1, None), None) is not None:
        raise UndecodableAudioError(f"it is a chain of more than {_MAX_LINKS:,} recordings")


def has_too_many_comments(data: bytes) -> bool:
    """Tell whether a recording has so many comments that FFmpeg, which compares each with all before it, takes minutes.

    It reads those of any stream, pictures included, and some in any packet.
    """
    return any(
        n_comments(packet, at) > MAX_COMMENTS
        for link in ogg_links(data)
        for packet in _large_packets(link)
        for at in _OFFSETS
    )


def n_comments(packet: bytes | bytearray | memoryview, at: int) -> int:
    """Count comments of Vorbis's form (https://xiph.org/vorbis/doc/v-comment.html), which begin behind the vendor.

    What is too many is not counted to its end.
    """
    at, n = at + 4 + int.from_bytes(packet[at : at + 4], "little"), 0
    claimed, at = int.from_bytes(packet[at : at + 4], "little"), at + 4
    while n < min(claimed, MAX_COMMENTS + 1) and at <= len(packet) - 4:
        n, at = n + 1, at + 4 + int.from_bytes(packet[at : at + 4], "little")
    return n


def _further_links(data: bytes) -> Iterator[int]:
    """Find where the links of a chain begin, but for the first."""
    was_beginning = True
    for page in _pages(data):
        if page.is_beginning and not was_beginning:
            yield page.start
        was_beginning = page.is_beginning


def _pages(data: bytes) -> Iterator[_Page]:
    """Find the pages of an Ogg file, and go on behind what is none."""
    start = data.find(b"OggS")
    while 0 <= start <= len(data) - _HEADER:
        body = start + _HEADER + data[start + _HEADER - 1]
        page = _Page(start, bool(data[start + 5] & 2), data[start + 14 : start + 18], data[start + _HEADER : body])
        yield page
        start = data.find(b"OggS", body + sum(page.sizes))


def _large_packets(link: bytes) -> Iterator[bytes | bytearray]:
    """List the packets of a link that are large, or go on over several pages."""
    begun: dict[bytes, bytearray] = {}
    for page in _pages(link):
        sizes, body = page.sizes, link[page.body : page.body + sum(page.sizes)]
        packet = begun.pop(page.stream, None)
        if packet is not None:
            n_full = len(sizes) - len(sizes.lstrip(b"\xff"))
            packet += body[: sum(sizes[: n_full + 1])]
            if n_full == len(sizes):
                begun[page.stream] = packet
                continue
            yield packet
        for run in _LARGE.finditer(sizes):
            start = sum(sizes[: run.start()])
            yield body[start : start + sum(run[0])]
        if sizes.endswith(b"\xff"):
            begun[page.stream] = bytearray(body[sum(sizes.rstrip(b"\xff")) :])
