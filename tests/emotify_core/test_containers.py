from __future__ import annotations

import pytest

from emotify_core.containers import recognize, without_tags
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


def test_every_container_names_one_demuxer() -> None:
    for name in NOTES:
        assert "," not in recognize(note(name)).demuxer


def test_a_chain_of_thousands_of_recordings_is_refused_in_a_sentence() -> None:
    pages = [b"OggS\0" + kind + bytes(20) + b"\1\1?" for kind in (b"\2", b"\4")]
    link = b"".join(pages)

    assert recognize(link * 1000).name == "Ogg"
    with pytest.raises(UndecodableAudioError, match=r"it is a chain of more than 1,000 recordings\.$"):
        recognize(link * 1001)
