"""Datasets of made features and spectra, for tests that need no sound."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from emotify_core.corpora import Utterance
from emotify_core.dataset import Dataset, Spectra
from emotify_core.emotions import Emotion
from emotify_core.encoder import N_BANDS, N_VIEWS
from emotify_core.features import FEATURE_SET
from emotify_core.features.vector import FeatureVector
from emotify_core.heads import FusedHeads
from emotify_core.recipes import NetworkPlan, Recipe
from emotify_core.waveform import Waveform

PLAN = NetworkPlan(pretraining_draws={}, draws={}, other_draws=64, n_pretraining_epochs=2, n_epochs=2, n_networks=1)
ACTORS = ("01", "02", "03", "04", "05", "06")  # of five EmoBox folds


def utterance(
    speaker: str,
    label: Emotion = Emotion.SAD,
    *,
    kind: Literal["speech", "song"] = "speech",
    corpus: str = "ravdess",
    take: int = 1,
) -> Utterance:
    """Name a recording that does not exist."""
    return Utterance(Path(f"{kind}-{label}-{take}-{speaker}.wav"), corpus, speaker, label, kind)


def utterances_of(
    speakers: Sequence[str] = ACTORS, *, n_takes: int = 2, singers: Sequence[str] = ("01", "02")
) -> tuple[Utterance, ...]:
    """Let every speaker express everything, and some of them sing."""
    spoken = [utterance(s, e, take=take) for s in speakers for e in Emotion for take in range(n_takes)]
    return (*spoken, *(utterance(s, e, kind="song") for s in singers for e in (Emotion.CALM, Emotion.SAD)))


def table_of(
    utterances: Sequence[Utterance],
    *,
    n_copies: int = 1,
    n_features: int = 10,
    seed: int = 0,
    with_spectra: bool = False,
) -> Dataset:
    """Make features, and spectra if wanted, that tell emotions apart, speakers too, and copies a little."""
    rng = np.random.default_rng(seed)
    centres = {emotion: rng.normal(scale=2, size=n_features) for emotion in Emotion}
    voices = {speaker: rng.normal(size=n_features) for speaker in sorted({u.speaker for u in utterances})}
    clean = np.array([centres[u.label] + voices[u.speaker] for u in utterances])
    copies = clean + rng.normal(scale=0.7, size=(1 + n_copies, *clean.shape))
    spectra = tuple(_spectra_of(utterances, rng) for _ in range(1 + n_copies)) if with_spectra else ()
    return Dataset(tuple(utterances), copies.astype(np.float32), spectra)


def _spectra_of(utterances: Sequence[Utterance], rng: np.random.Generator) -> Spectra:
    """Give every emotion eight bands of its own that are louder, and every utterance a length of its own."""
    order, band = list(Emotion), np.arange(N_BANDS)
    spectra = []
    for utterance in utterances:
        louder = 25.0 * (band // 8 == order.index(utterance.label))
        noise = rng.normal(scale=4, size=(int(rng.integers(24, 57)), N_VIEWS, N_BANDS))
        spectra.append((noise + louder - 60).astype(np.float16))
    return Spectra.of(spectra)


def make_heads(seed: int) -> FusedHeads:
    """Make heads that are fitted in milliseconds."""
    return FusedHeads(C=0.1, hidden=8, max_iter=5, random_state=seed)


def make_perceptron(seed: int) -> MLPClassifier:
    """Make a classifier that has no temperature."""
    return MLPClassifier((8,), max_iter=2000, tol=1e-2, random_state=seed)


def nothing(waveform: Waveform) -> FeatureVector:
    """Stand where no recording is read."""
    raise AssertionError


def recipe_of(make: Any = make_heads, **facts: Any) -> Recipe:
    """Describe a recipe for made features."""
    described: dict[str, Any] = {
        "name": "functionals",
        "summary": "made",
        "feature_set": FEATURE_SET,
        "extract": nothing,
        "make": make,
        "conditioned": True,
        "n_copies": 1,
        "uses_song": True,
    }
    return Recipe(**(described | facts))


def rows_of(features: NDArray[np.float32], table: NDArray[np.float32]) -> set[int]:
    """Find which rows of a table, all different, the features are."""
    index = {row.tobytes(): i for i, row in enumerate(table)}
    return {index[row.tobytes()] for row in np.ascontiguousarray(features)}
