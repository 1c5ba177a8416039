from __future__ import annotations

import numpy as np
import pytest

from bot.hearing import hear
from emotify_core.audio import DecodeLimits
from emotify_core.classifier import EmotionClassifier
from emotify_core.errors import UndecodableAudioError
from emotify_core.personal_baseline import PersonalBaseline
from emotify_core.synthesis import demonstration_note

NOTE = demonstration_note()
LIMITS = DecodeLimits()


@pytest.fixture(scope="module")
def classifier() -> EmotionClassifier:
    return EmotionClassifier.load()


def test_who_learns_nothing_gets_the_prediction_alone(classifier: EmotionClassifier) -> None:
    found = hear(classifier, NOTE, LIMITS, learn=False, baseline=None)

    assert (found.vector, found.vector_set, found.baseline) == (None, "", None)
    assert found.prediction == classifier.predict(NOTE)


def test_a_voice_becomes_known_note_by_note(classifier: EmotionClassifier) -> None:
    first = hear(classifier, NOTE, LIMITS, learn=True, baseline=None)
    second = hear(classifier, NOTE, LIMITS, learn=True, baseline=first.baseline)

    assert first.baseline is not None
    assert second.baseline is not None
    assert PersonalBaseline.from_bytes(first.baseline).n_notes == 1
    assert PersonalBaseline.from_bytes(second.baseline).n_notes == 2
    assert first.vector == second.vector  # what is learned from is never heard against anything
    assert first.vector_set == classifier.vector_set
    assert first.prediction.probabilities != second.prediction.probabilities
    assert sum(second.prediction.probabilities.values()) == pytest.approx(1)


@pytest.mark.parametrize("kept", [b"", b"EPB1 and nonsense", b"\xff" * 1000])
def test_a_baseline_that_cannot_be_read_counts_as_none(classifier: EmotionClassifier, kept: bytes) -> None:
    found = hear(classifier, NOTE, LIMITS, learn=True, baseline=kept)

    assert found == hear(classifier, NOTE, LIMITS, learn=True, baseline=None)


def test_a_baseline_of_another_prior_begins_anew(classifier: EmotionClassifier) -> None:
    sums, taken_for = np.full(250, 1e6, dtype=np.float32), np.ones(8, dtype=np.float32)
    stranger = PersonalBaseline("00" * 8, 40, sums, taken_for).to_bytes()

    found = hear(classifier, NOTE, LIMITS, learn=True, baseline=stranger)

    assert found == hear(classifier, NOTE, LIMITS, learn=True, baseline=None)


def test_what_is_no_audio_is_told(classifier: EmotionClassifier) -> None:
    with pytest.raises(UndecodableAudioError):
        hear(classifier, b"no audio", LIMITS, learn=True, baseline=None)
