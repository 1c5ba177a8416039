from __future__ import annotations

import copy
import re
from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from typing import Any

import pytest

from emotify_core import errors
from emotify_core.errors import (
    AudioError,
    AudioTooLargeError,
    AudioTooLongError,
    AudioTooShortError,
    DecodingTimeoutError,
    EmotifyError,
    FeatureSetMismatchError,
    LibraryMismatchError,
    MissingExtraError,
    ModelError,
    NoSpeechError,
    TrainingError,
    UndecodableAudioError,
)

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EmotifyError)]
# One of each; those that are not here take a sentence.
MADE: dict[type[EmotifyError], EmotifyError] = {
    UndecodableAudioError: UndecodableAudioError("the file is empty"),
    AudioTooLargeError: AudioTooLargeError(30 * 2**20, 25 * 2**20),
    AudioTooLongError: AudioTooLongError(1300.0, 1200.0),
    AudioTooShortError: AudioTooShortError(0.05, 0.2),
    DecodingTimeoutError: DecodingTimeoutError(20.0),
    NoSpeechError: NoSpeechError("there is only noise"),
    MissingExtraError: MissingExtraError("PyTorch", "train"),
    FeatureSetMismatchError: FeatureSetMismatchError("functionals-2", "functionals-1"),
    LibraryMismatchError: LibraryMismatchError("night-1", "scikit-learn", "1.9.1", "1.10.0"),
}


def made(kind: type[EmotifyError]) -> EmotifyError:
    return MADE.get(kind) or kind("The sentence.")


def through_a_pipe(error: EmotifyError) -> Any:
    """Do what happens to an error that is raised in a worker process."""
    return ForkingPickler.loads(ForkingPickler.dumps(error))


def test_the_tree_in_the_docstring_names_every_error() -> None:
    assert errors.__doc__ is not None
    missing = [kind.__name__ for kind in KINDS if kind.__name__ not in errors.__doc__]

    assert missing == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_documented_and_of_one_branch(kind: type[EmotifyError]) -> None:
    branches = [branch for branch in (AudioError, ModelError, TrainingError) if issubclass(kind, branch)]

    assert kind.__doc__
    assert len(branches) == (0 if kind is EmotifyError else 1)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_says_one_sentence(kind: type[EmotifyError]) -> None:
    sentence = str(made(kind))

    assert sentence.endswith(".")
    assert sentence.isprintable()


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, through_a_pipe])
@pytest.mark.parametrize("kind", KINDS)
def test_every_error_survives_copying_and_the_way_to_another_process(
    kind: type[EmotifyError], again: Callable[[EmotifyError], EmotifyError]
) -> None:
    error = made(kind)

    copied = again(error)

    assert type(copied) is kind
    assert str(copied) == str(error)
    assert vars(copied) == vars(error)


def test_errors_carry_data() -> None:
    assert vars(AudioTooLargeError(2, 1)) == {"n_bytes": 2, "max_bytes": 1}
    assert vars(AudioTooLongError(2.5, 1.5)) == {"duration": 2.5, "max_duration": 1.5}
    assert vars(AudioTooShortError(0.1, 0.2)) == {"duration": 0.1, "min_duration": 0.2}
    assert vars(DecodingTimeoutError(3.0)) == {"max_seconds": 3.0}
    assert vars(FeatureSetMismatchError("a-1", "b-1")) == {"expected": "a-1", "found": "b-1"}
    assert vars(MissingExtraError("PyTorch", "train")) == {"package": "PyTorch", "extra": "train"}
    assert NoSpeechError().reason == "the recording is silent"


def test_what_is_missing_can_be_installed_as_the_error_says() -> None:
    assert str(MissingExtraError("PyTorch", "train")).endswith("pip --python .venv install -e '.[train]' brings it.")


@pytest.mark.parametrize(
    ("error", "numbers"),
    [
        (AudioTooShortError(0.1999, 0.2), ("0.19", "0.20")),
        (AudioTooShortError(0.29, 0.3), ("0.29", "0.30")),
        (AudioTooLargeError(25 * 2**20 + 1, 25 * 2**20), ("25.1", "25")),
        (AudioTooLargeError(1_500_001, 1_500_000), ("1.5", "1.431")),
        (AudioTooLongError(0.6, 0.5), ("0.5",)),
        (AudioTooLongError(90_001.0, 90_000.0), ("90000",)),
        (DecodingTimeoutError(0.5), ("0.5",)),
    ],
)
def test_what_is_just_beyond_a_limit_is_not_said_to_be_within(error: EmotifyError, numbers: tuple[str, str]) -> None:
    assert tuple(re.findall(r"\d[\d.]*\d", str(error))) == numbers
