"""A corpus without a reader of its own, which a table in its folder describes, through the commands."""

from __future__ import annotations

import csv
import json
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import pytest

from emotify_core.classifier import EmotionClassifier
from emotify_core.cli import main
from emotify_core.cli.corpus import read_corpora
from emotify_core.cli.terminal import PlainConsole
from emotify_core.emotions import Emotion
from emotify_core.manifest import MANIFEST
from emotify_core.prediction import Prediction
from emotify_core.registry import Registry
from tests.emotify_core.voices import voice, write_recording

EMOTIONS = (Emotion.NEUTRAL, Emotion.SAD, Emotion.ANGRY)


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the recordings of two people, which have the same names in two folders."""
    root = tmp_path_factory.mktemp("mine")
    rows = [("file", "emotion", "speaker", "gender", "licence")]
    for speaker, number, gender in (("Zoë", "02", "female"), ("Ben", "05", "male")):
        for emotion in EMOTIONS:
            for take in (1, 2):
                name = f"{speaker}/{emotion}{take}.wav"
                write_recording(root / name, voice(emotion, number, take=take))
                rows.append((name, emotion, speaker, gender, "CC BY 4.0"))
    write_recording(root / "yawn.wav", voice(Emotion.CALM, "02"))
    rows.append(("yawn.wav", "boredom", "Zoë", "", ""))
    with (root / MANIFEST).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return root


def run(mine: Path, feature_cache: Path, *arguments: str) -> int:
    options = ["--cache", str(feature_cache), "--jobs", "1", "--recipe", "functionals"]
    return main([*arguments, "--corpus", f"mine={mine}", *options])


def test_each_file_counts_once_however_its_folder_is_spelled(tmp_path: Path) -> None:
    for name in ("1.wav", "1.mp3"):
        (tmp_path / name).touch()
    (tmp_path / MANIFEST).write_text("file,emotion,speaker\n1.wav,sad,a\n1.mp3,happy,a\n", encoding="utf-8")
    folders = (tmp_path, tmp_path / ".." / tmp_path.name)

    utterances = read_corpora(Namespace(corpus=[("mine", folder) for folder in folders]), PlainConsole(stderr=True))

    assert sorted(u.path.name for u in utterances) == ["1.mp3", "1.wav"]


@pytest.mark.parametrize("protocol", ["loso", "random"])
def test_it_is_measured(mine: Path, feature_cache: Path, capsys: pytest.CaptureFixture[str], protocol: str) -> None:
    assert run(mine, feature_cache, "evaluate", "--protocol", protocol, "--json") == 0

    out, err = capsys.readouterr()
    report, lines = json.loads(out), err.splitlines()
    clean = report["figures"]["clean"]
    assert (clean["n_utterances"], clean["labels"]) == (12, list(EMOTIONS))
    assert set(clean["uar_by_speaker"]) == {"mine/Zoë", "mine/Ben"}
    assert set(clean["uar_by_gender"]) == {"female", "male"}
    assert lines[0].endswith("boredom (1)")
    assert lines[1] == "12 utterances of 2 speakers"


def test_it_can_be_left_out(mine: Path, corpus: Path, feature_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = ("--corpus", f"ravdess={corpus}")

    assert run(mine, feature_cache, "evaluate", *first, "--protocol", "loco", "--json") == 0

    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["corpus"], row["labels"], row["n_utterances"]) == ("mine", list(EMOTIONS), 12)


def test_an_emotion_of_one_speaker_is_refused_before_anything_is_extracted(
    mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "1.wav").write_bytes((mine / "yawn.wav").read_bytes())
    (tmp_path / MANIFEST).write_text("file,emotion,speaker\n1.wav,calm,Zoë\n", encoding="utf-8")

    assert run(mine, tmp_path, "evaluate", "--protocol", "loso", "--corpus", f"other={tmp_path}") == 1

    sentence = "emotify: When speakers Zoë are tested, nothing is left to learn calm from."
    assert capsys.readouterr().err.splitlines()[1:] == [sentence]


def test_speakers_on_both_sides_are_told_and_one_speaker_has_no_interval(
    mine: Path, feature_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = (mine / MANIFEST).read_text(encoding="utf-8").replace(",Ben,", ",Zoë,").replace("\n", f"\n{mine}/")
    (tmp_path / MANIFEST).write_text(table.removesuffix(f"{mine}/"), encoding="utf-8")

    assert run(tmp_path, feature_cache, "evaluate", "--protocol", "random") == 0

    out, err = capsys.readouterr()
    assert err.splitlines()[1] == "12 utterances of 1 speaker"
    lines = out.splitlines()
    assert lines[1] == "each speaker trains and is tested: flattering, do not quote it for other voices"
    (clean,) = (line.split() for line in lines if line.startswith(" clean "))
    assert clean[2] == "-"


@pytest.mark.usefixtures("few_sounds")
def test_a_model_that_learned_from_it_names_it_with_its_licence(
    mine: Path, corpus: Path, feature_cache: Path, tmp_path: Path
) -> None:
    first = ("--corpus", f"ravdess={corpus}", "--out", str(tmp_path))

    assert run(mine, feature_cache, "train", *first, "--no-evaluate") == 0

    registry = Registry(tmp_path)
    header = registry.header(registry.champion())
    assert [(c["name"], c["licence"], c["n_utterances"]) for c in header.corpora] == [
        ("mine", "CC BY 4.0", 12),
        ("ravdess", "CC BY-NC-SA 4.0", 26),
    ]
    assert header.licence == "CC BY 4.0 and CC BY-NC-SA 4.0"
    card = (tmp_path / header.version / "card.md").read_text(encoding="utf-8")
    assert "- mine: 12 utterances of 2 speakers, CC BY 4.0.\n" in card


@pytest.mark.usefixtures("few_sounds")
def test_a_model_of_it_alone_is_measured_by_groups_of_its_speakers_and_calibrated(
    mine: Path, feature_cache: Path, tmp_path: Path
) -> None:
    assert run(mine, feature_cache, "train", "--out", str(tmp_path)) == 0

    registry = Registry(tmp_path)
    metrics = registry.metrics(registry.champion())
    assert (metrics["protocol"], metrics["folds"], metrics["figures"]["clean"]["n_utterances"]) == ("groups", 2, 12)
    assert registry.load(registry.champion())[1].calibration is not None


class TestModel:
    """The shipped model as it is, rather than a recipe."""

    def judge(self, name: str, root: Path, *options: str) -> int:
        return main(["evaluate", "--model", "--corpus", f"{name}={root}", *options])

    def test_it_is_measured_on_what_it_did_not_learn_from(
        self, mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "broken.wav").write_bytes(b"half a download")
        table = (mine / MANIFEST).read_text(encoding="utf-8").replace("\n", f"\n{mine}/").removesuffix(f"{mine}/")
        (tmp_path / MANIFEST).write_text(f"{table}broken.wav,sad,Ben,,\n", encoding="utf-8")

        assert self.judge("mine", tmp_path, "--json") == 0
        report = json.loads(capsys.readouterr().out)
        assert self.judge("mine", tmp_path) == 0
        lines = capsys.readouterr().out.splitlines()

        clean = report["figures"]["clean"]
        assert report["unreadable"] == 1
        assert clean["n_utterances"] + report["no_voice"] == 12
        assert clean["labels"] == list(Emotion)
        assert clean["recall"]["calm"] is None
        assert lines[0] == f"model {report['model']}, as it hears notes"
        assert lines[-1].endswith(" in which no voice was heard, 1 that cannot be read")
        assert max(map(len, lines)) <= 80

    def test_one_recording_is_not_called_many(
        self, mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / MANIFEST).write_text(f"file,emotion,speaker\n{mine}/Zoë/sad1.wav,sad,Zoë\n", encoding="utf-8")

        assert self.judge("mine", tmp_path) == 0

        assert "; 1 utterance of 1 speaker\n" in capsys.readouterr().out

    def test_what_cannot_be_read_is_not_said_to_be_without_a_voice(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "broken.wav").write_bytes(b"half a download")
        (tmp_path / MANIFEST).write_text("file,emotion,speaker\nbroken.wav,sad,Ben\n", encoding="utf-8")

        assert self.judge("mine", tmp_path) == 1

        *_, line = capsys.readouterr().err.splitlines()
        assert line.endswith(" heard no voice in 1 recording, 1 of which cannot be read.")

    def test_an_emotion_that_it_does_not_know_it_never_hears(
        self, mine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        heard = Prediction(probabilities={Emotion.SAD: 0.6, Emotion.ANGRY: 0.4}, duration=1.0, model="two")
        header = SimpleNamespace(corpora=(), labels=("angry", "sad"))
        two = SimpleNamespace(version="two", header=header, predict=lambda _: heard)
        monkeypatch.setattr(EmotionClassifier, "load", lambda _: two)

        assert self.judge("mine", mine, "--json") == 0

        clean = json.loads(capsys.readouterr().out)["figures"]["clean"]
        assert clean["labels"] == list(EMOTIONS)
        assert clean["recall"] == {"neutral": 0, "sad": 1, "angry": 0}

    def test_what_would_flatter_is_refused(self, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.judge("ravdess", corpus) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.endswith(" learned from ravdess: figures on that would flatter it.")

    def test_options_of_a_recipe_are_refused(self, mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
        options = ["--conditions", "--protocol", "emobox", "--recipe", "fused", "--noise", "dir"]

        with pytest.raises(SystemExit) as stopped:
            self.judge("mine", mine, *options)

        assert stopped.value.code == 2
        assert capsys.readouterr().err.endswith(
            "error: not with --model, which measures no recipe: --protocol, --recipe, --noise, --conditions\n"
        )
