"""What can be told of an MP4 from its boxes: that it cannot be decoded, or would take gigabytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from emotify_core.errors import UndecodableAudioError

# HEIF and AVIF, the pictures of telephones (ISO/IEC 23008-12, annex B and C; AV1 Image File Format, 6), are boxes too.
_PICTURE_BRAND: Final = re.compile(rb"....ftyp(hei[cxms]|hev[cxms]|mif[12]|msf1|avi[fs])", re.DOTALL)

# Tables of an MP4 that claim so many frames with no bytes for each: of one size, of half a byte, or of a fragment.
_FRAMES: Final = re.compile(rb"(?=(?:stsz.{4}(?!\0{4}).{4}|stz2.{8}|trun.{4})(.{4}))", re.DOTALL)
# One duration of 1 for all: samples that are not compressed, which are read many at once.
_UNCOMPRESSED: Final = re.compile(rb"stts.{4}\0\0\0\x01.{4}\0\0\0\x01", re.DOTALL)
_HANDLER: Final = re.compile(rb"hdlr.{8}(.{4})", re.DOTALL)
_OF_SOUND: Final = frozenset({b"soun", b"alis", b"url "})  # the others are QuickTime's, and tell where the data lie
_COMPRESSED: Final = b"dcomzlib"
# Tables count in a track or a fragment, also a compressed one: elsewhere, as in a picture, bytes read so by chance.
_HOLDERS: Final = (b"trak", b"tfhd", _COMPRESSED)
_MAX_FRAMES: Final = 2**20  # twice what 20 minutes have of the shortest, 2.5 ms; FFmpeg takes 36 bytes for each
_MAX_BOXES: Final = 2**17  # more than 20 minutes have with a fragment for each frame of AAC, two boxes for 21 ms


def require_readable_mp4(data: bytes) -> None:
    """Refuse what cannot be decoded, with a better reason than a decoder has.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    UndecodableAudioError
        If it is protected, a picture, in too many boxes, without an index, or has one that would take too much room.
    """
    # Sample entries of encrypted sound (ISO/IEC 14496-12; FairPlay; Audible): six reserved bytes and an index follow.
    if any(tag + b"\0\0\0\0\0\0\0\1" in data for tag in (b"enca", b"drms", b"aavd")):
        raise UndecodableAudioError("it is protected against copying (encrypted)")
    if b"moov" not in data:
        if _PICTURE_BRAND.match(data):
            raise UndecodableAudioError("it is a picture")
        raise UndecodableAudioError("it breaks off before its index, without which nothing in it can be found")
    index = b"".join(_index(data))
    if _COMPRESSED in index:  # as in films of the nineties; nobody knows what it will claim
        raise UndecodableAudioError("its index is compressed")
    if sum(int.from_bytes(n, "big") for n in _FRAMES.findall(index)) > _MAX_FRAMES:
        raise UndecodableAudioError("its index is broken")


def _index(data: bytes) -> Iterator[bytes]:
    """List the parts of a file in which FFmpeg may find tables of frames that it makes room for."""
    for n, (kind, _, start, stop) in enumerate(_parts(data)):
        if n == _MAX_BOXES:
            raise UndecodableAudioError(f"it has more than {_MAX_BOXES:,} boxes")
        box = data[start:stop]
        if kind != b"mdat" and any(holder in box for holder in _HOLDERS) and not _is_uncompressed(kind, box):
            yield box


def _parts(data: bytes) -> Iterator[tuple[bytes, int, int, int]]:
    """List the boxes of a file; of its index the header, and then the boxes in it."""
    for kind, body, start, stop in _boxes(data, 0, len(data)):
        if kind == b"moov":
            yield kind, body, start, body
            yield from _boxes(data, body, stop)
        else:
            yield kind, body, start, stop


def _is_uncompressed(kind: bytes, box: bytes) -> bool:
    """Tell whether a box is a track of samples that are not compressed."""
    return (
        kind == b"trak"
        and box.count(b"trak") == box.count(b"stts") == 1
        and _UNCOMPRESSED.search(box) is not None
        and b"soun" in (handlers := set(_HANDLER.findall(box)))
        and handlers <= _OF_SOUND
    )


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """List the boxes that follow each other (ISO/IEC 14496-12, 4.2): kind, where the content starts, start and stop."""
    while start < end:
        size, header = int.from_bytes(data[start : start + 4], "big"), 8
        if size == 1:
            size, header = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        stop = min(end, start + size) if size >= 8 else end  # 0 stands for all the rest
        yield data[start + 4 : start + 8], start + header, start, stop
        start = stop
