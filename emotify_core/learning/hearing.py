"""What the scores of twins come to, together with the network's, for the base and for the examples of a night."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotify_core.adaptation import Adaptation
from emotify_core.baseline import SpeakerPrior
from emotify_core.calibration import Calibration
from emotify_core.experts import FUNCTIONALS, NETWORK, Experts, Scores, evidence_of, fuse
from emotify_core.learning import twins as t
from emotify_core.learning.base import Base
from emotify_core.learning.examples import Examples
from emotify_core.learning.weights import UTTERANCES

NOT_ADAPTED: Final[Mapping[int, Adaptation]] = {}
Probabilities = NDArray[np.float64]


class Hearing:
    """Hears the base and the examples as the serving model would with other heads, calibration and adaptations.

    Parameters
    ----------
    base : Base
    serving : Experts
        Whose classes, calibration and prior are taken.
    examples : Examples

    Notes
    -----
    Scores of heads have columns in the order of the base's emotions, and so have probabilities; fused ones have that of
    the model's classes. Adaptations are given by the fold whose people they were not fitted to.
    """

    def __init__(self, base: Base, serving: Experts, examples: Examples) -> None:
        self._base = base
        self._serving = serving
        self._examples = examples
        self._columns = [base.emotions.index(name) for name in serving.classes]
        self._back = [serving.classes.index(name) for name in base.emotions]
        self._folds = t.folds_of(examples, base.n_folds)
        self.shipped_scores = [np.asarray(scores, dtype=np.float64) for scores in base.head_scores]
        """What the shipped model's heads say of the base's tested utterances, under each condition."""

    def examples(
        self,
        head_scores: Scores,
        calibration: Calibration | None,
        adaptations: Mapping[int, Adaptation] = NOT_ADAPTED,
    ) -> Probabilities:
        """Return what head scores of the examples come to, shape=(n_examples, n_emotions)."""
        return self._heard(head_scores, calibration, self._examples.strangeness, adaptations)

    def plausible(self, head_scores: Scores, calibration: Calibration | None) -> Probabilities:
        """Return what head scores of the examples come to with the say of home, shape=(n_examples, n_emotions).

        How far people's names are plausible is told by heads that learned from everybody else more than by the network,
        which has most of the say where a recording is strange.
        """
        return self._heard(head_scores, calibration, np.zeros(len(self._examples)), NOT_ADAPTED)

    def base(
        self,
        head_scores: Sequence[Scores],
        calibration: Calibration | None,
        adaptations: Mapping[int, Adaptation] = NOT_ADAPTED,
    ) -> list[Probabilities]:
        """Return what head scores of the base's tested utterances come to, under each condition."""
        return [
            self._probabilities(fused, quality, calibration)
            for fused, quality in zip(self._fused_base(head_scores, adaptations), self._base.quality, strict=True)
        ]

    def moved(self, head_scores: Sequence[Scores]) -> Calibration | None:
        """Return the calibration for heads whose scores of the base are given."""
        if self._serving.calibration is None:
            return None
        before, now = self._fused_base(self.shipped_scores), self._fused_base(head_scores)
        return self._serving.calibration.moved(
            np.concatenate(before),
            np.concatenate(now),
            np.tile(self._truth(), len(now)),
            np.concatenate(self._base.quality),
        )

    def prior(self, head_scores: Sequence[Scores], adaptations: Mapping[int, Adaptation]) -> SpeakerPrior | None:
        """Return the prior for heads whose scores of the base are given; people's baselines go on to belong to it."""
        before = self._serving.prior
        if before is None:
            return None
        clean = self._fused_base(head_scores, adaptations)[0]
        if before.is_fitted:
            return before.moved(clean, self._truth())
        return SpeakerPrior().fit(clean, self._truth(), self._serving.classes)  # it is of an earlier release

    def adaptation(
        self,
        head_scores: Scores,
        weights: NDArray[np.float64],
        posteriors: Probabilities,
        calibration: Calibration | None,
        *,
        without: int | None = None,
    ) -> Adaptation | None:
        """Fit what strange recordings need to what was said of them; None if nothing was.

        Parameters
        ----------
        head_scores : ndarray of float, shape=(n_examples, n_emotions)
            Of twins that did not learn from the person.
        weights : ndarray of float, shape=(n_examples,)
            In utterances of the base.
        posteriors : ndarray of float, shape=(n_examples, n_emotions)
            As for `training_rows`.
        calibration : Calibration or None
            Makes probabilities of what is adapted.
        without : int, optional
            The fold whose people are kept out.
        """
        said = weights * self._examples.strangeness > 0
        if without is not None:
            said &= self._folds != without
        rows, columns, shares = t.targets(self._examples, np.flatnonzero(said), posteriors)
        if self._serving.domain is None or not len(rows):
            return None
        opinions = self._opinions(head_scores[rows], self._examples.network_scores[rows])
        strangeness = self._examples.strangeness[rows]
        fused = fuse(opinions, network_say=self._serving.say(strangeness))
        slopes, offsets = np.ones((len(rows), 1)), np.zeros((1, 1))
        if calibration is not None:
            quality = self._examples.quality[rows].copy()
            quality[:, -1] = strangeness
            slopes, offsets = calibration.affine(quality)
        return Adaptation().fit(
            evidence_of(opinions),
            fused * slopes + offsets,
            np.array(self._back, dtype=np.intp)[columns],
            gain=strangeness * slopes[:, 0],
            weight=weights[rows] * shares / UTTERANCES,
        )

    def adapted(
        self,
        twins: Sequence[t.Twin],
        head_scores: Scores,
        weights: NDArray[np.float64],
        posteriors: Probabilities,
        calibration: Calibration | None,
    ) -> list[t.Twin]:
        """Give each twin an adaptation that was not fitted to the people whom the twin did not learn from either."""
        return [
            replace(twin, adaptation=self.adaptation(head_scores, weights, posteriors, calibration, without=fold))
            for fold, twin in enumerate(twins)
        ]

    def _heard(
        self,
        head_scores: Scores,
        calibration: Calibration | None,
        strangeness: NDArray[np.floating],
        adaptations: Mapping[int, Adaptation],
    ) -> Probabilities:
        opinions = self._opinions(head_scores, self._examples.network_scores)
        fused = self._fused(opinions, strangeness, self._folds, adaptations)
        return self._probabilities(fused, self._examples.quality, calibration)

    def _truth(self) -> NDArray[np.intp]:
        """Return the right column of each of the base's tested utterances, in the order of the model's classes."""
        classes = self._serving.classes
        return np.array([classes.index(label) for label in self._base.labels[self._base.tested].tolist()])

    def _opinions(self, heads: Scores, network: Scores) -> dict[str, Scores]:
        return {FUNCTIONALS: heads[:, self._columns], NETWORK: network[:, self._columns]}

    def _fused_base(
        self, head_scores: Sequence[Scores], adaptations: Mapping[int, Adaptation] = NOT_ADAPTED
    ) -> list[Scores]:
        base = self._base
        folds, networks = base.folds[base.tested], base.network_scores.astype(np.float64)
        return [
            self._fused(self._opinions(heads, network), quality[:, -1], folds, adaptations)
            for heads, network, quality in zip(head_scores, networks, base.quality, strict=True)
        ]

    def _fused(
        self,
        opinions: Mapping[str, Scores],
        strangeness: NDArray[np.floating],
        folds: NDArray[np.integer],
        adaptations: Mapping[int, Adaptation],
    ) -> Scores:
        fused = fuse(opinions, network_say=self._serving.say(strangeness))
        if adaptations:
            evidence = evidence_of(opinions)
            for fold, adaptation in adaptations.items():
                own = folds == fold
                fused[own] = adaptation.adapt(fused[own], evidence[own], strangeness[own])
        return fused

    def _probabilities(
        self, fused: Scores, quality: NDArray[np.float32], calibration: Calibration | None
    ) -> Probabilities:
        found = Experts(self._serving.heads, calibration=calibration).probabilities(fused, quality)
        return found[:, self._back]
