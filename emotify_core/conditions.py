"""Degraded copies of test utterances: how well a model holds outside the studio."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotify_core.augmentation import add_noise, reverberate, through_opus
from emotify_core.dataset import Change

Signal = NDArray[np.float32]


def _opus(y: Signal, rng: np.random.Generator) -> Signal:  # noqa: ARG001  (one signature for all)
    return through_opus(y, bitrate=32_000)


def _pink_20(y: Signal, rng: np.random.Generator) -> Signal:
    return add_noise(y, rng, snr_db=20, exponent=1.0)


def _pink_10(y: Signal, rng: np.random.Generator) -> Signal:
    return add_noise(y, rng, snr_db=10, exponent=1.0)


def _room(y: Signal, rng: np.random.Generator) -> Signal:
    return reverberate(y, rng, rt60=0.35)


CONDITIONS: Final[Mapping[str, Change]] = MappingProxyType(
    {"opus 32 kbit/s": _opus, "pink noise 20 dB": _pink_20, "pink noise 10 dB": _pink_10, "room 0.35 s": _room}
)
