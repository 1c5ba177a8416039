"""How much a reply may claim, given how sure the classifier is."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Final

# A choice, on the careful side. A guess below MEDIUM_FROM is wrong twice as often as right, so naming it would mislead.
# From there on it is named, as a guess. From HIGH_FROM on it is right nine times in ten on the voices of the card, and
# strange voices hardly ever get there.
MEDIUM_FROM: Final = 0.35
HIGH_FROM: Final = 0.75


class Band(StrEnum):
    """Confidence of a prediction, as coarsely as words can tell it."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


def confidence_band(confidence: float) -> Band:
    """Say which band a confidence falls into.

    Parameters
    ----------
    confidence : float
        Probability of the most probable emotion. What is no finite number counts as no confidence at all, because a
        reply that claims too little does less harm than one that claims too much.

    Returns
    -------
    Band
        The band; a limit belongs to the upper one.

    Examples
    --------
    >>> confidence_band(0.75)
    <Band.HIGH: 'high'>
    >>> confidence_band(float("nan"))
    <Band.LOW: 'low'>
    """
    if not math.isfinite(confidence) or confidence < MEDIUM_FROM:
        return Band.LOW
    return Band.MEDIUM if confidence < HIGH_FROM else Band.HIGH
