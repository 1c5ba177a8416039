from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emotify_core.conditioning import LOUDNESS, MAX_PAUSE, MIN_DURATION, condition, sound_duration
from emotify_core.errors import AudioTooShortError, NoSpeechError
from emotify_core.synthesis import synthesize_voice

SPEECH = synthesize_voice(1.5, seed=2)


@given(gain_db=st.floats(-30, 60), offset=st.floats(-1, 1))
@settings(max_examples=30)
def test_gain_and_offset_of_the_microphone_change_nothing(gain_db: float, offset: float) -> None:
    heard = (10 ** (gain_db / 20) * np.pad(SPEECH, 4000) + offset).astype(np.float32)

    # Beside an offset of 1, float32 has seven digits, of which -30 dB take some.
    np.testing.assert_allclose(condition(heard, 16000), condition(np.pad(SPEECH, 4000), 16000), atol=1e-4)


def test_result_has_the_loudness_and_no_offset() -> None:
    y = condition(SPEECH + np.float32(0.1), 16000, trim=False)

    assert y.mean() == pytest.approx(0, abs=1e-6)
    assert y.std() == pytest.approx(LOUDNESS, rel=1e-4)


def test_input_is_left_as_it_was() -> None:
    before = SPEECH.copy()

    condition(SPEECH, 16000)

    np.testing.assert_array_equal(SPEECH, before)


def test_without_normalisation_only_what_exceeds_full_scale_is_scaled() -> None:
    centred = SPEECH - SPEECH.mean(dtype=np.float64).astype(np.float32)

    np.testing.assert_array_equal(condition(SPEECH, 16000, trim=False, normalize=False), centred)
    assert np.abs(condition(100 * SPEECH, 16000, normalize=False)).max() == pytest.approx(1)


@pytest.mark.parametrize("offset", [0.7, 123456.7, 1e20])  # of integers of 24 bits, say, that nobody scaled
@pytest.mark.parametrize("trim", [True, False])
def test_silence_is_no_speech(trim: bool, offset: float) -> None:
    with pytest.raises(NoSpeechError, match="silent"):
        condition(np.full(16000, offset, np.float32), 16000, trim=trim)


@pytest.mark.parametrize("n", [0, 1, 100, 3199])
def test_too_short_signals_are_refused(n: int) -> None:
    with pytest.raises(AudioTooShortError) as caught:
        condition(SPEECH[5000 : 5000 + n], 16000)

    assert (caught.value.duration, caught.value.min_duration) == (n / 16000, MIN_DURATION)


def test_the_shortest_sound_that_is_long_enough_is_kept_whole() -> None:
    hum = 0.1 * np.sin(0.1 * np.arange(3200)).astype(np.float32)

    assert len(condition(hum, 16000)) == 3200


def with_pause(seconds: float, *, noise: float = 0.0) -> NDArray[np.float32]:
    """Put a pause between two voices."""
    y = np.concatenate([SPEECH, np.zeros(round(seconds * 16000), np.float32), synthesize_voice(1.5, seed=3)])
    return (y + noise * np.random.default_rng(0).standard_normal(len(y))).astype(np.float32)


@pytest.mark.parametrize("noise", [0.0, 0.0005], ids=["silent", "noisy"])
@pytest.mark.parametrize("seconds", [0.5, 2.0, 10.0])
def test_a_pause_inside_is_shortened_however_long_it_is(seconds: float, noise: float) -> None:
    short = condition(with_pause(MAX_PAUSE, noise=noise), 16000)
    long = condition(with_pause(seconds, noise=noise), 16000)

    assert len(long) / 16000 == pytest.approx(len(short) / 16000, abs=0.1)


@pytest.mark.parametrize("seconds", [0.2, 0.3, 0.5])
def test_of_a_pause_that_is_a_little_too_long_as_much_is_left(seconds: float) -> None:
    longest = condition(with_pause(MAX_PAUSE - 0.05), 16000)  # the voice fades for as long again

    assert len(condition(with_pause(seconds), 16000)) / 16000 == pytest.approx(len(longest) / 16000, abs=0.02)


@pytest.mark.parametrize("seconds", [0.0, 0.1, 2.0])
def test_what_is_left_can_be_counted_without_making_it(seconds: float) -> None:
    y = np.pad(with_pause(seconds), 16000)

    assert sound_duration(y, 16000) == len(condition(y, 16000)) / 16000


def test_nothing_is_counted_in_what_is_too_short() -> None:
    with pytest.raises(AudioTooShortError):
        sound_duration(SPEECH[:100], 16000)


def test_pauses_stay_without_trimming() -> None:
    assert len(condition(with_pause(2.0), 16000, trim=False)) == len(with_pause(2.0))


def test_short_pauses_stay() -> None:
    y = with_pause(MAX_PAUSE / 2)

    assert len(condition(y, 16000)) >= 2.9 * 16000
