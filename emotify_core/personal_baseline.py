"""Running statistics of one person's notes, and how they are written; what they mean a `SpeakerPrior` says."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from emotify_core.emotions import Emotion

FULL: Final = 32
"""Notes after which older ones begin to fade, so that a baseline follows a new microphone."""

_KEPT: Final = (FULL - 1) / FULL  # of what was there before, by each further note
_HEAD: Final = struct.Struct("<4s8sI")  # kind of data, key of the prior, number of notes
_KIND: Final = b"EPB2"
_VALUES: Final = np.dtype("<f4")
_ORDER: Final = {emotion: i for i, emotion in enumerate(Emotion)}
_MOST_NOTES: Final = 2**32 - 1


@dataclass(frozen=True, eq=False)
class PersonalBaseline:
    """Running statistics of one person's notes.

    They are sums over notes of a few hundred numbers, each a mixture of thousands of features, and how many of the
    notes were taken for which emotion. From the second note on, no note can be told from the others in them. After the
    first one they are that note's numbers: neither its features nor its audio can be made of them, but whoever keeps
    them should treat them as they would that note. The same holds for the difference of two baselines, so old ones
    should not be kept.

    Attributes
    ----------
    key : str
        Prior that they belong to; see `SpeakerPrior.key_`.
    n_notes : int
        Notes so far.
    sums : ndarray of float32, shape=(n_axes,)
        Sums over the notes; beyond `FULL` of them, older ones fade.
    taken_for : ndarray of float32, shape=(n_emotions,)
        Notes, faded likewise, by the emotion that they are taken for, in the order of `Emotion`.
    """

    key: str
    n_notes: int
    sums: NDArray[np.float32]
    taken_for: NDArray[np.float32]

    @classmethod
    def of(cls, key: str, note: NDArray[np.float32], emotion: Emotion) -> Self:
        """Begin with one note, shape=(n_axes,), and the emotion that it is taken for."""
        return cls(key, 1, note, _one(emotion))

    def plus(self, note: NDArray[np.float32], emotion: Emotion) -> PersonalBaseline:
        """Return the baseline with one more note, shape=(n_axes,), and the emotion that it is taken for."""
        kept = np.float32(_KEPT if self.n_notes >= FULL else 1)
        n_notes = min(self.n_notes + 1, _MOST_NOTES)
        return PersonalBaseline(self.key, n_notes, kept * self.sums + note, kept * self.taken_for + _one(emotion))

    def counts(self, emotions: Sequence[Emotion]) -> NDArray[np.float32]:
        """Count the notes, faded, that are taken for each of some emotions."""
        return self.taken_for[[_ORDER[emotion] for emotion in emotions]]

    def retold(self, before: Emotion, now: Emotion, *, n_since: int = 0) -> PersonalBaseline:
        """Return the baseline with a note taken for another emotion, because the person said what it was.

        Parameters
        ----------
        before, now : Emotion
        n_since : int
            Notes that were added after that note: it may have faded.
        """
        n_faded = min(n_since, max(0, self.n_notes - FULL))
        share = np.float32(min(_KEPT**n_faded, self.taken_for[_ORDER[before]]))
        taken_for = self.taken_for.copy()
        taken_for[_ORDER[before]] -= share
        taken_for[_ORDER[now]] += share
        return replace(self, taken_for=taken_for)

    def to_bytes(self) -> bytes:
        """Write it."""
        values = np.concatenate([self.taken_for, self.sums])
        return _HEAD.pack(_KIND, bytes.fromhex(self.key), self.n_notes) + values.astype(_VALUES).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises
        ------
        ValueError
            If it is something else, or damaged.
        """
        n_rest = len(data) - _HEAD.size
        if n_rest < len(_ORDER) * _VALUES.itemsize or n_rest % _VALUES.itemsize:
            raise ValueError(f"{len(data)} bytes are no baseline")
        kind, key, n_notes = _HEAD.unpack_from(data)
        values = np.frombuffer(data, dtype=_VALUES, offset=_HEAD.size).astype(np.float32)
        taken_for, sums = values[: len(_ORDER)], values[len(_ORDER) :]
        if kind != _KIND or not n_notes or not np.isfinite(values).all() or (taken_for < 0).any():
            raise ValueError("the bytes are no baseline, or a damaged one")
        return cls(key.hex(), n_notes, sums, taken_for)


def _one(emotion: Emotion) -> NDArray[np.float32]:
    return np.asarray(np.arange(len(_ORDER)) == _ORDER[emotion], dtype=np.float32)
