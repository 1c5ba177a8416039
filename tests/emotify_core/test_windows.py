from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotify_core.windows import plan_windows

SR = 16000


@given(st.integers(1, 400_000), st.sampled_from([8000, 16000, 44100]), st.floats(0.5, 6), st.floats(0.1, 1))
def test_windows_of_one_length_hold_every_sample(n_samples: int, sr: int, seconds: float, share: float) -> None:
    windows = plan_windows(n_samples, sr, seconds=seconds, hop=share * seconds)

    assert windows[0][0] == 0
    assert windows[-1][1] == n_samples
    assert {stop - start for start, stop in windows} == {min(n_samples, round(seconds * sr))}
    assert all(a[0] < b[0] <= a[1] for a, b in pairwise(windows))


def test_windows_start_a_hop_apart_and_the_last_one_ends_with_the_note() -> None:
    windows = plan_windows(round(5.5 * SR), SR, seconds=3.0, hop=1.0)

    assert [start / SR for start, _ in windows] == [0, 1, 2, 2.5]


def test_a_short_note_is_one_window() -> None:
    assert plan_windows(2 * SR, SR) == [(0, 2 * SR)]
    assert plan_windows(3 * SR, SR) == [(0, 3 * SR)]


@pytest.mark.parametrize(
    ("n_samples", "sr", "seconds", "hop"),
    [(0, SR, 3, 1), (SR, 0, 3, 1), (SR, -SR, 3, 1), (SR, SR, 0, 1), (SR, SR, 3, 0), (SR, SR, 3, -1), (SR, SR, 1, 3)],
)
def test_what_cannot_be_cut_is_refused(n_samples: int, sr: int, seconds: float, hop: float) -> None:
    with pytest.raises(ValueError, match="window"):
        plan_windows(n_samples, sr, seconds=seconds, hop=hop)
