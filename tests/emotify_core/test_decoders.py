from __future__ import annotations

import itertools
import socket
import struct
import time
from pathlib import Path

import numpy as np
import pytest

from emotify_core.containers import AMR, CAF, FLAC, MP4, WAV, WAV_OF_MP3, Container, recognize
from emotify_core.decoders import BLOCK_SIZE, Deadline, PcmBlock, pcm_blocks
from emotify_core.errors import UndecodableAudioError
from emotify_core.synthesis import synthesize_voice
from tests.emotify_core.encoding import SPEECH, note, wav, with_soundfile, with_tracks


def pcm(data: bytes, container: Container) -> list[PcmBlock]:
    """Decode without any hurry."""
    return list(pcm_blocks(data, container, Deadline.after(600, time.monotonic)))


def test_blocks_are_small_and_complete() -> None:
    y = np.tile(synthesize_voice(2.0), 20)

    blocks = pcm(wav(y), WAV)

    assert len(blocks) == 2
    assert all(block.samples.size <= BLOCK_SIZE for block in blocks)
    assert sum(len(block.samples) for block in blocks) == len(y)
    assert {block.form for block in blocks} == {(16000, 1)}


def test_samples_of_eight_bits_have_no_offset_and_full_scale_is_one() -> None:
    samples = np.concatenate([block.samples for block in pcm(note("mov-pcm-u8"), MP4)])

    assert samples.mean() == pytest.approx(SPEECH.mean(), abs=0.01)
    assert np.ptp(samples) == pytest.approx(np.ptp(SPEECH), abs=0.05)


def test_another_decoder_is_tried_when_the_first_refuses() -> None:
    data = bytearray(note("wav-pcm_16"))
    data[40:44] = bytes(4)  # no length, as a recorder leaves it that writes to a pipe: libsndfile finds no sound

    assert sum(len(block.samples) for block in pcm(bytes(data), WAV)) == 25600


def test_another_kind_of_file_than_expected_is_refused() -> None:
    data = with_soundfile(synthesize_voice(1.0), 16000, "OGG", "VORBIS")

    for container in (MP4, Container("MP3", "mp3"), Container("AMR", "amr")):
        with pytest.raises(UndecodableAudioError, match=container.name):
            pcm(data, container)


@pytest.mark.parametrize("demuxer", ["hls", "concat", "dash"])
@pytest.mark.parametrize("scheme", ["http", "tcp", "file"])
def test_what_a_file_names_is_not_opened_even_by_a_demuxer_that_would(
    demuxer: str, scheme: str, tmp_path: Path
) -> None:
    path = tmp_path / "secret.wav"
    path.write_bytes(note("wav-pcm_16"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        host = f"127.0.0.1:{server.getsockname()[1]}"
        url = f"file://{path}" if scheme == "file" else f"{scheme}://{host}/voice.wav"
        text = {
            "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n",
            "concat": f"ffconcat version 1.0\nfile {url}\n",
            "dash": f"<MPD><Period><AdaptationSet><Representation><BaseURL>{url}</BaseURL></Representation>"
            "</AdaptationSet></Period></MPD>",
        }[demuxer]

        with pytest.raises(UndecodableAudioError):
            pcm(text.encode(), Container("playlist", demuxer))

        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("n_entries", [2**24, 2**28 - 1, 2**31 - 1, 2**32 - 1])
@pytest.mark.parametrize("table", [b"stts", b"stsz", b"stco", b"stsc"])
def test_tables_that_lie_about_their_length_are_survived(table: bytes, n_entries: int) -> None:
    data = bytearray(note("m4a-index-at-the-end"))
    at = data.rindex(table) + (12 if table == b"stsz" else 8)
    data[at : at + 4] = struct.pack(">I", n_entries)

    try:
        n_frames = sum(len(block.samples) for block in pcm(bytes(data), MP4))
    except UndecodableAudioError:
        n_frames = 0

    assert n_frames <= 1.7 * 44100


def test_the_clock_is_looked_at_while_tags_are_read() -> None:
    bare, ticks = note("wav-of-mp3"), itertools.count()
    tags = b"INFO" + b"".join(b"I%03d" % i + struct.pack("<I", 4096) + b"x" * 4096 for i in range(200))
    at = bare.index(b"data")
    tagged = bare[:at] + b"LIST" + struct.pack("<I", len(tags)) + tags + bare[at:]

    readings = []
    for data in (bare, tagged):
        started = next(ticks)
        assert list(pcm_blocks(data, WAV_OF_MP3, Deadline.after(1e9, lambda: float(next(ticks)))))
        readings.append(next(ticks) - started)

    assert readings[1] - readings[0] >= 10


def test_pauses_that_were_not_transmitted_last_as_long_as_they_did() -> None:
    speech, half = note("amr"), 6 + 32 * 40
    comfort_noise, nothing = b"\x44" + bytes(5), b"\x7c"
    pause = 25 * (comfort_noise + 7 * nothing)  # 4 s

    whole, paused = (
        np.concatenate([block.samples[:, 0] for block in pcm(data, AMR)])
        for data in (speech, speech[:half] + pause + speech[half:])
    )

    assert len(paused) == len(whole) + 4 * 8000
    assert not paused[40 * 160 : 240 * 160].any()
    np.testing.assert_allclose(np.std(paused[250 * 160 :]), np.std(whole[50 * 160 :]), rtol=0.05)


@pytest.fixture
def few_scraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emotify_core.decoders._MAX_SCRAPS", 1000)


@pytest.mark.usefixtures("few_scraps")
def test_packets_without_sound_are_not_read_for_ever() -> None:
    without_data = b"\x7c"
    speech, ticks = note("amr"), itertools.count()

    blocks = list(pcm_blocks(speech + 9000 * without_data, AMR, Deadline.after(1e9, lambda: float(next(ticks)))))

    n_frames = sum(len(block.samples) for block in blocks)
    assert n_frames == sum(len(block.samples) for block in pcm(speech, AMR)) + 1001 * 160
    assert next(ticks) < 2000
    with pytest.raises(UndecodableAudioError, match="there is no sound in it"):
        pcm(b"#!AMR\n" + 9000 * without_data, AMR)


@pytest.mark.usefixtures("few_scraps")
def test_packets_of_single_frames_are_not_read_for_ever() -> None:
    data = bytearray(note("caf"))
    data[40:44] = struct.pack(">I", 7)  # frames in a packet of two bytes

    assert sum(len(block.samples) for block in pcm(bytes(data), CAF)) == 1000


def test_what_was_decoded_before_the_break_is_given() -> None:
    data = note("flac")

    n_frames = sum(len(block.samples) for block in pcm(data[: len(data) // 2], FLAC))

    assert 4096 <= n_frames < 25600


@pytest.mark.parametrize(("muxer", "encoder"), [("mp4", "aac"), ("matroska", "flac")])
def test_dozens_of_tracks_are_refused_in_a_sentence(muxer: str, encoder: str) -> None:
    beep = SPEECH[:2048]

    for n_tracks in (1, 32):
        data = with_tracks([beep] * n_tracks, 16000, muxer, encoder)
        assert sum(len(block.samples) for block in pcm(data, recognize(data))) == len(beep)
    for n_tracks in (33, 100):
        data = with_tracks([beep] * n_tracks, 16000, muxer, encoder)
        with pytest.raises(UndecodableAudioError, match=r"it has more than 32 tracks, or takes .* than there is\.$"):
            pcm(data, recognize(data))
