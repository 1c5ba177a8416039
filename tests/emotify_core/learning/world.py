"""A small champion with its base, and people who talk about their notes; made of numbers, without sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotify_core.dataset import Dataset, Spectra, Table
from emotify_core.emotions import Emotion
from emotify_core.evaluation import Judged, calibrate, know_voices, put_together
from emotify_core.experts import FUNCTIONALS, NETWORK, Experts, head_scores, quality_of
from emotify_core.features import feature_names
from emotify_core.fitting import fit_domain, fit_heads, ordered_labels
from emotify_core.learning import Base, Example, make_base, write_base
from emotify_core.learning.examples import Kind
from emotify_core.recipes import RECIPES
from emotify_core.registry import NETWORK_FILE, Registry
from emotify_core.splits import emobox_folds
from emotify_core.training import Trained, describe
from emotify_core.vectors import NoteVector
from tests.emotify_core.tables import utterances_of
from tests.emotify_core.tiny_models import tiny_network

NOW = datetime(2026, 3, 1, 3, 30, tzinfo=UTC)
LATER = datetime(2026, 3, 2, 3, 30, tzinfo=UTC)
N_TELLING = 48  # features that tell emotions apart, half of them those of people with an accent
_RNG = np.random.default_rng(7)
_CENTRES = np.pad(_RNG.normal(scale=1.5, size=(len(Emotion), N_TELLING // 2)), ((0, 0), (0, N_TELLING // 2)))
_ACCENT = np.pad(_RNG.normal(size=(len(Emotion), N_TELLING // 2)), ((0, 0), (N_TELLING // 2, 0)))


@dataclass(frozen=True, eq=False)
class World:
    """A registry with a champion, and its base."""

    registry: Registry
    base: Base

    @property
    def champion(self) -> Path:
        return self.registry.root / self.registry.champion()


def make_world(root: Path) -> World:
    """Train a champion on six actors, and publish it with its base."""
    utterances, recipe = utterances_of(n_takes=5), RECIPES["fused"]
    rng = np.random.default_rng(0)
    labels = [u.label for u in utterances]
    voices = {speaker: rng.normal(scale=0.5, size=N_TELLING) for speaker in sorted({u.speaker for u in utterances})}
    offsets = np.stack([voices[u.speaker] for u in utterances])
    copies = np.stack([features_of(labels, rng, offsets) for _ in range(2)])
    dataset = Dataset(utterances, copies)
    splits = emobox_folds(utterances)
    tested = np.concatenate([split.test for split in splits])
    tables = {
        name: Table(features_of([labels[i] for i in tested], rng, offsets[tested]), Spectra.of([]))
        for name in ("opus 32 kbit/s", "pink noise 20 dB", "8 kHz")
    }
    names = ordered_labels(dataset.labels.tolist())
    folds, start = [], 0
    for split in splits:
        heads = fit_heads(dataset, split.train, recipe, seed=0)
        domain = fit_domain(dataset, split.train, recipe, heads)
        order = [list(heads.classes_).index(name) for name in names]
        stop, judged = start + len(split.test), {}
        truth = [labels[i] for i in split.test]
        for name in ("clean", *tables):
            heard = copies[0][split.test] if name == "clean" else tables[name].features[start:stop]
            opinions = {FUNCTIONALS: head_scores(heads, heard)[:, order], NETWORK: network_scores(truth, rng)}
            judged[name] = Judged(opinions, quality_of(heads, heard, recipe.quality, domain))
        folds.append(judged)
        start = stop
    outcomes = put_together(dataset, splits, folds, recipe)
    everything = np.arange(len(utterances))
    heads = fit_heads(dataset, everything, recipe, seed=0)
    domain = fit_domain(dataset, everything, recipe, heads)
    calibration, prior = calibrate(outcomes, recipe), know_voices(outcomes, recipe)
    experts = Experts(heads, calibration=calibration, prior=prior, domain=domain, quality=recipe.quality)
    trained = Trained(describe(dataset, recipe, experts, seed=0, now=NOW), experts, {NETWORK_FILE: tiny_network()})
    registry = Registry(root)
    header = registry.publish(trained.header, trained.experts, {"made": True}, files=trained.files)
    registry.promote(header.version)
    base = make_base(dataset, trained, splits, outcomes, tables, header=header, n_axes=60)
    write_base(root, base)
    return World(registry, base)


def features_of(
    labels: Sequence[Emotion],
    rng: np.random.Generator,
    offsets: NDArray[np.float64] | float = 0.0,
    *,
    accent: float = 0.0,
) -> NDArray[np.float32]:
    """Draw features; with an accent, others tell emotions apart."""
    columns = [list(Emotion).index(label) for label in labels]
    features = np.zeros((len(columns), len(feature_names())))
    heard = (1 - accent) * _CENTRES[columns] + accent * _ACCENT[columns] + offsets
    features[:, :N_TELLING] = heard + rng.normal(scale=0.8, size=heard.shape)
    return features.astype(np.float32)


def network_scores(labels: Sequence[Emotion], rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw log-probabilities that are right more often than not."""
    columns = [list(Emotion).index(label) for label in labels]
    scores = rng.normal(size=(len(columns), len(Emotion)))
    scores[np.arange(len(columns)), columns] += 2.5
    return np.asarray(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))


def vectors(
    world: World, labels: Sequence[Emotion], rng: np.random.Generator, *, accent: float = 1.0
) -> list[NoteVector]:
    """Draw notes of somebody who speaks with an accent, of whom the network knows nothing."""
    features = features_of(labels, rng, rng.normal(scale=0.3, size=N_TELLING), accent=accent)
    flat = np.full(len(Emotion), -np.log(len(Emotion)), dtype=np.float32)
    return [NoteVector(world.base.vector_set, row, flat) for row in features]


def notes_of(
    world: World,
    person: str,
    *,
    n: int = 32,
    seed: int = 0,
    verdict: Kind | None = None,
    named: Emotion | None = None,
    **facts: Any,
) -> list[Example]:
    """Let a person name the emotions of their notes rightly, or say always the same."""
    rng = np.random.default_rng([seed, len(person), sum(person.encode())])
    labels = [list(Emotion)[i] for i in rng.integers(len(Emotion), size=n)]
    described: dict[str, Any] = {"server": None, "days_known": 30.0} | facts
    found = []
    for label, vector in zip(labels, vectors(world, labels, rng), strict=True):
        emotion = named or label
        heard = next(e for e in (Emotion.CALM, Emotion.HAPPY) if e is not emotion)
        kind: Kind = verdict or "correction"
        found.append(Example(person=person, verdict=kind, emotion=emotion, heard=heard, vector=vector, **described))
    return found
