"""Every error that `emotify_core` raises on purpose.

::

    EmotifyError
    ├── AudioError
    │   ├── UndecodableAudioError    not audio, broken, or a format that nothing here reads
    │   ├── AudioTooLargeError       more bytes than allowed
    │   ├── AudioTooLongError        more seconds than allowed
    │   ├── AudioTooShortError       too few seconds of sound to hear anything in
    │   ├── DecodingTimeoutError     decoding took longer than allowed
    │   └── NoSpeechError            silence, or nothing that sounds like a voice
    ├── ModelError
    │   ├── ModelNotFoundError       no such version, or no champion
    │   ├── FeatureSetMismatchError  the model was made for another feature set
    │   ├── LibraryMismatchError     the model was made by another version of a library
    │   └── UntrustedModelError      wrong hash, or a type in the file that is not on the list
    └── TrainingError
        ├── CorpusError              a corpus folder is missing, or holds no utterance
        ├── MissingExtraError        a package is needed that only training needs
        └── TooFewExamplesError      not enough utterances, speakers or emotions to fit

Errors carry data; the sentence in ``str(error)`` is one line that a person can read.
"""

from __future__ import annotations

import math
from typing import Any


class EmotifyError(Exception):
    """Any error that `emotify_core` raises on purpose; it can be copied and sent to other processes."""

    def __reduce__(self) -> tuple[Any, ...]:
        # By default an exception is made again from its sentence, which the classes with data do not take: a pool of
        # processes in which one is raised would break, or wait for ever.
        return _rebuild, (type(self), self.args, vars(self))


class AudioError(EmotifyError):
    """An utterance cannot be used."""


class UndecodableAudioError(AudioError):
    """The bytes are not audio that can be decoded.

    Parameters
    ----------
    reason : str
        What is wrong, as the end of a sentence ("the file is empty").
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"This is not audio that I can read: {reason}.")
        self.reason = reason


class AudioTooLargeError(AudioError):
    """The encoded audio has more bytes than allowed."""

    def __init__(self, n_bytes: int, max_bytes: int) -> None:
        size, limit = _rounded_up(n_bytes / 2**20), max_bytes / 2**20
        super().__init__(f"The file is too large: {size:.1f} MiB, at most {limit:.4g} MiB are read.")
        self.n_bytes = n_bytes
        self.max_bytes = max_bytes


class AudioTooLongError(AudioError):
    """The recording is longer than allowed.

    `duration` is how many seconds were seen before the reader gave up, so the recording is at least that long.
    """

    def __init__(self, duration: float, max_duration: float) -> None:
        super().__init__(f"The recording is too long: at most {max_duration:g} seconds are read.")
        self.duration = duration
        self.max_duration = max_duration


class AudioTooShortError(AudioError):
    """The recording has too few seconds of sound."""

    def __init__(self, duration: float, min_duration: float) -> None:
        heard = _rounded_down(duration)
        super().__init__(
            f"There is too little sound in the recording: {heard:.2f} seconds, at least {min_duration:.2f} are needed."
        )
        self.duration = duration
        self.min_duration = min_duration


class DecodingTimeoutError(AudioError):
    """Decoding took longer than allowed."""

    def __init__(self, max_seconds: float) -> None:
        super().__init__(f"Decoding took longer than {max_seconds:g} seconds.")
        self.max_seconds = max_seconds


class NoSpeechError(AudioError):
    """Nothing in the recording sounds like a voice."""

    OTHER_SOUNDS = "there are other sounds in the recording, but nobody seems to speak"

    def __init__(self, reason: str = "the recording is silent") -> None:
        super().__init__(f"I could not hear a voice: {reason}.")
        self.reason = reason


class ModelError(EmotifyError):
    """A model cannot be used."""


class ModelNotFoundError(ModelError):
    """There is no such model version, or no champion."""


class FeatureSetMismatchError(ModelError):
    """The model expects another feature set than the one that this library computes."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(
            f"The model was made for the feature set {expected!r}, but these features are {found!r}: "
            "train the model again, or install the version of emotify_core that it was made with."
        )
        self.expected = expected
        self.found = found


class LibraryMismatchError(ModelError):
    """The fitted classifiers were made by another version of a library than the one that is installed."""

    def __init__(self, version: str, library: str, made: str, found: str) -> None:
        super().__init__(
            f"The model {version} was made with {library} {made}, and {found} is installed: train the model again, or "
            f"install {library} {'.'.join(made.split('.')[:2])}."
        )
        self.version = version
        self.library = library
        self.made = made
        self.found = found


class UntrustedModelError(ModelError):
    """The model file is not what its header says, or holds a type that is not on the trusted list."""


class TrainingError(EmotifyError):
    """A classifier cannot be fitted or evaluated."""


class CorpusError(TrainingError):
    """A corpus folder is missing, or holds no utterance of that corpus."""


class MissingExtraError(TrainingError):
    """A package is missing that only some work needs."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is needed and not installed: python3 -m pip --python .venv install -e '.[{extra}]' brings it."
        )
        self.package = package
        self.extra = extra


class TooFewExamplesError(TrainingError):
    """There are too few utterances, speakers or emotions."""


def _rounded_up(number: float) -> float:
    return math.ceil(number * 10) / 10


def _rounded_down(number: float) -> float:
    return math.floor(number * 100 + 1e-6) / 100  # 0.29 * 100 is a little less than 29


def _rebuild(kind: type[EmotifyError], args: tuple[Any, ...], data: dict[str, Any]) -> EmotifyError:
    error = kind.__new__(kind, *args)
    vars(error).update(data)
    return error


def sentence_of(error: Exception) -> str:
    """Say what went wrong; an error of the system without its number.

    Examples
    --------
    >>> sentence_of(OSError(28, "No space left on device", "data/models"))
    'No space left on device: data/models'
    """
    if isinstance(error, OSError) and error.strerror is not None:
        return error.strerror if error.filename is None else f"{error.strerror}: {error.filename}"
    return str(error)
