from __future__ import annotations

import io
import itertools
import os
import random
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emotify_core.audio import DecodeLimits, decode
from emotify_core.errors import (
    AudioError,
    AudioTooLargeError,
    AudioTooLongError,
    AudioTooShortError,
    DecodingTimeoutError,
    NoSpeechError,
    UndecodableAudioError,
)
from emotify_core.synthesis import demonstration_note, synthesize_voice
from tests.emotify_core.encoding import (
    COARSE,
    NOTES,
    SPEECH,
    note,
    silent_video,
    similarity,
    wav,
    with_ffmpeg,
    with_soundfile,
    with_tracks,
)

LOSSLESS = {
    "wav-pcm_16": 1e-4,
    "wav-pcm_24": 1e-6,
    "wav-pcm_32": 1e-6,
    "wav-float": 1e-6,
    "flac": 1e-4,
    "wav-pcm_u8": 1e-2,
}


class TestFormats:
    @pytest.mark.parametrize("name", NOTES)
    def test_every_format_gives_the_same_voice(self, name: str) -> None:
        waveform = decode(note(name))

        assert waveform.sr == 16000
        assert waveform.y.dtype == np.float32
        assert waveform.note_duration == pytest.approx(1.6, abs=0.1)
        assert similarity(waveform.y, SPEECH) > (0.8 if name in COARSE else 0.95)

    @pytest.mark.parametrize(("name", "tolerance"), LOSSLESS.items())
    def test_lossless_formats_give_the_samples_back(self, name: str, tolerance: float) -> None:
        waveform = decode(note(name), trim=False, normalize=False)

        np.testing.assert_allclose(waveform.y, SPEECH - SPEECH.mean(), atol=tolerance)

    @pytest.mark.parametrize("sr", [8000, 22050, 48000])
    def test_the_rate_of_the_result_can_be_chosen(self, sr: int) -> None:
        waveform = decode(note("wav-48000-hz"), sr=sr, trim=False)

        assert waveform.sr == sr
        assert waveform.duration == pytest.approx(1.6, abs=0.001)

    def test_resampling_does_not_alias(self) -> None:
        whistle = np.sin(2 * np.pi * 10000 * np.arange(48000) / 48000)
        tone = np.sin(2 * np.pi * 440 * np.arange(48000) / 48000)

        y = decode(wav(0.4 * whistle + 0.004 * tone, 48000, "FLOAT"), trim=False, normalize=False).y

        spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y))))
        assert np.argmax(spectrum) == 440
        assert spectrum[6000] < spectrum[440] / 1000

    @pytest.mark.parametrize("wrapper", [bytes, bytearray, memoryview])
    def test_any_bytes_like_object_will_do(self, wrapper: type[bytes | bytearray | memoryview]) -> None:
        data = note("wav-pcm_16")

        np.testing.assert_array_equal(decode(wrapper(data)).y, decode(data).y)

    def test_format_is_recognised_by_content_whatever_the_name(self, tmp_path: Path) -> None:
        path = tmp_path / "voice.wav"
        path.write_bytes(note("opus"))

        assert similarity(decode(path).y, SPEECH) > 0.95
        np.testing.assert_array_equal(decode(str(path)).y, decode(path).y)

    def test_tags_before_the_sound_are_skipped(self) -> None:
        tag = b"ID3\x04\x00\x00\x00\x00\x02\x00" + bytes(256)

        for name in ("mp3", "flac", "aac-adts", "wav-pcm_16", "opus", "m4a-index-at-the-end", "webm-opus", "caf"):
            assert similarity(decode(tag + note(name)).y, SPEECH) > 0.95

    def test_zeros_before_an_mp3_are_skipped(self) -> None:
        assert similarity(decode(bytes(999) + note("mp3")).y, SPEECH) > 0.95

    def test_rate_may_change_on_the_way(self) -> None:
        first, second = note("aac-adts"), with_ffmpeg(synthesize_voice(1.0, sr=22050), 22050, "adts", "aac")

        assert decode(first + second).note_duration == pytest.approx(2.6, abs=0.2)

    @pytest.mark.parametrize(
        "subtypes", [("OPUS", "OPUS"), ("VORBIS", "VORBIS"), ("OPUS", "VORBIS"), ("VORBIS", "OPUS")]
    )
    @pytest.mark.parametrize("n_channels", [1, 2])
    def test_links_of_a_chain_may_differ(self, subtypes: tuple[str, str], n_channels: int) -> None:
        other = np.repeat(SPEECH[:, np.newaxis], 3 - n_channels, axis=1)
        first = with_soundfile(np.repeat(SPEECH[:, np.newaxis], n_channels, axis=1), 16000, "OGG", subtypes[0])
        second = with_soundfile(other, 24000, "OGG", subtypes[1])

        waveform = decode(first + second + first, trim=False)

        assert waveform.note_duration == pytest.approx(len(SPEECH) * (2 / 16000 + 1 / 24000), abs=0.01)

    @pytest.mark.parametrize(("muxer", "encoder"), [("ogg", "libopus"), ("ipod", "aac")])
    def test_eight_channels_in_planes_are_mixed_as_one_is(self, muxer: str, encoder: str) -> None:
        speech = np.tile(SPEECH, 3)

        alone, surrounded = (
            decode(with_ffmpeg(speech, 48000, muxer, encoder, layout=layout)) for layout in ("mono", "7.1")
        )

        assert similarity(alone.y, surrounded.y) > 0.9

    def test_a_link_of_something_else_hides_no_other_one(self) -> None:
        speech = with_soundfile(SPEECH, 16000, "OGG", "OPUS")
        pages = [
            b"OggS\0" + flag + bytes(8) + b"\x07\0\0\0" + bytes(8) + b"\x01\x20" + bytes(32) for flag in (b"\2", b"\4")
        ]
        unknown = b"".join(pages)

        waveform = decode(speech + unknown + speech, trim=False)

        assert waveform.note_duration == pytest.approx(2 * len(SPEECH) / 16000, abs=0.01)


