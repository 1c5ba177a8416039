from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotify_core.features import FEATURE_SET, describe_window, extract, feature_names
from emotify_core.features.windows import WINDOW_SECONDS
from emotify_core.synthesis import synthesize_voice
from emotify_core.waveform import Waveform
from tests.emotify_core.features.signals import SR, Signal, harmonic_tone, sine, white_noise

N = len(feature_names())


def waveform(y: Signal) -> Waveform:
    return Waveform(np.asarray(y, np.float32), SR, len(y) / SR)


def named(y: Signal) -> dict[str, float]:
    return dict(zip(feature_names(), extract(waveform(y)).values.tolist(), strict=True))


def clicks(duration: float) -> Signal:
    y = np.zeros(round(duration * SR), np.float32)
    y[:: SR // 10] = 1
    return y


def nearly_silent(duration: float) -> Signal:
    y = np.zeros(round(duration * SR), np.float32)
    y[len(y) // 2] = 1 / 32768
    return y


SOUNDS: dict[str, Callable[[float], Signal]] = {
    "noise": white_noise,
    "clicks": clicks,
    "one step of sixteen bits": nearly_silent,
    "silence": lambda duration: np.zeros(round(duration * SR), np.float32),
    "offset": lambda duration: np.full(round(duration * SR), 0.3, np.float32),
    "low tone": lambda duration: sine(70, duration),
    "high tone": lambda duration: sine(7900, duration),
    "buzz": lambda duration: harmonic_tone(110, duration),
    "highest tone": lambda duration: np.resize(np.array([1, -1], np.float32), round(duration * SR)),
    "voice": lambda duration: synthesize_voice(duration, seed=1),
}
durations = st.one_of(st.floats(0.2, 1.0), st.floats(0.2, 1.0), st.sampled_from([0.2, 0.201, 6.0, 6.01, 12.5, 20.0]))


class TestAnyWaveform:
    @settings(max_examples=30)
    @given(
        sound=st.sampled_from(sorted(SOUNDS)),
        duration=durations,
        gain=st.one_of(st.just(1.0), st.floats(-38, 37).map(lambda e: 10**e)),
    )
    def test_features_are_finite_and_of_one_length(self, sound: str, duration: float, gain: float) -> None:
        features = extract(waveform(SOUNDS[sound](duration) * np.float32(gain)))

        assert features.feature_set == FEATURE_SET
        assert features.values.shape == (N,)
        assert np.isfinite(features.values).all()

    @settings(max_examples=20)
    @given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=400))
    def test_so_they_are_for_a_few_samples_of_anything(self, samples: list[float]) -> None:
        assert extract(waveform(np.array(samples, np.float32))).values.shape == (N,)

    def test_the_largest_numbers_there_are_do_not_overflow(self) -> None:
        extremes = np.resize(np.array([1, -1, 1, 1], np.float32) * np.finfo(np.float32).max, 8000)

        assert np.isfinite(extract(waveform(extremes)).values).all()

    def test_the_same_waveform_gives_the_same_features(self) -> None:
        y = synthesize_voice(1.0, seed=3)

        np.testing.assert_array_equal(extract(waveform(y)).values, extract(waveform(y)).values)

    def test_the_waveform_is_left_alone(self) -> None:
        y = synthesize_voice(1.0, seed=3)
        before = y.copy()

        extract(waveform(y))

        np.testing.assert_array_equal(y, before)


class TestRefusals:
    @pytest.mark.parametrize("sr", [8000, 44100])
    def test_other_rates_are_refused(self, sr: int) -> None:
        with pytest.raises(ValueError, match="16000 Hz"):
            extract(Waveform(np.ones(sr, np.float32), sr, 1.0))

    def test_a_waveform_without_samples_is_refused(self) -> None:
        with pytest.raises(ValueError, match="at least one sample"):
            extract(waveform(np.zeros(0, np.float32)))


