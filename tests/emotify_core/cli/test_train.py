from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotify_core.classifier import EmotionClassifier
from emotify_core.cli import main
from emotify_core.cli.evaluate import show
from emotify_core.cli.terminal import PlainConsole
from emotify_core.conditions import CONDITIONS
from emotify_core.emotions import Emotion
from emotify_core.errors import MissingExtraError
from emotify_core.non_speech import KINDS
from emotify_core.recipes import RECIPES
from emotify_core.registry import Registry
from tests.emotify_core.voices import voice, write_recording

pytestmark = pytest.mark.usefixtures("few_sounds")
FUNCTIONALS = ["--recipe", "functionals"]


def train(corpus: Path, registry: Path, feature_cache: Path, *options: str) -> int:
    where = ["--corpus", f"ravdess={corpus}", "--out", str(registry), "--cache", str(feature_cache)]
    return main(["train", *where, "--jobs", "1", *FUNCTIONALS, *options])


class TestTrained:
    """What `emotify train` left in its registry."""

    def test_the_version_is_published_promoted_and_whole(self, trained: Path) -> None:
        registry = Registry(trained)

        (version,) = registry.versions()
        assert registry.champion() == version
        assert sorted(path.name for path in trained.iterdir()) == ["champion.json", version]
        assert sorted(path.name for path in (trained / version).iterdir() if path.suffix != ".png") == [
            "card.md",
            "header.json",
            "metrics.json",
            "model.skops",
        ]

    def test_the_cards_pictures_lie_beside_it(self, trained: Path) -> None:
        folder = trained / Registry(trained).champion()

        pictures = {path.name for path in folder.glob("*.png")}
        card = (folder / "card.md").read_text(encoding="utf-8")

        assert {"confusion.png", "conditions.png"} <= pictures
        assert all(name in card for name in pictures)

    def test_the_detector_of_speech_is_measured_on_kinds_and_speakers_it_was_not_fitted_on(self, trained: Path) -> None:
        registry = Registry(trained)
        figures = registry.metrics(registry.champion())["non_speech"]

        assert set(figures["refused"]) == set(KINDS)
        assert set(figures["false_refusals"]) == {"ravdess"}
        assert np.mean(list(figures["refused"].values())) > 0.7
        assert figures["false_refusals"]["ravdess"] < 0.3

    def test_the_header_names_corpus_licence_and_libraries(self, trained: Path) -> None:
        header = Registry(trained).header(Registry(trained).champion())

        (corpus,) = header.corpora
        assert (corpus["name"], corpus["n_utterances"], corpus["n_speakers"]) == ("ravdess", 26, 3)
        assert header.licence == corpus["licence"] == "CC BY-NC-SA 4.0"
        assert {"python", "numpy", "scikit-learn", "librosa", "skops"} <= set(header.libraries)

    def test_figures_are_measured_on_speakers_it_was_not_fitted_on_clean_and_degraded(self, trained: Path) -> None:
        metrics = Registry(trained).metrics(Registry(trained).champion())

        assert (metrics["protocol"], metrics["recipe"], metrics["corpora"]) == ("emobox", "functionals", ["ravdess"])
        assert list(metrics["figures"]) == ["clean", *CONDITIONS]
        for figures in metrics["figures"].values():
            assert (figures["n_utterances"], figures["n_speakers"]) == (24, 3)

    def test_the_card_shows_the_same_figures(self, trained: Path) -> None:
        registry, version = Registry(trained), Registry(trained).champion()

        card = (trained / version / "card.md").read_text(encoding="utf-8")

        for name, figures in registry.metrics(version)["figures"].items():
            assert f"| {name} | {figures['uar']:.3f} |" in card

    def test_confidence_is_calibrated(self, trained: Path) -> None:
        _, model = Registry(trained).load(Registry(trained).champion())

        assert model.calibration is not None

    def test_the_model_is_small(self, trained: Path) -> None:
        assert sum(path.stat().st_size for path in trained.rglob("*") if path.is_file()) < 20 * 2**20


