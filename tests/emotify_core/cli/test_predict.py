from __future__ import annotations

import argparse
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import cast
from unittest.mock import Mock

import numpy as np
import pytest
from rich.console import Console

from emotify_core.classifier import EmotionClassifier
from emotify_core.cli import main
from emotify_core.cli.predict import run
from emotify_core.decoders import pcm_blocks
from emotify_core.emotions import Emotion
from emotify_core.recipes import RECIPES
from emotify_core.registry import Registry
from emotify_core.synthesis import demonstration_note
from tests.emotify_core.encoding import wav
from tests.emotify_core.tiny_models import tiny_header, tiny_model
from tests.emotify_core.voices import voice

NOTE = wav(voice(Emotion.HAPPY, "04"))


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.wav"
    path.write_bytes(NOTE)
    return path


def predict(trained: Path, *arguments: str | Path) -> int:
    return main(["predict", "--model", str(trained), *map(str, arguments)])


class TestTable:
    def test_it_shows_the_emotion_its_confidence_and_all_probabilities(
        self, trained: Path, note: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert predict(trained, note) == 0

        first, *rest, last = capsys.readouterr().out.splitlines()
        assert re.fullmatch(r"  valence [+-][01]\.\d\d, arousal [+-][01]\.\d\d \(from -1 to 1\)", last)
        assert first.startswith(f"{note}: ")
        assert first.endswith("% sure")
        assert sorted(line.split()[0] for line in rest) == sorted(emotion.value for emotion in Emotion)
        shares = [int(line.split()[1].rstrip("%")) for line in rest]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(100, abs=4)
        assert rest[0].split()[0] in first

    def test_a_bad_file_is_reported_and_the_rest_go_on(
        self, trained: Path, note: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bad = tmp_path / "bad.ogg"
        bad.write_bytes(b"no sound at all")

        assert predict(trained, bad, tmp_path / "missing.wav", note) == 1

        out, err = capsys.readouterr()
        assert out.startswith(f"{note}: ")
        assert err.splitlines()[0].startswith(f"{bad}: This is not audio that I can read")
        assert (
            err.splitlines()[1] == f"{tmp_path}/missing.wav: This is not audio that I can read: there is no such file."
        )

    def test_a_model_that_is_not_there_is_one_sentence(
        self, tmp_path: Path, note: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert predict(tmp_path / "nowhere", note) == 1

        out, err = capsys.readouterr()
        assert out == ""
        assert err == f"emotify: There is no model in {tmp_path}/nowhere.\n"

    def test_many_files_are_listened_to_in_their_order(self, trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
        names = [f"missing-{i}.wav" for i in range(12)]

        assert predict(trained, *names) == 1

        assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == names


def test_files_may_stand_on_both_sides_of_an_option(
    trained: Path, note: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.wav"
    other.write_bytes(note.read_bytes())

    assert predict(trained, note, "--json", other) == 0

    assert [json.loads(line)["file"] for line in capsys.readouterr().out.splitlines()] == [str(note), str(other)]


@pytest.mark.parametrize("words", [("--jsn",), ("--json", "--jsn", "c.wav")])
def test_an_option_that_is_none_is_no_file(
    trained: Path, note: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        predict(trained, note, *words)

    assert stopped.value.code == 2
    assert "unrecognized arguments: --jsn" in capsys.readouterr().err


class TestExplain:
    def test_a_sentence_says_why_within_eighty_columns(
        self, classifier: EmotionClassifier, trained: Path, note: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert predict(trained, note, "--explain") == 0

        lines = capsys.readouterr().out.splitlines()
        assert " ".join(line.strip() for line in lines[10:]) == classifier.explain(note).text
        assert max(map(len, lines[1:])) <= 80
        assert all(line.startswith("  ") for line in lines[1:])

    def test_json_gets_an_object_after_what_it_has_otherwise(
        self, classifier: EmotionClassifier, trained: Path, note: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert predict(trained, note, "missing.wav", "--explain", "--json") == 1

        facts, bad = map(json.loads, capsys.readouterr().out.splitlines())
        assert list(facts) == [*KEYS, "explanation"]
        assert facts["explanation"] == classifier.explain(note).to_dict()
        assert list(bad) == ["file", "error"]

    def test_a_model_that_cannot_is_one_sentence(
        self, tmp_path: Path, note: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        classic = tiny_header(recipe="classic", feature_set=RECIPES["classic"].feature_set)
        Registry(tmp_path).publish(classic, tiny_model(), {})

        assert predict(tmp_path / "tiny-1", note, "--explain") == 1

        assert capsys.readouterr().err == "emotify: Models of the recipe 'classic' cannot be explained.\n"


class TestTimeline:
    @pytest.fixture
    def talk(self, tmp_path: Path) -> Path:
        """Record two people, one after the other, for longer than a window lasts."""
        path = tmp_path / "talk.wav"
        path.write_bytes(wav(np.concatenate([voice(Emotion.HAPPY, s, duration=7.0) for s in ("04", "11")])))
        return path

    def test_it_is_drawn_below_the_verdict_within_eighty_columns(
        self, classifier: EmotionClassifier, trained: Path, talk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert predict(trained, talk, "--timeline") == 0

        lines = capsys.readouterr().out.splitlines()
        assert "windows of three seconds that are heard by themselves" in lines[10]  # so its figures are others
        assert lines[11:] == classifier.timeline(talk).as_text(80).splitlines()
        assert max(map(len, lines[1:])) <= 80
        assert lines[-1].endswith("0:14")

    def test_the_file_is_decoded_once(self, trained: Path, talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        decode_blocks = Mock(wraps=pcm_blocks)
        monkeypatch.setattr("emotify_core.audio.pcm_blocks", decode_blocks)

        assert predict(trained, talk, "--timeline", "--explain") == 0

        assert decode_blocks.call_count == 1

    def test_the_verdict_is_the_same_as_without_it(
        self, trained: Path, talk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        y = np.pad(voice(Emotion.HAPPY, "04", duration=7.0), 16000) + 0.1
        talk.write_bytes(wav(y, subtype="FLOAT"))

        for option in ("--json", "--timeline"):
            assert predict(trained, talk, "--json", option) == 0

        plain, timed = map(json.loads, capsys.readouterr().out.splitlines())
        timed.pop("timeline")
        assert plain == timed

    def test_json_gets_an_object_after_what_it_has_otherwise(
        self, classifier: EmotionClassifier, trained: Path, talk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert predict(trained, talk, "--timeline", "--explain", "--json") == 0

        (line,) = capsys.readouterr().out.splitlines()
        facts = json.loads(line)
        assert list(facts) == [*KEYS, "explanation", "timeline"]
        assert facts["timeline"] == classifier.timeline(talk).to_dict()
        assert facts["timeline"]["duration"] == pytest.approx(facts["duration"])

    def test_a_bad_file_is_reported_and_the_rest_go_on(
        self, trained: Path, talk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert predict(trained, "missing.wav", talk, "--timeline", "--explain") == 1

        out, err = capsys.readouterr()
        assert out.startswith(f"{talk}: ")
        assert err == "missing.wav: This is not audio that I can read: there is no such file.\n"


KEYS = ["file", "emotion", "confidence", "probabilities", "valence", "arousal", "duration", "model"]


class TestJson:
    def test_each_file_is_one_object_with_the_keys_of_the_design(
        self, trained: Path, note: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert predict(trained, note, note, "--json") == 0

        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 2
        facts = json.loads(lines[0])
        assert list(facts) == KEYS
        assert facts["file"] == str(note)
        assert list(facts["probabilities"]) == [emotion.value for emotion in Emotion]
        assert sum(facts["probabilities"].values()) == pytest.approx(1)
        assert facts["confidence"] == max(facts["probabilities"].values()) == facts["probabilities"][facts["emotion"]]
        assert facts["duration"] == pytest.approx(0.8)

    def test_a_bad_file_is_an_object_too(self, trained: Path, note: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert predict(trained, "missing.wav", note, "--json") == 1

        out, err = capsys.readouterr()
        bad, good = map(json.loads, out.splitlines())
        assert bad == {"file": "missing.wav", "error": "This is not audio that I can read: there is no such file."}
        assert "emotion" in good
        assert err == ""


NAMES = {
    "emoji code": b"a:smile:b.wav",
    "markup": b"[bold]a[/] [/nonsense].wav",
    "control characters": b"\x1b[31mred\x07\r\nsecond line.wav",
    "direction override": "a\N{RIGHT-TO-LEFT OVERRIDE}vaw.b".encode(),
    "undecodable bytes": b"caf\xe9.wav",
    "emoji": "😢.wav".encode(),
    "option": b"--json.wav",
    "very long": b"n" * 200 + b".wav",
}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not allow such names")
class TestNames:
    @pytest.mark.parametrize("raw", NAMES.values(), ids=NAMES.keys())
    @pytest.mark.parametrize("exists", [True, False], ids=["heard", "missing"])
    def test_names_can_neither_steer_the_terminal_nor_stop_the_command(
        self, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], raw: bytes, exists: bool
    ) -> None:
        path = tmp_path / os.fsdecode(raw)
        if exists:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(NOTE)

        assert predict(trained, path) == int(not exists)

        out, err = capsys.readouterr()
        shown = out if exists else err
        assert all(line.isprintable() for line in shown.splitlines())
        assert len(shown.splitlines()) == (10 if exists else 1)

    @pytest.mark.parametrize("raw", NAMES.values(), ids=NAMES.keys())
    def test_json_holds_the_very_name(
        self, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], raw: bytes
    ) -> None:
        name = str(tmp_path / os.fsdecode(raw))

        predict(trained, name, "--json")

        (line,) = capsys.readouterr().out.splitlines()
        assert line.isascii()
        assert json.loads(line)["file"] == name


class TestProgress:
    def shown(self, trained: Path, files: list[str], *, out_is_terminal: bool) -> str:
        out = Console(file=io.StringIO(), force_terminal=out_is_terminal)
        errors = Console(file=io.StringIO(), force_terminal=True, width=80)
        arguments = argparse.Namespace(files=files, model=trained, json=False, explain=False, timeline=False)
        assert run(arguments, out, errors) == 0
        return cast("io.StringIO", errors.file).getvalue()

    def test_a_person_sees_that_a_single_note_is_listened_to(self, trained: Path, note: Path) -> None:
        shown = self.shown(trained, [str(note)], out_is_terminal=True)

        assert "loading the model" in shown
        assert "listening" in shown

    def test_a_person_sees_how_many_notes_of_many_were_heard(self, trained: Path, note: Path) -> None:
        shown = self.shown(trained, [str(note)] * 11, out_is_terminal=False)

        assert "11/11" in shown


class TestRealCommand:
    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "emotify_core", *arguments],
            env={**os.environ, "PATH": "", **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def test_the_shipped_model_hears_a_voice_message(self, tmp_path: Path) -> None:
        (tmp_path / "note.ogg").write_bytes(demonstration_note(duration=2.0))

        done = self.run("predict", str(tmp_path / "note.ogg"), "--json")

        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["emotion"] in set(Emotion)

    def test_it_needs_nothing_of_the_environment(self, trained: Path, note: Path) -> None:
        command = [sys.executable, "-m", "emotify_core", "predict", "--model", str(trained), str(note)]

        done = subprocess.run(command, env={}, capture_output=True, check=False)

        assert (done.returncode, done.stderr) == (0, b"")

    def test_a_terminal_that_knows_only_ascii_gets_ascii(self, trained: Path, note: Path) -> None:
        done = self.run("predict", "--model", str(trained), str(note), PYTHONIOENCODING="ascii", PYTHONUTF8="0")

        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.isascii()
        first, most_likely, *_ = done.stdout.splitlines()
        assert "\\U0001f" in first
        assert re.fullmatch(r"  [a-z]+ +\d+%  #+", most_likely)

    def test_its_curves_are_of_digits(self, trained: Path, note: Path) -> None:
        arguments = ("predict", "--model", str(trained), str(note), "--timeline")
        done = self.run(*arguments, PYTHONIOENCODING="cp1252", PYTHONUTF8="0")

        emotion, loudness, _ = done.stdout.splitlines()[-3:]
        assert re.fullmatch(r"[a-z]+ +[1-7# ]+ +\d+%", emotion)
        assert re.fullmatch(r"loudness +[1-7# ]+", loudness)

    def test_a_reader_that_has_seen_enough_is_no_failure(self, trained: Path, note: Path) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        try:
            done = subprocess.run(
                [sys.executable, "-m", "emotify_core", "predict", "--model", str(trained), str(note)],
                stdout=writer,
                stderr=subprocess.PIPE,
                check=False,
            )
        finally:
            os.close(writer)

        assert (done.returncode, done.stderr) == (0, b"")
