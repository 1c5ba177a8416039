from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest

from emotify_core.audio import read
from emotify_core.containers import AAC, recognize, without_tags
from emotify_core.errors import UndecodableAudioError
from tests.emotify_core.encoding import NOTES, note

NAMES = {
    "rf64": "WAV",
    "wave64": "Wave64",
    "aiff": "AIFF",
    "au": "AU",
    "caf": "CAF",
    "mp2": "MP3",
    "vorbis": "Ogg",
    "opus": "Ogg",
    "m4a": "MP4",
    "mov": "MP4",
    "3gp": "MP4",
    "webm": "WebM",
    "matroska": "WebM",
    "wma": "Windows Media",
}


@pytest.mark.parametrize("name", NOTES)
def test_every_format_is_recognised_by_its_content(name: str) -> None:
    kind = name.split("-", maxsplit=1)[0]
    expected = "Ogg" if name == "flac-in-ogg" else NAMES.get(kind, kind.upper())

    assert recognize(note(name)).name == expected


@pytest.mark.parametrize("header", [b"RIFX\0\0\0\0WAVE", b"BW64\xff\xff\xff\xffWAVE", b"RIFF\xff\xff\xff\xffWAVE"])
def test_every_kind_of_wave_file_is_recognised(header: bytes) -> None:
    assert recognize(header).name == "WAV"


@pytest.mark.parametrize(
    ("header", "size"),
    [
        (b"\xff\xfb\x90\x64", 417),  # MPEG-1 layer III, 128 kbit/s, 44.1 kHz
        (b"\xff\xfb\x92\x64", 418),  # the same, padded
        (b"\xff\xf3\x40\xc4", 104),  # MPEG-2 layer III, 32 kbit/s, 22.05 kHz
        (b"\xff\xe3\x18\xc4", 72),  # MPEG-2.5 layer III, 8 kbit/s, 8 kHz
        (b"\xff\xfd\x84\xc4", 384),  # MPEG-1 layer II, 128 kbit/s, 48 kHz
        (b"\xff\xff\x44\xc4", 128),  # MPEG-1 layer I, 128 kbit/s, 48 kHz
    ],
)
def test_mpeg_frames_that_follow_each_other_are_mp3(header: bytes, size: int) -> None:
    frame = header + bytes(size - 4)

    assert recognize(frame * 4).name == "MP3"
    with pytest.raises(UndecodableAudioError):
        recognize(frame + b"\0" + frame * 3)


@pytest.mark.parametrize("header", [b"\xff\xfb\x00\x64", b"\xff\xfb\xf0\x64", b"\xff\xfb\x9c\x64", b"\xff\xeb\x90\x64"])
def test_impossible_mpeg_frames_are_nothing(header: bytes) -> None:
    with pytest.raises(UndecodableAudioError):
        recognize(header + bytes(500))


def test_a_lonely_adts_header_with_an_impossible_size_is_nothing() -> None:
    with pytest.raises(UndecodableAudioError):
        recognize(b"\xff\xf1\x50\x80\x00\x1f\xfc" + bytes(500))


def test_what_follows_a_tag_counts() -> None:
    tag = b"ID3\x04\x00\x10" + bytes([0, 0, 1, 1]) + bytes(129) + b"3DI\x04\x00\x10" + bytes([0, 0, 1, 1])

    assert recognize(tag + b"fLaC").name == "FLAC"
    assert recognize(tag * 2 + b"\xff\xf1\x50\x80\x01\x1f\xfc" + b"\x01").name == "AAC"
    assert recognize(tag + b"?").name == "MP3"


@pytest.mark.parametrize("version", [b"\2\0", b"\3\0", b"\4\0"])
def test_tags_are_taken_off_whatever_follows(version: bytes) -> None:
    tag = b"ID3" + version + b"\0" + bytes([0, 0, 1, 1]) + bytes(129)

    for name in ("mp3", "flac", "aac-adts"):
        data = tag * 2 + note(name)
        assert without_tags(data, recognize(data)) == note(name)


