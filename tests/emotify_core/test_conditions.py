from __future__ import annotations

import numpy as np
import pytest

from emotify_core.conditions import CONDITIONS
from emotify_core.synthesis import synthesize_voice

VOICE = synthesize_voice(1.2, seed=2)


@pytest.mark.parametrize("name", CONDITIONS)
def test_every_condition_changes_the_sound_and_not_its_length(name: str) -> None:
    changed = CONDITIONS[name](VOICE, np.random.default_rng(0))

    assert changed.shape == VOICE.shape
    assert changed.dtype == np.float32
    assert not np.allclose(changed, VOICE, atol=1e-4)
    assert np.corrcoef(changed, VOICE)[0, 1] > 0.3


@pytest.mark.parametrize("name", CONDITIONS)
def test_the_same_generator_gives_the_same_sound(name: str) -> None:
    first, again = (CONDITIONS[name](VOICE, np.random.default_rng(3)) for _ in range(2))

    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(("name", "snr_db"), [("pink noise 20 dB", 20), ("pink noise 10 dB", 10)])
def test_noise_is_as_loud_as_its_name_says(name: str, snr_db: float) -> None:
    noise = CONDITIONS[name](VOICE, np.random.default_rng(0)) - VOICE

    assert 10 * np.log10(np.mean(VOICE**2) / np.mean(noise**2)) == pytest.approx(snr_db, abs=0.05)
