"""Arguments of the `emotify` command, and its exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from emotify_core.cli.arguments import parse
from emotify_core.errors import EmotifyError, sentence_of

if TYPE_CHECKING:
    from rich.console import Console

_DESCRIPTION = "Hear how a person feels from their voice."
_EPILOG = """\
examples:
  emotify predict note.ogg                    emotion and all probabilities
  emotify predict note.ogg --explain          and why, in a sentence
  emotify predict talk.m4a --timeline         and how it changes
  emotify predict *.ogg --json | jq .emotion  one JSON object a line
  emotify evaluate --corpus ravdess=DIR       figures on voices never met before
  emotify train --corpus ravdess=DIR --out models
  emotify models show                         what the model is, and is bad at

exit codes: 0 done; 1 something failed, as one line on standard error says;
2 wrong usage; 130 interrupted
"""

_PREDICT = """\
Name the emotion in recordings of any format: WAV, FLAC, MP3, Ogg Vorbis and Opus, M4A, WebM and more. A file that
cannot be used is reported, and the rest go on; the exit code is 1 then.
"""
_TRAIN = """\
Extract features, measure the recipe on speakers that it was not fitted on (by the protocol emobox of evaluate where
there is RAVDESS, by groups elsewhere), fit it to everything, and publish model, metrics and card as a new version.
Takes about an hour on two cores for the corpora of the shipped model.
"""
_EVALUATE = """\
Cross-validate a recipe and print its figures: unweighted average recall (UAR, the mean of the classes' recalls; 0.125
is chance for eight), accuracy, recall of each class, confusion, calibration error (ECE). Protocols: emobox, six folds
of four RAVDESS actors, as published by EmoBox; groups, six folds of the speakers of any corpora; loso, leave one
speaker out; loco, leave one corpus out, beside a model of the first corpus alone; random, four random folds in which
every speaker is on both sides (it flatters: do not quote it for voices never met).
"""
_OF_RECIPE = ("protocol", "recipe", "noise", "rooms", "conditions", "nested")  # options that --model has no use for


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    try:
        return _run(parse(build_parser(), argv))
    except KeyboardInterrupt:
        return 130


def _run(arguments: argparse.Namespace) -> int:
    """Run the command, and say in a line what went wrong."""
    from emotify_core.cli.terminal import PlainConsole, printable  # noqa: PLC0415 - Ctrl-C is heard while it loads

    errors = PlainConsole(stderr=True)
    try:
        return int(arguments.run(arguments, PlainConsole(), errors))
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (EmotifyError, OSError) as error:
        errors.print(f"emotify: {printable(sentence_of(error))}", soft_wrap=True)
        return 1


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="emotify", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"emotify {_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_predict(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_models(commands)
    return parser


def _version() -> str:
    from importlib import metadata  # noqa: PLC0415 - Ctrl-C is heard while it loads

    try:
        return metadata.version("emotify")
    except metadata.PackageNotFoundError:  # run from a checkout
        return "(not installed)"


def _add_predict(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "predict",
        help="name the emotion in recordings",
        description=_PREDICT,
    )
    command.add_argument("files", nargs="+", metavar="FILE", help="a recording of a voice")
    command.add_argument("--explain", action="store_true", help="say which traits of the voice spoke for the emotion")
    command.add_argument(
        "--timeline", action="store_true", help="show how emotions and loudness change over the recording"
    )
    command.add_argument("--json", action="store_true", help="print one JSON object a line")
    command.add_argument(
        "--model", type=Path, metavar="DIR", help="folder of a model version or registry (default: the shipped model)"
    )
    command.set_defaults(run=_lazy("predict"))


def _add_train(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "train",
        help="train a model and publish it as a version",
        description=_TRAIN,
    )
    _add_corpus_options(command)
    command.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="registry that gets the version, such as models"
    )
    command.add_argument(
        "--no-evaluate",
        action="store_true",
        help="publish without figures, calibration and baselines of voices (the card says so)",
    )
    command.add_argument("--no-promote", action="store_true", help="publish, but leave the champion as it is")
    command.add_argument("--json", action="store_true", help="print the header as JSON")
    command.set_defaults(run=_lazy("train"))


def _add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "evaluate",
        help="cross-validate a recipe",
        description=_EVALUATE,
    )
    _add_corpus_options(command)
    command.add_argument("--protocol", choices=("emobox", "groups", "loso", "loco", "random"), help="default: emobox")
    command.add_argument(
        "--model",
        nargs="?",
        const="",
        metavar="DIR",
        help="train nothing, but measure a published model as it hears notes, by no protocol: folder of a version "
        "or registry (without DIR: the shipped model); corpora that it learned from are refused, by their names",
    )
    command.add_argument("--conditions", action="store_true", help="also test in noise, in a room and through Opus")
    command.add_argument(
        "--nested",
        action="store_true",
        help="choose the settings of the first expert anew in each fold, from its training speakers alone",
    )
    command.add_argument(
        "--permute", action="store_true", help="shuffle the labels first: the figures must fall to chance"
    )
    command.add_argument("--json", action="store_true", help="print the figures as JSON")

    def run(arguments: argparse.Namespace, out: Console, errors: Console) -> int:
        given = [f"--{name}" for name in _OF_RECIPE if getattr(arguments, name)]
        if arguments.model is not None and given:
            command.error(f"not with --model, which measures no recipe: {', '.join(given)}")
        arguments.protocol, arguments.recipe = arguments.protocol or "emobox", arguments.recipe or "fused"
        return _lazy("evaluate")(arguments, out, errors)

    command.set_defaults(run=run, recipe=None)  # what was not named


def _add_models(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "models",
        help="list, show, promote and roll back model versions",
        description="Look after the versions in a registry. The champion is the version that serves.",
    )
    actions = command.add_subparsers(title="actions", required=True, metavar="ACTION")
    registry = argparse.ArgumentParser(add_help=False)
    registry.add_argument(
        "--registry",
        type=Path,
        metavar="DIR",
        help="a registry, or the bot's data folder with one in it (default: the shipped models)",
    )
    registry.add_argument("--json", action="store_true", help="print JSON")
    for name, text in (
        ("list", "list the versions"),
        ("show", "show what a version is, and its card"),
        ("card", "write the card of a version and its pictures anew, from its figures"),
        ("promote", "make a version the champion"),
        ("rollback", "make the champion before this one the champion again"),
    ):
        action = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", parents=[registry])
        if name in {"show", "card", "promote"}:
            action.add_argument(
                "version",
                nargs=None if name == "promote" else "?",
                metavar="VERSION",
                help="name of a version, as listed" + ("" if name == "promote" else " (default: the champion)"),
            )
        if name == "card":
            action.add_argument(
                "--report",
                type=Path,
                action="append",
                default=[],
                metavar="FILE",
                help="figures to add: what evaluate --json printed with --protocol loco or with --permute",
            )
        action.set_defaults(run=_lazy("models"), action=name)


def _add_corpus_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--corpus",
        action="append",
        required=True,
        type=_corpus,
        metavar="NAME=DIR",
        help="a corpus and its folder, such as ravdess=~/ravdess; may be given several times. ravdess, nemo, emodb and "
        "emospeech are read by the names of their files; in the folder of any other lies emotify.csv, whose first line "
        "is file,emotion,speaker (if known with gender, intensity, sentence, licence), and then a line a recording",
    )
    command.add_argument(
        "--recipe",
        choices=("fused", "functionals", "classic"),
        default="fused",
        help="fused: both experts, which needs PyTorch (the extra train); functionals: the first one alone; classic: "
        "what this project began with, kept as the baseline (default: fused)",
    )
    command.add_argument("--seed", type=_seed, default=0, help="the same seed gives the same model (default: 0)")
    command.add_argument(
        "--jobs", type=_jobs, default=os.cpu_count() or 1, metavar="N", help="processes (default: all cores)"
    )
    command.add_argument("--cache", type=Path, metavar="DIR", help="keep extracted features here for the next run")
    command.add_argument(
        "--noise", type=Path, metavar="DIR", help="recordings of noise; some are mixed in, others kept for testing"
    )
    command.add_argument(
        "--rooms", type=Path, metavar="DIR", help="impulse responses of rooms; some for training, others for testing"
    )


def _corpus(text: str) -> tuple[str, Path]:
    name, separator, folder = text.partition("=")
    if not (name and separator and folder):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=DIR")
    try:
        return name, Path(folder).expanduser()
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"{folder!r}: the user named after ~ has no home here") from error


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to {2**32 - 1}")
    return int(text)


def _jobs(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 1000):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes")
    return int(text)


def _lazy(module: str) -> Callable[[argparse.Namespace, Console, Console], int]:
    """Return the `run` of a module, imported when it is called: a command loads only what it needs."""

    def run(arguments: argparse.Namespace, out: Console, errors: Console) -> int:
        return int(import_module(f"emotify_core.cli.{module}").run(arguments, out, errors))

    return run
