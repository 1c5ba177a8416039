"""Twins of a model: the same heads, each fitted without some of the speakers, to be tested on them."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from emotify_core.adaptation import Adaptation
from emotify_core.errors import ModelError
from emotify_core.experts import Scores
from emotify_core.fitting import balanced_weights, with_copies
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
    adaptation : Adaptation, optional
        What was learned of strange recordings, from others than those that the twin is tested on.
    """

    logistic: tuple[NDArray[np.float32], ...]
    perceptron: tuple[NDArray[np.float32], ...]
    adaptation: Adaptation | None = None

    @classmethod
    def of(cls, heads: FusedHeads, emotions: Sequence[str]) -> Self:
        """Take the weights of fitted heads, with columns in the order of emotions."""
        order = [list(heads.classes_).index(emotion) for emotion in emotions]
        hidden, output = heads.perceptron_.coefs_
        hidden_bias, output_bias = heads.perceptron_.intercepts_
        logistic = (heads.logistic_.coef_.T[:, order], heads.logistic_.intercept_[order])
        perceptron = (hidden, hidden_bias, output[:, order], output_bias[order])
        return cls(_single(logistic), _single(perceptron))

    def scores(self, rows: Matrix) -> Scores:
        """Mean log-probability of both heads, shape=(n_rows, n_emotions)."""
        weights, bias = self.logistic
        hidden, hidden_bias, output, output_bias = self.perceptron
        logits = rows @ weights + bias, np.maximum(rows @ hidden + hidden_bias, 0) @ output + output_bias
        logs = [np.log(np.exp(log_softmax(each.astype(np.float64), axis=1)) + _FLOOR) for each in logits]
        return np.asarray(np.mean(logs, axis=0))


def _single(parts: Sequence[NDArray[np.floating]]) -> tuple[NDArray[np.float32], ...]:
    return tuple(np.asarray(part, dtype=np.float32) for part in parts)


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
    rows, columns, shares = targets(examples, np.flatnonzero(own), posteriors)
    recipe = RECIPES[base.recipe]
    plain = balanced_weights(base.corpora[kept].tolist(), base.labels[kept], recipe.corpus_weights or {})
    return TrainingRows(
        np.concatenate([base.rows(kept), examples.rows[rows]]),
        np.concatenate([np.tile(base.labels[kept], n_copies), np.array(base.emotions)[columns]]),
        np.concatenate([with_copies(plain, n_copies, recipe.copy_weight), weights[rows] * shares]),
    )


def targets(
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
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # near enough for a first opinion
            logistic = LogisticRegression(C=penalty, max_iter=50).fit(chosen.rows, chosen.labels, chosen.weights)
        order = [list(logistic.classes_).index(emotion) for emotion in base.emotions]
        found[folds == fold] = logistic.predict_log_proba(examples.rows[folds == fold])[:, order]
    return found


def make_heads(base: Base, seed: int) -> FusedHeads:
    """Make unfitted heads as the base's recipe does."""
    heads = RECIPES[base.recipe].make(seed)
    assert isinstance(heads, FusedHeads)  # noqa: S101 - `learn` has checked the recipe
    return heads


def base_scores(base: Base, twins: Sequence[Twin]) -> list[Scores]:
    """Return what each twin says of the base's speakers that it did not learn from, under each condition.

    Returns
    -------
    list of ndarray of float, each of shape=(n_tested, n_emotions)
    """
    folds, found = base.folds[base.tested], []
    for condition in range(len(base.conditions)):
        rows = base.tested_rows(condition)
        scores = np.zeros((len(rows), len(base.emotions)))
        for fold, twin in enumerate(twins):
            scores[folds == fold] = twin.scores(rows[folds == fold])
        found.append(scores)
    return found


def example_scores(base: Base, twins: Sequence[Twin], examples: Examples) -> Scores:
    """Return what each twin says of the people whom it did not learn from, shape=(n_examples, n_emotions)."""
    folds = folds_of(examples, base.n_folds)
    found = np.zeros((len(examples), len(base.emotions)))
    for fold, twin in enumerate(twins):
        found[folds == fold] = twin.scores(examples.rows[folds == fold])
    return found


def adaptations_of(twins: Sequence[Twin]) -> dict[int, Adaptation]:
    """Return the adaptations of twins that have one, by fold."""
    return {fold: twin.adaptation for fold, twin in enumerate(twins) if twin.adaptation is not None}


def twins_to_bytes(twins: Sequence[Twin]) -> bytes:
    """Write twins, their heads in half precision."""
    file = io.BytesIO()
    arrays: dict[str, NDArray[np.floating]] = {
        f"{fold}-{i}": part.astype(np.float16)
        for fold, twin in enumerate(twins)
        for i, part in enumerate((*twin.logistic, *twin.perceptron))
    }
    arrays |= {
        f"{fold}-adaptation": twin.adaptation.weights_ for fold, twin in enumerate(twins) if twin.adaptation is not None
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
            twins, n = [], len(base.emotions)
            for fold in range(base.n_folds):
                parts = tuple(file[f"{fold}-{i}"].astype(np.float32) for i in range(6))
                name = f"{fold}-adaptation"
                adaptation = Adaptation.of(file[name]) if name in file else None
                twins.append(Twin(parts[:2], parts[2:], adaptation))
                twins[-1].scores(base.tested_rows(0)[:1])
                if adaptation is not None:
                    adaptation.adapt(np.zeros((1, n)), np.zeros((1, 2 * n + 1)), np.zeros(1))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f"The twins of the champion are damaged or of another base ({error}).") from error
    return twins
