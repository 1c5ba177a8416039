"""What holds for any bytes at all: which errors come out, what it costs, and what is left alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from emotify_core.audio import DecodeLimits, decode
from emotify_core.errors import AudioError, AudioTooLongError, UndecodableAudioError
from emotify_core.waveform import Waveform
from tests.emotify_core.encoding import NOTES, note

# Silent frames of MPEG-2.5 layer III at 8 kbit/s: 72 bytes hold 72 ms, so these 21 MB hold six hours.
MP3_BOMB = (b"\xff\xe3\x18\xc4" + bytes(68)) * 300_000
SIGNATURES = [
    *(
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"fLaC\0\0\0\x22",
        b"OggS\0\2",
        b"FORM\0\0\0\0AIFF",
        b"ID3\4\0\0\0\0\0\0",
        b"\xff\xfb\x90",
    ),
    *(b"\0\0\0\x18ftypM4A moov", b"\x1a\x45\xdf\xa3", b"#!AMR\n", b"caff\0\1\0\0", b".snd", b"\xff\xf1\x50\x80"),
]


def outcome(data: bytes) -> Waveform | AudioError:
    """Decode, and let nothing but our own errors be an answer."""
    try:
        return decode(data)
    except AudioError as error:
        return error


class TestErrors:
    @given(st.binary(max_size=4000))
    @example(b"")
    @settings(max_examples=150)
    def test_any_bytes_give_a_waveform_or_an_audio_error(self, data: bytes) -> None:
        result = outcome(data)

        assert isinstance(result, Waveform | AudioError)
        assert "\n" not in str(result)  # one sentence

    @given(st.sampled_from(SIGNATURES), st.binary(max_size=2000))
    @settings(max_examples=150)
    def test_a_signature_before_any_bytes_too(self, signature: bytes, rest: bytes) -> None:
        assert isinstance(outcome(signature + rest), Waveform | AudioError)

    @given(st.sampled_from(NOTES), st.data())
    @settings(max_examples=200)
    def test_damaged_files_of_every_format_too(self, name: str, draw: st.DataObject) -> None:
        damaged = bytearray(note(name))
        # Headers matter most, so half of the damage is done there.
        position = st.integers(0, len(damaged) - 1) | st.integers(0, 99)
        for where, value in draw.draw(st.lists(st.tuples(position, st.integers(0, 255)), max_size=12)):
            damaged[where % len(damaged)] = value
        cut = draw.draw(st.integers(0, len(damaged)))

        result = outcome(bytes(damaged[: cut or None]))

        if isinstance(result, Waveform):
            assert np.isfinite(result.y).all()


class TestBombs:
    def test_hours_of_silence_in_a_small_file_are_given_up_early(self) -> None:
        tracemalloc.start()
        try:
            with pytest.raises(AudioTooLongError) as caught:
                decode(MP3_BOMB, limits=DecodeLimits(max_duration=120))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert caught.value.duration < 240
        assert peak - 120 * 16000 * 4 < 32 * 2**20

    @pytest.mark.skipif(sys.platform != "linux", reason="the limit on address space is tested on Linux")
    def test_memory_is_bounded_also_inside_the_decoders(self) -> None:
        # 20 s of 8 channels at 192 kHz: 120 MB as floats, if anybody held them all.
        script = """
            import io, resource
            from pathlib import Path
            import numpy as np, soundfile
            from emotify_core.audio import decode
            from emotify_core.errors import NoSpeechError
            file = io.BytesIO()
            with soundfile.SoundFile(file, "w", 192000, 8, "PCM_16", format="FLAC") as flac:
                for _ in range(20):
                    flac.write(np.zeros((192000, 8), np.int16))
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 80 * 2**20,) * 2)
            try:
                decode(file.getvalue())
            except NoSpeechError as error:
                print(error)
        """
        assert _run(script) == "I could not hear a voice: the recording is silent."


class TestSurroundings:
    @pytest.mark.skipif(sys.platform == "win32", reason="the limit on file sizes is one of POSIX")
    def test_nothing_is_written_to_the_disk(self) -> None:
        script = """
            import resource, signal
            from emotify_core.audio import decode
            from tests.emotify_core.encoding import NOTES, note
            encoded = [note(name) for name in NOTES]
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # writing to any file kills, also from C
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
            print(sum(decode(data).sr == 16000 for data in encoded))
        """
        assert _run(script) == str(len(NOTES))

    def test_no_address_in_a_file_is_ever_opened(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.setblocking(False)
            url = f"http://127.0.0.1:{server.getsockname()[1]}/voice.ts".encode()
            for text in (
                b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n%s\n#EXT-X-ENDLIST\n",
                b"ffconcat version 1.0\nfile %s\n",
                b"<?xml version='1.0'?><MPD><BaseURL>%s</BaseURL></MPD>",
                b"\0\0\0\x18ftypM4A \0\0\2\0isomiso2 moov#EXTM3U\n%s\n",
                b"RTSP/1.0 200 OK\n%s\n",
            ):
                with pytest.raises(UndecodableAudioError):
                    decode(text.replace(b"%s", url))

            with pytest.raises(BlockingIOError):
                server.accept()

    def test_notes_are_decoded_in_parallel_as_one_by_one(self) -> None:
        encoded = [note(name) for name in NOTES] * 2
        expected = [decode(data).y for data in encoded]

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda data: decode(data).y, encoded))

        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)

    def test_wave_files_need_no_ffmpeg(self) -> None:
        script = """
            import sys
            from emotify_core.audio import decode
            from emotify_core.errors import AudioError
            try:
                decode(b"")
            except AudioError:
                print("av" in sys.modules)
        """
        assert _run(script) == "False"

    def test_importing_warns_of_nothing(self) -> None:
        assert _run("import emotify_core.audio, emotify_core.synthesis; print('imported')") == "imported"


def _run(script: str) -> str:
    """Run a script in a fresh interpreter in which warnings are errors, and return what it prints."""
    command = [sys.executable, "-B", "-W", "error", "-c", textwrap.dedent(script)]
    # Measuring coverage would write to the disk, and prints warnings of its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()
