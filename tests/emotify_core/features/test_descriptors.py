from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats
from numpy.typing import NDArray

from emotify_core.features.descriptors import DESCRIPTOR_NAMES, describe, frame_energy
from emotify_core.features.spectra import bin_frequencies, spectra
from tests.emotify_core.features.signals import Signal, harmonic_tone, sine, white_noise


def described(y: NDArray[Any]) -> dict[str, float]:
    """Describe the frame in the middle."""
    seen = spectra(np.asarray(y, np.float32))
    contours = describe(seen, frame_energy(seen))
    return dict(zip(DESCRIPTOR_NAMES, contours[:, seen.n_frames // 2].tolist(), strict=True))


@pytest.mark.parametrize("y", [white_noise(), sine(440), np.zeros(3200, np.float32), harmonic_tone(120)])
def test_every_descriptor_is_a_finite_contour(y: Signal) -> None:
    seen = spectra(y)

    contours = describe(seen, frame_energy(seen))

    assert contours.shape == (len(DESCRIPTOR_NAMES), seen.n_frames)
    assert contours.dtype == np.float32
    assert np.isfinite(contours).all()


def test_names_are_unique() -> None:
    assert len(set(DESCRIPTOR_NAMES)) == len(DESCRIPTOR_NAMES)


def test_energy_is_in_decibels_and_at_most_sixty_below_the_loudest() -> None:
    y = np.concatenate([sine(440, 0.5), sine(440, 0.5) / 10, np.zeros(8000, np.float32)])

    energy = frame_energy(spectra(y))

    assert energy[25] - energy[75] == pytest.approx(20, abs=0.1)
    assert energy[25] - energy[125] == pytest.approx(60, abs=0.5)
    assert energy.min() >= energy.max() - 60


class TestTone:
    def test_all_of_its_energy_is_where_it_is(self) -> None:
        found = described(sine(2000))

        assert found["centroid"] == pytest.approx(2000, abs=20)

    def test_it_is_narrower_and_less_flat_than_noise(self) -> None:
        tone, noise = described(sine(2000)), described(white_noise())

        assert tone["spread"] < noise["spread"]
        assert tone["entropy"] < noise["entropy"]
        assert tone["flatness"] < noise["flatness"]

    def test_its_moments_are_those_of_its_power(self) -> None:
        seen = spectra(white_noise())
        share = seen.power[50].astype(float) / seen.power[50].sum(dtype=float)
        hz = bin_frequencies().astype(float)
        mean = hz @ share
        deviation = np.sqrt((hz - mean) ** 2 @ share)

        found = described(white_noise())

        assert found["centroid"] == pytest.approx(mean, rel=1e-4)
        assert found["spread"] == pytest.approx(np.log(deviation), rel=1e-3)
        assert found["entropy"] == pytest.approx(scipy.stats.entropy(share), rel=1e-4)

    def test_it_stands_in_its_bands(self) -> None:
        low, high = described(sine(500)), described(sine(3000))

        assert low["band_250_650"] == pytest.approx(0, abs=0.5)
        assert high["band_1k_4k"] == pytest.approx(0, abs=0.5)
        assert low["band_1k_4k"] < -20
        assert high["band_250_650"] < -20
        assert high["alpha_ratio"] > 20 > -20 > low["alpha_ratio"]
        assert low["hammarberg"] > 20 > -20 > high["hammarberg"]

    def test_high_ones_are_sharper(self) -> None:
        sharpness = [described(sine(hz))["sharpness"] for hz in (200, 1000, 4000)]

        assert sharpness == sorted(sharpness)

    def test_it_does_not_flow_while_it_stays(self) -> None:
        assert described(sine(1000))["flux"] == pytest.approx(0, abs=0.01)
        assert described(white_noise())["flux"] > 0.3


def test_steep_voices_have_a_lower_slope() -> None:
    flat, steep = (described(harmonic_tone(150, slope_db=slope_db)) for slope_db in (-3, -15))

    assert steep["slope"] < flat["slope"] < 0
    assert steep["alpha_ratio"] < flat["alpha_ratio"]


def test_louder_sounds_are_louder() -> None:
    soft, loud = described(white_noise() / 10), described(white_noise())

    assert loud["loudness"] > soft["loudness"]
    assert loud["energy"] - soft["energy"] == pytest.approx(20, abs=0.1)


def test_rasta_forgets_what_does_not_change() -> None:
    y = white_noise(4.0)
    equalised = np.convolve(y, [1, -0.9], mode="same").astype(np.float32)  # another microphone

    def rasta(signal: Signal) -> Signal:
        seen = spectra(signal)
        return describe(seen, frame_energy(seen))[20:46, 200:]

    np.testing.assert_allclose(rasta(equalised), rasta(y), atol=1.0)
    seen = [spectra(signal).auditory_log[:, 200:] for signal in (y, equalised)]
    assert np.abs(seen[0] - seen[1]).max() > 2
