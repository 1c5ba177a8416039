"""What the classifier says about one utterance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from emotify_core.emotions import Emotion

if TYPE_CHECKING:  # the bot's own process has no use for numpy
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Prediction:
    """Probabilities of the emotions in one utterance, and what follows from them.

    Parameters
    ----------
    probabilities : Mapping[Emotion, float]
        Calibrated probability of each emotion; they are finite, not negative, and sum to 1.
    duration : float
        Seconds of the recording as it came, pauses included.
    model : str
        Version of the model that said so.
    embedding : ndarray of float32, shape=(n_dimensions,), optional
        What the network made of the voice, for those who build on it; None for models without a network. Embeddings of
        different model versions cannot be compared.

    Raises
    ------
    ValueError
        If the probabilities are not a distribution.
    """

    probabilities: Mapping[Emotion, float] = field(hash=False)  # a mapping has none
    duration: float
    model: str
    embedding: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        values = list(self.probabilities.values())
        if not values or not all(math.isfinite(p) and p >= 0 for p in values) or abs(sum(values) - 1) > 1e-3:
            raise ValueError("probabilities must be finite, not negative, and sum to 1")
        object.__setattr__(self, "probabilities", MappingProxyType(dict(self.probabilities)))

    def __reduce__(self) -> tuple[Any, ...]:
        return Prediction, (dict(self.probabilities), self.duration, self.model, self.embedding)

    @property
    def ranked(self) -> tuple[Emotion, ...]:
        """The emotions, most probable first; ties in the order of `Emotion`."""
        order = list(Emotion)
        return tuple(sorted(self.probabilities, key=lambda e: (-self.probabilities[e], order.index(e))))

    @property
    def emotion(self) -> Emotion:
        """The most probable emotion."""
        return self.ranked[0]

    @property
    def confidence(self) -> float:
        """Probability of the most probable emotion."""
        return self.probabilities[self.emotion]

    @property
    def second_emotion(self) -> Emotion | None:
        """The second most probable emotion, None if the model knows only one."""
        return self.ranked[1] if len(self.probabilities) > 1 else None

    @property
    def valence(self) -> float:
        """Expected pleasantness, from -1 to 1: the mean of the emotions' valence, weighted by their probability."""
        return sum(p * e.valence for e, p in self.probabilities.items())

    @property
    def arousal(self) -> float:
        """Expected activation, from -1 to 1: the mean of the emotions' arousal, weighted by their probability."""
        return sum(p * e.arousal for e, p in self.probabilities.items())

    def to_dict(self) -> dict[str, object]:
        """Return what `emotify predict --json` prints, without the file's name."""
        return {
            "emotion": self.emotion.value,
            "confidence": self.confidence,
            "probabilities": {e.value: p for e, p in self.probabilities.items()},
            "valence": self.valence,
            "arousal": self.arousal,
            "duration": self.duration,
            "model": self.model,
        }
