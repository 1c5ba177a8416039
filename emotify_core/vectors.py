"""What can be learned from a note later, without its audio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

_KEPT: Final = np.dtype("<f2")
_LARGEST: Final = float(np.finfo(np.float16).max)


@dataclass(frozen=True, eq=False)
class NoteVector:
    """What the first expert saw of one note, and what the network said of it: no more than is learned from.

    No audio can be made of it: it holds statistics over the whole note, and neither what was said nor when.

    Attributes
    ----------
    vector_set : str
        Feature set and network that it belongs to; vectors of different sets must never be mixed.
    features : ndarray of float32, shape=(n_features,)
        Mean of the feature vectors of the note's windows.
    network_scores : ndarray of float32, shape=(n_emotions,)
        Mean of the network's log-probabilities over the windows; empty where there is no network.
    """

    vector_set: str
    features: NDArray[np.float32]
    network_scores: NDArray[np.float32]

    def to_bytes(self) -> bytes:
        """Write it in half precision, two bytes a number; the largest differences are a thousandth of the value."""
        values = np.concatenate([self.features, self.network_scores])
        return bytes(np.clip(values, -_LARGEST, _LARGEST).astype(_KEPT).tobytes())

    @classmethod
    def from_bytes(cls, data: bytes, *, vector_set: str, n_features: int, n_scores: int) -> Self:
        """Read what `to_bytes` wrote.

        Parameters
        ----------
        data : bytes
        vector_set : str
            The set that it was kept under.
        n_features, n_scores : int
            Numbers of features and of emotions in that set. Earlier releases kept more, which is left aside.

        Raises
        ------
        ValueError
            If it cannot be of that set, or is damaged.
        """
        if len(data) % _KEPT.itemsize or len(data) < _KEPT.itemsize * (n_features + n_scores):
            raise ValueError(f"{len(data)} bytes are no vector of the set {vector_set}")
        values = np.frombuffer(data, dtype=_KEPT).astype(np.float32)
        if not np.isfinite(values).all():
            raise ValueError("the vector holds values that are not finite")
        features, scores, _ = np.split(values, [n_features, n_features + n_scores])
        return cls(vector_set, features, scores)
