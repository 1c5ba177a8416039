from __future__ import annotations

import argparse
import errno
import os
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from emotify_core.classifier import EmotionClassifier
from emotify_core.cli import main
from emotify_core.cli.main import build_parser
from emotify_core.recipes import RECIPES
from emotify_core.splits import PROTOCOLS
from tests.interruptions import interrupt_while_loading

README = Path(__file__).parents[3] / "README.md"


def commands(parser: argparse.ArgumentParser, *words: str) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Walk through a command and all below it."""
    yield words, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from commands(below, *words, name)


ALL = dict(commands(build_parser()))


class TestHelp:
    def test_these_are_the_commands(self) -> None:
        assert {" ".join(words) for words in ALL} == {
            "",
            "predict",
            "train",
            "evaluate",
            "models",
            "models list",
            "models show",
            "models card",
            "models promote",
            "models rollback",
        }

    def test_training_takes_as_long_as_readme_says(self) -> None:
        promise = "about an hour on two cores"

        assert promise in " ".join((ALL["train",].description or "").split())
        assert promise in README.read_text(encoding="utf-8")

    @pytest.mark.parametrize("words", ALL, ids=" ".join)
    def test_every_command_explains_itself_and_every_option(
        self, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as caught:
            main([*words, "--help"])

        assert caught.value.code == 0
        text = capsys.readouterr().out
        assert ALL[words].description
        for action in ALL[words]._actions:
            if not isinstance(action, argparse._SubParsersAction):
                assert action.help
                assert all(option in text for option in action.option_strings)

    def test_the_help_teaches_by_examples_and_names_the_exit_codes(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            main(["--help"])

        text = capsys.readouterr().out
        assert "emotify predict note.ogg" in text
        assert "exit codes: 0 done; 1" in text

    @pytest.mark.parametrize("words", ALL, ids=" ".join)
    def test_it_fits_into_eighty_columns(
        self, words: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        with pytest.raises(SystemExit):
            main([*words, "--help"])

        assert max(map(len, capsys.readouterr().out.splitlines())) <= 80

    @pytest.mark.parametrize("words", [words for words in ALL if words], ids=" ".join)
    def test_every_command_stands_in_the_readme(self, words: tuple[str, ...]) -> None:
        text = README.read_text(encoding="utf-8")

        assert f"emotify {words[0]}" in text
        assert all(word in text for word in words)

    def test_choices_are_those_there_are(self) -> None:
        options = {option: action for action in ALL["evaluate",]._actions for option in action.option_strings}

        assert set(options["--protocol"].choices or ()) == set(PROTOCOLS)
        assert set(options["--recipe"].choices or ()) == set(RECIPES)


class TestVersion:
    def show(self, capsys: pytest.CaptureFixture[str]) -> str:
        with pytest.raises(SystemExit) as caught:
            main(["--version"])
        assert caught.value.code == 0
        return capsys.readouterr().out

    def test_it_is_that_of_the_package(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.show(capsys) == f"emotify {metadata.version('emotify')}\n"

    def test_a_checkout_that_is_not_installed_says_so(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def missing(name: str) -> str:
            raise metadata.PackageNotFoundError(name)

        monkeypatch.setattr(metadata, "version", missing)

        assert self.show(capsys) == "emotify (not installed)\n"


CORPUS = ["--corpus", "ravdess=somewhere"]
WRONG = [
    [],
    ["listen"],
    ["predict"],
    ["predict", "--loud", "note.wav"],
    ["train", *CORPUS],
    ["train", "--out", "models"],
    ["evaluate"],
    ["evaluate", "--corpus", "ravdess"],
    ["evaluate", "--corpus", "=somewhere"],
    ["evaluate", "--corpus", "ravdess="],
    ["evaluate", *CORPUS, "--protocol", "bogus"],
    ["evaluate", *CORPUS, "--recipe", "bogus"],
    *(["evaluate", *CORPUS, "--jobs", n] for n in ("0", "-1", "two", "1.5", "", "99999999999999999999")),
    *(["evaluate", *CORPUS, "--seed", n] for n in ("-1", "x", "4294967296", "²")),
    ["models"],
    ["models", "promote"],
    ["models", "destroy"],
]


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_usage_is_explained_and_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    out, err = capsys.readouterr()
    assert caught.value.code == 2
    assert out == ""
    assert err.startswith("usage: emotify")


class TestFailures:
    """Each is one line on standard error, and the exit code is 1."""

    def failure(self, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
        assert main(arguments) == 1
        out, err = capsys.readouterr()
        (line,) = err.splitlines()
        assert out == ""
        assert line.startswith("emotify: ")
        assert line.isprintable()
        return line

    @pytest.mark.parametrize("command", [["evaluate"], ["train", "--out", "models"]], ids=["evaluate", "train"])
    def test_a_missing_corpus_folder(
        self, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)

        line = self.failure([*command, "--corpus", "ravdess=no/such folder\x1b"], capsys)

        assert line == r"emotify: The folder of the corpus ravdess is missing: no/such folder\x1b"

    def test_a_corpus_in_the_home_of_nobody(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as stopped:  # who means ~/ravdess easily writes this
            main(["evaluate", "--corpus", "ravdess=~ravdess-of-nobody"])

        assert stopped.value.code == 2
        assert "'~ravdess-of-nobody': the user named after ~ has no home here" in capsys.readouterr().err

    def test_an_unknown_corpus(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        line = self.failure(["evaluate", "--corpus", f"iemocap={tmp_path}"], capsys)

        assert "no reader for a corpus 'iemocap'" in line

    def test_an_empty_corpus(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert f"There is no recording under {tmp_path} of RAVDESS" in self.failure(
            ["evaluate", "--corpus", f"ravdess={tmp_path}"], capsys
        )

    def test_a_registry_that_cannot_be_made_before_anything_is_done(
        self, tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "file").touch()

        line = self.failure(["train", "--corpus", f"ravdess={corpus}", "--out", str(tmp_path / "file")], capsys)

        assert line == f"emotify: There is a file where a folder is needed: {tmp_path}/file"

    def test_a_model_that_is_not_there(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        line = self.failure(["predict", "--model", str(tmp_path), "note.wav"], capsys)

        assert line == f"emotify: There is no model in {tmp_path}."


def test_a_full_disk_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(path: object) -> EmotionClassifier:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(EmotionClassifier, "load", full)

    assert main(["predict", "note.wav"]) == 1
    assert capsys.readouterr().err == f"emotify: {os.strerror(errno.ENOSPC)}\n"


def test_control_c_ends_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(path: Path | None) -> EmotionClassifier:
        raise KeyboardInterrupt

    monkeypatch.setattr(EmotionClassifier, "load", interrupted)

    assert main(["predict", "note.wav"]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("loading", ["importlib.metadata", "rich", "numpy", "sklearn"])
def test_control_c_ends_quietly_while_libraries_are_loaded(loading: str, tmp_path: Path) -> None:
    done = interrupt_while_loading(loading, "emotify_core", "predict", "note.wav", folder=tmp_path)

    assert done == (130, "", "")
