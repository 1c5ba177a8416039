"""What was learned of strange recordings: how far the experts' opinions of them are to be read differently."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.base import BaseEstimator

Scores = NDArray[np.float64]


class Adaptation(BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """What is added to the fused log-scores of strange recordings: a linear map of what both experts say.

    Elsewhere than at home the experts err in ways of their own: one language's neutral voices sound sad to them, and
    the one that learned from people knows more there than the one that did not. A map from the opinions of both to the
    scores can turn this around. It is fitted to what people said of notes, as the experts hear them who never met the
    people, and shrunk towards adding nothing. Recordings that are not strange are left alone, so nothing is forgotten.

    Parameters
    ----------
    penalty : float
        Strength of the L2 penalty on the map, for all examples together: where little was said, little is added.
    say_penalty : float
        Of the L2 penalty on how much of the say goes from one expert to the other, which is a single number beside the
        map: a few people's examples tell it.

    Attributes
    ----------
    weights_ : ndarray of float64, shape=(n_evidence, n_classes)

    References
    ----------
    Wolpert (1992), "Stacked generalization", Neural Networks 5(2).
    """

    def __init__(self, *, penalty: float = 20.0, say_penalty: float = 5.0) -> None:
        self.penalty = penalty
        self.say_penalty = say_penalty

    def fit(
        self,
        evidence: Scores,
        logits: Scores,
        truth: NDArray[np.intp],
        *,
        gain: NDArray[np.float64],
        weight: NDArray[np.float64],
    ) -> Self:
        """Find the map that makes the likelihood of what people said highest.

        Parameters
        ----------
        evidence : ndarray of float, shape=(n_examples, 2 * n_classes + 1)
            From `emotify_core.experts.evidence_of`.
        logits : ndarray of float, shape=(n_examples, n_classes)
            The softmax of these is what would be heard without a map.
        truth : ndarray of int, shape=(n_examples,)
            Column of the right class.
        gain : ndarray of float, shape=(n_examples,)
            How much what is added to a score adds to its logit: 0 where an example is not strange.
        weight : ndarray of float, shape=(n_examples,)
            How much each counts, in corrections; the penalties are meant for these.
        """
        shape, one = (evidence.shape[1], logits.shape[1]), np.eye(logits.shape[1])
        right, scaled = one[truth], evidence * gain[:, None]
        to_network = np.vstack([-one, one, 0 * one[:1]])

        def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            own, say = flat[:-1].reshape(shape), flat[-1]
            logs = log_softmax(logits + scaled @ (own + say * to_network), axis=1)
            slope = scaled.T @ ((np.exp(logs) - right) * weight[:, None])
            gradient = np.append(
                slope + 2 * self.penalty * own, (slope * to_network).sum() + 2 * self.say_penalty * say
            )
            penalty = self.penalty * np.square(own).sum() + self.say_penalty * say**2
            return float(penalty - weight @ (logs * right).sum(axis=1)), gradient

        start = np.zeros(shape[0] * shape[1] + 1)
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
        self.weights_ = np.asarray(found[:-1].reshape(shape) + found[-1] * to_network)
        return self

    @classmethod
    def of(cls, weights: NDArray[np.floating]) -> Self:
        """Make one of the weights of one that was fitted."""
        made = cls()
        made.weights_ = np.asarray(weights, dtype=np.float64)
        return made

    def adapt(self, scores: Scores, evidence: Scores, strangeness: NDArray[np.floating]) -> Scores:
        """Return fused log-scores with what is added to them, the more the stranger, shape=(n_utterances, n_classes).

        Parameters
        ----------
        scores : ndarray of float, shape=(n_utterances, n_classes)
        evidence : ndarray of float, shape=(n_utterances, n_evidence)
        strangeness : ndarray of float, shape=(n_utterances,)
            From 0 to 1; see `DomainDetector`.
        """
        return np.asarray(scores + strangeness[:, None] * (evidence @ self.weights_))
