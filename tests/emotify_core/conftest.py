"""What several tests of the core need."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from emotify_core.classifier import EmotionClassifier
from emotify_core.cli import main
from tests.emotify_core.voices import write_corpus

# A busy machine must not fail a test: no example has a deadline.
settings.register_profile("emotify", deadline=None)
settings.load_profile("emotify")


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a tiny corpus: three actors express everything once, and one of them sings."""
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def feature_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the features of the tiny corpus are kept."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def trained(corpus: Path, feature_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a model on the tiny corpus by the real command, and return its registry; do not change it."""
    registry = tmp_path_factory.mktemp("trained") / "models"
    options = ["--corpus", f"ravdess={corpus}", "--cache", str(feature_cache), "--jobs", "1"]
    assert main(["train", *options, "--out", str(registry)]) == 0
    return registry


@pytest.fixture(scope="session")
def classifier(trained: Path) -> EmotionClassifier:
    """Load the model that was trained on the tiny corpus."""
    return EmotionClassifier.load(trained)
