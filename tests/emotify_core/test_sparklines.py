from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotify_core.sparklines import sparkline

BLOCKS = "▁▂▃▄▅▆▇█"


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.integers(1, 120))
def test_the_line_is_as_wide_as_asked(values: list[float], width: int) -> None:
    line = sparkline(np.array(values), width=width, low=0, high=1)

    assert len(line) == width
    assert set(line) <= set(BLOCKS)


def test_a_ramp_climbs_from_the_lowest_to_the_highest_block() -> None:
    assert sparkline(np.linspace(0, 1, 8), width=8, low=0, high=1) == BLOCKS


def test_values_beyond_the_limits_are_clipped() -> None:
    assert sparkline(np.array([-7.0, 7.0]), width=2, low=0, high=1) == "▁█"


def test_many_points_are_averaged() -> None:
    assert sparkline(np.tile([0.0, 1.0], 48), width=4, low=0, high=1) == "▅▅▅▅"


def test_few_points_are_repeated() -> None:
    assert sparkline(np.array([0.0, 1.0]), width=6, low=0, high=1) == "▁▁▁███"


def test_points_that_are_not_shown_are_blank_and_do_not_count() -> None:
    values, shown = np.array([1.0, 0.0, 0.0, 1.0]), np.array([True, False, False, False])

    assert sparkline(values, width=2, low=0, high=1, shown=shown) == "█ "


@pytest.mark.parametrize(
    ("values", "width", "high"), [(np.array([]), 3, 1), (np.array([1.0]), 0, 1), (np.array([1.0]), 3, 0)]
)
def test_what_cannot_be_drawn_is_refused(
    values: np.ndarray[tuple[int], np.dtype[np.float64]], width: int, high: float
) -> None:
    with pytest.raises(ValueError, match="sparkline needs"):
        sparkline(values, width=width, low=0, high=high)
