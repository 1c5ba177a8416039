from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from emotify_core.audio import decode
from emotify_core.synthesis import demonstration_note, synthesize_voice

SR = 16000


def pitch(y: NDArray[np.float32]) -> float:
    """Median of the pitch in Hz by autocorrelation, over the louder frames."""
    frames = np.lib.stride_tricks.sliding_window_view(y, 800)[::400]
    frames = frames[frames.std(axis=1) > y.std()]
    correlation = np.fft.irfft(np.abs(np.fft.rfft(frames, 2048)) ** 2)[:, : SR // 60]
    return float(np.median(SR / (SR // 400 + correlation[:, SR // 400 :].argmax(axis=1))))


def test_same_arguments_give_the_same_sound() -> None:
    np.testing.assert_array_equal(synthesize_voice(1.0, seed=1), synthesize_voice(1.0, seed=1))


def test_another_seed_gives_another_sound() -> None:
    assert not np.array_equal(synthesize_voice(1.0, seed=1), synthesize_voice(1.0, seed=2))


@pytest.mark.parametrize("sr", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("duration", [0.01, 0.5, 2.345])
def test_it_is_as_long_as_asked_for(sr: int, duration: float) -> None:
    y = synthesize_voice(duration, sr=sr)

    assert y.shape == (round(duration * sr),)
    assert y.dtype == np.float32
    assert np.abs(y).max() <= 1


@pytest.mark.parametrize("f0", [100, 140, 220])
def test_it_has_the_pitch_asked_for(f0: float) -> None:
    assert pitch(synthesize_voice(4.0, f0=f0, pitch_range=0)) == pytest.approx(f0, rel=0.05)


@pytest.mark.parametrize("loudness", [0.01, 0.05, 0.1])
def test_it_has_the_loudness_asked_for(loudness: float) -> None:
    assert np.sqrt(np.mean(synthesize_voice(2.0, loudness=loudness) ** 2)) == pytest.approx(loudness, rel=0.01)


def test_loud_voices_are_brighter() -> None:
    def brightness(y: NDArray[np.float32]) -> float:
        frames = y.reshape(-1, 480)
        vowels = frames[frames.std(axis=1) > y.std()]
        power = np.mean(np.abs(np.fft.rfft(vowels * np.hanning(480))) ** 2, axis=0)
        return float(power[60:].sum() / power.sum())  # from 2 kHz

    assert brightness(synthesize_voice(loudness=0.1)) > 2 * brightness(synthesize_voice(loudness=0.01))


def test_it_pauses_between_phrases() -> None:
    level = synthesize_voice(6.0).reshape(-1, 160).std(axis=1)

    assert 0.05 < np.mean(level < level.max() / 100) < 0.5


def test_the_loudest_voice_stays_within_full_scale() -> None:
    assert np.abs(synthesize_voice(loudness=1.0)).max() == pytest.approx(0.99)


def test_impossible_voices_are_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        synthesize_voice(0)
    with pytest.raises(ValueError, match="positive"):
        synthesize_voice(f0=-1)


def test_demonstration_note_is_a_voice_message() -> None:
    data = demonstration_note()
    info = soundfile.info(io.BytesIO(data))

    assert (info.format, info.subtype, info.samplerate, info.channels) == ("OGG", "OPUS", 48000, 1)
    assert info.duration == pytest.approx(5.0, abs=0.05)
    assert 24_000 < 8 * len(data) / info.duration < 40_000
    assert data == demonstration_note()
    assert data != demonstration_note(seed=8)


def test_demonstration_note_is_trimmed_to_its_voice() -> None:
    assert decode(demonstration_note()).duration == pytest.approx(4.0, abs=0.25)
