"""Models that are fitted in milliseconds, and headers for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotify_core.calibration import Calibration
from emotify_core.emotions import Emotion
from emotify_core.experts import Experts
from emotify_core.features import FEATURE_SET
from emotify_core.heads import FusedHeads, softmax
from emotify_core.registry import Header

LABELS = tuple(sorted(emotion.value for emotion in Emotion))  # as scikit-learn orders them
_NETWORK = Path(__file__).with_name("golden") / "network.onnx"


def clouds(n: int = 6, *, n_features: int = 12, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Draw `n` points around one centre for each emotion."""
    centres = np.random.default_rng(99).normal(scale=2, size=(len(LABELS), n_features))
    points = np.repeat(centres, n, axis=0) + np.random.default_rng(seed).normal(size=(n * len(LABELS), n_features))
    return points.astype(np.float32), np.repeat(LABELS, n)


def tiny_heads(seed: int = 0, **parameters: Any) -> FusedHeads:
    """Fit both heads to clouds of points."""
    return FusedHeads(hidden=6, max_iter=4, random_state=seed, **parameters).fit(*clouds())


def tiny_calibration(n_features: int = 2) -> Calibration:
    """Fit a calibration to drawn scores, which are surer than right, the more so the higher the features are."""
    rng = np.random.default_rng(0)
    quality = rng.normal(size=(300, n_features)).astype(np.float32)
    scores = rng.normal(size=(300, len(LABELS)))
    chances = softmax(scores).cumsum(axis=1)
    truth = (chances > rng.random((300, 1))).argmax(axis=1)
    return Calibration().fit(scores * np.exp(0.5 + 0.2 * quality.sum(axis=1, keepdims=True)), truth, quality)


def tiny_model(seed: int = 0, *, calibration: Calibration | None = None, detector: Any = None) -> Experts:
    """Make what a model file holds."""
    return Experts(tiny_heads(seed), calibration=calibration, detector=detector)


def tiny_network() -> bytes:
    """Read a network of three kilobytes, whose scores are in the order of `LABELS`: see `golden.regenerate_network`."""
    return _NETWORK.read_bytes()


def tiny_header(version: str = "tiny-1", **facts: Any) -> Header:
    """Describe `tiny_model`."""
    described: dict[str, Any] = {
        "version": version,
        "created": "2026-01-01T00:00:00+00:00",
        "recipe": "functionals",
        "feature_set": FEATURE_SET,
        "n_features": 12,
        "labels": LABELS,
        "corpora": ({"name": "ravdess", "licence": "CC BY-NC-SA 4.0"},),
        "licence": "CC BY-NC-SA 4.0",
        "libraries": {"numpy": np.__version__},
        "seed": 0,
    }
    return Header(**(described | facts))
