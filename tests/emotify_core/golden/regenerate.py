"""Make the golden features again, when they are meant to change: ``python -m tests.emotify_core.golden.regenerate``.

Features that change need a new name of the feature set, because models made before would misunderstand them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotify_core.features import extract, feature_names
from emotify_core.waveform import Waveform

PATH = Path(__file__).with_name("features.npz")
_SR = 16000


def golden_waveform() -> Waveform:
    """Build a sentence-like sound from formulas alone, the same on every machine: three vowels, a hiss and a pause."""
    t = np.arange(2 * _SR) / _SR
    vowels = sum(_vowel(t, *vowel) for vowel in ((0.1, 0.5, 130, 700), (0.7, 1.2, 180, 400), (1.45, 1.9, 110, 1000)))
    hiss = 0.02 * np.sin(1e4 * np.sin(np.arange(len(t)) ** 2 * 0.7)) * ((t > 0.52) & (t < 0.66))
    return Waveform((vowels + hiss + 1e-4 * np.sin(9e3 * t**2)).astype(np.float32), _SR, note_duration=2.0)


def _vowel(t: NDArray[np.float64], start: float, stop: float, f0: float, formant: float) -> NDArray[np.float64]:
    position = np.clip((t - start) / (stop - start), 0, 1)
    phase = 2 * np.pi * np.cumsum(f0 * (1.2 - 0.4 * position)) / _SR
    harmonics = [np.sin(n * phase) / n / (1 + ((n * f0 - formant) / 300) ** 2) ** 0.5 for n in range(1, int(6000 / f0))]
    return np.asarray(0.2 * np.sin(np.pi * position) * np.sum(harmonics, axis=0))


if __name__ == "__main__":
    features = extract(golden_waveform())
    np.savez_compressed(
        PATH, names=np.array(feature_names()), values=features.values, feature_set=np.array(features.feature_set)
    )
