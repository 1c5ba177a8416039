"""What `train` and `evaluate` share: reading corpora into a dataset."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from emotify_core.cli.terminal import Bars, printable
from emotify_core.corpora import Utterance, read_corpus
from emotify_core.dataset import Dataset, build_dataset
from emotify_core.errors import TrainingError
from emotify_core.fitting import require_training
from emotify_core.recipes import RECIPES
from emotify_core.surroundings import read_surroundings
from emotify_core.wording import counted

_NAMED: Final = 3  # of the recordings that are left out


def read_corpora(arguments: argparse.Namespace, errors: Console) -> list[Utterance]:
    """List the utterances of the corpora named on the command line."""

    def tell(sentence: str) -> None:
        errors.print(printable(sentence), soft_wrap=True)

    found: dict[tuple[str, str | Path], Utterance] = {}  # what lies in two of the folders counts once
    for name, folder in arguments.corpus:
        for utterance in read_corpus(name, folder, tell=tell):
            found.setdefault((name, utterance.path.resolve() if utterance.in_folders else utterance.name), utterance)
    return sorted(found.values(), key=lambda u: (u.corpus, u.speaker, u.name))


def used_by(utterances: Sequence[Utterance], arguments: argparse.Namespace) -> list[Utterance]:
    """Return the utterances that the recipe uses."""
    return [u for u in utterances if RECIPES[arguments.recipe].uses_song or u.kind == "speech"]


def make_folder(folder: Path) -> None:
    """Make a folder now, so that a name that cannot be one is told before the work rather than after it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise TrainingError(f"There is a file where a folder is needed: {folder}") from error


def load_dataset(utterances: Sequence[Utterance], arguments: argparse.Namespace, errors: Console) -> Dataset:
    """Extract the features of utterances as the command line says."""
    require_training(RECIPES[arguments.recipe])
    if arguments.cache is not None:
        make_folder(arguments.cache)
    n = len({(u.corpus, u.speaker) for u in utterances})
    errors.print(f"{counted(len(utterances), 'utterance')} of {counted(n, 'speaker')}")
    dataset = build_dataset(
        utterances,
        RECIPES[arguments.recipe],
        seed=arguments.seed,
        n_jobs=arguments.jobs,
        cache=arguments.cache,
        surroundings=read_surroundings(arguments.noise, arguments.rooms),
        progress=Bars(errors),
    )
    if dataset.unusable:
        errors.print(_left_out([printable(utterance.path.name) for utterance in dataset.unusable]), soft_wrap=True)
    return dataset


def _left_out(names: Sequence[str]) -> str:
    """Say which recordings are not measured and not learned from."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{len(names)} of them left out, unreadable or without sound: {', '.join(names[:_NAMED])}{more}"
