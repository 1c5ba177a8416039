"""What a person's earlier notes say of their voice, so that the next ones can be heard against it.

Some voices sound sad to the experts whatever they express, others angry. So what is known of a voice is how far the
scores of its notes are, in the mean, from those of all voices. Only what its emotions do not explain may count:
somebody who is always sad must not be normalised to neutral. Of a note whose emotion the person named, what the experts
usually say of that emotion is taken away. Of the others it is what they say in the mean of all emotions, provided that
many emotions were heard in these notes; where they are of one mood, they tell nothing of the voice.

The features themselves can be normalised by those of earlier notes, too. On RAVDESS that gained less, and cost people
of one mood more; people of other languages of whose notes nothing was said gained more by it.

References
----------
Busso et al. (2013), "Iterative feature normalization scheme for automatic emotion detection from speech", IEEE
Transactions on Affective Computing 4(4): normalise by a person's statistics, but not by those of their emotions.
"""

from __future__ import annotations

import copy
import hashlib
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from emotify_core.emotions import Emotion
from emotify_core.personal_baseline import MOST, PersonalBaseline

# Emotions in somebody's notes: from the one number to the other, notes of which nothing was said are trusted more.
# Chosen on RAVDESS: with lower ones, earlier notes of one mood cost more; with higher ones, mixed notes gain less.
_FEW: Final = 2.75
_MANY: Final = 4.0
_ORDER: Final = {emotion.value: i for i, emotion in enumerate(Emotion)}

Scores = NDArray[np.float64]


class SpeakerPrior(BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """What the experts say of voices in general, for each emotion that these express.

    Parameters
    ----------
    n_average : float
        Notes of an average voice that a person is taken to have sent before their first one.

    Attributes
    ----------
    classes_ : ndarray of str, shape=(n_classes,)
        The emotions, in the order of the scores' columns.
    means_ : ndarray of float64, shape=(n_classes, n_classes)
        For each emotion the mean log-scores of utterances that express it.
    key_ : str
        Fingerprint of both as they were fitted: baselines of one prior mean nothing to another.
    """

    means_: Scores | None = None  # models that were published before 2026-11-26 knew voices by their features

    def __init__(self, *, n_average: float = 4.0) -> None:
        self.n_average = n_average

    def fit(self, scores: Scores, truth: NDArray[np.intp], classes: ArrayLike) -> Self:
        """Tell what the experts say of voices from those that they never met.

        Parameters
        ----------
        scores : ndarray of float, shape=(n_utterances, n_classes)
            Fused log-scores.
        truth : ndarray of int, shape=(n_utterances,)
            Column of the emotion of each; every emotion is expressed by some.
        classes : array_like of str, shape=(n_classes,)
            Emotions in the order of the columns.
        """
        self.classes_ = np.asarray(classes, dtype=np.str_)
        self.means_ = _means(scores, truth, len(self.classes_))
        digest = hashlib.sha256(" ".join(self.classes_.tolist()).encode())
        digest.update(np.ascontiguousarray(self.means_, dtype="<f4").tobytes())
        self.key_ = digest.hexdigest()[:16]
        return self

    def moved(self, scores: Scores, truth: NDArray[np.intp]) -> Self:
        """Return the prior for experts that learned more: what they say, as for `fit`, of the same utterances.

        Its key stays, so that baselines go on; the notes in them that the experts heard before fade.
        """
        other = copy.copy(self)
        other.means_ = _means(scores, truth, len(self.classes_))
        return other

    @property
    def is_fitted(self) -> bool:
        """Whether it is of this release: those of earlier ones know nothing of scores."""
        return self.means_ is not None

    def add(self, baseline: PersonalBaseline | None, scores: NDArray[np.floating], heard: Emotion) -> PersonalBaseline:
        """Return a baseline with one more note.

        Parameters
        ----------
        baseline : PersonalBaseline or None
            None, or one that does not fit, begins anew.
        scores : ndarray of float, shape=(n_classes,)
            Fused log-scores of the note, as they are without a baseline.
        heard : Emotion
            The verdict on it.
        """
        bounded = np.clip(np.nan_to_num(scores), -MOST, MOST).astype(np.float32)
        if baseline is None or not self.fits(baseline):
            return PersonalBaseline.of(self.key_, bounded, heard)
        return baseline.plus(bounded, heard)

    def fits(self, baseline: PersonalBaseline) -> bool:
        """Whether a baseline was made by this prior."""
        return baseline.key == self.key_ and baseline.sums.shape[1] == len(self.classes_)

    def voice(self, baseline: PersonalBaseline | None) -> tuple[Scores, float]:
        """Return what to take away from the scores of a person's notes, and how little is known of their voice.

        Returns
        -------
        offset : ndarray of float64, shape=(n_classes,)
            Zeros if nothing is known, or the baseline does not fit. At most 10 in any column, whatever the baseline.
        unknown : float
            1 where nothing is known, and toward 0 with each note that tells something.
        """
        if baseline is None or not self.fits(baseline):
            return np.zeros(len(self.classes_)), 1.0
        offsets, unknown = self.voices(baseline.sums[None], baseline.heard[None], baseline.told[None])
        return offsets[0], float(unknown[0])

    def voices(
        self, sums: NDArray[np.floating], heard: NDArray[np.floating], told: NDArray[np.floating]
    ) -> tuple[Scores, NDArray[np.float64]]:
        """Return what `voice` does for many baselines, shape=(n_baselines, n_classes) and shape=(n_baselines,).

        Parameters
        ----------
        sums, heard, told : ndarray of float
            Those of `PersonalBaseline`, a row for each baseline.

        Notes
        -----
        Which of the notes with one verdict were told is not kept, only how many: each counts as their mean.
        """
        means, rows = np.asarray(self.means_), [_ORDER[name] for name in self.classes_.tolist()]
        heard, sums, told = (np.asarray(each, dtype=np.float64)[:, rows] for each in (heard, sums, told))
        untold, told = np.maximum(heard - told.sum(axis=2), 0), told[:, :, rows]
        trusted = _varied(untold + told.sum(axis=1))[:, None] * untold
        counted = told.sum(axis=2) + trusted
        explained = told.sum(axis=1) @ means + trusted.sum(axis=1, keepdims=True) * means.mean(axis=0)
        own = np.einsum("ij,ijk->ik", counted / np.maximum(heard, 1e-6), sums) - explained
        weight = counted.sum(axis=1) + self.n_average
        return np.clip(own / weight[:, None], -MOST, MOST), self.n_average / weight


def _means(scores: Scores, truth: NDArray[np.intp], n_classes: int) -> Scores:
    """Return the mean scores of each class, shape=(n_classes, n_columns)."""
    return np.stack([scores[truth == column].mean(axis=0, dtype=np.float64) for column in range(n_classes)])


def _varied(counts: NDArray[np.floating]) -> NDArray[np.float64]:
    """Say how far notes are of many emotions, from 0 to 1, by how many are taken for each, shape=(n_baselines,).

    How many emotions there are is told by the inverse of Simpson's index, the sum of their squared shares: 4 where four
    are heard equally often, 1 where there is only one.
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-6)
    n_emotions = 1 / np.maximum(np.square(shares).sum(axis=1), 1e-6)
    return np.asarray(np.clip((n_emotions - _FEW) / (_MANY - _FEW), 0, 1))