class TestCommand:
    def test_without_figures_the_card_says_so(
        self, corpus: Path, feature_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert train(corpus, tmp_path / "m", feature_cache, "--no-evaluate", "--no-promote", "--json") == 0

        out, err = capsys.readouterr()
        header = json.loads(out)
        assert err.splitlines() == ["26 utterances of 3 speakers"]
        assert Registry(tmp_path / "m").versions() == (header["version"],)
        assert set(Registry(tmp_path / "m").metrics(header["version"])) == {"non_speech"}
        assert "None were measured." in (tmp_path / "m" / header["version"] / "card.md").read_text(encoding="utf-8")
        assert not (tmp_path / "m" / "champion.json").exists()

    def test_it_says_what_it_published_and_where(
        self, corpus: Path, feature_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        odd = tmp_path / os.fsdecode(b"m\xff[odels]:smile:")

        assert train(corpus, odd, feature_cache, "--no-evaluate") == 0

        out = capsys.readouterr().out
        version = EmotionClassifier.load(odd).version
        assert out == f"{version}: published, and now the champion in {tmp_path}/m\\udcff[odels]:smile:\n"


class TestEvaluate:
    def evaluate(self, corpus: Path, feature_cache: Path, *options: str) -> int:
        where = ["--corpus", f"ravdess={corpus}", "--cache", str(feature_cache), "--jobs", "1"]
        return main(["evaluate", *where, *FUNCTIONALS, *options])

    def test_it_prints_the_very_figures_of_the_card(
        self, corpus: Path, feature_cache: Path, trained: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.evaluate(corpus, feature_cache, "--conditions", "--json") == 0

        found, published = json.loads(capsys.readouterr().out), Registry(trained).metrics(Registry(trained).champion())
        assert found.pop("permuted") is False
        del published["non_speech"]
        assert found == published

    def test_another_protocol_on_folders_that_overlap_tests_everything_once(
        self, corpus: Path, feature_cache: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        again = ["--corpus", f"ravdess={corpus / 'speech'}", "--protocol", "loso"]

        assert self.evaluate(corpus, feature_cache, *again) == 0

        out, err = capsys.readouterr()
        assert err.splitlines() == ["26 utterances of 3 speakers"]
        assert out.startswith("recipe functionals, protocol loso, seed 0\n")
        assert "24 utterances of 3 speakers" in out

    def test_corpora_that_are_left_out_are_told_beside_what_the_first_alone_would_say(
        self, corpus: Path, feature_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for speaker in ("03", "09"):
            for letter, emotion in {"W": Emotion.ANGRY, "T": Emotion.SAD, "N": Emotion.NEUTRAL}.items():
                write_recording(tmp_path / "emodb" / f"{speaker}a01{letter}a.wav", voice(emotion, speaker))
            for word, emotion in {"anger": Emotion.ANGRY, "surprised": Emotion.SURPRISED}.items():
                write_recording(tmp_path / "nemo" / f"S{speaker}_{word}_1.wav", voice(emotion, speaker, take=2))
        elsewhere = [option for name in ("emodb", "nemo") for option in ("--corpus", f"{name}={tmp_path / name}")]

        assert self.evaluate(corpus, feature_cache, *elsewhere, "--protocol", "loco", "--json") == 0
        report = json.loads(capsys.readouterr().out)
        assert self.evaluate(corpus, feature_cache, *elsewhere, "--protocol", "loco") == 0
        shown = capsys.readouterr().out.splitlines()

        by_corpus = {row["corpus"]: row for row in report["rows"]}
        assert by_corpus["emodb"]["labels"] == ["neutral", "sad", "angry"]
        assert by_corpus["nemo"]["labels"] == ["angry", "surprised"]
        assert (by_corpus["emodb"]["n_utterances"], by_corpus["nemo"]["n_utterances"]) == (6, 4)
        for row in report["rows"]:
            assert row["uar"] == pytest.approx(np.mean(list(row["recall"].values())))
            assert np.shape(row["confusion"]) == (len(row["labels"]), len(row["labels"]))
        assert report["mean_uar"] == pytest.approx(np.mean([row["uar"] for row in report["rows"]]))
        assert report["baseline"] == "trained on ravdess alone"
        assert shown[0] == "recipe functionals, protocol loco, seed 0"
        assert [line.split()[0] for line in shown[-3:]] == ["emodb", "nemo", "mean"]
        assert f"{report['mean_uar']:.3f}" in shown[-1]
        assert max(map(len, shown)) <= 80

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            (["ravdess", "nemo", "--conditions"], "--conditions are for speakers who were never met: not with "),
            (["nemo", "ravdess"], "The corpus that is named first is the baseline, and must know all emotions: nemo "),
            (["nemo", "song"], "There is no corpus to leave out beside nemo, which is named first."),
        ],
    )
    def test_what_cannot_be_left_out_is_said_before_anything_is_extracted(
        self,
        corpus: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        given: list[str],
        sentence: str,
    ) -> None:
        for name in ("nemo/AB0_anger_1", "nemo/AB0_happiness_1", *(f"song/03-02-0{n}-01-01-01-05" for n in (3, 5))):
            write_recording(tmp_path / f"{name}.wav", np.zeros(16, np.float32))
        folders = {
            "nemo": f"--corpus=nemo={tmp_path / 'nemo'}",
            "ravdess": f"--corpus=ravdess={corpus}",
            "song": f"--corpus=ravdess={tmp_path / 'song'}",
        }

        assert main(["evaluate", *FUNCTIONALS, "--protocol=loco", *(folders.get(word, word) for word in given)]) == 1

        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"emotify: {sentence}")

    def test_folds_of_ravdess_without_ravdess_are_refused_before_anything_is_extracted(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        for speaker in ("AB0", "CD1"):
            write_recording(tmp_path / "nemo" / f"{speaker}_anger_1.wav", np.zeros(16, np.float32))

        assert main(["evaluate", "--corpus", "nemo=nemo", *FUNCTIONALS]) == 1

        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("emotify: The protocol emobox tests actors of RAVDESS, and there is no speech of theirs")

    def test_settings_chosen_in_each_fold_are_told(
        self, corpus: Path, feature_cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        choices = ({"C": 5e-4}, {"C": 1e-9})
        functionals = replace(RECIPES["functionals"], choices=choices)
        monkeypatch.setattr("emotify_core.cli.evaluate.RECIPES", {"functionals": functionals})

        assert self.evaluate(corpus, feature_cache, "--protocol", "loso", "--nested", "--json") == 0
        report = json.loads(capsys.readouterr().out)
        assert self.evaluate(corpus, feature_cache, "--protocol", "loso", "--nested") == 0

        assert len(report["settings"]) == report["folds"] > 1
        assert all(settings in choices for settings in report["settings"])
        out = capsys.readouterr().out
        for fold, settings in enumerate(report["settings"], start=1):
            assert f"chosen in fold {fold}: C {settings['C']:g}\n" in out

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            (
                ["--protocol", "loco"],
                "--nested chooses on speakers of the corpus under test: not with --protocol loco.",
            ),
            (["--recipe", "classic"], "There is nothing to choose in the recipe classic."),
        ],
    )
    def test_where_nothing_can_be_chosen_it_is_said(
        self,
        corpus: Path,
        feature_cache: Path,
        options: list[str],
        sentence: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        assert self.evaluate(corpus, feature_cache, *options, "--nested") == 1
        assert capsys.readouterr().err.splitlines()[-1] == f"emotify: {sentence}"

    def test_permuted_labels_are_said_to_be(
        self, corpus: Path, feature_cache: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.evaluate(corpus, feature_cache, "--permute", "--json") == 0

        report = json.loads(capsys.readouterr().out)
        assert report["permuted"] is True
        assert report["figures"]["clean"]["uar"] < 0.5

        assert self.evaluate(corpus, feature_cache, "--permute") == 0
        assert capsys.readouterr().out.startswith("recipe functionals, protocol emobox, seed 0, labels shuffled\n")

    def test_too_few_speakers_are_one_sentence(
        self, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        alone = corpus / "speech" / "Actor_01"

        assert main(["evaluate", "--corpus", f"ravdess={alone}", "--jobs", "1", *FUNCTIONALS]) == 1

        lines = capsys.readouterr().err.splitlines()
        assert lines[-1] == ("emotify: A speaker-independent protocol needs speech of at least two groups of speakers.")


class TestTables:
    def shown(self, report: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> list[str]:
        show(report, PlainConsole())
        return capsys.readouterr().out.splitlines()

    def test_they_hold_the_figures_within_eighty_columns(
        self, trained: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        metrics = Registry(trained).metrics(Registry(trained).champion())

        lines = self.shown(metrics, capsys)

        assert max(map(len, lines)) <= 80
        rows = {line.split("  ")[0].strip(): line for line in lines}
        for name, figures in metrics["figures"].items():
            assert f"{figures['uar']:.3f}" in rows[name]
        for emotion in Emotion:
            assert f"{metrics['figures']['clean']['recall'][emotion]:.3f}" in rows[emotion]

    def test_an_emotion_that_nobody_expressed_has_a_dash(
        self, trained: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        metrics = Registry(trained).metrics(Registry(trained).champion())
        metrics["figures"]["clean"]["recall"]["calm"] = None

        rows = {line.split("  ")[0].strip(): line for line in self.shown(metrics, capsys)}

        assert rows["calm"].rstrip().endswith(" -")

    def test_speakers_on_whom_no_setting_was_chosen_are_counted_apart(
        self, trained: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        metrics = Registry(trained).metrics(Registry(trained).champion())

        sentence = "UAR of the 4 speakers on whom no setting was chosen: 0.512"
        assert sentence in self.shown(metrics | {"untuned": {"uar": 0.5123, "n_speakers": 4}}, capsys)
        assert not any("no setting" in line for line in self.shown(metrics | {"untuned": None}, capsys))


class TestWithoutPyTorch:
    """The recipe `fused` is the default, and needs the extra `train`."""

    @pytest.fixture(autouse=True)
    def no_pytorch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "torch", None)
        for name in [name for name in sys.modules if name.startswith("emotify_core.network")]:
            monkeypatch.delitem(sys.modules, name)

    @pytest.mark.parametrize(
        "command", [["train", "--no-evaluate", "--out", "m"], ["train", "--out", "m"], ["evaluate"]]
    )
    def test_it_is_one_sentence(
        self,
        corpus: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        command: list[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)

        assert main([*command, "--corpus", f"ravdess={corpus}", "--jobs", "1"]) == 1

        assert capsys.readouterr() == (
            "",
            f"emotify: {MissingExtraError('PyTorch', 'train')}\n",
        )
        assert not list(tmp_path.rglob("header.json"))


def test_a_missing_corpus_leaves_no_folder_behind(tmp_path: Path) -> None:
    assert main(["train", "--corpus", f"ravdess={tmp_path / 'nowhere'}", "--out", str(tmp_path / "out")]) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("below", ["", "models"])
@pytest.mark.parametrize("option", ["--out", "--cache"])
def test_a_file_in_place_of_a_folder_is_named_before_anything_is_extracted(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, below: str
) -> None:
    (tmp_path / "file").touch()
    folders = {"--out": tmp_path / "out", "--cache": tmp_path / "cache"} | {option: tmp_path / "file" / below}

    given = [f"{name}={folder}" for name, folder in folders.items()]
    assert main(["train", "--corpus", f"ravdess={corpus}", *FUNCTIONALS, *given]) == 1

    sentence = f"emotify: There is a file where a folder is needed: {folders[option]}"
    assert capsys.readouterr().err.splitlines() == [sentence]
    assert not list(tmp_path.rglob("*.npz"))
