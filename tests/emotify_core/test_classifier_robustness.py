"""What holds for any sound at all: a distribution, or one sentence that says why not."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emotify_core.augmentation import limit_band, mix
from emotify_core.classifier import EmotionClassifier
from emotify_core.emotions import Emotion
from emotify_core.errors import AudioError, AudioTooShortError, NoSpeechError
from emotify_core.non_speech import synthesize_non_speech
from emotify_core.prediction import Prediction
from emotify_core.speech_detection import SpeechDetector
from emotify_core.waveform import Waveform
from tests.emotify_core.encoding import wav
from tests.emotify_core.voices import voice

SR = 16000
Signal = NDArray[np.float32]
VOICE = voice(Emotion.ANGRY, "11", duration=3.0)


def outcome(classifier: EmotionClassifier, source: bytes | Waveform) -> Prediction | AudioError:
    """Classify, and let nothing but our own errors be another answer."""
    try:
        prediction = classifier.predict(source)
    except AudioError as error:
        sentence = str(error)
        assert sentence.isprintable()
        assert sentence.endswith(".")
        return error
    shares = list(prediction.probabilities.values())
    assert np.isfinite(shares).all()
    assert min(shares) >= 0
    assert sum(shares) == pytest.approx(1, abs=1e-6)
    return prediction


def shares_of(outcomes: list[Prediction | AudioError]) -> list[list[float]]:
    """Return the probabilities of those that are predictions."""
    return [list(each.probabilities.values()) for each in outcomes if isinstance(each, Prediction)]


def noise(rng: np.random.Generator, n: int) -> Signal:
    return rng.standard_normal(n).astype(np.float32)


def clicks(rng: np.random.Generator, n: int) -> Signal:
    return np.where(rng.random(n) < 1e-3, rng.choice([-1, 1], n), 0).astype(np.float32)


def constant(rng: np.random.Generator, n: int) -> Signal:
    return np.full(n, rng.uniform(-1, 1), np.float32)


def steps(rng: np.random.Generator, n: int) -> Signal:
    return np.sign(np.sin(2 * np.pi * rng.uniform(50, 4000) * np.arange(n) / SR)).astype(np.float32)


def impulse(rng: np.random.Generator, n: int) -> Signal:
    y = np.zeros(n, np.float32)
    y[rng.integers(n)] = 1
    return y


def speech(rng: np.random.Generator, n: int) -> Signal:
    start = int(rng.integers(0, len(VOICE)))
    return np.resize(np.roll(VOICE, start), n)


def clipped_speech(rng: np.random.Generator, n: int) -> Signal:
    y = speech(rng, n)
    limit = max(float(np.abs(y).max()) * rng.uniform(0.02, 0.5), 1e-6)
    return np.clip(y, -limit, limit)


def speech_with_offset(rng: np.random.Generator, n: int) -> Signal:
    return speech(rng, n) + constant(rng, n)


def broken_speech(rng: np.random.Generator, n: int) -> Signal:
    return np.where(np.arange(n) // int(rng.integers(1, 4000)) % 2, speech(rng, n), np.float32(0))


SHAPES = (noise, clicks, constant, steps, impulse, speech, clipped_speech, speech_with_offset, broken_speech)
WAVEFORMS = st.builds(
    lambda shape, seed, duration, level_db: (
        shape(np.random.default_rng(seed), round(duration * SR)) * np.float32(10 ** (level_db / 20))
    ),
    st.sampled_from(SHAPES),
    st.integers(0, 2**32 - 1),
    st.floats(0.05, 8),
    st.floats(-60, 20),
)


class TestAnySound:
    @given(y=WAVEFORMS)
    @settings(max_examples=40)
    def test_a_recording_of_it_gets_a_distribution_or_a_sentence(
        self, classifier: EmotionClassifier, y: Signal
    ) -> None:
        outcome(classifier, wav(y, subtype="FLOAT"))

    @given(y=WAVEFORMS)
    @settings(max_examples=40)
    def test_so_does_a_waveform_that_nobody_conditioned(self, fused: EmotionClassifier, y: Signal) -> None:
        outcome(fused, Waveform(y, SR, len(y) / SR))

    @pytest.mark.parametrize("level", [1e-38, 1e-20, 1e10, 1e30])
    def test_no_level_is_too_much(self, fused: EmotionClassifier, level: float) -> None:
        outcome(fused, Waveform(VOICE * np.float32(level), SR, 3.0))

    @given(y=WAVEFORMS)
    @settings(max_examples=20)
    def test_its_timeline_is_of_distributions(self, fused: EmotionClassifier, y: Signal) -> None:
        try:
            timeline = fused.timeline(wav(y, subtype="FLOAT"))
        except AudioError:
            return
        np.testing.assert_allclose(timeline.probabilities.sum(axis=1), 1, atol=1e-6)


class TestVolume:
    @given(
        emotion=st.sampled_from(Emotion), seconds=st.floats(0.5, 4), gain_db=st.floats(-20, 20), take=st.integers(1, 5)
    )
    @settings(max_examples=12)
    def test_it_changes_no_probability(
        self, fused: EmotionClassifier, emotion: Emotion, seconds: float, gain_db: float, take: int
    ) -> None:
        y = voice(emotion, "11", take=take, duration=seconds)
        louder = y * np.float32(10 ** (gain_db / 20))

        for sources in (
            [wav(signal, subtype="FLOAT") for signal in (y, louder)],
            [Waveform(signal, SR, seconds) for signal in (y, louder)],
        ):
            found = [outcome(fused, source) for source in sources]
            shares = shares_of(found)
            if len(shares) == 2:
                np.testing.assert_allclose(shares[1], shares[0], atol=0.01)
            else:
                assert type(found[0]) is type(found[1])


class TestShort:
    @pytest.mark.parametrize("seconds", [0.05, 0.1, 0.15])
    def test_too_few_seconds_are_said_to_be(self, classifier: EmotionClassifier, seconds: float) -> None:
        with pytest.raises(AudioTooShortError, match="too little sound"):
            classifier.predict(wav(VOICE[: round(seconds * SR)]))

    def test_a_long_recording_with_a_tenth_of_a_second_of_sound_is_not_called_short(
        self, classifier: EmotionClassifier
    ) -> None:
        blip = np.pad(VOICE[SR : SR + SR // 10], 5 * SR)

        with pytest.raises(AudioTooShortError) as caught:
            classifier.predict(wav(blip))

        assert "too little sound" in str(caught.value)
        assert "short" not in str(caught.value)

    @given(seconds=st.floats(0.05, 0.5), start=st.floats(0, 2.5))
    @settings(max_examples=30)
    def test_half_a_second_gets_an_answer_or_a_sentence(
        self, classifier: EmotionClassifier, seconds: float, start: float
    ) -> None:
        first = round(start * SR)
        outcome(classifier, wav(VOICE[first : first + round(seconds * SR)]))


class TestBadRecordings:
    @pytest.mark.parametrize("sr", [8000, 11025, 22050, 48000])
    def test_other_rates_are_heard(self, classifier: EmotionClassifier, sr: int) -> None:
        assert isinstance(outcome(classifier, wav(soxr.resample(VOICE, SR, sr), sr)), Prediction)

    @pytest.mark.parametrize("claimed", [1, 8000, 11025, 24000, 48000, 192000, 4_000_000_000])
    def test_a_header_with_a_wrong_rate_gets_an_answer_or_a_sentence(
        self, classifier: EmotionClassifier, claimed: int
    ) -> None:
        encoded = bytearray(wav(VOICE))
        encoded[24:28] = struct.pack("<I", claimed)

        outcome(classifier, bytes(encoded))

    def test_two_people_at_once_get_an_answer(self, classifier: EmotionClassifier) -> None:
        both = mix(VOICE, voice(Emotion.SAD, "04", duration=3.0), snr_db=0)

        assert isinstance(outcome(classifier, wav(both)), Prediction)

    def test_a_telephone_is_heard(self, classifier: EmotionClassifier) -> None:
        assert isinstance(outcome(classifier, wav(limit_band(VOICE, low_hz=300, high_hz=3400))), Prediction)

    @pytest.mark.parametrize("offset", [-0.5, 0.01, 0.4])
    def test_an_offset_changes_no_probability(self, classifier: EmotionClassifier, offset: float) -> None:
        found = [outcome(classifier, wav(y, subtype="FLOAT")) for y in (VOICE, VOICE + np.float32(offset))]

        before, after = shares_of(found)
        np.testing.assert_allclose(after, before, atol=0.01)

    @pytest.mark.parametrize("gain_db", [6, 20, 40])
    def test_hard_clipping_gets_an_answer_or_a_sentence(self, classifier: EmotionClassifier, gain_db: float) -> None:
        loud = VOICE / np.abs(VOICE).max() * np.float32(10 ** (gain_db / 20))

        outcome(classifier, wav(np.clip(loud, -1, 1)))


class TestNoVoice:
    @pytest.mark.parametrize("hz", [110.0, 440.0, 1000.0])
    def test_a_tone_is_refused(self, classifier: EmotionClassifier, hz: float) -> None:
        tone = 0.2 * np.sin(2 * np.pi * hz * np.arange(3 * SR) / SR)

        with pytest.raises(NoSpeechError, match="could not hear a voice"):
            classifier.predict(wav(tone))

    @pytest.mark.parametrize("kind", ["coloured noise", "wind", "hum"])
    @pytest.mark.parametrize("seed", [1, 2])
    def test_noise_and_wind_are_refused(self, classifier: EmotionClassifier, kind: str, seed: int) -> None:
        sound = synthesize_non_speech(np.random.default_rng(seed), kind=kind, duration=3.0)

        with pytest.raises(NoSpeechError, match="could not hear a voice"):
            classifier.predict(wav(sound))

    @pytest.mark.parametrize("kind", ["cough", "coloured noise", "knocks"])
    def test_other_sounds_before_a_voice_take_nothing_away_from_it(
        self, classifier: EmotionClassifier, kind: str
    ) -> None:
        before = synthesize_non_speech(np.random.default_rng(4), kind=kind, duration=1.0)
        before *= np.float32(np.std(VOICE) / np.std(before))

        found = outcome(classifier, wav(np.concatenate([before, VOICE])))

        assert isinstance(found, Prediction)
        assert found.duration == pytest.approx(4.0, abs=0.01)


def with_bang(y: Signal, *, over_db: float, seed: int = 0) -> Signal:
    """Append a door that bangs, whose peak is so much higher than that of the signal."""
    t = np.arange(SR // 2) / SR
    bang = np.random.default_rng(seed).standard_normal(len(t)) * np.exp(-15 * t)
    bang *= np.abs(y).max() * 10 ** (over_db / 20) / np.abs(bang).max()
    return np.concatenate([y, np.zeros(SR // 4), bang]).astype(np.float32)


@pytest.mark.parametrize("place", ["after", "before", "between"])
def test_minutes_of_silence_take_nothing_from_a_voice(
    classifier: EmotionClassifier, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(SpeechDetector, "certainty", lambda *_, **__: 0.8)
    silence, none = np.zeros(120 * SR, dtype=np.float32), VOICE[:0]
    parts = {"after": (VOICE, silence, none), "before": (none, silence, VOICE), "between": (VOICE, silence, VOICE)}

    for listen in (classifier.predict, classifier.timeline):
        assert listen(wav(np.concatenate(parts[place])))


def test_pauses_between_words_make_the_search_for_them_no_stricter(
    classifier: EmotionClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SpeechDetector, "certainty", lambda *_, **__: 0.8)
    note = wav(np.tile(np.pad(VOICE[:SR], (0, 5 * SR)), 8))

    for listen in (classifier.predict, classifier.timeline):
        assert listen(note)


class TestBang:
    @pytest.mark.parametrize("over_db", [20, 30, 40])
    def test_a_softer_voice_is_heard_all_the_same(self, classifier: EmotionClassifier, over_db: float) -> None:
        note = wav(with_bang(0.01 * VOICE, over_db=over_db), subtype="FLOAT")

        prediction = classifier.predict(note)

        assert prediction.emotion == classifier.predict(wav(VOICE, subtype="FLOAT")).emotion
        assert prediction.duration == pytest.approx(len(VOICE) / SR + 0.75)
        assert classifier.explain(note).emotion == prediction.emotion
        assert classifier.timeline(note).is_speech.any()

    def test_so_it_is_in_a_waveform(self, classifier: EmotionClassifier) -> None:
        y = with_bang(0.01 * VOICE, over_db=30)

        assert classifier.predict(Waveform(y, SR, 7.0)).duration == 7.0

    @pytest.mark.parametrize("background", [1e-5, 1e-3])
    def test_without_a_voice_there_is_none(self, classifier: EmotionClassifier, background: float) -> None:
        y = with_bang(background * noise(np.random.default_rng(0), 3 * SR), over_db=40)

        for listen in (classifier.predict, classifier.timeline):
            with pytest.raises(NoSpeechError, match="nobody seems to speak"):
                listen(wav(y, subtype="FLOAT"))
