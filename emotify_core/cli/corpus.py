"""What `train` and `evaluate` share: reading corpora into a dataset."""

from __future__ import annotations

import argparse

from rich.console import Console

from emotify_core.cli.terminal import Bars
from emotify_core.corpora import Utterance, read_corpus
from emotify_core.dataset import Dataset, build_dataset
from emotify_core.recipes import RECIPES


def load_dataset(arguments: argparse.Namespace, errors: Console) -> Dataset:
    """Read the corpora named on the command line and extract their features."""
    found: dict[tuple[str, str], Utterance] = {}  # what lies in two of the folders counts once
    for name, folder in arguments.corpus:
        for utterance in read_corpus(name, folder):
            found.setdefault((name, utterance.path.stem), utterance)
    utterances = sorted(found.values(), key=lambda u: (u.corpus, u.speaker, u.path.stem))
    errors.print(f"{len(utterances)} utterances of {len({(u.corpus, u.speaker) for u in utterances})} speakers")
    return build_dataset(
        utterances,
        RECIPES[arguments.recipe],
        seed=arguments.seed,
        n_jobs=arguments.jobs,
        cache=arguments.cache,
        progress=Bars(errors),
    )