@pytest.mark.parametrize("head", [b"ID3\4\0\0\0\x7f\x7f\x7f", b"ID3\4\0\0\0\0\x80\1", b"ID3\x96\0\0\0\0\1\1"])
def test_damaged_tags_are_left_for_the_demuxer_of_mp3(head: bytes) -> None:
    data = head + bytes(129) + note("mp3")

    assert without_tags(data, recognize(data)) == data


def id3(first: int, n: int, *, footer: bytes = b"") -> bytes:
    """Make a tag of entries that all differ."""
    entry = b"TXXX" + bytes([0, 0, 0, 11]) + bytes(2)
    body = b"".join(entry + b"\0K%07d\0?" % i for i in range(first, first + n))
    size = bytes(len(body) >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3\4\0" + (b"\x10" if footer else b"\0") + size + body + footer


def adts_frames(data: bytes) -> list[bytes]:
    frames = []
    while data:
        size = (data[3] & 3) << 11 | data[4] << 3 | data[5] >> 5
        frames.append(data[:size])
        data = data[size:]
    return frames


@pytest.mark.parametrize("tags", [id3(0, 1), id3(0, 30_000), id3(0, 2, footer=b"3DI\4\0\x10????") * 999])
def test_tags_between_the_frames_of_aac_are_taken_off(tags: bytes) -> None:
    frames = adts_frames(note("aac-adts"))
    first, second, third = (b"".join(frames[start : start + 20]) for start in (0, 20, 40))
    broken_off = id3(0, 9)[:-40]

    for padding in (b"", bytes(99)):
        data = padding + first + tags + second + tags + third + broken_off
        assert recognize(data) is AAC
        assert without_tags(data, AAC) == padding + first + second + third


def test_what_looks_like_a_tag_within_a_frame_of_aac_is_none() -> None:
    frames, tag = adts_frames(note("aac-adts")), id3(0, 1)
    frames[20] = b"\xff\xf1\x50\x80" + bytes([7 + len(tag) >> 3, (7 + len(tag) & 7) << 5 | 31, 0xFC]) + tag
    data = b"".join(frames)

    assert without_tags(data, AAC) == data


@pytest.mark.parametrize(
    "damage", [b"damage that is long", b"short", b"\xff\xf1\x50\x80\0\x1f\xfc", b"\xff", b"\xff\xf1"]
)
def test_damage_between_the_frames_of_aac_is_left_for_the_demuxer(damage: bytes) -> None:
    frames = adts_frames(note("aac-adts"))
    data = b"".join(frames[:20]) + damage + b"".join(frames[20:])

    assert without_tags(data, AAC) == data
    assert without_tags(data + damage, AAC) == data + damage


def test_an_aac_with_thousands_of_tags_is_refused_in_a_sentence() -> None:
    empty, speech = b"ID3\4" + bytes(6), note("aac-adts")

    assert without_tags(speech + 5000 * empty, AAC) == speech
    with pytest.raises(UndecodableAudioError, match=r"it has more than 5,000 tags\.$"):
        without_tags(speech + 5001 * empty, AAC)


def test_every_container_names_one_demuxer() -> None:
    for name in NOTES:
        assert "," not in recognize(note(name)).demuxer


def test_a_chain_of_thousands_of_recordings_is_refused_in_a_sentence() -> None:
    pages = [b"OggS\0" + kind + bytes(20) + b"\1\1?" for kind in (b"\2", b"\4")]
    link = b"".join(pages)

    assert recognize(link * 1000).name == "Ogg"
    with pytest.raises(UndecodableAudioError, match=r"it is a chain of more than 1,000 recordings\.$"):
        recognize(link * 1001)


@pytest.mark.parametrize("n_frames", [2**21, 50_000_000])
@pytest.mark.parametrize(
    ("name", "table", "count"),
    [
        ("m4a-index-at-the-end", b"stsz", lambda n: bytes(4) + struct.pack(">II", 1, n)),
        ("m4a-index-at-the-end", b"stsz", lambda n: b"\1???" + struct.pack(">II", 2**31, n)),
        ("m4a-in-fragments", b"trun", lambda n: bytes(4) + struct.pack(">I", n)),
    ],
)
def test_an_index_that_would_take_gigabytes_is_refused(
    name: str, table: bytes, count: Callable[[int], bytes], n_frames: int
) -> None:
    data, claim = note(name), count(n_frames)
    at = data.index(table) + 4

    assert recognize(data[:at] + count(70) + data[at + len(claim) :]).name == "MP4"
    with pytest.raises(UndecodableAudioError, match=r"its index is broken\.$"):
        recognize(data[:at] + claim + data[at + len(claim) :])


def test_samples_that_are_not_compressed_may_be_millions() -> None:
    n_samples = struct.pack(">I", 48000 * 1200)

    assert recognize(note("mov-pcm").replace(struct.pack(">I", 76800), n_samples)).name == "MP4"


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


@pytest.mark.parametrize("boxes", [lambda n: box(b"free", b"") * n, lambda n: box(b"moov", b"") * n])
def test_a_file_of_too_many_boxes_is_refused(boxes: Callable[[int], bytes]) -> None:
    data = note("m4a-index-at-the-end")

    assert recognize(data + boxes(110_000)).name == "MP4"  # 20 minutes in fragments of a frame each have as many
    with pytest.raises(UndecodableAudioError, match=r"it has more than 131,072 boxes\.$"):
        recognize(data + boxes(131_072))
    with pytest.raises(UndecodableAudioError, match=r"it has more than 131,072 boxes\.$"):
        recognize(data + box(b"moov", boxes(131_072)))


@pytest.mark.parametrize("place", ["beside the track", "within the track", "in a track of pictures"])
def test_only_sound_that_is_not_compressed_may_have_millions(place: str) -> None:
    claim = bytes(4) + struct.pack(">II", 1, 50_000_000)
    decoy = box(b"free", b"stts" + bytes(4) + struct.pack(">III", 1, 50_000_000, 1))
    data = note("mov-pcm") if place == "in a track of pictures" else note("m4a-index-at-the-end")
    at = data.index(b"stsz") + 4
    data = data[:at] + claim + data[at + len(claim) :]
    if place == "in a track of pictures":
        data = data.replace(b"soun", b"vide")
    elif place == "beside the track":
        data += decoy
    else:
        start, moov = data.index(b"trak") - 4, data.index(b"moov") - 4
        size, whole = (int.from_bytes(data[each : each + 4], "big") for each in (start, moov))
        trak = box(b"trak", data[start + 8 : start + size] + decoy)
        data = data[:moov] + box(b"moov", data[moov + 8 : start] + trak + data[start + size : moov + whole])

    with pytest.raises(UndecodableAudioError, match=r"its index is broken\.$"):
        recognize(data)


def test_an_index_that_is_compressed_is_refused() -> None:
    data = note("m4a-index-at-the-end")
    at = data.index(b"moov") - 4
    packed = struct.pack(">I", len(data) - at) + zlib.compress(data[at:])

    with pytest.raises(UndecodableAudioError, match=r"its index is compressed\.$"):
        recognize(data[:at] + box(b"moov", box(b"cmov", box(b"dcom", b"zlib") + box(b"cmvd", packed))))


def test_a_picture_that_looks_like_an_index_is_none() -> None:
    data = note("m4a-index-at-the-end")
    at = data.index(b"moov") - 4
    picture = box(b"udta", box(b"meta", bytes(4) + box(b"ilst", box(b"covr", b"stsz" + b"\xff" * 12))))

    assert recognize(data[:at] + box(b"moov", data[at + 8 :] + picture)).name == "MP4"


def test_sound_that_looks_like_an_index_is_none() -> None:
    n_bytes = struct.pack(">I", 8 + 16)

    assert recognize(n_bytes + b"mdat" + b"trun" + b"\xff" * 12 + note("m4a-index-at-the-end")).name == "MP4"
    assert recognize(b"\0\0\0\1mdat" + bytes(7) + b"\x20" + b"trun" + b"\xff" * 12 + b"\0\0\0\x08moov").name == "MP4"


def with_packet(name: str, packet: bytes, *, head: bytes | None = None) -> bytes:
    """Put a packet, over several pages, in place of the comments of an Ogg recording, or before them in a stream."""
    pages = [b"OggS" + rest for rest in note(name).split(b"OggS")[1:]]
    lacing = b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
    serial, middle = pages[0][6:26] if head is None else b"\7" * 20, b""
    for start in range(0, len(lacing), 255):
        sizes, body = lacing[start : start + 255], packet[255 * start : 255 * (start + 255)]
        middle += b"OggS\0" + bytes([start > 0]) + serial + bytes([len(sizes)]) + sizes + body
    if head is None:
        return pages[0] + middle + b"".join(pages[2:])
    return b"OggS\0\2" + serial + bytes([1, len(head)]) + head + pages[0] + middle + b"".join(pages[1:])


def comments(n: int, *, n_vendor: int = 70_000) -> bytes:
    listed = b"".join(struct.pack("<I", 9) + b"K%06d=" % i + b"?" for i in range(n))
    return struct.pack("<I", n_vendor) + bytes(n_vendor) + struct.pack("<I", n) + listed


@pytest.mark.parametrize(
    ("name", "mark", "head"),
    [
        ("opus-32k", b"OpusTags", None),
        ("vorbis", b"\3vorbis", None),
        ("flac-in-ogg", b"\4???", None),
        ("opus", b"\x81theora", b"\x80theora"),
        ("opus", b"OVP80\2 ", b"OVP80\1"),
        ("opus", b"", b"CELT    "),
        ("opus", b"\x81daala", b"\x80daala"),
        ("opus", b"\3vorbis", b"\1audio"),
    ],
)
def test_a_recording_with_thousands_of_tags_is_refused_in_a_sentence(
    name: str, mark: bytes, head: bytes | None
) -> None:
    assert recognize(with_packet(name, mark + comments(5000), head=head)).name == "Ogg"
    for chain in (b"", note("opus")):
        with pytest.raises(UndecodableAudioError, match=r"it has more than 5,000 tags\.$"):
            recognize(chain + with_packet(name, mark + comments(5001), head=head))


def test_so_is_one_with_its_tags_in_a_later_packet() -> None:
    data, packet = note("flac-in-ogg"), b"\4???" + comments(5001, n_vendor=0)
    at, page = data.index(b"OggS", 4), b"OggS\0\0" + data[6:26]
    rest = packet[250 * 255 :]
    sizes = b"\xff" * (len(rest) // 255) + bytes([len(rest) % 255])
    begun = page + b"\xfc\1\1" + b"\xff" * 250 + b"??" + packet[: 250 * 255]

    with pytest.raises(UndecodableAudioError, match=r"it has more than 5,000 tags\.$"):
        recognize(data[:at] + begun + page + bytes([len(sizes)]) + sizes + rest + data[at:])


@pytest.mark.parametrize("blocks", [[5001], [2000, 3001]])
def test_so_is_a_flac_file_with_thousands_of_tags(blocks: list[int]) -> None:
    data = b"ID3\4\0\0\0\0\0\0" + note("flac")
    for n in blocks:
        comments = bytes(4) + struct.pack("<I", n) + (struct.pack("<I", 3) + b"k=v") * n
        data = data[:52] + b"\4" + len(comments).to_bytes(3, "big") + comments + data[52:]

    with pytest.raises(UndecodableAudioError, match=r"it has more than 5,000 tags\.$"):
        recognize(data)


@pytest.mark.parametrize(
    "entry", [b"\x67\xc8\x88" + b"\x45\xa3\x81k" + b"\x44\x87\x81x", b"\xb6\x87" + b"\x73\xc4\x81\1" + b"\x91\x81\1"]
)
def test_so_is_a_webm_file_with_thousands_of_tags_or_chapters(entry: bytes) -> None:
    assert recognize(note("webm-opus") + 4900 * entry).name == "WebM"
    with pytest.raises(UndecodableAudioError, match=r"it has more than 5,000 tags\.$"):
        recognize(note("webm-opus") + 5100 * entry)


def flac_in_matroska(private: Callable[[bytes], bytes], more: bytes = b"") -> bytes:
    """Change what the track of a Matroska file, at its end, says to the decoder of FLAC, and add elements to it."""
    data = note("matroska-flac")
    segment, info = data.index(b"\x18\x53\x80\x67") + 4, data.rindex(b"\x15\x49\xa9\x66")
    start, cluster = data.rindex(b"\x16\x54\xae\x6b"), data.index(b"\x1f\x43\xb6\x75")
    entry, at = data.index(b"\xae\1", start), data.index(b"\x63\xa2", start)
    content = private(data[at + 3 : at + 3 + (data[at + 2] & 127)])
    track = element(b"\xae", data[entry + 9 : at] + more + element(b"\x63\xa2", content))
    tracks = element(b"\x16\x54\xae\x6b", track)
    return data[:segment] + b"\1" + b"\xff" * 7 + data[info:start] + tracks + data[cluster:]


def element(kind: bytes, content: bytes) -> bytes:
    return kind + (len(content) | 1 << 56).to_bytes(8, "big") + content


def flac_block(n: int, kind: bytes) -> bytes:
    content = comments(n, n_vendor=0)
    return kind + len(content).to_bytes(3, "big") + content


@pytest.mark.parametrize("blocks", [[5100], [2000, 3100], [0] * 5100])
def test_so_is_a_matroska_file_of_flac_with_thousands_of_tags(blocks: list[int]) -> None:
    few, many = (b"".join(flac_block(n, b"\x84") for n in some) for some in ([1000, 3900], blocks))

    data = flac_in_matroska(lambda kept: kept + few)
    assert recognize(data).name == "WebM"
    np.testing.assert_array_equal(read(data).y, read(note("matroska-flac")).y)
    with pytest.raises(UndecodableAudioError, match=r"it has more than 5,000 tags\.$"):
        recognize(flac_in_matroska(lambda kept: kept + many))


def test_so_is_one_that_compresses_what_may_be_tags() -> None:
    def compressing(scope: bytes) -> bytes:
        zlib_ = element(b"\x50\x34", element(b"\x42\x54", b"\0"))
        return element(b"\x6d\x80", element(b"\x62\x40", element(b"\x50\x32", scope) + zlib_))

    assert recognize(flac_in_matroska(bytes, compressing(b"\1"))).name == "WebM"
    with pytest.raises(UndecodableAudioError, match=r"its index is compressed\.$"):
        recognize(flac_in_matroska(zlib.compress, compressing(b"\3")))


def test_what_reads_so_by_chance_in_a_large_file_is_no_tag() -> None:
    sound = (b"\x67\xc8" + bytes(20_000)) * 5100

    assert recognize(note("webm-opus") + sound).name == "WebM"


def test_a_number_of_tags_that_is_a_lie_does_no_harm() -> None:
    lie = note("opus")
    at = lie.index(b"OpusTags") + 8
    at += 4 + int.from_bytes(lie[at : at + 4], "little")

    assert recognize(lie[:at] + b"\xff\xff\xff\xff" + lie[at + 4 :]).name == "Ogg"
