"""Does a recording resemble those that the figures were measured on? Elsewhere the model is right much less often."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from emotify_core.heads import Matrix, principal_axes

_RAMP = (0.95, 0.999)  # quantiles of the home corpus between which a recording becomes a strange one
_PER_AXIS = 20


class DomainDetector(BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """Tells recordings of the home corpus, degraded ones too, from those of other corpora, met or not.

    Two measures see different strangers: a logistic regression that tells the home corpus from the other corpora of the
    training sees languages, microphones and studios; the distance from the home corpus sees what is unlike all of them,
    such as single words. An utterance is as strange as the stranger of the two says.

    Parameters
    ----------
    C : float
        Inverse strength of the logistic regression's L2 penalty.
    n_axes : int
        Principal axes that the logistic regression reads.
    n_near : int
        Of these, the first ones, in which distances are measured; fewer if there are not `_PER_AXIS` utterances of the
        home corpus for each, else those that were not met would all be far away.
    ridge : float
        Share of the mean variance that is added to the variance on each axis before distances are measured.

    Attributes
    ----------
    weights_ : ndarray of float32, shape=(n_features,)
        Of the logistic regression; zeros where nothing but the home corpus was met.
    near_ : ndarray of float32, shape=(n_features, n_near)
        Turns features so that the home corpus has unit variance in all directions.
    centre_ : ndarray of float64, shape=(n_near,)
    ramps_ : ndarray of float64, shape=(2, 2)
        For each measure where strangeness begins, and where it is complete.
    is_everything_strange_ : bool
        Nothing of the home corpus was met, so there is nothing of the above.

    References
    ----------
    Lee et al. (2018), "A simple unified framework for detecting out-of-distribution samples and adversarial attacks",
    NeurIPS: the Mahalanobis distance.
    """

    def __init__(self, *, C: float = 1e-3, n_axes: int = 400, n_near: int = 50, ridge: float = 1e-2) -> None:  # noqa: N803
        self.C = C
        self.n_axes = n_axes
        self.n_near = n_near
        self.ridge = ridge

    def fit(self, scaled: Matrix, is_home: NDArray[np.bool_], sample_weight: NDArray[np.float64] | None = None) -> Self:
        """Learn what the home corpus sounds like.

        Parameters
        ----------
        scaled : ndarray of float32, shape=(n_utterances, n_features)
            Features as the first expert scales them.
        is_home : ndarray of bool, shape=(n_utterances,)
        sample_weight : ndarray of float, shape=(n_utterances,), optional
            How much each utterance counts for the logistic regression.
        """
        self.is_everything_strange_ = not is_home.any()
        if self.is_everything_strange_:
            return self
        n_features = scaled.shape[1]
        axes = principal_axes(scaled, self.n_axes)
        if axes is None:
            axes = np.eye(n_features, dtype=np.float32)
        axes = axes[:, ::-1]  # the widest first
        turned = scaled @ axes
        self.weights_ = np.zeros(n_features, dtype=np.float32)
        if not is_home.all():
            logistic = LogisticRegression(C=self.C, max_iter=200)
            with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
                logistic.fit(turned, ~is_home, sample_weight=sample_weight)
            self.weights_ = np.asarray(axes @ logistic.coef_[0], dtype=np.float32)
        n_near = max(1, min(self.n_near, int(is_home.sum()) // _PER_AXIS))
        home = turned[is_home, :n_near].astype(np.float64)
        covariance = np.atleast_2d(np.cov(home.T))
        mean_variance = np.trace(covariance) / len(covariance) + 1e-9
        precision = np.linalg.inv(covariance + self.ridge * mean_variance * np.eye(len(covariance)))
        whitener = np.linalg.cholesky(precision)
        self.near_ = np.asarray(axes[:, : len(whitener)] @ whitener, dtype=np.float32)
        self.centre_ = home.mean(axis=0) @ whitener
        self.ramps_ = np.quantile(self._measures(scaled[is_home]), _RAMP, axis=0).T
        return self

    def strangeness(self, scaled: Matrix) -> NDArray[np.float64]:
        """Say how little utterances are like the home corpus, from 0 to 1, shape=(n_utterances,)."""
        if self.is_everything_strange_:
            return np.ones(len(scaled))
        begin, end = self.ramps_.T
        beyond = (self._measures(scaled) - begin) / np.maximum(end - begin, 1e-9)
        return np.asarray(np.clip(beyond, 0, 1).max(axis=1))

    def _measures(self, scaled: Matrix) -> NDArray[np.float64]:
        """Return the log-odds of another corpus, without a constant, and the distance, shape=(n_utterances, 2)."""
        offsets = (scaled @ self.near_).astype(np.float64) - self.centre_
        return np.column_stack([scaled @ self.weights_, np.sqrt(np.square(offsets).mean(axis=1))])
