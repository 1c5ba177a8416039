"""Running statistics of one person's notes, and how they are written; what they mean a `SpeakerPrior` says."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from emotify_core.emotions import Emotion

FULL: Final = 32
"""Notes after which older ones begin to fade, so that a baseline follows a new microphone."""

_KEPT: Final = (FULL - 1) / FULL  # of what was there before, by each further note
_HEAD: Final = struct.Struct("<4s8sI")  # kind of data, key of the prior, number of notes
_KIND: Final = b"EPB3"
_VALUES: Final = np.dtype("<f4")
_ORDER: Final = {emotion: i for i, emotion in enumerate(Emotion)}
_N: Final = len(_ORDER)
_MOST_NOTES: Final = 2**32 - 1
_ROUNDING: Final = 1e-2
MOST: Final = 10.0
"""Log-scores of experts are never farther from nothing."""

Matrix = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PersonalBaseline:
    """Running statistics of one person's notes.

    They are sums of what a model's experts said of the notes, a number for each emotion, and counts. Neither features
    nor audio can be made of them. After a single note they are what was said of that note, so whoever keeps them should
    treat them as they would a verdict; the same holds for the difference of two baselines, so old ones should not be
    kept.

    Attributes
    ----------
    key : str
        Prior that they belong to; see `SpeakerPrior.key_`.
    n_notes : int
        Notes so far.
    sums : ndarray of float32, shape=(n_emotions, n_classes)
        For each emotion, in the order of `Emotion`, the sum of the log-scores of the notes in which it was heard;
        beyond `FULL` notes, older ones fade.
    heard : ndarray of float32, shape=(n_emotions,)
        How many notes these are, faded likewise.
    told : ndarray of float32, shape=(n_emotions, n_emotions)
        Of the notes in which an emotion was heard (row), how many the person said to be of another or of the same
        (column).
    """

    key: str
    n_notes: int
    sums: Matrix
    heard: NDArray[np.float32]
    told: Matrix

    @classmethod
    def of(cls, key: str, scores: NDArray[np.float32], heard: Emotion) -> Self:
        """Begin with the log-scores of one note, shape=(n_classes,), and the emotion that was heard in it."""
        nothing = cls(key, 0, *(np.zeros(shape, dtype=np.float32) for shape in ((_N, len(scores)), _N, (_N, _N))))
        return nothing.plus(scores, heard)

    def plus(self, scores: NDArray[np.float32], heard: Emotion) -> Self:
        """Return the baseline with one more note: its log-scores, shape=(n_classes,), and what was heard in it."""
        kept, row = np.float32(_KEPT if self.n_notes >= FULL else 1), _ORDER[heard]
        sums, counts = kept * self.sums, kept * self.heard
        sums[row] += scores
        counts[row] += 1
        n_notes = min(self.n_notes + 1, _MOST_NOTES)
        return replace(self, n_notes=n_notes, sums=sums, heard=counts, told=kept * self.told)

    def with_last_note_of(self, other: Self, before: Self | None) -> Self:
        """Return the baseline with the note, too, by which another one is more than the one before it.

        So two notes can be heard with one baseline and both be added to it.

        Parameters
        ----------
        other : PersonalBaseline
            What became of `before` with the note.
        before : PersonalBaseline or None
            None if it was begun with that note.

        Raises
        ------
        ValueError
            If one of them belongs to another prior, or the other one is not one note more.
        """
        n_before, is_anew = (0, True) if before is None else (before.n_notes, before.key != other.key)
        if self.key != other.key or other.n_notes != 1 + (0 if is_anew else n_before):
            raise ValueError("the baselines do not follow from each other")
        sums, counts = other.sums, other.heard
        if before is not None and not is_anew:
            kept = np.float32(_KEPT if n_before >= FULL else 1)
            sums, counts = sums - kept * before.sums, counts - kept * before.heard
        row = int(np.argmax(counts))
        return self.plus(np.clip(sums[row], -MOST, MOST), list(Emotion)[row])

    def retold(self, heard: Emotion, before: Emotion | None, now: Emotion | None, *, n_since: int = 0) -> Self:
        """Return the baseline after the person said what the emotion of a note was, or took that back.

        Parameters
        ----------
        heard : Emotion
            In the note.
        before, now : Emotion or None
            What the person had said of it, and what they say now.
        n_since : int
            Notes that were added after that note: it may have faded.
        """
        share, told, row = _KEPT ** min(n_since, max(0, self.n_notes - FULL)), self.told.copy(), _ORDER[heard]
        if before is not None:
            told[row, _ORDER[before]] -= min(share, float(told[row, _ORDER[before]]))
        if now is not None:
            told[row, _ORDER[now]] += min(share, max(0.0, float(self.heard[row] - told[row].sum())))
        return replace(self, told=told)

    def to_bytes(self) -> bytes:
        """Write it."""
        values = np.concatenate([self.heard, self.told.ravel(), self.sums.ravel()])
        return _HEAD.pack(_KIND, bytes.fromhex(self.key), self.n_notes) + values.astype(_VALUES).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises
        ------
        ValueError
            If it is something else, or damaged.
        """
        n_values, rest = divmod(len(data) - _HEAD.size, _VALUES.itemsize)
        n_sums = n_values - _N - _N * _N
        if rest or n_sums <= 0 or n_sums % _N:
            raise ValueError(f"{len(data)} bytes are no baseline")
        kind, key, n_notes = _HEAD.unpack_from(data)
        values = np.frombuffer(data, dtype=_VALUES, offset=_HEAD.size).astype(np.float32)
        heard, told, sums = np.split(values, [_N, _N + _N * _N])
        found = cls(key.hex(), n_notes, sums.reshape(_N, -1), heard, told.reshape(_N, _N))
        if kind != _KIND or not n_notes or not found._is_possible():
            raise ValueError("the bytes are no baseline, or a damaged one")
        return found

    def _is_possible(self) -> bool:
        """Whether notes can have come to these numbers; one that is not finite fails every comparison."""
        heard, told, sums = (each.astype(np.float64) for each in (self.heard, self.told, self.sums))
        return bool(
            (heard >= 0).all()
            and (told >= 0).all()
            and heard.sum() <= FULL + _ROUNDING
            and (told.sum(axis=1) <= heard + _ROUNDING).all()
            and (np.abs(sums) <= MOST * heard[:, None] + _ROUNDING).all()
        )
