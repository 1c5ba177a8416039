from __future__ import annotations

import numpy as np
import pytest

from bot.hearing import hear
from emotify_core.audio import DecodeLimits
from emotify_core.classifier import EmotionClassifier
from emotify_core.emotions import Emotion
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
    assert second.prediction == first.prediction  # one mood tells nothing of a voice
    guess, other = first.prediction.emotion, first.prediction.second_emotion
    named = PersonalBaseline.from_bytes(second.baseline).retold(guess, None, other).retold(guess, None, other)
    third = hear(classifier, NOTE, LIMITS, learn=True, baseline=named.to_bytes())
    assert third.prediction.probabilities[guess] < first.prediction.probabilities[guess]
    assert sum(third.prediction.probabilities.values()) == pytest.approx(1)


@pytest.mark.parametrize("kept", [b"", b"EPB1 and nonsense", b"\xff" * 1000])
def test_a_baseline_that_cannot_be_read_counts_as_none(classifier: EmotionClassifier, kept: bytes) -> None:
    found = hear(classifier, NOTE, LIMITS, learn=True, baseline=kept)

    assert found == hear(classifier, NOTE, LIMITS, learn=True, baseline=None)


def test_a_baseline_of_another_prior_begins_anew(classifier: EmotionClassifier) -> None:
    stranger = PersonalBaseline.of("00" * 8, np.full(8, -9, dtype=np.float32), Emotion.SAD)
    stranger = stranger.retold(Emotion.SAD, None, Emotion.HAPPY)

    found = hear(classifier, NOTE, LIMITS, learn=True, baseline=stranger.to_bytes())

    assert found == hear(classifier, NOTE, LIMITS, learn=True, baseline=None)


def test_what_is_no_audio_is_told(classifier: EmotionClassifier) -> None:
    with pytest.raises(UndecodableAudioError):
        hear(classifier, b"no audio", LIMITS, learn=True, baseline=None)
