"""Degraded copies of test utterances: how well a model holds outside the studio."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotify_core.augmentation import (
    add_noise,
    clip,
    excerpt,
    limit_band,
    lower_rate,
    mix,
    reverberate,
    through_opus,
    through_room,
)
from emotify_core.dataset import Change
from emotify_core.surroundings import TELEPHONE, Surroundings, any_of

Signal = NDArray[np.float32]


LARGEST_ROOM: Final = "room 0.8 s"  # larger than any that is trained on


def _opus(y: Signal, rng: np.random.Generator) -> Signal:  # noqa: ARG001  (one signature for all)
    return through_opus(y, bitrate=32_000)


def _opus_16(y: Signal, rng: np.random.Generator) -> Signal:  # noqa: ARG001
    return through_opus(y, bitrate=16_000)


def _pink_20(y: Signal, rng: np.random.Generator) -> Signal:
    return add_noise(y, rng, snr_db=20, exponent=1.0)


def _pink_10(y: Signal, rng: np.random.Generator) -> Signal:
    return add_noise(y, rng, snr_db=10, exponent=1.0)


def _white_10(y: Signal, rng: np.random.Generator) -> Signal:
    return add_noise(y, rng, snr_db=10, exponent=0.0)


def _room(y: Signal, rng: np.random.Generator) -> Signal:
    return reverberate(y, rng, rt60=0.35)


def _large_room(y: Signal, rng: np.random.Generator) -> Signal:
    return reverberate(y, rng, rt60=0.8)  # longer than any that is trained on


def _telephone(y: Signal, rng: np.random.Generator) -> Signal:  # noqa: ARG001
    return limit_band(y, low_hz=300, high_hz=3400)


def _low_rate(y: Signal, rng: np.random.Generator) -> Signal:  # noqa: ARG001
    return lower_rate(y, sr=8_000)


def _clipped(y: Signal, rng: np.random.Generator) -> Signal:  # noqa: ARG001
    return clip(y, share=0.1)


CONDITIONS: Final[Mapping[str, Change]] = MappingProxyType(
    {
        "opus 32 kbit/s": _opus,
        "pink noise 20 dB": _pink_20,
        "pink noise 10 dB": _pink_10,
        "room 0.35 s": _room,
        "opus 16 kbit/s": _opus_16,
        "white noise 10 dB": _white_10,
        "telephone 300-3400 Hz": _telephone,
        "8 kHz": _low_rate,
        "clipped 10 %": _clipped,
        LARGEST_ROOM: _large_room,
    }
)


def recorded_conditions(surroundings: Surroundings) -> Mapping[str, Change]:
    """Return conditions of the recordings that are held out from training.

    Parameters
    ----------
    surroundings : Surroundings
        Recorded noise and rooms; what may be trained on is left alone.

    Returns
    -------
    mapping of str to callable
        Those for which there is a recording, in order: noise at two levels from a random moment on, a room, both, and
        a telephone.
    """
    held_out = surroundings.for_testing()
    rooms = {name: response for name, response in held_out.rooms.items() if name != TELEPHONE}
    changes: dict[str, Change] = {}
    if held_out.noises:
        noisy = Surroundings(noises=held_out.noises)
        changes["household noise 20 dB"] = functools.partial(_household_20, surroundings=noisy)
        changes["household noise 10 dB"] = functools.partial(_household_10, surroundings=noisy)
    if rooms:
        changes["recorded room"] = functools.partial(_recorded_room, surroundings=Surroundings(rooms=rooms))
    if held_out.noises and rooms:
        both = Surroundings(held_out.noises, rooms)
        changes["recorded room, noise 20 dB"] = functools.partial(_recorded_room_noise, surroundings=both)
    if TELEPHONE in held_out.rooms:
        telephone = Surroundings(rooms={TELEPHONE: held_out.rooms[TELEPHONE]})
        changes["telephone filter"] = functools.partial(_recorded_room, surroundings=telephone)
    return MappingProxyType(changes)


# Functions of their own rather than closures: they go to other processes, and caches know them by name and recordings.


def _household_20(y: Signal, rng: np.random.Generator, *, surroundings: Surroundings) -> Signal:
    return mix(y, excerpt(any_of(surroundings.noises, rng), len(y), rng), snr_db=20)


def _household_10(y: Signal, rng: np.random.Generator, *, surroundings: Surroundings) -> Signal:
    return mix(y, excerpt(any_of(surroundings.noises, rng), len(y), rng), snr_db=10)


def _recorded_room(y: Signal, rng: np.random.Generator, *, surroundings: Surroundings) -> Signal:
    return through_room(y, any_of(surroundings.rooms, rng))


def _recorded_room_noise(y: Signal, rng: np.random.Generator, *, surroundings: Surroundings) -> Signal:
    return _household_20(_recorded_room(y, rng, surroundings=surroundings), rng, surroundings=surroundings)
