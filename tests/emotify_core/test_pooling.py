from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from emotify_core.pooling import certainty, pool

Table = NDArray[np.float64]


@st.composite
def opinions(draw: st.DrawFn) -> tuple[Table, Table]:
    n, k = draw(st.integers(1, 12)), draw(st.integers(1, 8))
    raw = draw(arrays(np.float64, (n, k), elements=st.floats(0, 1)))
    raw[raw.sum(axis=1) < 1e-3] = 1
    weights = draw(arrays(np.float64, n, elements=st.floats(0, 1e6)))
    return raw / raw.sum(axis=1, keepdims=True), weights


@given(opinions())
def test_the_result_is_a_distribution(opinion: tuple[Table, Table]) -> None:
    pooled = pool(*opinion)

    assert np.isfinite(pooled).all()
    assert (pooled >= 0).all()
    assert pooled.sum() == pytest.approx(1)


@given(opinions(), st.randoms())
def test_the_order_of_the_windows_does_not_matter(opinion: tuple[Table, Table], random: np.random.Generator) -> None:
    probabilities, weights = opinion
    order = list(range(len(weights)))
    random.shuffle(order)

    np.testing.assert_allclose(pool(probabilities[order], weights[order]), pool(probabilities, weights), atol=1e-6)


@given(opinions())
def test_a_single_window_comes_back_unchanged(opinion: tuple[Table, Table]) -> None:
    probabilities, weights = opinion

    np.testing.assert_allclose(pool(probabilities[:1], weights[:1]), probabilities[0], rtol=0, atol=1e-12)


def test_windows_that_agree_keep_what_they_say() -> None:
    row = [0.7, 0.2, 0.1]

    np.testing.assert_allclose(pool(np.array([row] * 4), np.array([1.0, 0.1, 2.0, 5.0])), row)


def test_only_the_ratios_of_the_weights_matter() -> None:
    probabilities, weights = np.array([[0.8, 0.2], [0.3, 0.7]]), np.array([1.0, 3.0])

    np.testing.assert_allclose(pool(probabilities, weights), pool(probabilities, 1e-300 * weights))


def test_what_tells_nothing_does_not_dilute_what_tells_something() -> None:
    probabilities = np.array([[0.9, 0.1], [0.5, 0.5], [0.5, 0.5]])

    np.testing.assert_allclose(pool(probabilities, np.array([0.1, 1.0, 1.0])), [0.9, 0.1])


def test_more_sound_counts_more() -> None:
    probabilities = np.array([[0.8, 0.2], [0.2, 0.8]])

    assert pool(probabilities, np.array([2.0, 1.0]))[0] > 0.5
    assert pool(probabilities, np.array([1.0, 2.0]))[0] < 0.5


def test_windows_of_the_same_weight_count_by_their_certainty() -> None:
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6]])
    trust = certainty(probabilities)
    logs = trust @ np.log(probabilities) / trust.sum()

    np.testing.assert_allclose(pool(probabilities, np.ones(2)), np.exp(logs) / np.exp(logs).sum())


def test_one_certain_window_does_not_rule_out_what_all_others_hear() -> None:
    probabilities = np.array([[0.0, 1.0], *[[0.95, 0.05]] * 20])

    assert pool(probabilities, np.ones(21))[0] > 0.5


def test_without_any_certainty_the_result_is_uniform() -> None:
    np.testing.assert_allclose(pool(np.full((3, 8), 1 / 8), np.array([0.0, 1.0, 2.0])), 1 / 8)


def test_without_any_weight_the_windows_count_alike() -> None:
    probabilities = np.array([[0.8, 0.2], [0.2, 0.8], [0.8, 0.2]])

    np.testing.assert_allclose(pool(probabilities, np.zeros(3)), pool(probabilities, np.ones(3)))


def test_weight_on_windows_without_certainty_only_still_gives_a_distribution() -> None:
    pooled = pool(np.array([[0.5, 0.5], [0.9, 0.1]]), np.array([1.0, 0.0]))

    np.testing.assert_allclose(pooled, [0.5, 0.5])


def test_certainty_runs_from_uniform_to_one_hot() -> None:
    rows = np.array([[0.25] * 4, [0.7, 0.1, 0.1, 0.1], [1.0, 0, 0, 0]])

    values = certainty(rows)

    assert values[0] == pytest.approx(0)
    assert values[0] < values[1] < values[2] == pytest.approx(1)
    assert certainty(np.ones((2, 1))).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("probabilities", "weights", "message"),
    [
        (np.zeros((0, 8)), np.zeros(0), "at least one row"),
        (np.full(8, 1 / 8), np.ones(8), "at least one row"),
        (np.full((2, 2), 0.5), np.ones(3), "one weight a row"),
        (np.array([[np.nan, 1.0]]), np.ones(1), "finite"),
        (np.array([[1.5, -0.5]]), np.ones(1), "not negative"),
        (np.array([[0.5, 0.6]]), np.ones(1), "sum to 1"),
        (np.full((2, 2), 0.5), np.array([1.0, -1.0]), "weights"),
        (np.full((2, 2), 0.5), np.array([1.0, np.inf]), "weights"),
    ],
)
def test_what_cannot_be_pooled_is_refused(probabilities: Table, weights: Table, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pool(probabilities, weights)
