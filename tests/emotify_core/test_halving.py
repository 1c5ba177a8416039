import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotify_core.halving import halve_rate, sharp_weights

SR = 8_000
WEIGHTS = sharp_weights(20, 8.5)


def level_db(y: np.ndarray) -> float:
    """Level of the middle, where no filter meets an end."""
    return float(10 * np.log10(np.square(y[len(y) // 4 : -len(y) // 4]).mean() + 1e-20))


def tone(f: float) -> np.ndarray:
    return np.sin(2 * np.pi * f * np.arange(2 * SR) / SR).astype(np.float32)


@given(st.integers(0, 300), st.integers(1, 30))
def test_every_second_sample_is_left_whatever_the_length(n_samples: int, reach: int) -> None:
    halved = halve_rate(np.ones(n_samples, np.float32), sharp_weights(reach, 8.0))

    assert halved.shape == ((n_samples + 1) // 2,)
    assert halved.dtype == np.float32


@pytest.mark.parametrize("f", [0, 65, 400, 1000, 1700])
def test_what_is_under_the_slope_stays_as_it_is(f: float) -> None:
    y = tone(f) + np.float32(0.5)

    np.testing.assert_allclose(halve_rate(y, WEIGHTS)[100:-100], y[200:-200:2], atol=2e-4)


@pytest.mark.parametrize("f", [2300, 2500, 3000, 3900])
def test_what_would_be_taken_for_lower_sounds_is_gone(f: float) -> None:
    assert level_db(halve_rate(tone(f), WEIGHTS)) < level_db(tone(f)) - 80


def test_neighbours_count_by_their_weights() -> None:
    halved = halve_rate(np.arange(8, dtype=np.float32) ** 2, (0.25,))

    np.testing.assert_allclose(halved, [0.25 * 1, 2 + 0.25 * (1 + 9), 8 + 0.25 * (9 + 25), 18 + 0.25 * (25 + 49)])
