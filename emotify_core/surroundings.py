"""Recorded noise and rooms, some of them held out from training so that they can test it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from emotify_core.errors import CorpusError

SR: Final = 16_000
TELEPHONE: Final = "filter-telephone"  # lies among the rooms, but is the sound of a telephone
Signal = NDArray[np.float32]

_RECORDINGS: Final = frozenset({".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif"})
# The recordings that the project's figures come from. A folder with others is split by a hash of their names.
_FOR_TESTING: Final = frozenset({"exercise_bike", "kitchen-true-stereo", "cardiod-true-stereo-15-8", TELEPHONE})
_FOR_TRAINING: Final = frozenset(
    {"doing_the_dishes", "dude_miaowing", "cardiod-35-10-spread", "cardiod-rear-35-10", "omni-35-10"}
)
_ONSET: Final = 0.1  # the direct sound is the first within 20 dB of the peak: ISO 3382-1
_INAUDIBLE: Final = 1e-6  # share of a response's energy that is left when the rest is cut off: -60 dB


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Recorded noise and rooms.

    Attributes
    ----------
    noises : mapping of str to ndarray of float32, shape=(n_samples,)
        Recordings at 16 kHz by name.
    rooms : mapping of str to ndarray of float32, shape=(n_samples,)
        Impulse responses at 16 kHz by name, each with an energy of 1 and beginning with the direct sound.
    """

    noises: Mapping[str, Signal] = field(default_factory=dict)
    rooms: Mapping[str, Signal] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of everything, in order, for telling one set of recordings from another."""
        return (*(f"noise/{name}" for name in sorted(self.noises)), *(f"room/{name}" for name in sorted(self.rooms)))

    def for_training(self) -> Surroundings:
        """Return what models may hear while they learn."""
        return self._where(lambda name: not is_held_out(name))

    def for_testing(self) -> Surroundings:
        """Return what no model has heard: none of it is in `for_training()`."""
        return self._where(is_held_out)

    def _where(self, is_wanted: Callable[[str], bool]) -> Surroundings:
        return Surroundings(
            {name: y for name, y in self.noises.items() if is_wanted(name)},
            {name: y for name, y in self.rooms.items() if is_wanted(name)},
        )


NOTHING_RECORDED: Final = Surroundings()


def is_held_out(name: str) -> bool:
    """Say by its name alone whether a recording is kept for testing, as about a third of them are."""
    if name in _FOR_TESTING | _FOR_TRAINING:
        return name in _FOR_TESTING
    return hashlib.sha256(name.encode()).digest()[0] % 3 == 0


def any_of(recordings: Mapping[str, Signal], rng: np.random.Generator) -> Signal:
    """Choose a recording at random, the same for the same generator whatever the order of the mapping."""
    return recordings[sorted(recordings)[int(rng.integers(len(recordings)))]]


def read_surroundings(noise: Path | None, rooms: Path | None) -> Surroundings:
    """Read all recordings of two folders.

    Parameters
    ----------
    noise : Path, optional
        Folder of noise: WAV, FLAC, Ogg, MP3 or AIFF of any rate. A recording's name is its file's without the suffix.
    rooms : Path, optional
        Folder of impulse responses.

    Returns
    -------
    Surroundings
        Empty where no folder is given.

    Raises
    ------
    CorpusError
        If a folder is missing or holds no recording, or a recording cannot be read, is silent or not finite.
    """
    noises = {} if noise is None else {path.stem: _read(path) for path in _recordings(noise, "noise")}
    responses = {} if rooms is None else {path.stem: _read(path) for path in _recordings(rooms, "rooms")}
    return Surroundings(noises, {name: room_response(y) for name, y in responses.items()})


def room_response(y: Signal) -> Signal:
    """Make recorded impulse responses alike: from the direct sound to where nothing is heard, with an energy of 1.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        A recorded impulse response that is not silent.

    Returns
    -------
    ndarray of float32, shape=(n_other_samples,)
    """
    level = np.abs(y)
    response = y[int(np.argmax(level >= _ONSET * level.max())) :].astype(np.float64)
    left = np.cumsum(np.square(response[::-1]))[::-1]
    response = response[: int(np.count_nonzero(left > _INAUDIBLE * left[0]))]
    return np.asarray(response / np.sqrt(left[0]), dtype=np.float32)


def _recordings(folder: Path, what: str) -> list[Path]:
    if not folder.is_dir():
        raise CorpusError(f"The folder of {what} is missing: {folder}")
    paths = sorted(path for path in folder.glob("[!.]*") if path.suffix.lower() in _RECORDINGS and path.is_file())
    if not paths:
        raise CorpusError(f"No recording of {what} was found in {folder}")
    return paths


def _read(path: Path) -> Signal:
    # Not `decode`: it refuses sounds of less than 0.2 s, and small rooms sound no longer.
    try:
        channels, sr = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise CorpusError(f"{path.name} cannot be used: it is no recording that can be read.") from error
    mono: Signal = channels.mean(axis=1)
    y = mono if sr == SR else np.asarray(soxr.resample(mono, sr, SR), dtype=np.float32)
    if not np.isfinite(y).all() or not np.any(y):
        raise CorpusError(f"{path.name} cannot be used: it is silent or not finite.")
    return y
