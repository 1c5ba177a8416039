"""Figures of merit, as pure functions of labels and probabilities.

They are checked against scikit-learn in the tests. The labels are always passed, because figures over the classes that
happen to be present are not comparable.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

COVERAGES: Final = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5, 0.4, 0.3, 0.2, 0.1)


@dataclass(frozen=True)
class PairedDifference:
    """How much better system A is than system B on the same utterances.

    Attributes
    ----------
    difference : float
        UAR of A less UAR of B.
    low, high : float
        95 % interval of it, by resampling speakers.
    p_worse : float
        Share of the resamples in which A is not better than B: 0.5 for two systems alike, 1 for the same one twice.
    """

    difference: float
    low: float
    high: float
    p_worse: float


def restrict_probabilities(
    probabilities: ArrayLike, labels: Sequence[str], allowed: Collection[str]
) -> NDArray[np.float64]:
    """Rule out labels that cannot be: their probability becomes 0, and the others again sum to 1.

    Parameters
    ----------
    probabilities : array_like of float, shape=(n, n_labels)
    labels : sequence of str
        Names of the columns.
    allowed : collection of str
        Labels that remain; those that are no column are passed over.

    Returns
    -------
    ndarray of float, shape=(n, n_labels)
        A row that had nothing but zeros for the allowed labels holds them all alike.

    Raises
    ------
    ValueError
        If no column is allowed.

    Notes
    -----
    By Bayes' rule, with the prior of the ruled-out labels set to 0; the order of the others stays.
    """
    kept = np.isin(labels, sorted(allowed))
    if not kept.any():
        raise ValueError(f"None of {sorted(allowed)} is among the labels {list(labels)}.")
    shares = np.where(kept, np.asarray(probabilities, dtype=float), 0.0)
    total = shares.sum(axis=1, keepdims=True)
    return np.where(total > 0, shares / np.where(total > 0, total, 1.0), kept / kept.sum())


def confusion_matrix(truth: ArrayLike, predicted: ArrayLike, labels: Sequence[str]) -> NDArray[np.int64]:
    """Count utterances by label (row) and prediction (column).

    Parameters
    ----------
    truth, predicted : array_like of str, shape=(n,)
    labels : sequence of str
        Names of the rows and columns.

    Returns
    -------
    ndarray of int64, shape=(n_labels, n_labels)

    Raises
    ------
    KeyError
        If something is not among the labels.
    ValueError
        If there are not as many predictions as utterances.
    """
    index = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for t, p in zip(np.asarray(truth), np.asarray(predicted), strict=True):
        counts[index[str(t)], index[str(p)]] += 1
    return counts


def recall_per_class(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of each class in a `confusion_matrix`, or in each of several, that was recognised.

    Returns
    -------
    ndarray of float64, shape=(..., n_labels)
        NaN for a class without utterances.
    """
    total = confusion.sum(axis=-1)
    return np.where(total > 0, np.diagonal(confusion, axis1=-2, axis2=-1) / np.maximum(total, 1), np.nan)


def unweighted_average_recall(confusion: NDArray[np.int64]) -> float:
    """Mean of the recalls of the classes that have utterances in a `confusion_matrix` (UAR).

    References
    ----------
    Schuller et al. (2009), "The INTERSPEECH 2009 emotion challenge": the figure of the field, since corpora are
    unbalanced.
    """
    return float(np.nanmean(recall_per_class(confusion)))


def accuracy(confusion: NDArray[np.int64]) -> float:
    """Share of all utterances in a `confusion_matrix` that were recognised (weighted average recall)."""
    return float(np.trace(confusion) / confusion.sum())


def spread(values_by_group: Mapping[str, float]) -> dict[str, float]:
    """Say how far a figure reaches from group to group, such as the UAR of each actor or of each gender.

    Returns
    -------
    dict
        ``min``, ``median``, ``max`` and ``range``, which is the largest less the smallest.

    Raises
    ------
    ValueError
        If there is no group.
    """
    if not values_by_group:
        raise ValueError("There is no group whose figures could be compared.")
    values = np.array(list(values_by_group.values()), dtype=float)
    low, high = float(values.min()), float(values.max())
    return {"min": low, "median": float(np.median(values)), "max": high, "range": high - low}


def brier_score(truth: ArrayLike, probabilities: ArrayLike, labels: Sequence[str]) -> float:
    """Mean squared distance between probabilities and truth, summed over the classes: 0 is best, 2 is worst.

    Parameters
    ----------
    truth : array_like of str, shape=(n,)
    probabilities : array_like of float, shape=(n, n_labels)
    labels : sequence of str
        Names of the columns.

    References
    ----------
    Brier (1950), "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78(1).
    """
    expected = np.eye(len(labels))[_columns(truth, labels)]
    return float(np.mean(np.sum((np.asarray(probabilities, dtype=float) - expected) ** 2, axis=1)))


