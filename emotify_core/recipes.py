"""Recipes: how a waveform becomes features, and which classifier learns from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from sklearn.neural_network import MLPClassifier

from emotify_core.features import FEATURE_SET, FeatureVector, extract, feature_names
from emotify_core.features.classic import CLASSIC_FEATURE_SET, extract_classic
from emotify_core.heads import FusedHeads
from emotify_core.waveform import Waveform


@dataclass(frozen=True)
class NetworkPlan:
    """How the network is trained: first on what is not of the home corpus, then on everything.

    Attributes
    ----------
    home : str
        The corpus that knows all emotions.
    pretraining_draws, draws : mapping
        Corpus, or ``corpus song`` -> utterances drawn in an epoch of the first and of the second stage. Corpora that
        are not named get `other_draws`.
    n_pretraining_epochs, n_epochs : int
    pretraining_rate, rate : float
        Highest learning rate of each stage.
    n_networks : int
        Networks with different seeds, which read the views of a recording in turn, and whose log-probabilities are
        averaged.
    """

    home: str = "ravdess"
    pretraining_draws: Mapping[str, int] = field(default_factory=lambda: {"nemo": 2000, "emodb": 600, "emospeech": 600})
    draws: Mapping[str, int] = field(
        default_factory=lambda: {"ravdess": 1200, "ravdess song": 600, "nemo": 300, "emodb": 200, "emospeech": 100}
    )
    other_draws: int = 300
    n_pretraining_epochs: int = 16
    n_epochs: int = 48
    pretraining_rate: float = 3e-3
    rate: float = 2e-3
    n_networks: int = 2


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
    network : NetworkPlan or None
        How the second expert is trained; None if there is none.
    is_calibrated : bool
        Whether a temperature makes the probabilities honest.
    quality : tuple of int
        Columns of the features that tell how good a recording is, and how long; the temperature may depend on them.
    home : str or None
        Corpus that the calibration is fitted to. What is strange to it gets a temperature that is higher by
        `strange_factor`; None: nothing counts as strange.
    strange_factor : float
        Chosen for corpora that the model did not meet: `python -m tests.benchmarks.strangers` prints what it brings,
        and the one that is best for the other corpora.
    corpus_weights : mapping or None
        Corpus -> how much it counts within each label, 1 if it is not named; None for classifiers that take no weights.
    copy_weight : float
        How much an augmented copy counts, against 1 of the utterance itself, for classifiers that take weights.
    uses_song : bool
        Whether sung utterances train too.
    knows_voices : bool
        Whether notes can be heard against their speaker's baseline.
    choices : tuple of mapping
        Settings of the classifier that may be chosen among inside each fold; those of `make` are one of them.
    tuned_on : frozenset of str
        Speakers whose test figures were looked at while the settings were chosen: figures of the others are cleaner.
    chosen_on_all : str
        Which settings were chosen by looking at all speakers nevertheless, in a sentence for the card.
    """

    name: str
    summary: str
    feature_set: str
    extract: Callable[[Waveform], FeatureVector]
    make: Callable[[int], Any]
    conditioned: bool
    n_copies: int
    uses_song: bool
    knows_voices: bool = False
    choices: tuple[Mapping[str, Any], ...] = ()
    tuned_on: frozenset[str] = frozenset()
    chosen_on_all: str = ""
    network: NetworkPlan | None = None
    is_calibrated: bool = True
    quality: tuple[int, ...] = ()
    home: str | None = None
    strange_factor: float = 2.0
    corpus_weights: Mapping[str, float] | None = None
    copy_weight: float = 1.0

    @property
    def uses_network(self) -> bool:
        """Whether the network is one of the experts."""
        return self.network is not None


def _functionals(seed: int) -> FusedHeads:
    return FusedHeads(random_state=seed)


def _classic(seed: int) -> MLPClassifier:
    # The settings of the tutorial that this project began with.
    return MLPClassifier(
        (300,), alpha=0.01, batch_size=256, epsilon=1e-8, learning_rate="adaptive", max_iter=500, random_state=seed
    )


# Noise fills the gaps between syllables and harmonics; rooms and bands that are cut off darken the voice; and the less
# is heard of it, the less does it tell.
_QUALITY: Final = tuple(
    feature_names().index(name)
    for name in (
        *("energy|p99-p1", "energy|p75-p25", "hnr|mean", "flatness|mean", "voiced_share", "mel_60|mean"),
        "duration",  # the last: models that were published before it was here do without
    )
)
_TUNED_ON: Final = frozenset(f"ravdess/{actor:02d}" for actor in (1, 3, 5, 7, 11, 20, 21, 24))
_CHOSEN_ON_ALL: Final = (
    "How much more the emotion counts that is recognised worst, how little other corpora and copies count for the "
    "functionals, and that confidence depends on the length of a recording, was chosen by looking at all speakers, so "
    "both figures flatter a little."
)
_CHOICES: Final = tuple({"C": c, "alpha": alpha} for c in (5e-4, 1e-4, 2e-3) for alpha in (1.0, 0.1))
# Beside networks, which get strange recordings, the first expert need not know them well.
_CORPUS_WEIGHTS: Final = MappingProxyType({"nemo": 0.125, "emodb": 0.075, "emospeech": 0.05})

_FUNCTIONALS: Final = Recipe(
    name="functionals",
    summary="the first expert alone: functionals, logistic regression fused with an MLPClassifier",
    feature_set=FEATURE_SET,
    extract=extract,
    make=_functionals,
    conditioned=True,
    n_copies=2,
    uses_song=True,
    knows_voices=True,
    choices=_CHOICES,
    tuned_on=_TUNED_ON,
    chosen_on_all=_CHOSEN_ON_ALL,
    corpus_weights=_CORPUS_WEIGHTS,
    copy_weight=0.25,
    quality=_QUALITY,
    home="ravdess",
)
RECIPES: Final[Mapping[str, Recipe]] = MappingProxyType(
    {
        "fused": replace(
            _FUNCTIONALS,
            name="fused",
            summary=(
                "two experts, fused: functionals of low-level descriptors with logistic regression and an "
                "MLPClassifier, and two small convolutional networks, one on mel and one on narrow bands"
            ),
            network=NetworkPlan(),
        ),
        "functionals": _FUNCTIONALS,
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
            is_calibrated=False,
        ),
    }
)
