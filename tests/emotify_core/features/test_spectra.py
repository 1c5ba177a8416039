from __future__ import annotations

import numpy as np
import pytest

from emotify_core.features.spectra import (
    HOP,
    N_BARKS,
    N_MELS,
    bin_frequencies,
    count_frames,
    frame,
    hann,
    mel_filters,
    spectra,
    to_db,
)
from tests.emotify_core.features.signals import SR, sine, white_noise


class TestFrames:
    def test_frames_are_centred_one_every_hop(self) -> None:
        y = np.arange(1600, dtype=np.float32)

        frames = frame(y, 400, 10)

        assert frames.shape == (10, 400)
        np.testing.assert_array_equal(frames[:, 200], y[::HOP])

    def test_the_ends_are_filled_with_silence(self) -> None:
        frames = frame(np.ones(1600, np.float32), 400, 10)

        assert frames[0, :200].max() == 0
        assert frames[0, 200:].min() == 1

    @pytest.mark.parametrize(("n_samples", "n_frames"), [(1, 20), (3200, 20), (3359, 20), (3360, 21), (16000, 100)])
    def test_there_are_as_many_as_hops_and_never_fewer_than_twenty(self, n_samples: int, n_frames: int) -> None:
        y = np.ones(n_samples, np.float32)

        assert count_frames(y) == n_frames
        assert spectra(y).n_frames == n_frames


class TestSpectra:
    def test_every_array_has_a_value_for_each_frame(self) -> None:
        seen = spectra(white_noise())

        assert seen.power.shape == seen.power_log.shape == (100, 257)
        assert seen.mel_db.shape == (N_MELS, 100)
        assert seen.auditory_log.shape == (N_BARKS, 100)
        assert seen.chroma.shape == (12, 100)
        assert seen.zero_crossings.shape == (100,)

    def test_a_tone_stands_in_its_bin(self) -> None:
        seen = spectra(sine(1000))

        assert bin_frequencies()[seen.power[50].argmax()] == 1000
        np.testing.assert_allclose(to_db(seen.power), 10 * np.log10(seen.power), atol=1e-4)
        np.testing.assert_allclose(seen.power_log, np.log(seen.power), atol=1e-4)

    def test_power_is_that_of_the_windowed_frame(self) -> None:
        y = white_noise()

        windowed = frame(y, 400, 100)[50] * hann(400)

        # Parseval: the spectrum holds each bin twice but for the first and the last.
        power = spectra(y).power[50]
        assert (2 * power.sum() - power[0] - power[-1]) / 512 == pytest.approx(np.sum(windowed**2), rel=1e-4)

    def test_the_mel_spectrum_spans_at_most_eighty_decibels(self) -> None:
        y = np.concatenate([sine(1000, 0.5), np.zeros(8000, np.float32)])

        mel_db = spectra(y).mel_db

        assert mel_db.max() - mel_db.min() == pytest.approx(80, abs=0.01)

    def test_zero_crossings_count_sign_changes(self) -> None:
        seen = spectra(sine(1000))

        assert seen.zero_crossings[50] == pytest.approx(2 * 1000 / SR, abs=0.005)

    def test_silence_gives_finite_spectra(self) -> None:
        seen = spectra(np.zeros(3200, np.float32))

        for array in (seen.power, seen.power_log, seen.mel_db, seen.auditory_log, seen.chroma, seen.zero_crossings):
            assert np.isfinite(array).all()

    def test_the_ear_is_most_sensitive_in_the_middle(self) -> None:
        loudness = [spectra(sine(hz)).auditory_log[:, 50].max() for hz in (100, 1000, 3000)]

        assert loudness == sorted(loudness)


class TestFilters:
    @pytest.mark.parametrize("n_mels", [N_MELS, N_BARKS])
    def test_mel_filters_sum_to_one_and_rise_in_frequency(self, n_mels: int) -> None:
        bank = mel_filters(n_mels)

        assert bank.shape == (n_mels, 257)
        np.testing.assert_allclose(bank.sum(axis=1), 1, atol=1e-5)
        assert (np.diff(bank @ bin_frequencies()) > 0).all()

    @pytest.mark.parametrize(("hz", "pitch_class"), [(523.3, 0), (440, 9), (880, 9), (493.9, 11), (1046.5, 0)])
    def test_a_tone_is_loudest_in_its_pitch_class(self, hz: float, pitch_class: int) -> None:
        chroma = spectra(sine(hz)).chroma[:, 50]

        assert chroma.argmax() == pitch_class
        assert chroma[pitch_class] == 1

    def test_the_window_is_periodic(self) -> None:
        np.testing.assert_allclose(hann(8), np.sin(np.pi * np.arange(8) / 8) ** 2, atol=1e-6)
