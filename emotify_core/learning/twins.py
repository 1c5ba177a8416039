"""Twins of a model: the same heads, each fitted without some of the speakers, to be tested on them."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from emotify_core.errors import ModelError
from emotify_core.experts import Scores
from emotify_core.fitting import balanced_weights
from emotify_core.heads import FusedHeads, Matrix
from emotify_core.learning.base import Base
from emotify_core.learning.examples import Examples
from emotify_core.recipes import RECIPES

TWINS_FILE: Final = "twins.npz"
_LEAST_SHARE: Final = 0.15  # of a rejection's weight for an emotion that it may have been
_FLOOR: Final = 1e-6  # as `FusedHeads.decide`


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Rows to fit heads to.

    Attributes
    ----------
    rows : ndarray of float32, shape=(n_rows, n_axes)
    labels : ndarray of str, shape=(n_rows,)
    weights : ndarray of float, shape=(n_rows,)
    """

    rows: Matrix
    labels: NDArray[np.str_]
    weights: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Twin:
    """Heads that read turned rows.

    Attributes
    ----------
    logistic : tuple of ndarray
        Weights and intercepts.
    perceptron : tuple of ndarray
        Weights and intercepts of the hidden layer, then of the output layer.
    """

    logistic: tuple[NDArray[np.float32], ...]
    perceptron: tuple[NDArray[np.float32], ...]

    @classmethod
    def of(cls, heads: FusedHeads, emotions: Sequence[str]) -> Self:
        """Take the weights of fitted heads, with columns in the order of emotions."""
        order = [list(heads.classes_).index(emotion) for emotion in emotions]
        hidden, output = heads.perceptron_.coefs_
        hidden_bias, output_bias = heads.perceptron_.intercepts_
        logistic = (heads.logistic_.coef_.T[:, order], heads.logistic_.intercept_[order])
        perceptron = (hidden, hidden_bias, output[:, order], output_bias[order])
        return cls(*(tuple(np.asarray(part, dtype=np.float32) for part in each) for each in (logistic, perceptron)))

    def scores(self, rows: Matrix) -> Scores:
        """Mean log-probability of both heads, shape=(n_rows, n_emotions)."""
        weights, bias = self.logistic
        hidden, hidden_bias, output, output_bias = self.perceptron
        logits = rows @ weights + bias, np.maximum(rows @ hidden + hidden_bias, 0) @ output + output_bias
        logs = [np.log(np.exp(log_softmax(each.astype(np.float64), axis=1)) + _FLOOR) for each in logits]
        return np.asarray(np.mean(logs, axis=0))


def fold_of(person: str, n_folds: int) -> int:
    """Say in which fold a person's feedback is kept out, for ever the same one."""
    return zlib.crc32(person.encode()) % n_folds


def folds_of(examples: Examples, n_folds: int) -> NDArray[np.intp]:
    """Say in which fold each example is kept out, shape=(n_examples,)."""
    persons, codes = np.unique(examples.persons, return_inverse=True)
    folds = np.array([fold_of(str(person), n_folds) for person in persons], dtype=np.intp)
    return folds[codes] if len(folds) else np.zeros(0, dtype=np.intp)


def training_rows(
    base: Base,
    examples: Examples,
    weights: NDArray[np.float64],
    posteriors: NDArray[np.float64],
    *,
    without: int | None = None,
) -> TrainingRows:
    """Put base and examples together, without those that a fold keeps out.

    Parameters
    ----------
    base : Base
    examples : Examples
    weights : ndarray of float, shape=(n_examples,)
        Those with 0 are left out.
    posteriors : ndarray of float, shape=(n_examples, n_emotions)
        Share a rejection's weight out among the emotions that it may have been.
    without : int, optional
        The fold.
    """
    kept = np.flatnonzero(base.folds != without) if without is not None else np.arange(len(base.labels))
    n_copies = len(base.row_codes)
    own = weights > 0
    if without is not None:
        own &= folds_of(examples, base.n_folds) != without
    rows, columns, shares = _targets(examples, np.flatnonzero(own), posteriors)
    corpus_weights = RECIPES[base.recipe].corpus_weights or {}
    plain = balanced_weights(base.corpora[kept].tolist(), base.labels[kept], corpus_weights)
    return TrainingRows(
        np.concatenate([base.rows(kept), examples.rows[rows]]),
        np.concatenate([np.tile(base.labels[kept], n_copies), np.array(base.emotions)[columns]]),
        np.concatenate([np.tile(plain, n_copies), weights[rows] * shares]),
    )


