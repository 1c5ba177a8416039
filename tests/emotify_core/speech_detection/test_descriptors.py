"""Numbers that tell speech from other sounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emotify_core.speech_detection import speech_descriptor_names, speech_descriptors
from emotify_core.speech_detection.contours import HOP, NAMES, contours
from emotify_core.synthesis import synthesize_voice

SR = 16_000


def described(y: np.ndarray) -> dict[str, float]:
    return dict(zip(speech_descriptor_names(), speech_descriptors(y.astype(np.float32)).mean(axis=0), strict=True))


def buzz(f0: np.ndarray) -> np.ndarray:
    return np.cumsum(f0) / SR % 1 - 0.5


def test_names_are_unique_and_match_the_columns() -> None:
    names = speech_descriptor_names()

    assert len(set(names)) == len(names)
    assert speech_descriptors(np.zeros(8000, dtype=np.float32)).shape == (1, len(names))


@pytest.mark.parametrize(("seconds", "parts"), [(0.05, 1), (0.3, 1), (2.0, 1), (2.1, 2), (3.0, 2), (4.0, 3), (6.0, 5)])
def test_there_is_a_row_for_every_two_seconds_half_of_which_overlap(seconds: float, parts: int) -> None:
    assert len(speech_descriptors(synthesize_voice(seconds))) == parts


@given(
    y=arrays(np.float32, st.integers(0, 3000), elements=st.floats(-(2.0**100), 2.0**100, width=32)),
    n_silent=st.integers(0, 40_000),
)
def test_descriptors_of_anything_are_finite(y: np.ndarray, n_silent: int) -> None:
    assert np.isfinite(speech_descriptors(np.pad(y, (0, n_silent)))).all()


@given(gain_db=st.floats(-100, 100), seed=st.integers(0, 20))
def test_the_level_changes_nothing(gain_db: float, seed: int) -> None:
    y = synthesize_voice(1.0, seed=seed)

    louder = (y * np.float32(10 ** (gain_db / 20))).astype(np.float32)

    np.testing.assert_allclose(speech_descriptors(louder), speech_descriptors(y), atol=0.02)


@pytest.mark.parametrize("hz", [80, 140, 220, 400, 580])
def test_the_pitch_of_a_buzz_is_found(hz: float) -> None:
    heard = contours(buzz(np.full(SR, hz)).astype(np.float32))
    inner = slice(2, -2)

    assert np.median(heard.values[inner, NAMES.index("voicing")]) > 0.9
    assert np.median(2 ** heard.log2_f0[inner]) == pytest.approx(hz, rel=0.01)
    assert heard.n_frames == SR // HOP


def test_noise_is_flat_and_has_no_pitch() -> None:
    noise = described(np.random.default_rng(0).standard_normal(2 * SR))

    assert noise["voiced_share"] < 0.05
    assert noise["flatness|0.5"] > -0.7  # of white noise: minus Euler's constant
    assert noise["treble_share|0.5"] == pytest.approx(0.5, abs=0.1)


def test_a_held_note_rests_and_a_voice_glides() -> None:
    note = described(buzz(np.full(2 * SR, 200.0)))
    glide = described(buzz(np.geomspace(150, 300, 2 * SR)))

    assert note["f0_note_share"] > 0.95
    assert glide["f0_note_share"] < 0.3
    assert note["f0_range"] < 0.5
    assert glide["f0_range"] > 8
    assert note["f0_rest_share"] > 0.9


def test_syllables_modulate_at_their_own_rate() -> None:
    noise = np.random.default_rng(0).standard_normal(2 * SR)
    t = np.arange(2 * SR) / SR
    slow, fast = (described(noise * (1.05 + np.cos(2 * np.pi * hz * t))) for hz in (3, 10))

    assert slow["modulation_2_hz"] > slow["modulation_8_hz"]
    assert fast["modulation_8_hz"] > fast["modulation_2_hz"]
    assert slow["band_agreement"] > 0.5


def test_what_is_struck_rises_at_once_and_fades_slowly() -> None:
    t = np.arange(2 * SR) % (SR // 2) / SR
    struck = described(np.sin(2 * np.pi * 500 * t) * np.exp(-10 * t))
    backwards = described((np.sin(2 * np.pi * 500 * t) * np.exp(-10 * t))[::-1])

    assert struck["level_skewness"] > 1
    assert backwards["level_skewness"] < -1
