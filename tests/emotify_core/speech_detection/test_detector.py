"""The detector of speech."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
from numpy.typing import NDArray
from skops.io import dumps, get_untrusted_types, loads

from emotify_core.augmentation import add_noise, mix
from emotify_core.conditioning import condition
from emotify_core.non_speech import KINDS, synthesize_non_speech
from emotify_core.speech_detection import SpeechDetector, fit_speech_detector, speech_descriptors
from emotify_core.speech_examples import non_speech_examples, speech_examples
from emotify_core.synthesis import synthesize_voice

SR = 16_000
Matrix = NDArray[np.float32]


def voice(seed: int, seconds: float = 3.0) -> Matrix:
    rng = np.random.default_rng(seed)
    return synthesize_voice(seconds, f0=rng.uniform(90, 260), tempo=rng.uniform(3, 6), seed=seed)


@pytest.fixture(scope="module")
def examples() -> tuple[Matrix, Matrix]:
    rng = np.random.default_rng(0)
    speech = np.concatenate([speech_examples(voice(i, rng.uniform(0.5, 4)), rng) for i in range(60)])
    other = np.concatenate([non_speech_examples(rng, kind=kind) for kind in KINDS for _ in range(6)])
    return speech, other


@pytest.fixture(scope="module")
def detector(examples: tuple[Matrix, Matrix]) -> SpeechDetector:
    return fit_speech_detector(*examples, seed=3)


def test_voices_are_heard_and_other_sounds_are_not(detector: SpeechDetector) -> None:
    voices = [detector.has_speech(condition(voice(1000 + i), SR)) for i in range(20)]
    rng = np.random.default_rng(99)
    sounds = [detector.has_speech(synthesize_non_speech(rng, kind=kind)) for kind in KINDS for _ in range(2)]

    assert np.mean(voices) == 1
    assert np.mean(sounds) < 0.1


def test_a_voice_in_noise_is_heard(detector: SpeechDetector) -> None:
    rng = np.random.default_rng(5)
    noisy = [add_noise(voice(2000 + i), rng, snr_db=10) for i in range(10)]
    windy = [mix(voice(i), synthesize_non_speech(rng, kind="wind", duration=3.0), snr_db=10) for i in range(2000, 2010)]

    assert np.mean([detector.has_speech(y) for y in (*noisy, *windy)]) >= 0.95


def test_a_few_words_in_a_long_noise_are_enough(detector: SpeechDetector) -> None:
    rng = np.random.default_rng(6)
    cough = synthesize_non_speech(rng, kind="cough", duration=2.0)
    hum = synthesize_non_speech(rng, kind="coloured noise", duration=3.0)
    words = voice(3000, 1.5)

    assert not detector.has_speech(np.concatenate([cough, hum]))
    assert detector.has_speech(np.concatenate([cough, hum, words, hum]))


def test_probabilities_are_probabilities_and_do_not_depend_on_the_level(detector: SpeechDetector) -> None:
    y = voice(4000)
    quiet, loud = (detector.speech_probability(speech_descriptors(y * np.float32(gain))) for gain in (0.1, 10))
    extreme = detector.speech_probability(np.full((2, detector.n_features_in_), 1e30, dtype=np.float32))

    assert quiet.shape == (2,)
    np.testing.assert_allclose(quiet, loud, atol=1e-3)
    assert ((extreme >= 0) & (extreme <= 1)).all()


def test_a_part_over_the_threshold_decides(detector: SpeechDetector) -> None:
    y = voice(4001)
    highest = float(detector.speech_probability(speech_descriptors(y)).max())
    easy, strict = deepcopy(detector), deepcopy(detector)
    easy.set_params(threshold=highest - 1e-9)
    strict.set_params(threshold=highest + 1e-9)

    assert easy.has_speech(y)
    assert not strict.has_speech(y)


def test_fitting_again_gives_the_same_detector(examples: tuple[Matrix, Matrix], detector: SpeechDetector) -> None:
    again = fit_speech_detector(*examples, seed=3)

    assert np.array_equal(again.speech_probability(examples[0]), detector.speech_probability(examples[0]))


def test_few_examples_are_enough_to_fit(examples: tuple[Matrix, Matrix]) -> None:
    small = fit_speech_detector(examples[0][:5], examples[1][:2])

    assert small.speech_probability(examples[0][:5]).shape == (5,)


def test_one_kind_of_example_is_refused(examples: tuple[Matrix, Matrix]) -> None:
    with pytest.raises(ValueError, match="both speech and other sounds"):
        fit_speech_detector(examples[0], examples[1][:0])
    with pytest.raises(ValueError, match="both speech and other sounds"):
        fit_speech_detector(examples[0][:0], examples[1])


def test_skops_needs_to_trust_nothing_but_the_detector(
    examples: tuple[Matrix, Matrix], detector: SpeechDetector
) -> None:
    stored = dumps(detector)
    untrusted = get_untrusted_types(data=stored)
    loaded = loads(stored, trusted=untrusted)

    assert untrusted == ["emotify_core.speech_detection.detector.SpeechDetector"]
    assert np.array_equal(loaded.speech_probability(examples[1]), detector.speech_probability(examples[1]))
