"""The classifiers on top of feature vectors, and their calibration."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

Matrix = NDArray[np.float32]


class FusedHeads(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """Multinomial logistic regression and a multilayer perceptron on standardised features, fused.

    Both see features that are standardised and clipped; their log-probabilities are averaged. They are fitted in the
    space that the training rows span, turned so that it has fewer axes, which gives the same classifiers in a fifth of
    the time, and then turned back.

    Parameters
    ----------
    C : float
        Inverse strength of the logistic regression's L2 penalty.
    hidden : int
        Units of the perceptron's one hidden layer.
    alpha : float
        Strength of the perceptron's L2 penalty.
    learning_rate : float
        Initial step of the perceptron's Adam.
    max_iter : int
        Epochs of the perceptron.
    clip : float
        Standardised features are clipped to plus and minus this.
    n_axes : int
        Axes of that space at most.
    random_state : int
        Seed of the perceptron.

    Attributes
    ----------
    classes_ : ndarray of str, shape=(n_classes,)
    scaler_, logistic_, perceptron_
        The fitted parts.
    """

    def __init__(
        self,
        *,
        C: float = 5e-4,  # noqa: N803  (scikit-learn's name)
        hidden: int = 300,
        alpha: float = 1.0,
        learning_rate: float = 3e-4,
        max_iter: int = 12,
        clip: float = 5.0,
        n_axes: int = 1400,
        random_state: int = 0,
    ) -> None:
        self.C = C
        self.hidden = hidden
        self.alpha = alpha
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.clip = clip
        self.n_axes = n_axes
        self.random_state = random_state

    def fit(self, X: Matrix, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:  # noqa: N803
        """Fit scaler and both heads.

        Parameters
        ----------
        X : ndarray of float32, shape=(n_utterances, n_features)
        y : array_like of str, shape=(n_utterances,)
        sample_weight : array_like of float, shape=(n_utterances,), optional
            How much each utterance counts; otherwise classes count alike, however many utterances they have.
        """
        weight = compute_sample_weight("balanced", y) if sample_weight is None else np.asarray(sample_weight)
        self.scaler_ = StandardScaler().fit(X)
        scaled = self.scale(X)
        axes = principal_axes(scaled, self.n_axes)
        if axes is None:
            return self.fit_turned(scaled, y, weight)
        return self.fit_turned(scaled @ axes, y, weight).turn_back(axes)

    def fit_turned(self, turned: Matrix, y: ArrayLike, sample_weight: ArrayLike) -> Self:
        """Fit both heads to rows that are standardised and turned; see `turn_back`.

        Parameters
        ----------
        turned : ndarray of float32, shape=(n_utterances, n_axes)
        y : array_like of str, shape=(n_utterances,)
        sample_weight : array_like of float, shape=(n_utterances,)
        """
        weight = np.asarray(sample_weight, dtype=np.float64)
        self.logistic_ = LogisticRegression(C=self.C, max_iter=200)
        self.perceptron_ = MLPClassifier(
            (self.hidden,),
            alpha=self.alpha,
            learning_rate_init=self.learning_rate,
            max_iter=self.max_iter,
            tol=0.0,
            n_iter_no_change=self.max_iter,
            random_state=self.random_state,
        )
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # both stop early on purpose
            self.logistic_.fit(turned, y, sample_weight=weight)
            self.perceptron_.fit(turned, y, sample_weight=weight)
        # What only further fitting needs is three times the size of the network.
        for spare in ("_optimizer", "_best_coefs", "_best_intercepts"):
            vars(self.perceptron_).pop(spare, None)
        self.classes_ = self.logistic_.classes_
        return self

    def turn_back(self, axes: Matrix, scaler: StandardScaler | None = None) -> Self:
        """Let heads that were fitted to turned rows read the features themselves.

        Parameters
        ----------
        axes : ndarray of float32, shape=(n_features, n_axes)
            The rows were standardised features times this.
        scaler : StandardScaler, optional
            The fitted one that standardised them, where it is not this estimator's own.
        """
        if scaler is not None:
            self.scaler_ = scaler
        self.logistic_.coef_ = np.asarray(self.logistic_.coef_ @ axes.T, dtype=np.float32)
        self.perceptron_.coefs_[0] = np.asarray(axes @ self.perceptron_.coefs_[0], dtype=np.float32)
        self.logistic_.n_features_in_ = self.perceptron_.n_features_in_ = len(axes)
        return self

    def decision_function(self, X: Matrix) -> NDArray[np.float64]:  # noqa: N803
        """Mean log-probability of both heads, shape=(n_utterances, n_classes)."""
        return self.decide(self.scale(X))

    def decide(self, scaled: Matrix) -> NDArray[np.float64]:
        """Mean log-probability of both heads for rows as they read them, shape=(n_utterances, n_classes)."""
        floor = 1e-6  # a head that is certain must not overrule the other
        logs = [
            np.log(head.predict_proba(scaled).astype(np.float64) + floor) for head in (self.logistic_, self.perceptron_)
        ]
        return np.asarray(np.mean(logs, axis=0))

    def predict_proba(self, X: Matrix) -> NDArray[np.float64]:  # noqa: N803
        """Probabilities without a temperature, shape=(n_utterances, n_classes)."""
        return softmax(self.decision_function(X))

    def predict(self, X: Matrix) -> NDArray[np.str_]:  # noqa: N803
        """Most probable classes, shape=(n_utterances,)."""
        return np.asarray(self.classes_[self.decision_function(X).argmax(axis=1)])

    def evidence_weights(self, label: str) -> NDArray[np.float64]:
        """Return the logistic head's weights for a class, less the mean of all classes', shape=(n_features,).

        Times standardised features, they add up to its evidence for that class against the others.
        """
        weights = np.atleast_2d(np.asarray(self.logistic_.coef_, dtype=np.float64))
        if len(weights) == 1:  # of two classes scikit-learn keeps one row, for the second
            weights = np.vstack([-weights, weights]) / 2
        return np.asarray(weights[list(self.classes_).index(label)] - weights.mean(axis=0))

    def unfamiliarity(self, scaled: Matrix) -> NDArray[np.float64]:
        """Say how far rows of `scale` are from what was trained on: mean distance in deviations, shape=(n_rows,)."""
        return np.asarray(np.abs(scaled).mean(axis=1, dtype=np.float64))

    def scale(self, X: Matrix) -> Matrix:  # noqa: N803
        """Standardise and clip features, shape=(n_utterances, n_features)."""
        return np.asarray(np.clip(self.scaler_.transform(X), -self.clip, self.clip), dtype=np.float32)


def principal_axes(rows: Matrix, n_axes: int) -> Matrix | None:
    """Find orthonormal axes of the space that rows span, shape=(n_features, n_axes); None where it would save nothing.

    They are the principal ones, without centring, of at most two rows for each axis, evenly spread over all.
    """
    if min(rows.shape) <= n_axes:
        return None
    some = rows[np.linspace(0, len(rows) - 1, min(len(rows), 2 * n_axes)).astype(int)].astype(np.float64)
    values, vectors = scipy.linalg.eigh(some @ some.T)
    kept = np.flatnonzero(values > 1e-6 * values[-1])[-n_axes:]
    return np.asarray(some.T @ (vectors[:, kept] / np.sqrt(values[kept])), dtype=np.float32)


def softmax(scores: NDArray[np.float64], *, temperature: float = 1.0) -> NDArray[np.float64]:
    """Turn log-scores into probabilities.

    Parameters
    ----------
    scores : ndarray of float, shape=(..., n_classes)
    temperature : float
        What the scores are divided by: above 1 the probabilities become more alike.

    Returns
    -------
    ndarray of float, shape=(..., n_classes)
        They sum to 1 along the last axis.
    """
    shifted = scores / temperature
    powers = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def fit_temperature(scores: NDArray[np.float64], truth: NDArray[np.intp]) -> float:
    """Find the temperature that makes probabilities honest.

    Parameters
    ----------
    scores : ndarray of float, shape=(n_utterances, n_classes)
        Log-scores of utterances whose speakers the classifier was not fitted on.
    truth : ndarray of int, shape=(n_utterances,)
        Column of the right class.

    Returns
    -------
    float
        Temperature with the least negative log-likelihood, between 0.1 and 10.

    References
    ----------
    Guo et al. (2017), "On calibration of modern neural networks", ICML.
    """
    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        probabilities = softmax(scores, temperature=float(np.exp(log_temperature)))
        return float(-np.log(probabilities[rows, truth] + 1e-12).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.1), np.log(10)), method="bounded").x))