class TestLevelAndTrim:
    def test_loudness_is_the_same_for_every_note(self) -> None:
        assert decode(note("opus")).y.std() == pytest.approx(0.05, rel=1e-3)

    @pytest.mark.parametrize("gain_db", [-20, 20])
    def test_input_gain_changes_nothing(self, gain_db: float) -> None:
        padded = np.pad(SPEECH, 8000) + 1e-4 * np.random.default_rng(0).standard_normal(len(SPEECH) + 16000)
        gain = 10 ** (gain_db / 20)

        plain, scaled = decode(wav(padded, subtype="FLOAT")), decode(wav(gain * padded, subtype="FLOAT"))

        np.testing.assert_allclose(scaled.y, plain.y, atol=1e-6)

    def test_silence_is_trimmed_but_counts_for_the_note(self) -> None:
        waveform = decode(wav(np.pad(SPEECH, 16000)))

        assert waveform.note_duration == pytest.approx(3.6)
        assert waveform.duration == pytest.approx(1.6, abs=0.15)

    def test_trim_and_normalisation_can_be_switched_off(self) -> None:
        padded = np.pad(SPEECH, 16000)

        waveform = decode(wav(padded, subtype="FLOAT"), trim=False, normalize=False)

        np.testing.assert_allclose(waveform.y, padded - padded.mean(), atol=1e-6)

    def test_offset_is_removed(self) -> None:
        y = decode(wav(SPEECH + 0.3, 48000, "FLOAT"), trim=False, normalize=False).y

        assert abs(y.mean()) < 1e-6
        assert np.abs(y[:200]).max() < 0.01  # it does not ring at the start either

    @pytest.mark.parametrize("peak", [4.0, 32768.0, 1e9])
    def test_floats_beyond_full_scale_are_scaled_not_clipped(self, peak: float) -> None:
        loud = SPEECH / np.abs(SPEECH).max() * peak

        y = decode(wav(loud, subtype="FLOAT"), trim=False, normalize=False).y

        assert np.abs(y).max() == pytest.approx(1.0)
        assert similarity(y, SPEECH) > 0.9999

    def test_soft_floats_keep_their_precision(self) -> None:
        y = decode(wav(SPEECH * 0.003, subtype="FLOAT"), trim=False).y

        np.testing.assert_allclose(y, decode(wav(SPEECH, subtype="FLOAT"), trim=False).y, atol=1e-6)


