from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import ArrayLike, NDArray

from emotify_core.features.functionals import NAMES, delta, functionals

contours = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(2, 60)),
    elements=st.floats(-1e4, 1e4, width=32, allow_subnormal=False),
)


def described(contour: ArrayLike) -> dict[str, float]:
    values = functionals(np.asarray(contour, np.float32)[None])[0]
    return dict(zip(NAMES, values.tolist(), strict=True))


@given(contours)
def test_every_contour_gets_one_finite_value_for_each_name(contours: NDArray[np.float32]) -> None:
    values = functionals(contours)

    assert values.shape == (len(contours), len(NAMES))
    assert values.dtype == np.float32
    assert np.isfinite(values).all()


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_contours_do_not_touch_each_other() -> None:
    rng = np.random.default_rng(0)
    both = rng.normal(size=(2, 50)).astype(np.float32)

    np.testing.assert_allclose(functionals(both), np.vstack([functionals(both[:1]), functionals(both[1:])]), rtol=1e-5)


def test_moments_and_percentiles_are_those_of_scipy() -> None:
    contour = np.random.default_rng(0).gamma(2, size=1001).astype(np.float32)

    found = described(contour)

    assert found["mean"] == pytest.approx(contour.mean(), rel=1e-5)
    assert found["std"] == pytest.approx(contour.std(), rel=1e-5)
    assert found["skewness"] == pytest.approx(scipy.stats.skew(contour), rel=1e-3)
    assert found["kurtosis"] == pytest.approx(scipy.stats.kurtosis(contour, fisher=False), rel=1e-3)
    for share in (25, 50, 75):
        assert found[f"p{share}"] == pytest.approx(np.percentile(contour, share), rel=1e-5)
    assert found["p75-p25"] == pytest.approx(found["p75"] - found["p25"], rel=1e-4)
    assert found["p99-p1"] == pytest.approx(np.ptp(np.percentile(contour, [1, 99])), rel=1e-4)


def test_a_line_has_its_slope() -> None:
    found = described(np.linspace(-3, 3, 101))

    assert found["slope"] == pytest.approx(3, rel=1e-4)  # time runs from -1 to 1
    assert found["curvature"] == pytest.approx(0, abs=1e-4)
    assert found["rising"] == 1
    assert found["argmax"] == pytest.approx(100 / 101)
    assert found["argmin"] == 0
    assert found["rise_slope"] == pytest.approx(0.06, rel=1e-3)
    assert found["fall_slope"] == 0


def test_a_parabola_has_its_curvature() -> None:
    found = described(2 * np.linspace(-1, 1, 101) ** 2)

    assert found["slope"] == pytest.approx(0, abs=1e-4)
    assert found["curvature"] == pytest.approx(2, rel=1e-3)


def test_a_wave_has_its_peaks() -> None:
    found = described(5 + np.sin(2 * np.pi * np.arange(200) / 25))  # four a second

    assert found["peak_rate"] == pytest.approx(4)
    assert found["peak_std"] == pytest.approx(0, abs=0.02)
    assert found["peak_height"] == pytest.approx(1, abs=0.02)
    assert found["rising"] == pytest.approx(0.5, abs=0.03)
    assert found["rise_slope"] == pytest.approx(-found["fall_slope"], rel=0.1)


def test_cosines_stand_in_their_coefficients() -> None:
    position = np.pi * (2 * np.arange(80) + 1) / 160

    found = described(np.cos(2 * position) + 3 * np.cos(5 * position))

    assert [found[f"dct{i}"] for i in range(1, 6)] == pytest.approx([0, 1, 0, 0, 3], abs=1e-5)


def test_shares_above_a_level_count_frames() -> None:
    found = described(np.repeat([0, 1], [30, 70]))

    assert [found[f"up{level}"] for level in (25, 75, 90)] == pytest.approx([0.7] * 3)


@pytest.mark.parametrize("n_frames", [2, 7, 8, 9, 64])
def test_no_frame_of_a_constant_contour_is_above_a_level(n_frames: int) -> None:
    values = described(np.full(n_frames, 3.0))

    assert [values[name] for name in ("up25", "up75", "up90")] == [0, 0, 0]


def test_a_constant_contour_varies_in_nothing() -> None:
    found = described(np.full(50, 7.0))

    assert found["mean"] == 7
    for name in ("std", "p99-p1", "slope", "rising", "peak_rate", "peak_height", "mean_change"):
        assert found[name] == pytest.approx(0, abs=1e-6), name


def test_the_delta_of_a_line_is_its_slope() -> None:
    line = np.arange(30, dtype=np.float32)[None] * 0.5

    np.testing.assert_allclose(delta(line)[0, 2:-2], 0.5, rtol=1e-5)


def test_the_delta_has_a_value_for_each_frame_and_is_zero_where_nothing_changes() -> None:
    np.testing.assert_array_equal(delta(np.full((3, 12), 4, np.float32)), np.zeros((3, 12)))
