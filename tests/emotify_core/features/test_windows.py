from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotify_core.features.windows import PAUSE_DB, WINDOW_SECONDS, Window, loud_windows, split_windows
from tests.emotify_core.features.signals import SR, white_noise


@given(n_samples=st.integers(1, 5000), sr=st.sampled_from([10, 100, 16000]), seconds=st.floats(0.1, 20))
def test_windows_hold_every_sample_once_and_are_no_longer_than_asked(n_samples: int, sr: int, seconds: float) -> None:
    y = np.arange(n_samples, dtype=np.float32)

    windows = split_windows(y, sr=sr, seconds=seconds)

    np.testing.assert_array_equal(np.concatenate([window.y for window in windows]), y)
    lengths = [len(window.y) for window in windows]
    assert min(lengths) >= 1
    assert max(lengths) <= seconds * sr + 1
    assert max(lengths) - min(lengths) <= 1
    for window in windows:
        assert window.start * sr == pytest.approx(float(window.y[0]))


def test_a_note_of_one_window_is_not_cut() -> None:
    (window,) = split_windows(np.ones(round(WINDOW_SECONDS * SR), np.float32))

    assert (window.start, len(window.y), window.level_db) == (0.0, WINDOW_SECONDS * SR, 0.0)


@pytest.mark.parametrize("gain", [1e-30, 1e-12, 1e-3, 1.0, 1e6, 1e30])
def test_levels_are_in_decibels_and_pauses_relative_to_the_loudest(gain: float) -> None:
    y = white_noise(18.0)
    y[6 * SR : 12 * SR] *= 0.01
    y[12 * SR :] *= 0.2

    windows = split_windows(y * np.float32(gain))

    assert windows[0].level_db == pytest.approx(-20 + 20 * np.log10(gain), abs=0.1)
    assert windows[0].level_db - windows[1].level_db == pytest.approx(40, abs=0.1)
    assert [window.start for window in loud_windows(windows)] == [0.0, 12.0]
    assert [window.start for window in loud_windows(windows, pause_db=10)] == [0.0]
    assert [window.start for window in loud_windows(windows, pause_db=0)] == [0.0]


def test_silence_has_a_finite_level_and_is_kept_as_a_whole() -> None:
    windows = split_windows(np.zeros(20 * SR, np.float32))

    assert len(windows) == len(loud_windows(windows)) == 4
    assert np.isfinite([window.level_db for window in windows]).all()


def test_without_windows_none_are_loud() -> None:
    assert loud_windows([]) == []
    assert loud_windows([Window(0.0, np.ones(1, np.float32), -PAUSE_DB)]) != []


@pytest.mark.parametrize(("n_samples", "seconds"), [(0, 6.0), (10, 0.0), (10, -1.0), (10, 1e-6)])
def test_windows_without_samples_are_refused(n_samples: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        split_windows(np.zeros(n_samples, np.float32), seconds=seconds)
