"""Sounds without a voice, made from nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotify_core.non_speech import KINDS, synthesize_non_speech

SR = 16_000


def share_of_power(y: np.ndarray, low: float, high: float) -> float:
    power = np.abs(np.fft.rfft(y)) ** 2
    f = np.fft.rfftfreq(len(y), 1 / SR)
    return float(power[(f >= low) & (f < high)].sum() / power.sum())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("duration", [0.1, 0.73, 3.0])
def test_every_kind_can_be_heard_at_any_length(kind: str, duration: float) -> None:
    for seed in range(3):
        y = synthesize_non_speech(np.random.default_rng(seed), kind=kind, duration=duration)

        assert y.dtype == np.float32
        assert len(y) == round(SR * duration)
        assert np.isfinite(y).all()
        assert np.abs(y).max() <= 1
        assert np.sqrt(np.mean(np.square(y))) > 0.001


@given(seed=st.integers(0, 2**32 - 1), duration=st.floats(0.1, 1.5))
def test_any_sound_is_within_full_scale(seed: int, duration: float) -> None:
    y = synthesize_non_speech(np.random.default_rng(seed), duration=duration)

    assert np.isfinite(y).all()
    assert 0 < np.abs(y).max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_one_sound_and_another_seed_another(kind: str) -> None:
    first, again, other = (
        synthesize_non_speech(np.random.default_rng(seed), kind=kind, duration=0.5) for seed in (1, 1, 2)
    )

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_without_a_kind_many_kinds_are_drawn() -> None:
    rng = np.random.default_rng(0)
    rolls = {round(share_of_power(synthesize_non_speech(rng, duration=0.5), 0, 500), 1) for _ in range(30)}

    assert len(rolls) > 5


def test_wind_is_low_and_birds_are_high() -> None:
    wind = [synthesize_non_speech(np.random.default_rng(i), kind="wind") for i in range(5)]
    birds = [synthesize_non_speech(np.random.default_rng(i), kind="birds") for i in range(5)]

    assert np.median([share_of_power(y, 0, 1000) for y in wind]) > 0.8
    assert np.median([share_of_power(y, 1000, 8000) for y in birds]) > 0.8


def test_nonsense_is_refused() -> None:
    rng = np.random.default_rng(0)

    with pytest.raises(ValueError, match="no kind 'whale'"):
        synthesize_non_speech(rng, kind="whale")
    with pytest.raises(ValueError, match="a sound lasts at least"):
        synthesize_non_speech(rng, duration=0.0)
    with pytest.raises(ValueError, match="a sound lasts at least"):
        synthesize_non_speech(rng, duration=float("nan"))
