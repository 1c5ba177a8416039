from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emotify_core.augmentation import (
    add_noise,
    augment,
    change_speed,
    equalize,
    mix,
    reverberate,
    shift_pitch,
    through_opus,
)
from emotify_core.synthesis import synthesize_voice
from tests.emotify_core.encoding import similarity

VOICE = synthesize_voice(1.5, f0=160, seed=1)
SR = 16000


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def tone(hz: float, duration: float = 1.0) -> NDArray[np.float32]:
    return np.sin(2 * np.pi * hz * np.arange(round(duration * SR)) / SR).astype(np.float32)


def loudest_hz(y: NDArray[np.float32]) -> float:
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y)), 8 * SR))
    return float(spectrum.argmax() / 8)


def level_db(y: NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.mean(np.square(y, dtype=np.float64))))


class TestAugment:
    @settings(max_examples=25)
    @given(seed=st.integers(0, 2**32 - 1), duration=st.floats(0.2, 1.5))
    def test_any_copy_is_sound_of_about_the_same_length(self, seed: int, duration: float) -> None:
        y = VOICE[: round(duration * SR)]

        changed = augment(y, rng(seed))

        assert changed.dtype == np.float32
        assert changed.ndim == 1
        assert np.isfinite(changed).all()
        assert 0.8 * len(y) < len(changed) < 1.25 * len(y)
        assert level_db(changed) > level_db(y) - 20

    def test_the_same_generator_gives_the_same_copy(self) -> None:
        np.testing.assert_array_equal(augment(VOICE, rng(5)), augment(VOICE, rng(5)))

    def test_copies_differ(self) -> None:
        copies = {augment(VOICE, rng(seed)).tobytes() for seed in range(6)}

        assert len(copies) == 6

    def test_the_original_is_left_alone(self) -> None:
        before = VOICE.copy()

        for seed in range(6):
            augment(VOICE, rng(seed))

        np.testing.assert_array_equal(VOICE, before)


class TestSpeedAndPitch:
    @pytest.mark.parametrize("rate", [0.92, 1.0, 1.08])
    def test_speed_changes_length_and_pitch_together(self, rate: float) -> None:
        changed = change_speed(tone(440), rate)

        assert len(changed) == pytest.approx(SR / rate, abs=2)
        assert loudest_hz(changed) == pytest.approx(440 * rate, rel=0.002)

    @pytest.mark.parametrize("semitones", [-1.5, 0.7, 1.5])
    def test_pitch_changes_and_length_hardly(self, semitones: float) -> None:
        changed = shift_pitch(tone(440), semitones)

        assert loudest_hz(changed) == pytest.approx(440 * 2 ** (semitones / 12), rel=0.01)
        assert len(changed) == pytest.approx(SR, rel=0.06)

    def test_a_note_that_is_too_short_to_stretch_still_gets_another_pitch(self) -> None:
        changed = shift_pitch(tone(440, 0.1), 1.0)

        assert len(changed) == pytest.approx(1600, rel=0.1)


class TestEqualizer:
    def test_every_frequency_stays_within_the_depth(self) -> None:
        click = np.zeros(8192, np.float32)
        click[4096] = 1

        gain_db = 20 * np.log10(np.abs(np.fft.rfft(equalize(click, rng(), depth_db=6))))

        assert np.abs(gain_db).max() <= 6.01
        assert np.ptp(gain_db) > 1

    def test_no_depth_changes_nothing(self) -> None:
        np.testing.assert_allclose(equalize(VOICE, rng(), depth_db=0), VOICE, atol=1e-6)


class TestNoise:
    @pytest.mark.parametrize("snr_db", [0, 10, 25])
    @pytest.mark.parametrize("exponent", [0, 1, 1.5])
    def test_it_has_the_ratio_that_was_asked_for(self, snr_db: float, exponent: float) -> None:
        noise = add_noise(VOICE, rng(), snr_db=snr_db, exponent=exponent) - VOICE

        assert level_db(VOICE) - level_db(noise) == pytest.approx(snr_db, abs=0.05)

    def test_pink_noise_falls_by_three_decibels_an_octave(self) -> None:
        voice = np.full(8 * SR, 0.1, np.float32)

        power = np.abs(np.fft.rfft(add_noise(voice, rng(), snr_db=0, exponent=1.0) - voice)) ** 2

        octaves = [power[low * 8 : 2 * low * 8].mean() for low in (250, 500, 1000, 2000)]
        np.testing.assert_allclose(10 * np.log10(np.divide(octaves[1:], octaves[:-1])), -3, atol=0.5)

    def test_silence_stays_silent(self) -> None:
        silence = np.zeros(1600, np.float32)

        np.testing.assert_array_equal(mix(silence, tone(440, 0.1), snr_db=10), silence)


class TestRoom:
    def test_the_direct_sound_comes_first_and_a_tail_follows(self) -> None:
        click = np.zeros(SR, np.float32)
        click[100] = 1

        response = reverberate(click, rng(), rt60=0.4)

        assert np.abs(response[:100]).max() < 1e-6
        assert response[100] == pytest.approx(1, abs=0.01)
        tail = [level_db(response[100 + start : 100 + start + 800]) for start in (800, 1600, 3200, 4800)]
        assert tail == sorted(tail, reverse=True)
        assert tail[0] - tail[3] > 20
        assert np.abs(response[100 + 6500 :]).max() < 1e-3

    def test_the_length_stays(self) -> None:
        assert len(reverberate(VOICE, rng(), rt60=0.5)) == len(VOICE)


class TestOpus:
    @pytest.mark.parametrize("bitrate", [16_000, 24_000, 32_000])
    def test_the_voice_stays_itself_and_in_time(self, bitrate: int) -> None:
        decoded = through_opus(VOICE, bitrate=bitrate)

        assert len(decoded) == len(VOICE)
        assert np.corrcoef(decoded, VOICE)[0, 1] > 0.9
        assert similarity(decoded, VOICE) > 0.9

    @pytest.mark.parametrize("n_samples", [3200, 3359, 3412, 15793, 15886, 16000, 20000])
    def test_short_notes_of_any_length_come_back(self, n_samples: int) -> None:
        decoded = through_opus(VOICE[:n_samples], bitrate=24_000)

        assert len(decoded) == n_samples
        assert similarity(decoded, VOICE[:n_samples]) > 0.8

    def test_what_exceeds_full_scale_keeps_its_level(self) -> None:
        decoded = through_opus(40 * VOICE, bitrate=32_000)

        assert level_db(decoded) == pytest.approx(level_db(40 * VOICE), abs=1)
