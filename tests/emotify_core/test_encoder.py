from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emotify_core.dataset import Spectra
from emotify_core.encoder import (
    HARMONICS,
    HOP,
    MAX_FRAMES,
    N_BANDS,
    N_VIEWS,
    SR,
    STRIDE,
    Encoder,
    Spectrum,
    level,
    log_harmonics,
    log_mel,
    n_steps,
    prepare,
    views,
)
from emotify_core.errors import UntrustedModelError
from emotify_core.synthesis import synthesize_voice
from tests.emotify_core.tiny_models import tiny_network

VOICE = synthesize_voice(1.3, seed=1)


def spectrum_of(n_frames: int, seed: int = 0) -> Spectrum:
    rng = np.random.default_rng(seed)
    return rng.uniform(-80, 0, size=(n_frames, N_VIEWS, N_BANDS)).astype(np.float32)


Describe = Callable[[NDArray[np.float32]], Spectrum]


def tone(f: float, *, n_harmonics: int = 1) -> NDArray[np.float32]:
    harmonics = np.arange(1, n_harmonics + 1)[:, None]
    y = np.sin(2 * np.pi * f * harmonics * np.arange(SR) / SR) / harmonics
    return np.asarray(y.sum(axis=0), dtype=np.float32)


@pytest.mark.parametrize("describe", [log_mel, log_harmonics])
class TestBothSpectra:
    @given(n_samples=st.integers(1, 4 * SR))
    def test_there_is_a_frame_of_64_bands_every_16_ms(self, describe: Describe, n_samples: int) -> None:
        spectrum = describe(np.ones(n_samples, np.float32))

        assert spectrum.shape == (n_samples // HOP + 1, N_BANDS)
        assert spectrum.dtype == np.float32

    @pytest.mark.parametrize("peak", [0.0, 1e-30, 1.0, 1e6])
    def test_silence_and_any_peak_give_finite_numbers(self, describe: Describe, peak: float) -> None:
        y = np.float32(peak) * np.sign(np.random.default_rng(0).normal(size=SR)).astype(np.float32)

        assert np.isfinite(describe(y)).all()
        assert np.isfinite(level(describe(y))).all()

    def test_silence_is_at_the_floor(self, describe: Describe) -> None:
        np.testing.assert_allclose(describe(np.zeros(SR, np.float32)), -90, atol=0.01)

    @pytest.mark.parametrize("gain_db", [-40, -20, 6, 20, 60])
    def test_the_level_makes_no_difference(self, describe: Describe, gain_db: float) -> None:
        louder = VOICE * np.float32(10 ** (gain_db / 20))

        np.testing.assert_allclose(describe(louder), describe(VOICE), atol=0.02)

    def test_a_click_is_where_it_was(self, describe: Describe) -> None:
        y = np.zeros(SR, np.float32)
        y[20 * HOP] = 1

        assert int(describe(y).sum(axis=1).argmax()) == 20


class TestLogMel:
    def test_a_tone_is_loudest_in_its_band(self) -> None:
        loudest = [int(np.median(log_mel(tone(f)).argmax(axis=1))) for f in (200, 500, 1000, 2000, 4000, 7000)]

        assert loudest == sorted(set(loudest))


class TestLogHarmonics:
    @pytest.mark.parametrize("band", [12, 20, 33, 47, 62])
    def test_a_tone_is_loudest_in_the_band_whose_frequency_it_has(self, band: int) -> None:
        lowest, highest = HARMONICS

        spectrum = log_harmonics(tone(lowest * (highest / lowest) ** (band / (N_BANDS - 1))))

        assert int(np.median(spectrum.argmax(axis=1))) == band

    def test_a_voice_that_rises_moves_all_harmonics_by_as_many_bands(self) -> None:
        lowest, highest = HARMONICS
        step = (highest / lowest) ** (1 / (N_BANDS - 1))
        low, high = (log_harmonics(tone(f, n_harmonics=5))[20:40].mean(axis=0) for f in (150, 150 * step**6))

        shifts = [float(np.corrcoef(low[: -k or None], high[k:])[0, 1]) for k in range(12)]

        assert int(np.argmax(shifts)) == 6
        assert max(shifts) > 0.9

    def test_harmonics_of_a_deep_voice_stand_apart(self) -> None:
        lowest, highest = HARMONICS
        places = [round(np.log(100 * k / lowest) / np.log(highest / lowest) * (N_BANDS - 1)) for k in (1, 1.5, 2, 2.5)]

        mean = log_harmonics(tone(100, n_harmonics=8))[20:40].mean(axis=0)

        first, between, second, above = mean[places]
        assert min(first, second) > max(between, above) + 10

    @given(n_samples=st.integers(SR // 5, 4 * SR), seed=st.integers(0, 2**32 - 1))
    def test_fewer_samples_give_the_spectrum_of_all(self, n_samples: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        y = np.convolve(rng.normal(size=n_samples), [1, 0.9, 0.5])[:n_samples].astype(np.float32)

        found, expected = level(log_harmonics(y)), level(at_full_rate(y))

        np.testing.assert_allclose(found, expected, atol=1e-3)

    def test_hissing_makes_no_difference_to_the_melody(self) -> None:
        voice, hiss = tone(150, n_harmonics=6), tone(2900, n_harmonics=2)

        found, expected = (level(log_harmonics(y)[5:-5]) for y in (voice + hiss, voice))

        np.testing.assert_allclose(found, expected, atol=0.01)


def at_full_rate(y: np.ndarray) -> np.ndarray:
    """Compute what `log_harmonics` stands for, by frames of all samples."""
    lowest, highest = HARMONICS
    centres = lowest * (highest / lowest) ** (np.arange(N_BANDS) / (N_BANDS - 1))
    f = np.fft.rfftfreq(2048, 1 / SR)
    half = np.maximum(centres * ((highest / lowest) ** (1 / (N_BANDS - 1)) - 1), 1.5 * f[1])
    bank = np.maximum(0, 1 - np.abs(f - centres[:, None]) / half[:, None])
    padded = np.pad(y * (0.05 / np.sqrt(np.square(y).mean())), 512)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 1024)[::HOP] * np.hanning(1025)[:-1]
    power = np.abs(np.fft.rfft(frames, 2048)) ** 2
    return np.asarray(10 * np.log10(power @ (bank / bank.sum(axis=1, keepdims=True)).T + 1e-9))


def test_the_views_are_both_spectra_frame_by_frame() -> None:
    found = views(VOICE)

    assert found.shape[1:] == (N_VIEWS, N_BANDS)
    np.testing.assert_array_equal(found[:, 0], log_mel(VOICE))
    np.testing.assert_array_equal(found[:, 1], log_harmonics(VOICE))


class TestLevel:
    @given(st.floats(-60, 60), st.integers(1, 40))
    def test_the_mean_level_tells_nothing(self, shift_db: float, n_frames: int) -> None:
        spectrum = spectrum_of(n_frames)[:, 0]

        levelled = level(spectrum)

        assert levelled.mean() == pytest.approx(0, abs=1e-4)
        np.testing.assert_allclose(level(spectrum + np.float32(shift_db)), levelled, atol=1e-3)

    def test_what_is_more_than_70_db_below_the_peak_counts_as_70(self) -> None:
        spectrum = np.full((4, N_BANDS), -60.0, dtype=np.float32)
        spectrum[0, 0], spectrum[1] = 0.0, -85.0
        floored = np.maximum(spectrum, -70)

        np.testing.assert_allclose(level(spectrum), (floored - floored.mean()) / 20, atol=1e-6)


class TestPrepare:
    @given(st.lists(st.integers(1, 600), min_size=1, max_size=4))
    def test_every_spectrum_stands_at_the_beginning_and_the_rest_is_padding(self, lengths: list[int]) -> None:
        spectra = [spectrum_of(n, seed) for seed, n in enumerate(lengths)]

        batch, mask = prepare(spectra)

        n_frames = -(-min(MAX_FRAMES, max(lengths)) // STRIDE) * STRIDE
        assert batch.shape == (len(lengths), N_VIEWS, N_BANDS, n_frames)
        assert mask.shape == (len(lengths), n_frames // STRIDE)
        for spectrum, images, steps in zip(spectra, batch, mask, strict=True):
            kept = spectrum[:MAX_FRAMES]
            for view, image in enumerate(images):
                np.testing.assert_array_equal(image[:, : len(kept)].T, level(kept[:, view]))
                assert (image[:, len(kept) :] == -1).all()
            assert steps.sum() == n_steps(len(kept))
            assert (np.diff(steps) <= 0).all()

    def test_half_precision_is_good_enough(self) -> None:
        spectrum = spectrum_of(50)

        stored: Any = Spectra.of([spectrum.astype(np.float16)])  # as training keeps them

        plain, half = prepare([spectrum])[0], prepare(stored)[0]

        assert half.dtype == np.float32
        np.testing.assert_allclose(half, plain, atol=0.005)

    @pytest.mark.parametrize(
        ("n_frames", "expected"),
        [(1, 1), (4, 1), (5, 1), (11, 1), (12, 1), (13, 2), (16, 2), (20, 2), (21, 3), (512, 64)],
    )
    def test_steps_are_rounded_but_at_least_one(self, n_frames: int, expected: int) -> None:
        assert n_steps(n_frames) == expected


class TestEncoder:
    def test_every_window_gets_log_probabilities_and_an_embedding(self) -> None:
        scores, embeddings = Encoder(tiny_network()).run([spectrum_of(n, seed=n) for n in (20, 61, 188)])

        assert (scores.shape, embeddings.shape) == ((3, 8), (3, 4))
        assert (scores.dtype.name, embeddings.dtype.name) == ("float64", "float32")
        np.testing.assert_allclose(np.exp(scores).sum(axis=1), 1, atol=1e-6)

    def test_nothing_is_reported_to_the_makers_of_onnxruntime(self, tmp_path: Path) -> None:
        network = tmp_path / "network.onnx"
        network.write_bytes(tiny_network())
        home = tmp_path / "home"
        home.mkdir()
        code = "import sys, pathlib, emotify_core.encoder as e; e.Encoder(pathlib.Path(sys.argv[1]).read_bytes())"

        subprocess.run(  # without CI's variables, which would silence it, too
            [sys.executable, "-c", code, str(network)], env={"HOME": str(home), "PATH": os.defpath}, check=True
        )

        assert not list(home.rglob("*onnxruntime*"))  # its identifier of the machine, and what waits to be sent

    def test_what_stands_beside_a_window_changes_nothing(self) -> None:
        encoder = Encoder(tiny_network())
        spectra = [spectrum_of(n, seed=n) for n in (20, 61, 188)]

        together, alone = encoder.run(spectra), [encoder.run([spectrum]) for spectrum in spectra]

        np.testing.assert_allclose(together[0], np.concatenate([scores for scores, _ in alone]), atol=1e-5)
        np.testing.assert_allclose(together[1], np.concatenate([embedding for _, embedding in alone]), atol=1e-5)

    def test_the_loudness_of_a_voice_changes_nothing(self) -> None:
        encoder = Encoder(tiny_network())

        scores = [encoder.run([views(VOICE * np.float32(gain))])[0] for gain in (0.5, 1, 2)]

        np.testing.assert_allclose(scores, np.array([scores[1]] * 3), atol=0.01)

    def test_more_threads_give_the_same(self) -> None:
        spectra = [spectrum_of(61)]

        one, two = (Encoder(tiny_network(), n_threads=n).run(spectra)[0] for n in (1, 2))

        np.testing.assert_allclose(two, one, atol=1e-6)

    def test_networks_from_before_there_were_two_views_read_the_first(self) -> None:
        older = Path(__file__).with_name("golden") / "network_of_one_view.onnx"
        spectra = [spectrum_of(n, seed=n) for n in (20, 61)]

        found, now = (Encoder(onnx).run(spectra)[0] for onnx in (older.read_bytes(), tiny_network()))

        np.testing.assert_allclose(found, now, atol=1e-6)  # the newer one of the tests reads the first only, too

    @pytest.mark.parametrize("onnx", [b"", b"garbage", bytes(1000), b"PK\x05\x06" + bytes(18)])
    def test_what_is_no_network_is_refused(self, onnx: bytes) -> None:
        with pytest.raises(UntrustedModelError, match="cannot be loaded"):
            Encoder(onnx)

    @given(st.binary(max_size=200))
    def test_any_bytes_raise_only_our_error(self, onnx: bytes) -> None:
        with pytest.raises(UntrustedModelError):
            Encoder(onnx)

    def test_half_a_network_is_refused(self) -> None:
        with pytest.raises(UntrustedModelError, match="cannot be loaded"):
            Encoder(tiny_network()[:1500])

    def test_a_network_with_other_ports_is_refused_by_their_names(self) -> None:
        other = tiny_network().replace(b"embedding", b"something")

        with pytest.raises(UntrustedModelError, match="none of ours: its ports are spectrum, mask, scores, something"):
            Encoder(other)
