from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emotify_core.classifier import EmotionClassifier
from emotify_core.synthesis import demonstration_note
from emotify_core.vectors import NoteVector

VALUES = st.floats(-60_000, 60_000, width=32)


def vector_of(features: list[float], scores: list[float]) -> NoteVector:
    return NoteVector("made-1", *(np.array(part, dtype=np.float32) for part in (features, scores)))


@given(features=arrays(np.float32, 5, elements=VALUES), scores=arrays(np.float32, 3, elements=VALUES))
def test_a_vector_comes_back_nearly_as_it_was(features: np.ndarray, scores: np.ndarray) -> None:
    vector = NoteVector("made-1", features, scores)

    found = NoteVector.from_bytes(vector.to_bytes(), vector_set="made-1", n_features=5, n_scores=3)

    assert found.vector_set == "made-1"
    for part in ("features", "network_scores"):
        np.testing.assert_allclose(getattr(found, part), getattr(vector, part), rtol=1e-3, atol=1e-6)


def test_what_is_too_large_for_half_precision_stays_finite() -> None:
    found = NoteVector.from_bytes(vector_of([1e9, -1e9], []).to_bytes(), vector_set="", n_features=2, n_scores=0)

    assert found.features.tolist() == [65504, -65504]


@pytest.mark.parametrize("data", [b"", b"\0" * 7, b"\0" * 9, vector_of([np.nan] * 5, []).to_bytes()])
def test_what_is_no_vector_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"no vector of the set made-1|not finite"):
        NoteVector.from_bytes(data, vector_set="made-1", n_features=4, n_scores=1)


def test_what_earlier_releases_kept_besides_is_left_aside() -> None:
    more = vector_of([1, 2], [3, 4]).to_bytes()

    found = NoteVector.from_bytes(more, vector_set="", n_features=2, n_scores=1)

    assert (found.features.tolist(), found.network_scores.tolist()) == ([1, 2], [3])


def test_the_shipped_model_gives_vectors_of_its_own_set() -> None:
    classifier = EmotionClassifier.load()

    vector = classifier.listen(demonstration_note()).vector

    assert vector.vector_set == classifier.vector_set
    assert vector.vector_set == f"{classifier.feature_set}+{classifier.header.files['network.onnx'][:12]}"
    assert (len(vector.features), len(vector.network_scores)) == (classifier.header.n_features, 8)
    assert np.logaddexp.reduce(vector.network_scores.astype(np.float64)) == pytest.approx(0, abs=0.05)
    assert len(vector.to_bytes()) == 2 * (4214 + 8)