def negative_log_likelihood(truth: ArrayLike, probabilities: ArrayLike, labels: Sequence[str]) -> float:
    """Mean of -log of the probability, in nats, that was given to the truth; one below 1e-12 counts as 1e-12.

    Parameters
    ----------
    truth : array_like of str, shape=(n,)
    probabilities : array_like of float, shape=(n, n_labels)
    labels : sequence of str
        Names of the columns.

    References
    ----------
    Good (1952), "Rational decisions", Journal of the Royal Statistical Society B 14(1).
    """
    columns = _columns(truth, labels)
    given = np.asarray(probabilities, dtype=float)[np.arange(len(columns)), columns]
    return float(-np.mean(np.log(np.maximum(given, 1e-12))))


def _columns(truth: ArrayLike, labels: Sequence[str]) -> NDArray[np.intp]:
    index = {label: i for i, label in enumerate(labels)}
    return np.array([index[str(label)] for label in np.asarray(truth)], dtype=np.intp)


def expected_calibration_error(confidence: ArrayLike, correct: ArrayLike, *, n_bins: int = 15) -> float:
    """Mean distance between confidence and share of right verdicts, over bins of equal width.

    Parameters
    ----------
    confidence : array_like of float, shape=(n,)
    correct : array_like of bool, shape=(n,)
    n_bins : int

    References
    ----------
    Guo et al. (2017), "On calibration of modern neural networks", ICML, eq. 3.
    """
    confidence, correct = np.asarray(confidence, dtype=float), np.asarray(correct, dtype=float)
    bins = _bins(confidence, n_bins)
    gaps = [abs(correct[bins == b].mean() - confidence[bins == b].mean()) * np.mean(bins == b) for b in np.unique(bins)]
    return float(np.sum(gaps))


def calibration_error_by_chance(
    confidence: ArrayLike, *, n_bins: int = 15, n_draws: int = 200, seed: int = 0
) -> tuple[float, float]:
    """Say which `expected_calibration_error` perfectly honest probabilities would show, by chance alone.

    Parameters
    ----------
    confidence : array_like of float, shape=(n,)
        Highest probability of each utterance.
    n_bins, n_draws, seed : int

    Returns
    -------
    tuple of float
        Mean and 95th percentile of the error, over drawings of the truth: a model whose error is below the latter
        cannot be told from an honest one.

    Notes
    -----
    Where the truth is drawn from the model's own probabilities, its verdict is right with the probability that is its
    confidence; nothing else counts. The fewer utterances, the larger the error, which is never negative.

    References
    ----------
    Bröcker & Smith (2007), "Increasing the reliability of reliability diagrams", Weather and Forecasting 22(3):
    consistency resampling.
    """
    confidence = np.asarray(confidence, dtype=float)
    rng = np.random.default_rng(seed)
    in_bin = np.eye(n_bins)[_bins(confidence, n_bins)]
    gaps = [((rng.random(len(confidence)) < confidence) - confidence) @ in_bin for _ in range(n_draws)]
    errors = np.abs(gaps).sum(axis=1) / len(confidence)
    return float(errors.mean()), float(np.percentile(errors, 95))


def reliability(confidence: ArrayLike, correct: ArrayLike, *, n_bins: int = 10) -> list[dict[str, float]]:
    """Compare confidence with the share of right verdicts, over bins of equal width.

    Parameters
    ----------
    confidence : array_like of float, shape=(n,)
    correct : array_like of bool, shape=(n,)
    n_bins : int

    Returns
    -------
    list of dict
        ``from``, ``to``, ``n``, mean ``confidence`` and ``accuracy`` of each bin that has utterances.
    """
    confidence, correct = np.asarray(confidence, dtype=float), np.asarray(correct, dtype=float)
    bins = _bins(confidence, n_bins)
    return [
        {
            "from": float(b / n_bins),
            "to": float((b + 1) / n_bins),
            "n": int((bins == b).sum()),
            "confidence": float(confidence[bins == b].mean()),
            "accuracy": float(correct[bins == b].mean()),
        }
        for b in np.unique(bins)
    ]


def _bins(confidence: NDArray[np.float64], n_bins: int) -> NDArray[np.intp]:
    return np.clip(np.ceil(confidence * n_bins).astype(np.intp) - 1, 0, n_bins - 1)


