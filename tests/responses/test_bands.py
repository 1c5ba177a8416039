from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responses import Band, confidence_band
from responses.bands import HIGH_FROM, MEDIUM_FROM


@pytest.mark.parametrize(
    ("confidence", "band"),
    [
        (0.0, Band.LOW),
        (math.nextafter(MEDIUM_FROM, 0), Band.LOW),
        (MEDIUM_FROM, Band.MEDIUM),
        (math.nextafter(HIGH_FROM, 0), Band.MEDIUM),
        (HIGH_FROM, Band.HIGH),
        (1.0, Band.HIGH),
    ],
)
def test_a_limit_belongs_to_the_upper_band(confidence: float, band: Band) -> None:
    assert confidence_band(confidence) is band


def test_limits_are_in_order_and_above_chance() -> None:
    assert 1 / 8 < MEDIUM_FROM < HIGH_FROM < 1


@pytest.mark.parametrize("confidence", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_claims_nothing(confidence: float) -> None:
    assert confidence_band(confidence) is Band.LOW


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_more_confidence_never_means_a_lower_band(one: float, other: float) -> None:
    order = list(Band)
    low, high = sorted([one, other])
    assert order.index(confidence_band(low)) <= order.index(confidence_band(high))
