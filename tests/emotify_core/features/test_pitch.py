from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emotify_core.features.pitch import PitchTrack, harmonics, track_pitch
from tests.emotify_core.features.signals import SR, Signal, harmonic_tone, white_noise

N_FRAMES = 100


def track(y: NDArray[Any]) -> PitchTrack:
    return track_pitch(np.asarray(y, np.float32), len(y) // 160)


def f0_of(tracked: PitchTrack) -> Signal:
    """Pitch in Hz of the frames that lie wholly within the signal."""
    return np.asarray(2 ** tracked.log2_f0[5:-5])


class TestPitch:
    @pytest.mark.parametrize("f0", [80, 100, 123.4, 160, 220, 261.6, 330, 440, 500])
    @pytest.mark.parametrize("slope_db", [-6, -12])
    def test_the_pitch_of_a_harmonic_tone_is_found_within_one_percent(self, f0: float, slope_db: float) -> None:
        tracked = track(harmonic_tone(f0, slope_db=slope_db))

        assert tracked.voiced[5:-5].all()
        np.testing.assert_allclose(f0_of(tracked), f0, rtol=0.01)

    @pytest.mark.parametrize("f0", [212.3, 261.6, 311.1, 340.0, 415.3, 452.7, 493.9, 550.0, 601.3])
    @pytest.mark.parametrize("slope_db", [0, 3])
    def test_very_bright_tones_keep_their_octave(self, f0: float, slope_db: float) -> None:
        tracked = track(harmonic_tone(f0, slope_db=slope_db))

        assert tracked.voiced[5:-5].all()
        np.testing.assert_allclose(f0_of(tracked), f0, rtol=0.01)

    @settings(max_examples=25)
    @given(f0=st.floats(80, 500), seed=st.integers(0, 100))
    def test_it_is_found_in_noise(self, f0: float, seed: int) -> None:
        y = harmonic_tone(f0, 0.6) + white_noise(0.6, seed=seed) / 10

        tracked = track(y)

        assert tracked.voiced[5:-5].mean() > 0.95
        assert np.median(f0_of(tracked)) == pytest.approx(f0, rel=0.01)

    def test_a_missing_fundamental_is_heard_all_the_same(self) -> None:
        t = np.arange(SR) / SR
        y = sum(np.sin(2 * np.pi * 150 * n * t) for n in (2, 3, 4, 5)) / 20

        np.testing.assert_allclose(f0_of(track(np.asarray(y))), 150, rtol=0.01)

    def test_a_glide_is_followed(self) -> None:
        pitch = 120 * 2 ** np.linspace(0, 1, SR)

        tracked = track(harmonic_tone(pitch))

        heard = f0_of(tracked)
        np.testing.assert_allclose(heard, pitch[800:-800:160], rtol=0.02)

    @pytest.mark.parametrize("seed", range(4))
    def test_noise_has_no_pitch(self, seed: int) -> None:
        assert track(white_noise(seed=seed)).voiced.mean() < 0.1

    def test_silence_has_no_pitch(self) -> None:
        assert not track(np.zeros(SR, np.float32)).voiced.any()

    def test_voiced_and_unvoiced_stretches_are_told_apart(self) -> None:
        y = np.concatenate([harmonic_tone(200, 0.5), white_noise(0.5) / 10, harmonic_tone(150, 0.5)])

        tracked = track(y)

        assert tracked.voiced[5:45].all()
        assert tracked.voiced[55:95].mean() < 0.2
        assert tracked.voiced[105:145].all()

    def test_loudness_does_not_matter(self) -> None:
        y = harmonic_tone(180) + white_noise() / 20

        soft, loud = track(y / 20), track(y * 5)

        np.testing.assert_array_equal(soft.voiced, loud.voiced)
        np.testing.assert_allclose(soft.log2_f0[soft.voiced], loud.log2_f0[loud.voiced], atol=1e-3)

    def test_a_signal_that_is_shorter_than_its_frames_is_filled_up(self) -> None:
        tracked = track_pitch(harmonic_tone(200, 0.1), 20)

        assert tracked.voiced.shape == tracked.log2_f0.shape == (20,)
        assert tracked.power.shape == (20, 241)
        assert not tracked.voiced[15:].any()


class TestHarmonics:
    def of(self, y: Signal) -> Signal:
        tracked = track(y)
        return np.asarray(np.median(harmonics(tracked, np.flatnonzero(tracked.voiced)[5:-5]), axis=1))

    def test_noise_lowers_the_harmonics_to_noise_ratio_by_as_much(self) -> None:
        tone, noise = harmonic_tone(200), white_noise()
        below_3_khz = np.fft.rfftfreq(SR, 1 / SR) < 2800
        shares = [np.square(np.abs(np.fft.rfft(y)))[below_3_khz].sum() for y in (tone, noise)]

        for snr_db in (20, 10, 5):
            ratio = 10 ** (-snr_db / 20) * np.sqrt(shares[0] / shares[1])
            hnr = self.of(tone + np.float32(ratio) * noise)[0]
            assert hnr == pytest.approx(snr_db, abs=2)

    @pytest.mark.parametrize("slope_db", [-3, -6, -12])
    def test_the_second_harmonic_is_below_the_first_by_the_slope(self, slope_db: float) -> None:
        assert self.of(harmonic_tone(200, slope_db=slope_db))[1] == pytest.approx(-slope_db, abs=0.5)

    def test_a_steep_spectrum_has_less_in_the_third_formant(self) -> None:
        flat, steep = (self.of(harmonic_tone(200, slope_db=slope_db)) for slope_db in (-3, -12))

        assert steep[2] > flat[2] + 20
        assert steep[3] > flat[3]

    def test_every_voiced_frame_gets_four_finite_values(self) -> None:
        tracked = track(np.zeros(SR, np.float32))

        described = harmonics(tracked, np.arange(N_FRAMES))

        assert described.shape == (4, N_FRAMES)
        assert np.isfinite(described).all()