def selective_recall(
    truth: ArrayLike, predicted: ArrayLike, confidence: ArrayLike, labels: Sequence[str], *, coverage: float
) -> float:
    """UAR over the share of utterances that the classifier is most certain of.

    Parameters
    ----------
    truth, predicted : array_like of str, shape=(n,)
    confidence : array_like of float, shape=(n,)
    labels : sequence of str
        All that there are.
    coverage : float
        The share, from 0 to 1; one utterance counts at least.
    """
    order = np.argsort(-np.asarray(confidence, dtype=float), kind="stable")
    kept = order[: max(1, round(coverage * len(order)))]
    return unweighted_average_recall(confusion_matrix(np.asarray(truth)[kept], np.asarray(predicted)[kept], labels))


def coverage_curve(
    truth: ArrayLike,
    predicted: ArrayLike,
    confidence: ArrayLike,
    labels: Sequence[str],
    *,
    coverages: Sequence[float] = COVERAGES,
) -> list[tuple[float, float]]:
    """Trade answers for reliability: the UAR over the surest share of utterances, for each share.

    Parameters
    ----------
    truth, predicted, confidence, labels
        As for `selective_recall`.
    coverages : sequence of float
        Shares, from 0 to 1.

    Returns
    -------
    list of tuple of float
        Coverage and `selective_recall` at it, in the order given.

    References
    ----------
    El-Yaniv & Wiener (2010), "On the foundations of noise-free selective classification", JMLR 11: the risk-coverage
    curve, here with UAR in place of risk.
    """
    return [
        (coverage, selective_recall(truth, predicted, confidence, labels, coverage=coverage)) for coverage in coverages
    ]


def bootstrap_interval(
    confusions: Sequence[NDArray[np.int64]], *, n_resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of the UAR by resampling speakers.

    Parameters
    ----------
    confusions : sequence of ndarray, each of shape=(n_labels, n_labels)
        The confusion matrix of each speaker.
    n_resamples, seed : int

    Notes
    -----
    Utterances of one speaker are not independent, so that resampling them would give an interval that is too narrow.
    """
    low, high = np.percentile(_uar_of_each(resampled(np.stack(confusions), n_resamples, seed)), [2.5, 97.5])
    return float(low), float(high)


def paired_bootstrap(
    confusions_a: Sequence[NDArray[np.int64]],
    confusions_b: Sequence[NDArray[np.int64]],
    *,
    n_resamples: int = 2000,
    seed: int = 0,
) -> PairedDifference:
    """Compare the UAR of two systems that heard the same utterances, by resampling speakers.

    Parameters
    ----------
    confusions_a, confusions_b : sequence of ndarray, each of shape=(n_labels, n_labels)
        The confusion matrix of each speaker by each system, speakers in the same order.
    n_resamples : int
    seed : int

    Raises
    ------
    ValueError
        If the systems did not hear the same number of utterances of each speaker and label.

    Notes
    -----
    Both systems are measured on each resample, so that how hard a speaker is cancels out: the interval is narrower
    than two intervals side by side would suggest.

    References
    ----------
    Efron & Tibshirani (1993), "An introduction to the bootstrap", Chapman & Hall. Bisani & Ney (2004), "Bootstrap
    estimates for confidence intervals in ASR performance evaluation", ICASSP, whose probability of improvement is
    1 - `p_worse` but for ties.
    """
    a, b = np.stack(confusions_a), np.stack(confusions_b)
    if not np.array_equal(a.sum(axis=2), b.sum(axis=2)):
        raise ValueError("Only systems that heard the same utterances of the same speakers can be compared in pairs.")
    difference = unweighted_average_recall(a.sum(axis=0)) - unweighted_average_recall(b.sum(axis=0))
    after, before = (_uar_of_each(resampled(each, n_resamples, seed)) for each in (a, b))
    low, high = np.percentile(after - before, [2.5, 97.5])
    return PairedDifference(difference, float(low), float(high), float(np.mean(after <= before)))


def resampled(values: NDArray[Any], n_resamples: int, seed: int) -> NDArray[Any]:
    """Sum up what as many speakers have, drawn with replacement, again and again; a seed draws the same ones for all.

    `values` are of shape=(n_speakers, ...), what is returned of shape=(n_resamples, ...).
    """
    n = len(values)
    draws = np.random.default_rng(seed).integers(0, n, size=(n_resamples, n))
    times = np.stack([np.bincount(draw, minlength=n) for draw in draws])  # that each was drawn
    return np.asarray(np.tensordot(times, values, axes=1))


def _uar_of_each(confusions: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(np.nanmean(recall_per_class(confusions), axis=-1))