class TestMeaning:
    def test_names_are_unique_and_tell_descriptor_and_functional(self) -> None:
        assert len(set(feature_names())) == N
        assert {"mfcc_0|mean", "delta_loudness|std", "log2_f0|p50", "chroma_9|mean", "voiced_share"} <= set(
            feature_names()
        )

    @pytest.mark.parametrize("f0", [110, 220, 330])
    def test_pitch_is_that_of_the_voice(self, f0: float) -> None:
        found = named(harmonic_tone(f0))

        assert 2 ** found["log2_f0|p50"] == pytest.approx(f0, rel=0.01)
        assert found["voiced_share"] > 0.95

    def test_a_rising_pitch_has_a_rising_slope(self) -> None:
        found = named(harmonic_tone(150 * 2 ** np.linspace(0, 0.5, SR)))

        assert found["log2_f0|slope"] > 0.15
        assert found["f0_change|mean"] > 0

    def test_noise_has_hardly_any_voice(self) -> None:
        assert named(white_noise())["voiced_share"] < 0.1

    @pytest.mark.parametrize(("y", "expected"), [(harmonic_tone(150), True), (white_noise(), False)])
    def test_a_voice_is_told_from_noise(self, y: Signal, expected: bool) -> None:
        assert bool(named(y)["voiced_share"] >= 0.05) is expected

    def test_pauses_are_counted(self) -> None:
        spoken = harmonic_tone(200, 0.3)
        pause = np.zeros(round(0.2 * SR), np.float32)

        found = named(np.concatenate([spoken, pause] * 4))

        assert found["voiced_segments_per_second"] == pytest.approx(2, abs=0.1)
        assert found["voiced_mean"] == pytest.approx(30, abs=3)  # frames
        assert found["unvoiced_mean"] == pytest.approx(20, abs=3)
        assert found["duration"] == pytest.approx(2)
        assert found["loud_share"] == pytest.approx(0.6, abs=0.1)

    def test_a_note_is_loudest_in_its_pitch_class(self) -> None:
        chroma = [named(sine(440))[f"chroma_{i}|mean"] for i in range(12)]

        assert int(np.argmax(chroma)) == 9  # A


class TestLevel:
    @pytest.mark.parametrize("gain_db", [-20, 20])
    def test_the_level_of_the_recording_does_not_matter(self, gain_db: float) -> None:
        y = synthesize_voice(1.2, seed=4)

        features = [extract(waveform(y * np.float32(10 ** (g / 20)))).values.astype(float) for g in (0, gain_db)]

        # Where two frames are nearly equal, rounding decides which is the greatest.
        scale = np.abs(features[0]) + 1
        assert np.mean(np.abs(features[0] - features[1]) / scale < 1e-3) > 0.998

    @given(exponent=st.integers(-60, 100))
    def test_a_level_that_rounds_nothing_changes_nothing(self, exponent: int) -> None:
        y = synthesize_voice(0.4, seed=4)

        np.testing.assert_array_equal(describe_window(y * np.float32(2.0**exponent)), describe_window(y))

    def test_neither_does_an_offset(self) -> None:
        y = synthesize_voice(1.2, seed=4)

        plain, offset = describe_window(y), describe_window(y + np.float32(0.25))

        scale = np.abs(plain) + 1
        assert np.mean(np.abs(plain - offset) / scale < 1e-2) > 0.99

    @pytest.mark.parametrize("value", [0.0, 1e-12, 0.3, -1.0, 1e6])
    @pytest.mark.parametrize("n_samples", [1, 2, 100, 4001])
    def test_whatever_is_constant_is_silence(self, value: float, n_samples: int) -> None:
        constant = describe_window(np.full(n_samples, value, np.float32))

        np.testing.assert_array_equal(constant, describe_window(np.zeros(n_samples, np.float32)))

    def test_clipped_voices_have_finite_features(self) -> None:
        y = np.clip(synthesize_voice(0.5, seed=4) * np.float32(1e3), -1, 1)

        assert np.isfinite(describe_window(y)).all()

    def test_a_window_without_samples_is_refused(self) -> None:
        with pytest.raises(ValueError, match="at least one sample"):
            describe_window(np.zeros(0, np.float32))


class TestWindows:
    def test_long_notes_are_described_by_the_mean_of_their_windows(self) -> None:
        first, second = synthesize_voice(4.0, seed=1), synthesize_voice(4.0, seed=2)
        assert WINDOW_SECONDS < 8

        together = extract(waveform(np.concatenate([first, second]))).values

        apart = [extract(waveform(y)).values.astype(float) for y in (first, second)]
        np.testing.assert_allclose(together, np.mean(apart, axis=0), rtol=1e-4, atol=1e-4)

    def test_windows_that_are_pauses_do_not_count(self) -> None:
        y, rng = synthesize_voice(6.0, seed=1), np.random.default_rng(0)
        pause = (1e-4 * rng.standard_normal(6 * SR)).astype(np.float32)

        np.testing.assert_array_equal(
            extract(waveform(np.concatenate([y, pause, pause]))).values, extract(waveform(y)).values
        )

    def test_up_to_the_length_of_a_window_nothing_is_cut(self) -> None:
        y = synthesize_voice(WINDOW_SECONDS, seed=1)

        assert named(y)["duration"] == pytest.approx(WINDOW_SECONDS)
        assert named(np.append(y, y[:160]))["duration"] == pytest.approx(WINDOW_SECONDS / 2, abs=0.02)


def test_extraction_compiles_nothing_with_numba(tmp_path: Path) -> None:
    code = """
import sys, numpy
from emotify_core import Waveform, extract
from emotify_core.synthesis import synthesize_voice
extract(Waveform(synthesize_voice(1.0), 16000, 1.0))
print([name for name in ("librosa.feature", "librosa.util.utils", "sklearn") if name in sys.modules])
"""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "numba"), "PATH": ""}

    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=Path.cwd(), capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
    assert not list(tmp_path.rglob("*.nbi"))
