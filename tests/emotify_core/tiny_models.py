"""Models that are fitted in milliseconds, and headers for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotify_core.emotions import Emotion
from emotify_core.heads import FusedHeads
from emotify_core.registry import Header

LABELS = tuple(sorted(emotion.value for emotion in Emotion))  # as scikit-learn orders them


def clouds(n: int = 6, *, n_features: int = 12, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Draw `n` points around one centre for each emotion."""
    centres = np.random.default_rng(99).normal(scale=2, size=(len(LABELS), n_features))
    points = np.repeat(centres, n, axis=0) + np.random.default_rng(seed).normal(size=(n * len(LABELS), n_features))
    return points.astype(np.float32), np.repeat(LABELS, n)


def tiny_model(seed: int = 0, **parameters: Any) -> FusedHeads:
    """Fit both heads to clouds of points."""
    return FusedHeads(hidden=6, max_iter=4, random_state=seed, **parameters).fit(*clouds())


def tiny_header(version: str = "tiny-1", **facts: Any) -> Header:
    """Describe `tiny_model`."""
    described: dict[str, Any] = {
        "version": version,
        "created": "2026-01-01T00:00:00+00:00",
        "recipe": "functionals",
        "feature_set": "functionals-1",
        "n_features": 12,
        "labels": LABELS,
        "corpora": ({"name": "ravdess", "licence": "CC BY-NC-SA 4.0"},),
        "licence": "CC BY-NC-SA 4.0",
        "libraries": {"numpy": np.__version__},
        "seed": 0,
    }
    return Header(**(described | facts))
