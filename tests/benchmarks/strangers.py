"""How far confidence can be believed of voices never met: `python -m tests.benchmarks.strangers --data DIR`.

Each corpus but the home corpus is heard by experts who were trained without it, in half an hour on two cores. Their
confidence is the shipped model's, whose calibration is fitted to the home corpus alone: once with a factor of 1, which
leaves the temperature of home, once with the recipe's, and once with the one that is best for the other corpora. The
verdict is among all eight emotions. The last columns: how many of the notes get a reply that names an emotion, and how
many of these are right.
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize_scalar

from emotify_core.calibration import Calibration
from emotify_core.cli.terminal import Bars
from emotify_core.corpora import read_corpus
from emotify_core.dataset import build_dataset
from emotify_core.evaluation import cross_validate
from emotify_core.experts import Experts
from emotify_core.metrics import expected_calibration_error
from emotify_core.recipes import RECIPES
from emotify_core.registry import Registry
from emotify_core.shipped import shipped_models
from emotify_core.splits import leave_one_corpus_out
from emotify_core.surroundings import read_surroundings
from responses.bands import MEDIUM_FROM

_CORPORA = ("ravdess", "nemo", "emodb", "emospeech")
_HIGHEST = 6.0  # factor that is tried


@dataclass(frozen=True, eq=False)
class Heard:
    """A corpus as experts heard it who never met it; columns in the order of the shipped model's classes."""

    name: str
    scores: NDArray[np.float64]
    quality: NDArray[np.float32]
    truth: NDArray[np.intp]

    def probabilities(self, calibration: Calibration, factor: float) -> NDArray[np.float64]:
        """Calibrate the scores with another factor."""
        other = copy.copy(calibration)
        other.strange_factor = factor
        return other.probabilities(self.scores, self.quality)

    def loss(self, calibration: Calibration, factor: float) -> float:
        """Return the mean negative log-likelihood."""
        probabilities = self.probabilities(calibration, factor)
        return float(-np.log(probabilities[np.arange(len(self.truth)), self.truth] + 1e-12).mean())


def main(argv: Sequence[str] | None = None) -> int:
    """Train, listen, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.strangers", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora, noise and rooms")
    parser.add_argument("--cache", type=Path, help="folder in which features are kept between runs")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args(argv)
    console, registry = Console(), Registry(shipped_models())
    header, experts = registry.load(registry.champion())
    assert isinstance(experts, Experts)
    assert experts.calibration is not None
    heard = listen(arguments, experts.classes)
    show(heard, experts.calibration, RECIPES[header.recipe].strange_factor, console)
    return 0


def listen(arguments: argparse.Namespace, classes: Sequence[str]) -> list[Heard]:
    """Let each corpus be heard by experts who never met it."""
    recipe = RECIPES["fused"]
    dataset = build_dataset(
        sorted(
            (u for name in _CORPORA for u in read_corpus(name, arguments.data / name)),
            key=lambda u: (u.corpus, u.speaker, u.path.stem),
        ),
        recipe,
        n_jobs=arguments.jobs,
        cache=arguments.cache,
        surroundings=read_surroundings(arguments.data / "noise", arguments.data / "rooms"),
        progress=Bars(Console(stderr=True)),
    )
    splits = [s for s in leave_one_corpus_out(dataset.utterances) if s.name != f"corpus {recipe.home}"]
    outcome = cross_validate(dataset, splits, recipe, n_jobs=arguments.jobs)["clean"]
    order = [outcome.labels.index(label) for label in classes]
    corpora = np.array([speaker.split("/")[0] for speaker in outcome.speakers.tolist()])
    truth = np.array([list(classes).index(label) for label in outcome.truth.tolist()])
    return [
        Heard(name, outcome.scores[own][:, order], outcome.quality[own], truth[own])
        for name in sorted(set(corpora.tolist()))
        for own in [corpora == name]
    ]


def show(heard: Sequence[Heard], calibration: Calibration, chosen: float, console: Console) -> None:
    """Print what confidence is worth, by corpus and factor."""
    table = Table("corpus", "notes", "strange", "factor", "right", "confidence", "ECE", "named", "right", box=None)
    for corpus in heard:
        others = [other for other in heard if other is not corpus]
        tried = {"1": 1.0, f"{chosen:g} ours": chosen}
        if others:
            best = best_factor(others, calibration)
            tried[f"{best:.1f} others' best"] = best
        for title, factor in tried.items():
            probabilities = corpus.probabilities(calibration, factor)
            confidence, is_right = probabilities.max(axis=1), probabilities.argmax(axis=1) == corpus.truth
            named = confidence >= MEDIUM_FROM
            table.add_row(
                corpus.name,
                str(len(corpus.truth)),
                f"{corpus.quality[:, -1].mean():.2f}",
                title,
                f"{is_right.mean():.3f}",
                f"{confidence.mean():.3f}",
                f"{expected_calibration_error(confidence, is_right):.3f}",
                f"{named.mean():.0%}",
                f"{is_right[named].mean():.0%}" if named.any() else "",
            )
    console.print(table)
    console.print(f"best for all of them: {best_factor(heard, calibration):.2f}")


def best_factor(heard: Sequence[Heard], calibration: Calibration) -> float:
    """Find the factor of the highest likelihood, each corpus counting alike."""

    def loss(log_factor: float) -> float:
        return float(np.mean([corpus.loss(calibration, float(np.exp(log_factor))) for corpus in heard]))

    return float(np.exp(minimize_scalar(loss, bounds=(0, np.log(_HIGHEST)), method="bounded").x))


if __name__ == "__main__":
    sys.exit(main())