def _targets(
    examples: Examples, own: NDArray[np.intp], posteriors: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """List rows, columns and shares: one for each named emotion, several for a rejection, which names what it is not.

    Notes
    -----
    A complementary label: the loss is that of the emotions left, each as probable as it was thought to be; one step of
    expectation maximisation. Ishida et al. (2017), "Learning from complementary labels", NeurIPS.
    """
    shares = np.zeros((len(own), posteriors.shape[1]))
    names, line = examples.emotions[own], np.arange(len(own))
    is_named = examples.is_named[own]
    left = posteriors[own].copy()
    left[line, names] = 0.0
    left /= left.sum(axis=1, keepdims=True) + 1e-12
    left[left < _LEAST_SHARE] = 0.0
    shares[~is_named] = left[~is_named]
    shares[line[is_named], names[is_named]] = 1.0
    at, columns = np.nonzero(shares)
    return own[at], columns, shares[at, columns]


def fit_twins(
    base: Base, examples: Examples, weights: NDArray[np.float64], posteriors: NDArray[np.float64], *, seed: int
) -> list[Twin]:
    """Fit a twin for each fold."""
    twins = []
    for fold in range(base.n_folds):
        chosen = training_rows(base, examples, weights, posteriors, without=fold)
        twins.append(
            Twin.of(make_heads(base, seed).fit_turned(chosen.rows, chosen.labels, chosen.weights), base.emotions)
        )
    return twins


def first_posteriors(
    base: Base, examples: Examples, weights: NDArray[np.float64], posteriors: NDArray[np.float64]
) -> Scores:
    """Return what logistic regressions alone say of examples whose person they did not learn from; log-scores."""
    found = np.zeros((len(examples), len(base.emotions)))
    folds = folds_of(examples, base.n_folds)
    penalty = make_heads(base, 0).C
    for fold in sorted(set(folds.tolist())):
        chosen = training_rows(base, examples, weights, posteriors, without=fold)
        logistic = LogisticRegression(C=penalty, max_iter=100).fit(chosen.rows, chosen.labels, chosen.weights)
        order = [list(logistic.classes_).index(emotion) for emotion in base.emotions]
        found[folds == fold] = logistic.predict_log_proba(examples.rows[folds == fold])[:, order]
    return found


def make_heads(base: Base, seed: int) -> FusedHeads:
    """Make unfitted heads as the base's recipe does."""
    heads = RECIPES[base.recipe].make(seed)
    assert isinstance(heads, FusedHeads)  # noqa: S101 - `learn` has checked the recipe
    return heads


def base_scores(base: Base, twins: Sequence[Twin], condition: int) -> Scores:
    """Return what each twin says of the speakers that it did not learn from, shape=(n_tested, n_emotions)."""
    rows, folds = base.tested_rows(condition), base.folds[base.tested]
    found = np.zeros((len(rows), len(base.emotions)))
    for fold, twin in enumerate(twins):
        found[folds == fold] = twin.scores(rows[folds == fold])
    return found


def example_scores(base: Base, twins: Sequence[Twin], examples: Examples) -> Scores:
    """Return what each twin says of the people whom it did not learn from, shape=(n_examples, n_emotions)."""
    folds = folds_of(examples, base.n_folds)
    found = np.zeros((len(examples), len(base.emotions)))
    for fold, twin in enumerate(twins):
        found[folds == fold] = twin.scores(examples.rows[folds == fold])
    return found


def twins_to_bytes(twins: Sequence[Twin]) -> bytes:
    """Write twins in half precision."""
    file = io.BytesIO()
    arrays = {
        f"{fold}-{i}": part.astype(np.float16)
        for fold, twin in enumerate(twins)
        for i, part in enumerate((*twin.logistic, *twin.perceptron))
    }
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def twins_from_bytes(data: bytes, base: Base) -> list[Twin]:
    """Read what `twins_to_bytes` wrote.

    Raises
    ------
    ModelError
        If they are damaged, or do not fit the base.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            twins = []
            for fold in range(base.n_folds):
                parts = tuple(file[f"{fold}-{i}"].astype(np.float32) for i in range(6))
                twins.append(Twin(parts[:2], parts[2:]))
                twins[-1].scores(base.tested_rows(0)[:1])
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise ModelError(f"The twins of the champion are damaged or of another base ({error}).") from error
    return twins
