"""Figures of merit, as pure functions of labels and probabilities.

They are checked against scikit-learn in the tests. The labels are always passed, because figures over the classes that
happen to be present are not comparable.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def confusion_matrix(truth: ArrayLike, predicted: ArrayLike, labels: Sequence[str]) -> NDArray[np.int64]:
    """Count utterances by label (row) and prediction (column), shape=(n_labels, n_labels)."""
    index = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for t, p in zip(np.asarray(truth), np.asarray(predicted), strict=True):
        counts[index[str(t)], index[str(p)]] += 1
    return counts


def recall_per_class(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of each class that was recognised; NaN for a class without utterances."""
    total = confusion.sum(axis=1)
    return np.where(total > 0, np.diag(confusion) / np.maximum(total, 1), np.nan)


def unweighted_average_recall(confusion: NDArray[np.int64]) -> float:
    """Mean of the recalls of the classes that have utterances (UAR).

    References
    ----------
    Schuller et al. (2009), "The INTERSPEECH 2009 emotion challenge": the figure of the field, since corpora are
    unbalanced.
    """
    return float(np.nanmean(recall_per_class(confusion)))


def accuracy(confusion: NDArray[np.int64]) -> float:
    """Share of all utterances that were recognised (weighted average recall)."""
    return float(np.trace(confusion) / confusion.sum())


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


def reliability(confidence: ArrayLike, correct: ArrayLike, *, n_bins: int = 10) -> list[dict[str, float]]:
    """Compare confidence with the share of right verdicts, over bins of equal width.

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
    """UAR over the share `coverage` of utterances that the classifier is most certain of."""
    order = np.argsort(-np.asarray(confidence, dtype=float), kind="stable")
    kept = order[: max(1, round(coverage * len(order)))]
    return unweighted_average_recall(confusion_matrix(np.asarray(truth)[kept], np.asarray(predicted)[kept], labels))


def bootstrap_interval(
    confusions: Sequence[NDArray[np.int64]], *, n_resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of the UAR by resampling speakers.

    Parameters
    ----------
    confusions : sequence of ndarray, each of shape=(n_labels, n_labels)
        The confusion matrix of each speaker.

    Notes
    -----
    Utterances of one speaker are not independent, so that resampling them would give an interval that is too narrow.
    """
    stack = np.stack(confusions)
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(stack), size=(n_resamples, len(stack)))
    low, high = np.percentile([unweighted_average_recall(stack[draw].sum(axis=0)) for draw in draws], [2.5, 97.5])
    return float(low), float(high)
