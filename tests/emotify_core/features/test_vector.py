from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from emotify_core.features import FeatureVector


def test_it_names_its_feature_set() -> None:
    assert FeatureVector(np.zeros(3, np.float32), "functionals-1").feature_set == "functionals-1"


@pytest.mark.parametrize(
    "values",
    [np.zeros((1, 3), np.float32), np.zeros(3), np.array([0, np.nan], np.float32), np.array([np.inf], np.float32)],
    ids=["matrix", "float64", "nan", "inf"],
)
def test_anything_but_a_finite_vector_of_float32_is_refused(values: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match="finite vector of float32"):
        FeatureVector(values, "functionals-1")
