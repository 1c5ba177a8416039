"""Recipes: how a waveform becomes features, and which classifier learns from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sklearn.neural_network import MLPClassifier

from emotify_core.features import FEATURE_SET, FeatureVector, extract
from emotify_core.features.classic import CLASSIC_FEATURE_SET, extract_classic
from emotify_core.heads import FusedHeads
from emotify_core.waveform import Waveform


@dataclass(frozen=True)
class Recipe:
    """One way of making a classifier.

    Attributes
    ----------
    name, summary : str
        For the command line and the card.
    feature_set : str
        Name and version of what `extract` gives.
    extract : callable
        Waveform -> FeatureVector.
    make : callable
        Seed -> an unfitted scikit-learn classifier.
    conditioned : bool
        Whether silence is trimmed and loudness normalised before `extract`.
    n_copies : int
        Augmented copies of each training utterance.
    uses_song : bool
        Whether sung utterances train too.
    tuned_on : frozenset of str
        Speakers whose test figures were looked at while the settings were chosen: figures of the others are cleaner.
    """

    name: str
    summary: str
    feature_set: str
    extract: Callable[[Waveform], FeatureVector]
    make: Callable[[int], Any]
    conditioned: bool
    n_copies: int
    uses_song: bool
    tuned_on: frozenset[str] = frozenset()


def _functionals(seed: int) -> FusedHeads:
    return FusedHeads(random_state=seed)


def _classic(seed: int) -> MLPClassifier:
    # The settings of the tutorial that this project began with.
    return MLPClassifier(
        (300,), alpha=0.01, batch_size=256, epsilon=1e-8, learning_rate="adaptive", max_iter=500, random_state=seed
    )


RECIPES: Final[Mapping[str, Recipe]] = MappingProxyType(
    {
        "functionals": Recipe(
            name="functionals",
            summary=(
                "functionals of low-level descriptors (MFCC, chroma and mel among them), logistic regression fused "
                "with an MLPClassifier, two augmented copies of each utterance"
            ),
            feature_set=FEATURE_SET,
            extract=extract,
            make=_functionals,
            conditioned=True,
            n_copies=2,
            uses_song=True,
            tuned_on=frozenset(f"ravdess/{actor:02d}" for actor in (1, 3, 5, 7, 11, 20, 21, 24)),
        ),
        "classic": Recipe(
            name="classic",
            summary=(
                "means of 40 MFCC, 12 chroma and 128 mel bands and an MLPClassifier: the recipe that this project "
                "began with, kept as the baseline"
            ),
            feature_set=CLASSIC_FEATURE_SET,
            extract=extract_classic,
            make=_classic,
            conditioned=False,
            n_copies=0,
            uses_song=False,
        ),
    }
)
