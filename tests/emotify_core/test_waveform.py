from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from emotify_core.waveform import Waveform


def test_duration_is_that_of_the_samples_and_not_of_the_note() -> None:
    waveform = Waveform(np.zeros(8000, np.float32), 16000, note_duration=2.0)

    assert waveform.duration == 0.5
    assert waveform.note_duration == 2.0


@pytest.mark.parametrize(
    "y",
    [
        np.zeros((2, 8000), np.float32),
        np.zeros(8000, np.float64),
        np.zeros(8000, np.int16),
        np.array([0, np.nan], np.float32),
        np.array([0, np.inf], np.float32),
        [0.0, 0.1],
    ],
    ids=["stereo", "float64", "int16", "nan", "inf", "list"],
)
def test_anything_but_a_finite_mono_float32_signal_is_refused(y: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match="finite mono array of float32"):
        Waveform(y, 16000, note_duration=0.5)


@pytest.mark.parametrize("sr", [0, -16000, np.nan, np.inf])
def test_a_rate_that_is_not_positive_and_finite_is_refused(sr: int) -> None:
    with pytest.raises(ValueError, match="sr must be positive"):
        Waveform(np.zeros(10, np.float32), sr, note_duration=0.5)


@pytest.mark.parametrize("seconds", [-1.0, np.nan, np.inf])
def test_a_note_lasts_some_time_which_json_can_hold(seconds: float) -> None:
    with pytest.raises(ValueError, match="note_duration must be finite and not negative"):
        Waveform(np.zeros(10, np.float32), 16000, note_duration=seconds)
