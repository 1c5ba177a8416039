"""Predictions to compose replies for."""

from __future__ import annotations

from emotify_core.emotions import Emotion
from emotify_core.prediction import Prediction
from responses import Band

CONFIDENCE = {Band.LOW: 0.3, Band.MEDIUM: 0.5, Band.HIGH: 0.8}


def predict_that(
    emotion: Emotion, band: Band = Band.HIGH, *, second: Emotion | None = None, second_probability: float = 0.25
) -> Prediction:
    """Build a prediction in a band, with a second emotion or with the rest spread evenly."""
    confidence = CONFIDENCE[band]
    second_probability = min(second_probability, 1 - confidence)
    others = [e for e in Emotion if e not in {emotion, second}]
    taken = confidence + (second_probability if second else 0.0)
    probabilities = dict.fromkeys(others, (1 - taken) / len(others)) | {emotion: confidence}
    if second:
        probabilities[second] = second_probability
    return Prediction(probabilities, duration=3.0, model="test")
