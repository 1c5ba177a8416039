"""What a person's earlier notes say of their voice, so that the next ones can be heard against it.

A note is taken to be the sum of what its emotion does to any voice, of the person's own voice, and of chance. The first
is taken away from each note, by the emotion that was heard in it; the mean of what is left, drawn to nothing while the
notes are few, is the person's own. So somebody who is always sad is not normalised to neutral, as by a plain running
mean: only what is unusual for a sad voice counts as theirs. Where the person says what a note's emotion was, that one
is taken away instead. And where many emotions were heard, what they do in the mean is taken away: then the running mean
tells the voice better than what was heard, which is often wrong.

References
----------
Busso et al. (2013), "Iterative feature normalization scheme for automatic emotion detection from speech", IEEE
Transactions on Affective Computing 4(4): normalise by a person's statistics, but not by those of their emotions.
"""

from __future__ import annotations

import hashlib
from typing import Final, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from emotify_core.emotions import Emotion
from emotify_core.heads import Matrix, principal_axes
from emotify_core.personal_baseline import FULL, PersonalBaseline

_N_ROUNDS: Final = 8  # of taking turns between voices and emotions; both have settled by then
_TINY: Final = 1e-6
_FEW, _MANY = 2.0, 4.0  # emotions in somebody's notes: from the one to the other, their mean is trusted more


