"""The feature vector of one utterance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class FeatureVector:
    """Features of one utterance and the name of the set they belong to.

    Parameters
    ----------
    values : ndarray of float32, shape=(n_features,)
        Finite.
    feature_set : str
        Name and version of the feature set; vectors of different sets must never be mixed.

    Raises
    ------
    ValueError
        If `values` is not a finite vector of float32.
    """

    values: NDArray[np.float32]
    feature_set: str

    def __post_init__(self) -> None:
        if self.values.ndim != 1 or self.values.dtype != np.float32 or not np.isfinite(self.values).all():
            raise ValueError("values must be a finite vector of float32")
