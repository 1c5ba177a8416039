"""The search for speech in the windows of a recording."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from emotify_core.speech_detection import SpeechDetector, SpeechSearch

SECOND = 16_000


class SaysSo(SpeechDetector):
    """Takes the level of a part for its probability, and counts the parts that it was asked about."""

    n_asked = 0

    def speech_probability(self, X: NDArray[np.float32]) -> NDArray[np.float64]:  # noqa: N803
        self.n_asked += 1
        return np.asarray(X[:, 0], dtype=np.float64)


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> SaysSo:
    """Parts are seconds here, described by their first sample."""
    monkeypatch.setattr(
        "emotify_core.speech_detection.detector.iterate_descriptors",
        lambda y: (y[i : i + 1, None] for i in range(0, len(y), SECOND)),
    )
    return SaysSo()


def window(*probabilities: float) -> NDArray[np.float32]:
    return np.repeat(np.array(probabilities, dtype=np.float32), SECOND)


@pytest.mark.parametrize("seconds", [0.1, 4.0, 6.0])
def test_in_one_window_the_threshold_is_enough(detector: SaysSo, seconds: float) -> None:
    search = SpeechSearch(detector, seconds=seconds)

    assert not search.has_speech(window(0.49))
    assert not search.is_sure
    assert search.has_speech(window(0.1, 0.51, 0.1))
    assert search.is_sure


def test_of_many_windows_one_must_be_surer(detector: SaysSo) -> None:
    search = SpeechSearch(detector, seconds=60.0)  # ten windows: 10 / 11 is needed

    assert search.has_speech(window(0.6))
    assert search.has_speech(window(0.9))
    assert not search.is_sure
    assert search.has_speech(window(0.2, 0.92))
    assert not search.has_speech(window(0.3))
    assert search.is_sure


def test_however_long_it_is_some_clear_words_are_enough(detector: SaysSo) -> None:
    search = SpeechSearch(detector, seconds=20 * 60.0)

    search.has_speech(window(0.94))
    assert not search.is_sure
    search.has_speech(window(0.96))
    assert search.is_sure


def test_parts_are_asked_only_as_long_as_that_may_change_something(detector: SaysSo) -> None:
    search = SpeechSearch(detector, seconds=60.0)

    search.has_speech(window(0.6, 0.95, 0.99))
    assert detector.n_asked == 2
    search.has_speech(window(0.6, 0.95))
    assert detector.n_asked == 3


def test_without_a_detector_everything_is_speech() -> None:
    search = SpeechSearch(None, seconds=100.0)

    assert search.is_sure
    assert search.has_speech(window(0.0))