class TestChannels:
    def test_opposite_channels_do_not_cancel(self) -> None:
        y = decode(wav(np.column_stack([SPEECH, -0.98 * SPEECH]))).y

        assert abs(similarity(y, SPEECH)) > 0.99

    def test_one_live_channel_among_eight_is_heard(self) -> None:
        channels = 1e-3 * np.random.default_rng(0).standard_normal((len(SPEECH), 8))
        channels[:, 5] = SPEECH

        y = decode(wav(channels, subtype="FLOAT"), trim=False, normalize=False).y

        np.testing.assert_allclose(y, SPEECH - SPEECH.mean(), atol=1e-6)

    def test_an_offset_in_a_dead_channel_does_not_hide_the_voice(self) -> None:
        y = decode(wav(np.column_stack([SPEECH, -SPEECH, np.full_like(SPEECH, 0.9)]), subtype="FLOAT")).y

        assert abs(similarity(y, SPEECH)) > 0.99


class TestTracks:
    """A recording of the screen has one track of what the computer plays, and one of the microphone."""

    MUXERS = (
        *(("mp4", "aac", 48000), ("matroska", "flac", 48000)),
        *(("mov", "pcm_s16le", 16000), ("ogg", "libopus", 48000)),
    )
    CLICK = np.where(np.arange(len(SPEECH)) == 9000, np.float32(0.5), np.float32(0))

    @pytest.mark.parametrize(("muxer", "encoder", "sr"), MUXERS)
    def test_the_first_one_with_sound_is_heard(self, muxer: str, encoder: str, sr: int) -> None:
        tracks = [np.zeros_like(SPEECH), self.CLICK, SPEECH, SPEECH[::-1].copy()]

        waveform = decode(with_tracks(tracks, sr, muxer, encoder), trim=False)

        np.testing.assert_array_equal(waveform.y, decode(with_ffmpeg(SPEECH, sr, muxer, encoder), trim=False).y)

    @pytest.mark.parametrize(("muxer", "encoder", "sr"), MUXERS)
    def test_one_that_begins_later_than_another_is_still_the_first(self, muxer: str, encoder: str, sr: int) -> None:
        late = np.pad(SPEECH, (48000, 0))

        waveform = decode(with_tracks([late, SPEECH[::-1].copy()], sr, muxer, encoder), trim=False)

        np.testing.assert_array_equal(waveform.y, decode(with_ffmpeg(late, sr, muxer, encoder), trim=False).y)

    def test_one_that_cannot_be_read_hides_no_other(self) -> None:
        data = with_tracks([SPEECH[::-1].copy(), SPEECH], 48000, "matroska", "flac").replace(b"A_FLAC", b"A_DTS\0", 1)

        np.testing.assert_array_equal(decode(data).y, decode(with_ffmpeg(SPEECH, 48000, "matroska", "flac")).y)

    def test_silent_ones_are_silence(self) -> None:
        with pytest.raises(NoSpeechError, match="silent"):
            decode(with_tracks([np.zeros_like(SPEECH)] * 3, 48000, "mp4", "aac"))

    def test_the_time_limit_holds_for_all_together(self) -> None:
        data, ticks = with_tracks([np.zeros_like(SPEECH)] * 20, 48000, "mp4", "aac"), itertools.count()

        with pytest.raises(DecodingTimeoutError):
            decode(data, limits=DecodeLimits(max_seconds=300), clock=lambda: next(ticks))

        assert next(ticks) < 310


