"""Sounds without a voice, made from nothing: what the speech detector learns to refuse.

They stand for recordings, of which the project ships none: rough physics, each with its source where there is one, with
parameters drawn so widely that what real things sound like lies in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotify_core.non_speech import music, signals, surroundings, sustained
from emotify_core.non_speech.building_blocks import SR, Signal, noise, unit

__all__ = ["KINDS", "synthesize_non_speech"]

_MAKERS: Final[Mapping[str, Callable[[np.random.Generator, int], Signal]]] = MappingProxyType(
    {
        "coloured noise": surroundings.coloured_noise,
        "wind": surroundings.wind,
        "rain": surroundings.rain,
        "sea": surroundings.sea,
        "hum": surroundings.hum,
        "engine": surroundings.engine,
        "crackle": surroundings.crackle,
        "applause": surroundings.applause,
        "dishes": surroundings.dishes,
        "keyboard": surroundings.keyboard,
        "knocks": surroundings.knocks,
        "creak": surroundings.creak,
        "breathing": surroundings.breathing,
        "cough": surroundings.cough,
        "sneeze": surroundings.sneeze,
        "beeps": signals.beeps,
        "siren": signals.siren,
        "effects": signals.effects,
        "birds": signals.birds,
        "dogs": signals.dogs,
        "cats": signals.cats,
        "melody": music.melody,
        "chords": music.chords,
        "drone": music.drone,
        "drums": music.drums,
        "song": music.song,
        "legato": sustained.legato,
        "ensemble": sustained.ensemble,
        "glide": sustained.glide,
    }
)
KINDS: Final = tuple(_MAKERS)


def synthesize_non_speech(
    rng: np.random.Generator, *, kind: str | None = None, duration: float = 3.0
) -> NDArray[np.float32]:
    """Synthesise a sound in which nobody speaks.

    Parameters
    ----------
    rng : numpy.random.Generator
        Everything about the sound is drawn from it.
    kind : str, optional
        One of `KINDS`; by default, any.
    duration : float, default=3.0
        Seconds.

    Returns
    -------
    ndarray of float32, shape=(round(16000 * duration),)
        Mono signal at 16 kHz, with a root mean square of 0.05, or less where its peak would exceed full scale.

    Raises
    ------
    ValueError
        If the kind is unknown or the duration is less than 0.1 seconds.
    """
    if kind is not None and kind not in _MAKERS:
        raise ValueError(f"there is no kind {kind!r}; there is: {', '.join(KINDS)}")
    if not duration >= 0.1:
        raise ValueError("a sound lasts at least 0.1 seconds")
    name = KINDS[int(rng.integers(len(KINDS)))] if kind is None else kind
    n = round(SR * duration)
    y = unit(_MAKERS[name](rng, n))
    y += 10 ** rng.uniform(-3.5, -1.2) * noise(rng, n, 1.0)  # no room and no microphone is silent
    y *= 0.05
    return (y / max(1.0, float(np.abs(y).max()) / 0.99)).astype(np.float32)
