"""Which changes a training utterance gets, how often and how strong."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotify_core.augmentation.channels import (
    add_offset,
    change_gain,
    clip,
    limit_band,
    lower_rate,
    through_opus,
)
from emotify_core.augmentation.noises import bursts, coloured_noise, excerpt, gusts, hum, mix, throbbing
from emotify_core.augmentation.rooms import at_distance, synthetic_room, through_room
from emotify_core.augmentation.voices import change_speed, equalize, shift_pitch
from emotify_core.surroundings import NOTHING_RECORDED, Surroundings, any_of

Signal = NDArray[np.float32]

_LONGEST_RT60: Final = 0.7  # seconds; the conditions test with a longer one
_KINDS: Final = ("steady", "band", "wind", "engine", "hum", "bursts")
_SHARES: Final = (0.45, 0.1, 0.12, 0.08, 0.1, 0.15)


def augment(y: Signal, rng: np.random.Generator, surroundings: Surroundings = NOTHING_RECORDED) -> Signal:
    """Change an utterance at random: speed, pitch, equaliser, room, noise, gain, clipping, telephone, Opus.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Signal at 16 kHz, with its silence, neither trimmed nor normalised.
    rng : numpy.random.Generator
    surroundings : Surroundings
        Recorded noise and rooms; those that are held out for testing are not used.

    Returns
    -------
    ndarray of float32, shape=(n_other_samples,)
        The same for the same generator.
    """
    y = _another_voice(y, rng)
    y = _somewhere_else(y, rng, surroundings.for_training())
    return _over_a_channel(y, rng)


def _another_voice(y: Signal, rng: np.random.Generator) -> Signal:
    if rng.random() < 0.6:
        y = change_speed(y, rng.uniform(0.92, 1.08))
    if rng.random() < 0.5:
        y = shift_pitch(y, rng.uniform(-1.5, 1.5))
    if rng.random() < 0.6:
        y = equalize(y, rng)
    return y


def _somewhere_else(y: Signal, rng: np.random.Generator, surroundings: Surroundings) -> Signal:
    if rng.random() < 0.4:
        y = through_room(y, _room(rng, surroundings))
    if rng.random() < 0.6:
        y = mix(y, _noise(len(y), rng, surroundings), snr_db=rng.triangular(5, 17.5, 30))
    return y


def _over_a_channel(y: Signal, rng: np.random.Generator) -> Signal:
    if rng.random() < 0.5:
        y = change_gain(y, gain_db=rng.uniform(-12, 6))
    if rng.random() < 0.08:
        y = clip(y, share=10 ** rng.uniform(-3, -1.2), soft=bool(rng.random() < 0.5))
    if rng.random() < 0.05:
        y = add_offset(y, offset=rng.uniform(-0.02, 0.02))
    band = rng.random()
    if band < 0.16:
        y = limit_band(y, low_hz=rng.uniform(200, 400), high_hz=rng.uniform(2800, 3800))
    elif band < 0.23:
        y = lower_rate(y, sr=int(rng.choice([8_000, 11_025])))
    if rng.random() < 2 / 3:
        y = through_opus(y, bitrate=int(rng.choice([16_000, 24_000, 32_000])))
    return y


def _room(rng: np.random.Generator, surroundings: Surroundings) -> Signal:
    """Return the response of a made or a recorded room, at a random distance."""
    if surroundings.rooms and rng.random() < 0.4:
        # The recorded ones are halls of two seconds and more: from farther away, words run into each other.
        return at_distance(any_of(surroundings.rooms, rng), drr_db=rng.uniform(-4, 12))
    return at_distance(synthetic_room(rng, rt60=rng.uniform(0.15, _LONGEST_RT60)), drr_db=rng.uniform(-4, 10))


def _noise(n: int, rng: np.random.Generator, surroundings: Surroundings) -> Signal:
    """Return made or recorded noise of any level."""
    if surroundings.noises and rng.random() < 0.3:
        return excerpt(any_of(surroundings.noises, rng), n, rng)
    return _made_noise(n, rng)


def _made_noise(n: int, rng: np.random.Generator) -> Signal:
    # From 30 Hz on: of brown noise hardly anything would be heard, as most of its power lies below.
    exponent, low_hz = rng.uniform(-0.5, 2), 30.0
    match rng.choice(_KINDS, p=_SHARES):
        case "band":
            low_hz = 50 * 2 ** rng.uniform(0, 5)
            noise = coloured_noise(n, rng, exponent=0, low_hz=low_hz, high_hz=low_hz * 2 ** rng.uniform(1, 4))
        case "wind":
            steady = coloured_noise(n, rng, exponent=rng.uniform(1, 2), low_hz=low_hz)
            noise = gusts(steady, rng, rate_hz=rng.uniform(0.5, 5), depth_db=rng.uniform(10, 30))
        case "engine":
            steady = coloured_noise(n, rng, exponent=exponent, low_hz=low_hz)
            noise = throbbing(steady, rate_hz=rng.uniform(5, 40), depth=rng.uniform(0.3, 1))
        case "hum":
            noise = hum(n, rng, mains_hz=float(rng.choice([50, 60])), n_harmonics=int(rng.integers(4, 20)))
        case "bursts":
            noise = bursts(n, rng, per_second=rng.uniform(0.5, 6))
        case _:
            noise = coloured_noise(n, rng, exponent=exponent, low_hz=low_hz)
    return noise
