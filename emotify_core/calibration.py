"""Honest probabilities: a temperature that knows how good the recording is, and no favourite emotions."""

from __future__ import annotations

import copy
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.base import BaseEstimator

from emotify_core.heads import Matrix, fit_temperature, softmax

_RANGE = (0.1, 10.0)  # of temperatures
_PERFECT = 1e-9  # a mean loss that is as good as none; powers need it to be greater than zero


class Calibration(BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """One temperature, how it rises with noise and reverberation, and a bias for each emotion.

    In noise the experts are wrong more often than they think. Their log-scores are divided by a temperature whose
    logarithm is linear in a few features that tell bad recordings from good ones, and short ones from long. And they
    name some emotions too rarely, those that are spoken softly above all: a number for each emotion is added, so that
    all emotions count alike, however often they were recorded, and the more, the more often they are missed. They stand
    for what is usual: as a voice becomes known, they fade.

    What is fitted comes from recordings of one corpus. Elsewhere the experts are right much less often, and favour
    other emotions. So the more an utterance is strange to that corpus, the more its logits are divided, which changes
    no verdict, and the less do the biases count.

    Parameters
    ----------
    penalty : float
        Strength of the L2 penalty on the slopes, for each utterance.
    bias_penalty : float
        Strength of the L2 penalty on the biases, for all utterances together: few of them say little about biases.
    focus : float or None
        The biases make a power mean of the emotions' mean losses least, and this is its exponent: 1 if all shall count
        alike; the higher it is, the more does the one that is recognised worst. None: utterances count alike.
    clip : float
        Standardised features are clipped to plus and minus this.
    strange_factor : float or None
        What the temperature of the strangest utterances is multiplied with. The last column of the quality says how
        strange each is, from 0 to 1. None: there is no such column.
    strange_bias : float
        How much of the biases the strangest utterances get, from 0 to 1; it matters only with a `strange_factor`.

    Attributes
    ----------
    mean_, scale_ : ndarray of float64, shape=(n_features,)
    slopes_ : ndarray of float64, shape=(n_features,)
    log_temperature_ : float
        Natural logarithm of the temperature of an average recording.
    biases_ : ndarray of float64, shape=(n_classes,)
        Are added to the scaled scores, so columns must always have the order that they had in `fit`.
    fitted_biases_ : ndarray of float64, shape=(n_classes,)
        Those of `fit`; `biases_` are others after `moved`.

    References
    ----------
    Guo et al. (2017), "On calibration of modern neural networks", ICML: temperature and vector scaling. A temperature
    for each input: Tomani et al. (2022), "Parameterized temperature scaling for boosting the expressive power in
    post-hoc uncertainty calibration", ECCV.
    """

    biases_: NDArray[np.float64] | None = None  # models that were published before there were any have none
    fitted_biases_: NDArray[np.float64] | None = None
    focus: float | None = None  # as had models before it, and before the next
    strange_factor: float | None = None
    strange_bias: float = 1.0

    def __init__(
        self,
        *,
        penalty: float = 1e-3,
        bias_penalty: float = 60.0,
        focus: float | None = 3.0,
        clip: float = 3.0,
        strange_factor: float | None = None,
        strange_bias: float = 0.0,
    ) -> None:
        self.penalty = penalty
        self.bias_penalty = bias_penalty
        self.focus = focus
        self.clip = clip
        self.strange_factor = strange_factor
        self.strange_bias = strange_bias

    def fit(self, scores: NDArray[np.float64], truth: NDArray[np.intp], quality: Matrix) -> Self:
        """Find what makes the log-likelihood highest: the temperatures first, then the biases, by their own measure.

        Parameters
        ----------
        scores : ndarray of float, shape=(n_utterances, n_classes)
            Log-scores of utterances whose speakers the experts were not fitted on.
        truth : ndarray of int, shape=(n_utterances,)
            Column of the right class.
        quality : ndarray of float32, shape=(n_utterances, n_features)
            Features that tell how good the recordings are; there may be none.
        """
        known = quality if self.strange_factor is None else quality[:, :-1]
        self.mean_ = known.mean(axis=0, dtype=np.float64)
        self.scale_ = known.std(axis=0, dtype=np.float64) + 1e-9
        z = self._standardize(quality)
        rows, doubts = np.arange(len(truth)), self._doubts(quality)

        def loss(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            temperature = np.exp(x[0] + z @ x[1:])
            scaled = scores / (temperature[:, None] * doubts)
            probabilities = softmax(scaled)
            slope = (scaled[rows, truth] - (probabilities * scaled).sum(axis=1)) / len(rows)
            penalty = self.penalty * np.square(x[1:]).sum()
            likelihood = np.log(probabilities[rows, truth] + 1e-12).mean()
            gradient = np.concatenate([[slope.sum()], z.T @ slope + 2 * self.penalty * x[1:]])
            return float(penalty - likelihood), gradient

        start = np.concatenate([[np.log(fit_temperature(scores / doubts, truth))], np.zeros(z.shape[1])])
        bounds = [tuple(np.log(_RANGE)), *[(-1.0, 1.0)] * z.shape[1]]
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
        self.log_temperature_, self.slopes_ = float(found[0]), np.asarray(found[1:])
        self.biases_ = self.fitted_biases_ = self._fit_biases(scores, truth, quality)
        return self

    def moved(
        self, before: NDArray[np.float64], now: NDArray[np.float64], truth: NDArray[np.intp], quality: Matrix
    ) -> Calibration:
        """Return a calibration for experts who have changed: its biases make up for what the change favours.

        They are moved by the difference of what both experts' scores of the same utterances ask for. To fit them anew
        would forget what they were fitted to, which is more than these utterances.

        Parameters
        ----------
        before, now, truth, quality : ndarray
            As for `fit`; before: scores of the experts that it was fitted for.
        """
        start = self.biases_ if self.fitted_biases_ is None else self.fitted_biases_
        if start is None:
            return self
        asked, asked_before = (self._fit_biases(scores, truth, quality) for scores in (now, before))
        other = copy.copy(self)
        other.fitted_biases_, other.biases_ = start, start + (asked - asked_before)
        return other

    def _fit_biases(self, scores: NDArray[np.float64], truth: NDArray[np.intp], quality: Matrix) -> NDArray[np.float64]:
        rows, right = np.arange(len(truth)), np.eye(scores.shape[1])[truth]
        scaled, doubts = scores / self.temperatures(quality)[:, None], self._doubts(quality)
        penalty, shares = self.bias_penalty / len(rows), self._bias_shares(quality)

        def loss(biases: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            probabilities = softmax((scaled + shares * biases) / doubts)
            total, weights = self._summed(-np.log(probabilities[rows, truth] + 1e-12), truth)
            gradient = weights @ ((probabilities - right) * shares / doubts) + 2 * penalty * biases
            return float(penalty * np.square(biases).sum() + total), gradient

        return np.asarray(minimize(loss, np.zeros(scaled.shape[1]), jac=True, method="L-BFGS-B").x)

    def _summed(self, losses: NDArray[np.float64], truth: NDArray[np.intp]) -> tuple[float, NDArray[np.float64]]:
        """Sum up the losses of utterances, and return how much each of them counts in that, too."""
        if self.focus is None:
            return float(losses.mean()), np.full(len(losses), 1 / len(losses))
        labels, counts = np.unique(truth, return_counts=True)
        means = np.maximum(np.bincount(truth, losses)[labels] / counts, _PERFECT)
        total = np.mean(means**self.focus) ** (1 / self.focus)
        weights = np.zeros(labels[-1] + 1)
        weights[labels] = (means / total) ** (self.focus - 1) / len(labels) / counts
        return float(total), weights[truth]

    def temperatures(self, quality: Matrix) -> NDArray[np.float64]:
        """Return the temperature of each utterance as if none were strange, shape=(n_utterances,)."""
        z = self._standardize(quality)
        return np.asarray(np.clip(np.exp(self.log_temperature_ + z @ self.slopes_), *_RANGE))

    def probabilities(
        self, scores: NDArray[np.float64], quality: Matrix, *, unknown: float | NDArray[np.float64] = 1.0
    ) -> NDArray[np.float64]:
        """Turn log-scores into probabilities, shape=(n_utterances, n_classes).

        Parameters
        ----------
        scores, quality : ndarray
            As for `fit`.
        unknown : float, or ndarray of float, shape=(n_utterances,)
            How little is known of the voice, from 1 to 0: see `SpeakerPrior.voice`.
        """
        scaled = scores / self.temperatures(quality)[:, None]
        if self.biases_ is not None:
            scaled = scaled + np.reshape(unknown, (-1, 1)) * self._bias_shares(quality) * self.biases_
        return softmax(scaled / self._doubts(quality))

    def affine(self, quality: Matrix) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what makes logits of the log-scores of a voice that is not known: slopes and offsets.

        Returns
        -------
        slopes : ndarray of float64, shape=(n_utterances, 1)
        offsets : ndarray of float64, shape=(n_utterances, n_classes), or (n_utterances, 1) of zeros without biases
        """
        doubts = self._doubts(quality)
        biases = np.zeros(1) if self.biases_ is None else self.biases_
        return 1 / (self.temperatures(quality)[:, None] * doubts), self._bias_shares(quality) * biases / doubts

    def _doubts(self, quality: Matrix) -> NDArray[np.float64]:
        """Return what scores are divided by for being strange, shape=(n_utterances, 1)."""
        if self.strange_factor is None:
            return np.ones((len(quality), 1))
        return np.asarray(self.strange_factor ** quality[:, -1:].astype(np.float64))

    def _bias_shares(self, quality: Matrix) -> NDArray[np.float64]:
        """Return how much of the biases utterances have, shape=(n_utterances, 1)."""
        if self.strange_factor is None:
            return np.ones((len(quality), 1))
        return np.asarray(1 - (1 - self.strange_bias) * quality[:, -1:].astype(np.float64))

    def _standardize(self, quality: Matrix) -> NDArray[np.float64]:
        known = quality[:, : len(self.mean_)]  # others, such as strangeness, follow
        return np.asarray(np.clip((known - self.mean_) / self.scale_, -self.clip, self.clip))
