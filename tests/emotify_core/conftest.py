"""What several tests of the core need."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import emotify_core.cli.train as train_command
from emotify_core.classifier import EmotionClassifier
from emotify_core.cli import main
from emotify_core.encoder import Encoder
from emotify_core.registry import Registry
from emotify_core.speech_training import train_speech_detector
from tests.emotify_core.tiny_models import tiny_network
from tests.emotify_core.voices import write_corpus


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a tiny corpus: three actors express everything once, and one of them sings."""
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def feature_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the features of the tiny corpus are kept."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def few_sounds() -> Iterator[None]:
    """Let `emotify train` fit its detector of speech to four sounds of each kind: sixty take half a minute."""
    with pytest.MonkeyPatch.context() as patch:
        quick = functools.partial(train_speech_detector, n_of_kind=4)
        patch.setattr(train_command, "train_speech_detector", quick)
        yield


@pytest.fixture(scope="session")
def trained(corpus: Path, feature_cache: Path, few_sounds: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a model on the tiny corpus by the real command, and return its registry; do not change it."""
    registry = tmp_path_factory.mktemp("trained") / "models"
    options = ["--corpus", f"ravdess={corpus}", "--cache", str(feature_cache), "--jobs", "1"]
    assert main(["train", *options, "--recipe", "functionals", "--out", str(registry)]) == 0
    return registry


@pytest.fixture(scope="session")
def classifier(trained: Path) -> EmotionClassifier:
    """Load the model that was trained on the tiny corpus."""
    return EmotionClassifier.load(trained)


@pytest.fixture(scope="session")
def fused(trained: Path) -> EmotionClassifier:
    """Give the model of the tiny corpus a second expert, which has learned nothing."""
    header, experts = Registry(trained).load(Registry(trained).champion())
    return EmotionClassifier(replace(header, recipe="fused"), experts, Encoder(tiny_network()))
