"""Fit the model that is shipped: figures first, by a protocol, then the fit to everything."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from emotify_core.corpora import CORPORA, Utterance
from emotify_core.dataset import Dataset
from emotify_core.errors import TooFewExamplesError
from emotify_core.evaluation import fit, fit_calibrated
from emotify_core.heads import FusedHeads
from emotify_core.recipes import Recipe
from emotify_core.registry import Header

_LIBRARIES = ("emotify", "numpy", "scipy", "scikit-learn", "librosa", "skops", "soundfile", "soxr", "av")


@dataclass(frozen=True, eq=False)
class Trained:
    """A fitted model and what it is."""

    header: Header
    model: Any


def train(
    dataset: Dataset, recipe: Recipe, *, seed: int = 0, temperature: float | None = None, now: datetime
) -> Trained:
    """Fit a recipe's classifier to a whole dataset.

    Parameters
    ----------
    dataset : Dataset
    recipe : Recipe
    seed : int
    temperature : float, optional
        Known from a cross-validation over the same dataset; otherwise it is fitted in inner folds.
    now : datetime
        When it was trained, for version and header.

    Returns
    -------
    Trained

    Raises
    ------
    TooFewExamplesError
        If there are fewer than two emotions, or fewer than two utterances of one.
    """
    counts = Counter(dataset.labels.tolist())
    if len(counts) < 2 or min(counts.values()) < 2:
        raise TooFewExamplesError("Training needs at least two emotions and two utterances of each.")
    rows = np.arange(len(dataset.utterances))
    with threadpool_limits(limits=1):  # so that the result does not depend on the number of cores
        if temperature is None:
            model = fit_calibrated(dataset, rows, recipe, seed=seed)
        else:
            model = fit(dataset, rows, recipe, seed=seed)
    if temperature is not None and isinstance(model, FusedHeads):
        model.temperature_ = temperature
    return Trained(describe(dataset, recipe, model, seed=seed, now=now), model)


def describe(dataset: Dataset, recipe: Recipe, model: Any, *, seed: int, now: datetime) -> Header:  # noqa: ANN401
    """Say what a model is."""
    stamp = now.astimezone(UTC)
    return Header(
        version=f"{recipe.name}-{stamp:%Y%m%d-%H%M%S}",
        created=stamp.isoformat(timespec="seconds"),
        recipe=recipe.name,
        feature_set=recipe.feature_set,
        n_features=int(dataset.features.shape[2]),
        labels=tuple(str(label) for label in model.classes_),
        corpora=tuple(_corpora(dataset.utterances)),
        licence=_licence(dataset.utterances),
        libraries=_libraries(),
        seed=seed,
    )


def _corpora(utterances: Sequence[Utterance]) -> list[dict[str, Any]]:
    found = []
    for name in sorted({u.corpus for u in utterances}):
        corpus, own = CORPORA[name], [u for u in utterances if u.corpus == name]
        facts: Mapping[str, Any] = {
            "name": name,
            "title": corpus.title,
            "licence": corpus.licence,
            "citation": corpus.citation,
            "url": corpus.url,
            "n_utterances": len(own),
            "n_speakers": len({u.speaker for u in own}),
        }
        found.append(dict(facts))
    return found


def _licence(utterances: Sequence[Utterance]) -> str:
    return " and ".join(sorted({CORPORA[u.corpus].licence for u in utterances}))


def _libraries() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # run from a checkout that is not installed
            versions[name] = "not installed"
    return versions