class SpeakerPrior(BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """What emotions do to all voices, and how far voices are apart.

    Parameters
    ----------
    n_axes : int
        Principal axes of the standardised features in which voices are told apart.
    n_average : float
        Notes of an average voice that a person is taken to have sent before their first one.
    clip : float
        Standardised features are clipped to plus and minus this.

    Attributes
    ----------
    classes_ : ndarray of str, shape=(n_classes,)
    mean_, scale_ : ndarray of float32, shape=(n_features,)
    axes_ : ndarray of float32, shape=(n_features, n_axes)
        Orthonormal.
    emotion_means_ : ndarray of float32, shape=(n_classes, n_axes)
        What each emotion does to a voice.
    note_deviation_, voice_deviation_ : ndarray of float32, shape=(n_axes,)
        Of notes, less what their emotions explain, and of the means of voices.
    key_ : str
        Fingerprint of all that: baselines of one prior mean nothing to another.

    Notes
    -----
    After `n` notes the voice is taken to be their mean times ``n / (n + n_average)``, on all axes alike. Axis by axis,
    by how far voices and notes differ on each, would be the better estimate of the voice, but makes worse verdicts:
    a voice that is taken away by half no longer is like any that the classifier met.
    """

    def __init__(self, *, n_axes: int = 250, n_average: float = 4.0, clip: float = 5.0) -> None:
        self.n_axes = n_axes
        self.n_average = n_average
        self.clip = clip

    def fit(
        self,
        X: Matrix,  # noqa: N803
        y: ArrayLike,
        voices: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Tell what emotions do to voices from whose voices they were expressed in.

        Parameters
        ----------
        X : ndarray of float32, shape=(n_utterances, n_features)
        y, voices : array_like of str, shape=(n_utterances,)
        sample_weight : array_like of float, shape=(n_utterances,), optional
            How much each utterance says about its emotion.
        """
        self.classes_, columns = np.unique(np.asarray(y), return_inverse=True)
        _, owners = np.unique(np.asarray(voices), return_inverse=True)
        weight = np.ones(len(columns)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        self.mean_ = X.mean(axis=0, dtype=np.float64).astype(np.float32)
        deviations = X.std(axis=0, dtype=np.float64)
        self.scale_ = np.where(deviations > _TINY, deviations, 1.0).astype(np.float32)
        found = principal_axes(self._standardize(X), self.n_axes)
        self.axes_ = np.eye(X.shape[1], dtype=np.float32) if found is None else found
        turned = self.turn(X).astype(np.float64)
        means, own = _emotions_and_voices(turned, columns, owners, weight)
        self.emotion_means_ = means.astype(np.float32)
        self.note_deviation_ = (np.std(turned - means[columns], axis=0) + _TINY).astype(np.float32)
        self.voice_deviation_ = (np.sqrt(np.square(own).mean(axis=0)) + _TINY).astype(np.float32)
        self.key_ = self._fingerprint()
        return self

    def turn(self, X: Matrix) -> Matrix:  # noqa: N803
        """Turn features into the axes, shape=(n_utterances, n_axes)."""
        return np.asarray(self._standardize(X) @ self.axes_, dtype=np.float32)

    def notes(self, turned: Matrix, columns: NDArray[np.intp]) -> Matrix:
        """Return utterances as they count for their speakers' voices, shape=(n_utterances, n_axes).

        No value is farther than four deviations from what the emotion does.

        Parameters
        ----------
        turned : ndarray of float32, shape=(n_utterances, n_axes)
            From `turn`.
        columns : ndarray of int, shape=(n_utterances,)
            The most probable emotion, as an index into `classes_`, or the one that the speaker named.

        Notes
        -----
        A mixture of the emotions by their probabilities would draw what is left to the middle of all, and with it the
        person's next notes: measured, notes in one mood then cost five points more.
        """
        explained, most = self.emotion_means_[columns], 4 * self.note_deviation_
        return np.asarray(explained + np.clip(turned - explained, -most, most), dtype=np.float32)

    def add(
        self, baseline: PersonalBaseline | None, features: NDArray[np.float32], probabilities: ArrayLike
    ) -> PersonalBaseline:
        """Return a baseline with one more note.

        Parameters
        ----------
        baseline : PersonalBaseline or None
            None, or one that does not fit, begins anew.
        features : ndarray of float32, shape=(n_features,)
            Of the note, as they are.
        probabilities : array_like of float, shape=(n_classes,)
            What was heard in it, in the order of `classes_`.
        """
        heard = int(np.argmax(probabilities))
        note = self.notes(self.turn(features[None]), np.array([heard]))[0]
        emotion = Emotion(self.classes_[heard])
        if baseline is None or not self.fits(baseline):
            return PersonalBaseline.of(self.key_, note, emotion)
        return baseline.plus(note, emotion)

    def fits(self, baseline: PersonalBaseline) -> bool:
        """Whether a baseline was made by this prior."""
        return baseline.key == self.key_ and baseline.sums.shape == self.note_deviation_.shape

    def unknown(self, baseline: PersonalBaseline | None) -> float:
        """Say how little is known of a voice: 1 before the first note, and toward 0 with each further one."""
        return self.unknown_after(0 if baseline is None or not self.fits(baseline) else min(baseline.n_notes, FULL))

    @overload
    def unknown_after(self, n_notes: int) -> float: ...
    @overload
    def unknown_after(self, n_notes: Matrix) -> Matrix: ...
    def unknown_after(self, n_notes: int | Matrix) -> float | Matrix:
        """Say how little is known of a voice after a number of notes."""
        return self.n_average / (n_notes + self.n_average)

    def shift(self, baseline: PersonalBaseline | None) -> NDArray[np.float32]:
        """Return what to take away from a person's features, shape=(n_features,); nothing if the baseline does not fit.

        Bounded, whatever the baseline: no axis is moved by more than three deviations of voices.
        """
        if baseline is None or not self.fits(baseline):
            return np.zeros(len(self.mean_), dtype=np.float32)
        counts = baseline.counts([Emotion(name) for name in self.classes_])
        return np.asarray(self.features_of(self.offsets(baseline.sums[None], counts[None]))[0])

    def features_of(self, offsets: Matrix) -> Matrix:
        """Turn offsets in the axes back into features, shape=(n_baselines, n_features)."""
        return np.asarray(offsets @ self.axes_.T * self.scale_, dtype=np.float32)

    def offsets(self, sums: Matrix, counts: Matrix) -> Matrix:
        """Tell voices from notes, shape=(n_baselines, n_axes): nothing before the first one.

        Parameters
        ----------
        sums : ndarray of float32, shape=(n_baselines, n_axes)
            Of notes, as from `notes`.
        counts : ndarray of float32, shape=(n_baselines, n_classes)
            Notes by the emotion that they are taken for.

        Notes
        -----
        How many emotions there are is told by the inverse of Simpson's index, the sum of their squared shares: 4 where
        four are heard equally often, 1 where there is only one.
        """
        n_notes = counts.sum(axis=1, keepdims=True)
        shares = counts / np.maximum(n_notes, _TINY)
        n_emotions = 1 / np.maximum(np.square(shares).sum(axis=1, keepdims=True), _TINY)
        varied = np.clip((n_emotions - _FEW) / (_MANY - _FEW), 0, 1)
        explained = varied * self.emotion_means_.mean(axis=0) + (1 - varied) * (shares @ self.emotion_means_)
        own = sums / np.maximum(n_notes, _TINY) - explained
        most = 3 * self.voice_deviation_
        return np.asarray(np.clip(own * (1 - self.unknown_after(n_notes)), -most, most), dtype=np.float32)

    def _fingerprint(self) -> str:
        digest = hashlib.sha256(f"{self.clip} {' '.join(map(str, self.classes_))}".encode())
        for name in ("mean_", "scale_", "axes_", "emotion_means_"):
            digest.update(np.ascontiguousarray(getattr(self, name), dtype="<f4").tobytes())
        return digest.hexdigest()[:16]

    def _standardize(self, X: Matrix) -> Matrix:  # noqa: N803
        known = np.nan_to_num(np.asarray(X, dtype=np.float32))
        return np.asarray(np.clip((known - self.mean_) / self.scale_, -self.clip, self.clip), dtype=np.float32)


def _emotions_and_voices(
    turned: NDArray[np.float64], columns: NDArray[np.intp], owners: NDArray[np.intp], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Explain utterances by a sum of emotion and voice, by turns; return a row for each emotion and for each voice."""
    by_emotion = _members(columns) * weight
    by_voice = _members(owners)
    n_of_emotion, n_of_voice = by_emotion.sum(axis=1, keepdims=True), by_voice.sum(axis=1, keepdims=True)
    means, own = np.zeros((len(n_of_emotion), turned.shape[1])), np.zeros((len(n_of_voice), turned.shape[1]))
    for _ in range(_N_ROUNDS):
        own = by_voice @ (turned - means[columns]) / (n_of_voice + 2)  # two notes of an average voice for each
        means = by_emotion @ (turned - own[owners]) / n_of_emotion
    return means, own


def _members(groups: NDArray[np.intp]) -> NDArray[np.float64]:
    return np.asarray(groups == np.arange(groups.max() + 1)[:, None], dtype=np.float64)
