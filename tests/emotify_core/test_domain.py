from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from sklearn.base import clone

from emotify_core.domain import DomainDetector
from emotify_core.heads import Matrix

N_FEATURES = 30


def drawn(n: int, *, seed: int, offset: float = 0.0, spread: float = 1.0) -> Matrix:
    """Draw utterances; an offset is another microphone, a spread another manner of speaking."""
    points = np.random.default_rng(seed).normal(scale=spread, size=(n, N_FEATURES))
    points[:, 0] += offset
    return points.astype(np.float32)


def fitted() -> DomainDetector:
    scaled = np.concatenate([drawn(2000, seed=0), drawn(600, seed=1, offset=4)])
    return DomainDetector().fit(scaled, np.arange(2600) < 2000)


def test_the_home_corpus_is_not_strange_in_voices_that_were_not_met() -> None:
    strangeness = fitted().strangeness(drawn(2000, seed=2))

    assert strangeness.mean() < 0.05
    assert (strangeness == 0).mean() > 0.85


def test_a_corpus_that_was_met_is_strange() -> None:
    assert fitted().strangeness(drawn(200, seed=3, offset=4)).mean() > 0.7


def test_so_is_one_that_is_unlike_all_that_were_met() -> None:
    detector = fitted()
    other_side = drawn(200, seed=4, spread=2.5)

    assert detector.strangeness(other_side).mean() > 0.95


def test_few_axes_are_those_on_which_the_home_corpus_differs_most() -> None:
    home = drawn(2000, seed=0) * np.where(np.arange(N_FEATURES) < 2, 5, 1).astype(np.float32)
    detector = DomainDetector(n_axes=10, n_near=2).fit(home, np.ones(2000, dtype=bool))
    far = drawn(200, seed=1)
    far[:, 1] += 30

    assert detector.strangeness(far).mean() > 0.95


def test_a_feature_that_never_changes_makes_nobody_strange() -> None:
    def still(points: Matrix) -> Matrix:
        points[:, 3:8] = points[:, :5]
        return points

    detector = DomainDetector().fit(still(drawn(2000, seed=0)), np.ones(2000, dtype=bool))

    assert detector.strangeness(still(drawn(2000, seed=2))).mean() < 0.05


def test_both_measures_are_needed() -> None:
    detector = fitted()
    met, unmet = drawn(200, seed=3, offset=4), drawn(200, seed=4, spread=2.5)

    odds, distance = (detector._measures(points) for points in (met, unmet))
    begin = detector.ramps_[:, 0]

    assert (odds[:, 0] > begin[0]).mean() > 0.9 > (distance[:, 0] > begin[0]).mean()
    assert (distance[:, 1] > begin[1]).mean() > 0.9 > (odds[:, 1] > begin[1]).mean()


def test_where_nothing_of_the_home_corpus_was_met_everything_is_strange() -> None:
    scaled = drawn(100, seed=0)

    detector = DomainDetector().fit(scaled, np.zeros(100, dtype=bool))

    np.testing.assert_array_equal(detector.strangeness(scaled), np.ones(100))


def test_where_nothing_else_was_met_the_distance_tells() -> None:
    detector = DomainDetector().fit(drawn(1000, seed=0), np.ones(1000, dtype=bool))

    assert detector.strangeness(drawn(200, seed=1)).mean() < 0.1
    assert detector.strangeness(drawn(200, seed=2, spread=3)).mean() > 0.9


def test_of_a_small_home_corpus_those_who_were_not_met_are_not_all_strange() -> None:
    detector = DomainDetector().fit(drawn(80, seed=0), np.ones(80, dtype=bool))

    assert detector.strangeness(drawn(500, seed=1)).mean() < 0.3


@pytest.mark.parametrize("n", [3, 40])
def test_a_few_utterances_are_enough(n: int) -> None:
    scaled = drawn(n, seed=0)

    found = DomainDetector(n_axes=20, n_near=5).fit(scaled, np.arange(n) % 2 == 0).strangeness(scaled)

    assert np.isfinite(found).all()


def test_it_counts_utterances_by_their_weight() -> None:
    scaled = np.concatenate([drawn(300, seed=0), drawn(300, seed=1, offset=4), -drawn(300, seed=2, offset=4)])
    is_home, weight = np.arange(900) < 300, np.repeat([1.0, 1.0, 1e-6], 300)

    odds = DomainDetector().fit(scaled, is_home, weight)._measures(scaled)[:, 0]

    assert odds[300:600].mean() > odds[:300].mean() > odds[600:].mean()  # as if there were no third corpus


_DETECTOR = fitted()


@given(arrays.arrays(np.float32, (4, N_FEATURES), elements=st.floats(-5, 5, width=32)))
def test_strangeness_is_between_0_and_1(scaled: NDArray[np.float32]) -> None:
    found = _DETECTOR.strangeness(scaled)

    assert found.shape == (4,)
    assert ((found >= 0) & (found <= 1)).all()


def test_it_only_stores_its_parameters_so_that_scikit_learn_can_clone_it() -> None:
    detector = DomainDetector(C=0.1, n_axes=7, n_near=3, ridge=0.2)

    assert clone(detector).get_params() == {"C": 0.1, "n_axes": 7, "n_near": 3, "ridge": 0.2}