class TestSilence:
    @pytest.mark.parametrize(
        "y",
        [
            np.zeros(16000),
            np.full(16000, 0.5),
            1e-5 * np.random.default_rng(0).standard_normal(32000),
            np.where(np.arange(32000) == 9000, 1.0, 0.0),
        ],
        ids=["zeros", "offset", "noise of the last bit", "one click"],
    )
    @pytest.mark.parametrize("trim", [True, False])
    @pytest.mark.parametrize("sr", [16000, 48000])
    def test_silence_is_no_speech(self, y: np.ndarray, trim: bool, sr: int) -> None:
        with pytest.raises(NoSpeechError, match="silent"):
            decode(wav(y, sr, "FLOAT"), trim=trim)

    @pytest.mark.parametrize(("container", "subtype"), [("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"), ("FLAC", "PCM_16")])
    def test_silence_is_no_speech_in_any_format(self, container: str, subtype: str) -> None:
        with pytest.raises(NoSpeechError):
            decode(with_soundfile(np.zeros(48000), 48000, container, subtype))

    def test_fifty_milliseconds_are_too_short(self) -> None:
        with pytest.raises(AudioTooShortError) as caught:
            decode(wav(SPEECH[4000:4800]))

        assert caught.value.duration == pytest.approx(0.05)

    def test_fifty_milliseconds_of_sound_in_silence_are_too_short(self) -> None:
        beep = np.pad(0.3 * np.sin(np.arange(800)), 16000)

        with pytest.raises(AudioTooShortError) as caught:
            decode(wav(beep))

        assert caught.value.duration == pytest.approx(0.05, abs=0.03)

    def test_a_quarter_of_a_second_is_enough(self) -> None:
        assert decode(wav(np.pad(0.3 * np.sin(np.arange(4000)), 16000))).duration == pytest.approx(0.35, abs=0.05)


class TestUnusableContent:
    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"", "empty"),
            (bytes(5000), "nothing but zeros"),
            (b"Dear diary, today nobody spoke.", "text"),
            (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "playlist"),
            (b"ffconcat version 1.0\nfile /etc/passwd\n", "playlist"),
            (b"<!DOCTYPE html><html></html>", "web page"),
            (b"\x89PNG\r\n\x1a\n" + bytes(100), "picture"),
            (b"\xff\xd8\xff\xe0" + bytes(100), "picture"),
            (b"\0\0\0\x24ftypheic\0\0\0\0mif1heic" + bytes(100), "picture"),
            (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1" + bytes(100), "picture"),
            (b"%PDF-1.7\n", "PDF"),
            (b"PK\x03\x04" + bytes(100), "archive"),
            (b"MThd\0\0\0\6", "MIDI"),
            (random.Random(1).randbytes(20000), "no kind that I know"),
        ],
    )
    @pytest.mark.parametrize("named", [False, True])
    def test_other_content_is_refused_with_what_it_is(
        self, data: bytes, reason: str, named: bool, tmp_path: Path
    ) -> None:
        path = tmp_path / "note.ogg"
        path.write_bytes(data)

        with pytest.raises(UndecodableAudioError, match=reason):
            decode(path if named else data)

    @pytest.mark.parametrize("muxer", ["mp4", "matroska", "mov"])
    def test_a_film_without_sound_is_refused(self, muxer: str) -> None:
        with pytest.raises(UndecodableAudioError, match="no sound"):
            decode(silent_video(muxer))

    def test_encrypted_sound_is_refused(self) -> None:
        key = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "00" * 16, "encryption_kid": "11" * 16}

        with pytest.raises(UndecodableAudioError, match="protected"):
            decode(with_ffmpeg(SPEECH, 16000, "mp4", "aac", key))

    @pytest.mark.parametrize("name", NOTES)
    def test_a_header_alone_is_refused(self, name: str) -> None:
        with pytest.raises((UndecodableAudioError, AudioTooShortError)):
            decode(note(name)[:60])

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
    @pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
    def test_numbers_that_are_no_sound_are_refused(self, value: float, subtype: str) -> None:
        y = SPEECH.astype(float)
        y[5000] = value

        with pytest.raises(UndecodableAudioError, match="not finite"):
            decode(wav(y, subtype=subtype))

    @pytest.mark.parametrize("value", [struct.pack(">d", 1e300), bytes.fromhex("7ff0000000000001")])
    def test_a_double_that_no_float_can_be_is_refused_by_ffmpeg_too(self, value: bytes) -> None:
        pcm = io.BytesIO()
        soundfile.write(pcm, SPEECH.astype(float), 16000, format="CAF", subtype="DOUBLE", endian="BIG")
        encoded = bytearray(pcm.getvalue())
        encoded[-8000:-7992] = value

        with pytest.raises(UndecodableAudioError, match="not finite"):
            decode(bytes(encoded))

    @pytest.mark.parametrize("sr", [0, 1, 2**31, 4_000_000_000])
    @pytest.mark.parametrize("name", ["wav-pcm_16", "wav-float", "wav-ima_adpcm"])
    def test_impossible_rates_are_refused(self, sr: int, name: str) -> None:
        data = bytearray(note(name))
        data[24:28] = struct.pack("<I", sr)

        with pytest.raises(UndecodableAudioError):
            decode(data)

    def test_too_many_channels_are_refused(self) -> None:
        with pytest.raises(UndecodableAudioError, match="200 channels"):
            decode(wav(np.zeros((100, 200))))

    def test_a_codec_of_no_use_for_voice_is_refused(self) -> None:
        with pytest.raises(UndecodableAudioError, match="encoded as dca"):
            decode(with_ffmpeg(SPEECH, 16000, "matroska", "flac").replace(b"A_FLAC", b"A_DTS\0"))


