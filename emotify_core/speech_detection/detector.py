"""Is there a voice that speaks? Asked before anybody guesses how it feels."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from emotify_core.speech_detection.descriptors import iterate_descriptors

Matrix = NDArray[np.float32]


class SpeechDetector(BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """Small multilayer perceptrons on standardised descriptors, their log-odds averaged.

    Parameters
    ----------
    threshold : float
        A sound holds speech if the probability of any of its parts reaches this.
    hidden : int
        Units of the hidden layer.
    n_networks : int
        How many networks vote.
    alpha : float
        Strength of the L2 penalty.
    jitter : float
        Every training row is also shown with noise of this standard deviation: what the detector will hear is made of
        other sounds than what it learns from.
    max_iter : int
        Epochs.
    clip : float
        Standardised descriptors are clipped to plus and minus this.
    random_state : int

    Attributes
    ----------
    mean_, scale_ : ndarray of float64, shape=(n_descriptors,)
    weights_ : list of ndarray of float64
        One array for every layer, shape=(n_networks, n_inputs, n_outputs).
    biases_ : list of ndarray of float64
        One array for every layer, shape=(n_networks, 1, n_outputs).
    n_features_in_ : int

    Notes
    -----
    `emotify train` measures it on kinds of sounds and on speakers that it was not fitted on, and the model card shows
    the figures. A single cough or sneeze with much voice in it still passes for a syllable.
    """

    def __init__(
        self,
        *,
        threshold: float = 0.5,
        hidden: int = 64,
        n_networks: int = 3,
        alpha: float = 1.0,
        jitter: float = 0.5,
        max_iter: int = 40,
        clip: float = 4.0,
        random_state: int = 0,
    ) -> None:
        self.threshold = threshold
        self.hidden = hidden
        self.n_networks = n_networks
        self.alpha = alpha
        self.jitter = jitter
        self.max_iter = max_iter
        self.clip = clip
        self.random_state = random_state

    def fit(self, X: Matrix, y: ArrayLike) -> Self:  # noqa: N803
        """Fit the networks.

        Parameters
        ----------
        X : ndarray of float32, shape=(n_parts, n_descriptors)
        y : array-like of bool, shape=(n_parts,)
            True where somebody speaks. Both kinds count alike, however many parts they have.

        Raises
        ------
        ValueError
            If there are not both kinds.
        """
        is_speech = np.asarray(y, dtype=bool)
        if is_speech.all() or not is_speech.any():
            raise ValueError("both speech and other sounds are needed")
        self.mean_ = X.mean(axis=0, dtype=np.float64)
        self.scale_ = X.std(axis=0, dtype=np.float64) + 1e-6
        self.n_features_in_ = X.shape[1]
        rng = np.random.default_rng(self.random_state)
        speech, other = np.flatnonzero(is_speech), np.flatnonzero(~is_speech)
        n = max(len(speech), len(other))
        rows = np.concatenate([np.resize(rng.permutation(speech), n), np.resize(rng.permutation(other), n)])
        Z = self._standardize(X[rows])  # noqa: N806
        Z = np.concatenate([Z, Z + self.jitter * rng.standard_normal(Z.shape)])  # noqa: N806
        networks = [self._fit_network(Z, np.tile(is_speech[rows], 2), i) for i in range(self.n_networks)]
        self.weights_ = [np.stack(layer) for layer in zip(*(net.coefs_ for net in networks), strict=True)]
        self.biases_ = [np.stack(layer)[:, None] for layer in zip(*(net.intercepts_ for net in networks), strict=True)]
        return self

    def speech_probability(self, X: Matrix) -> NDArray[np.float64]:  # noqa: N803
        """Return how sure it is that somebody speaks, part by part.

        Parameters
        ----------
        X : ndarray of float32, shape=(n_parts, n_descriptors)
            See `speech_descriptors`.

        Returns
        -------
        ndarray of float64, shape=(n_parts,)
        """
        hidden = np.maximum(self._standardize(X) @ self.weights_[0] + self.biases_[0], 0)
        log_odds = (hidden @ self.weights_[1] + self.biases_[1]).mean(axis=0)[:, 0]
        return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -50, 50))))

    def has_speech(self, y: NDArray[np.float32]) -> bool:
        """Tell whether somebody speaks in a signal.

        Parameters
        ----------
        y : ndarray of float32, shape=(n_samples,)
            Signal at 16 kHz, conditioned, of any length and level.

        Notes
        -----
        One part of two seconds is enough: a cough, or noise before and after, takes nothing away from a word.
        """
        return self.certainty(y, enough=self.threshold) >= self.threshold

    def certainty(self, y: NDArray[np.float32], *, enough: float = 1.0) -> float:
        """Say how sure it is that somebody speaks in the surest part of a signal.

        Parameters
        ----------
        y : ndarray of float32, shape=(n_samples,)
            As for `has_speech`.
        enough : float
            The other parts are not asked once one is as sure as this.
        """
        surest = 0.0
        for row in iterate_descriptors(y):
            surest = max(surest, float(self.speech_probability(row)[0]))
            if surest >= enough:
                break
        return surest

    def _standardize(self, X: Matrix) -> NDArray[np.float64]:  # noqa: N803
        return np.asarray(np.clip((X - self.mean_) / self.scale_, -self.clip, self.clip))

    def _fit_network(self, Z: NDArray[np.float64], is_speech: NDArray[np.bool_], i: int) -> MLPClassifier:  # noqa: N803
        network = MLPClassifier(
            (self.hidden,),
            alpha=self.alpha,
            batch_size=min(256, len(Z)),
            learning_rate_init=3e-3,
            max_iter=self.max_iter,
            random_state=self.random_state * 1000 + i,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it need not converge; longer is no better
            return network.fit(Z, is_speech)


def fit_speech_detector(X_speech: Matrix, X_non_speech: Matrix, *, seed: int = 0) -> SpeechDetector:  # noqa: N803
    """Fit a detector with the settings that were chosen.

    Parameters
    ----------
    X_speech, X_non_speech : ndarray of float32, shape=(n_parts, n_descriptors)
        Descriptors of parts in which somebody speaks, and of parts in which nobody does.
    seed : int, default=0

    Returns
    -------
    SpeechDetector
        Fitted.
    """
    is_speech = np.arange(len(X_speech) + len(X_non_speech)) < len(X_speech)
    return SpeechDetector(random_state=seed).fit(np.concatenate([X_speech, X_non_speech]), is_speech)
