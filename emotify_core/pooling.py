"""One verdict from many windows."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

# The least probability of an emotion in a window: none that is certain may rule out what all others hear.
_FLOOR: Final = 1e-6

Vector = NDArray[np.float64]


def certainty(probabilities: NDArray[np.float64]) -> Vector:
    """Say how certain distributions are: one minus their entropy, divided by the greatest that there can be.

    Parameters
    ----------
    probabilities : ndarray of float64, shape=(n_windows, n_emotions)
        Rows sum to 1.

    Returns
    -------
    ndarray of float64, shape=(n_windows,)
        From 0, where all emotions are alike, to 1, where only one is possible; 1 too where there is only one.
    """
    n_emotions = probabilities.shape[1]
    if n_emotions == 1:
        return np.ones(len(probabilities))
    logs = np.log(np.where(probabilities > 0, probabilities, 1))
    return np.asarray(np.clip(1 + (probabilities * logs).sum(axis=1) / np.log(n_emotions), 0, 1))


def pool(probabilities: NDArray[np.float64], weights: NDArray[np.float64]) -> Vector:
    """Pool what a classifier says about the windows of one utterance.

    Parameters
    ----------
    probabilities : ndarray of float64, shape=(n_windows, n_emotions)
        One distribution a window, at least one.
    weights : ndarray of float64, shape=(n_windows,)
        Share of sound in each window, or any other measure of how much it counts; only their ratios matter.

    Returns
    -------
    ndarray of float64, shape=(n_emotions,)
        A distribution: finite, sums to 1. That of a single window comes back unchanged.

    Raises
    ------
    ValueError
        If the rows are not distributions, or the weights do not fit them or are negative.

    Notes
    -----
    The mean of log-probabilities (a logarithmic opinion pool), each window counting by its weight times its
    `certainty`: a window that tells nothing does not dilute those that do. Where all are without certainty the weights
    alone decide, and where all weights are 0 the windows count alike.

    References
    ----------
    Genest & Zidek (1986), "Combining probability distributions: a critique and an annotated bibliography", Statistical
    Science 1(1), on the logarithmic pool.

    Examples
    --------
    >>> pool(np.array([[0.5, 0.5], [0.9, 0.1]]), np.array([1.0, 1.0])).round(3).tolist()
    [0.9, 0.1]
    """
    _require_distributions(probabilities, weights)
    if len(probabilities) == 1:
        return np.array(probabilities[0], dtype=np.float64)
    given = weights / weights.max() if weights.any() else np.ones(len(weights))
    trust = given * certainty(probabilities)
    if trust.sum() < 1e-9:  # rounding errors of the entropy of equal probabilities are less
        trust = given
    logs = trust @ np.log(np.maximum(probabilities, _FLOOR)) / trust.sum()
    powers = np.exp(logs - logs.max())
    return np.asarray(powers / powers.sum())


def _require_distributions(probabilities: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
    if probabilities.ndim != 2 or not probabilities.size or weights.shape != probabilities.shape[:1]:
        raise ValueError("at least one row of probabilities is needed, and one weight a row")
    if not (np.isfinite(probabilities).all() and (probabilities >= 0).all()):
        raise ValueError("probabilities must be finite and not negative")
    if np.abs(probabilities.sum(axis=1) - 1).max() > 1e-3:
        raise ValueError("probabilities must sum to 1")
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise ValueError("weights must be finite and not negative")