class TestDamage:
    # An MP4 that breaks off has no index, and an Ogg page counts as a whole or not at all.
    @pytest.mark.parametrize(
        "name", [n for n in NOTES if not n.startswith(("m4a-index", "m4a-lossless", "mov", "3gp", "flac-in", "vorbis"))]
    )
    def test_what_is_left_of_a_truncated_file_is_used(self, name: str) -> None:
        data = note(name)

        assert 0.9 < decode(data[: len(data) * 7 // 8]).note_duration < 1.6

    def test_what_is_left_of_a_truncated_voice_message_is_used(self) -> None:
        data = demonstration_note(duration=3.0)

        assert 1.5 < decode(data[: len(data) * 2 // 3]).note_duration < 3.0

    def test_an_mp4_without_its_index_is_refused_with_the_reason(self) -> None:
        data = note("m4a-index-at-the-end")

        with pytest.raises(UndecodableAudioError, match="index"):
            decode(data[: len(data) // 2])

    @pytest.mark.parametrize("size", [0, 2**31 - 1, 2**31, 2**32 - 1])
    def test_a_wave_header_that_lies_about_its_size_does_no_harm(self, size: int) -> None:
        data = bytearray(note("wav-pcm_16"))
        data[4:8] = data[40:44] = struct.pack("<I", size)

        assert decode(data).note_duration == pytest.approx(1.6)

    def test_junk_in_the_middle_does_not_end_an_mp3(self) -> None:
        data = note("mp3")
        middle = len(data) // 2

        damaged = decode(data[:middle] + random.Random(0).randbytes(3000) + data[middle:])

        assert damaged.note_duration > 1.4

    def test_nothing_is_printed_about_damage(self, capfd: pytest.CaptureFixture[str]) -> None:
        rng = random.Random(2)
        for name in NOTES:
            data = bytearray(note(name))
            for _ in range(30):
                data[rng.randrange(len(data))] = rng.randrange(256)
            try:
                decode(data)
            except AudioError:
                continue

        assert capfd.readouterr() == ("", "")


class TestPaths:
    def test_samples_are_told_where_they_belong(self) -> None:
        with pytest.raises(TypeError, match=r"not ndarray; samples make an emotify_core\.Recording$"):
            decode(np.zeros(16_000, np.float32))  # type: ignore[arg-type]

    def test_a_missing_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UndecodableAudioError, match="no such file"):
            decode(tmp_path / "nothing.ogg")

    def test_a_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UndecodableAudioError, match="folder"):
            decode(tmp_path)

    @pytest.mark.parametrize("name", ["a\0b.wav", "x" * 5000, ""])
    def test_an_impossible_name_is_refused(self, name: str) -> None:
        with pytest.raises(UndecodableAudioError):
            decode(name)

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
    def test_an_unreadable_file_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "secret.wav"
        path.write_bytes(note("wav-pcm_16"))
        path.chmod(0)

        with pytest.raises(UndecodableAudioError, match="permission"):
            decode(path)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
    def test_a_pipe_is_refused_without_waiting_for_a_writer(self, tmp_path: Path) -> None:
        path = tmp_path / "pipe"
        os.mkfifo(path)

        with pytest.raises(UndecodableAudioError, match="no ordinary file"):
            decode(path)

    @pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no device files here")
    def test_a_device_is_refused(self) -> None:
        with pytest.raises(UndecodableAudioError, match="no ordinary file"):
            decode("/dev/zero")

    def test_a_large_file_is_refused_before_it_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "huge.wav"
        with path.open("wb") as file:
            file.truncate(2**40)  # sparse: reading it would take all memory

        with pytest.raises(AudioTooLargeError) as caught:
            decode(path)

        assert caught.value.n_bytes == 2**40

    @pytest.mark.skipif(sys.platform != "linux", reason="files that claim to be empty are a speciality of Linux")
    def test_a_file_that_claims_to_be_empty_is_limited_too(self) -> None:
        with pytest.raises(AudioTooLargeError):
            decode("/proc/kallsyms", limits=DecodeLimits(max_bytes=1000))


class TestLimits:
    def test_large_notes_are_refused(self) -> None:
        data = note("opus")

        with pytest.raises(AudioTooLargeError) as caught:
            decode(data, limits=DecodeLimits(max_bytes=len(data) - 1))

        assert (caught.value.n_bytes, caught.value.max_bytes) == (len(data), len(data) - 1)
        assert decode(data, limits=DecodeLimits(max_bytes=len(data))).sr == 16000

    @pytest.mark.parametrize("name", ["opus", "wav-pcm_16", "m4a-index-at-the-end"])
    def test_long_notes_are_refused(self, name: str) -> None:
        with pytest.raises(AudioTooLongError) as caught:
            decode(note(name), limits=DecodeLimits(max_duration=1.0))

        assert caught.value.duration > 1.0
        assert decode(note(name), limits=DecodeLimits(max_duration=1.8)).sr == 16000

    @pytest.mark.parametrize("name", ["opus", "wav-pcm_16", "m4a-index-at-the-end", "mp3"])
    def test_slow_decoding_is_given_up(self, name: str) -> None:
        ticks = itertools.count()

        with pytest.raises(DecodingTimeoutError) as caught:
            decode(note(name), limits=DecodeLimits(max_seconds=3), clock=lambda: next(ticks))

        assert caught.value.max_seconds == 3
        assert next(ticks) < 10

    @pytest.mark.parametrize("limits", [{"max_bytes": 0}, {"max_duration": -1.0}, {"max_seconds": float("nan")}])
    def test_limits_must_make_sense(self, limits: dict[str, float]) -> None:
        with pytest.raises(ValueError, match="positive"):
            DecodeLimits(**limits)  # type: ignore[arg-type]

    @pytest.mark.parametrize("sr", [0, -16000, 1, 60, 1999, 768_001, float("nan")])
    def test_the_rate_must_make_sense(self, sr: int) -> None:
        with pytest.raises(ValueError, match="from 2000 to 768000"):
            decode(note("wav-pcm_16"), sr=sr)
