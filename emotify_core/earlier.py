"""Earlier notes of the same speakers: drawn from a corpus, to fit what knows voices and to measure what that gains."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from emotify_core.baseline import SpeakerPrior
from emotify_core.heads import Matrix, fit_temperature, softmax

Mood = Literal["mixed", "one", "same", "other"]
MOODS: Final[Mapping[str, str]] = MappingProxyType(
    {"mixed": "of mixed mood", "same": "all in the mood of the present one", "other": "all in one other mood"}
)
_N_FOLDS: Final = 4


@dataclass(frozen=True)
class Earlier:
    """How many earlier notes of a speaker are known, and in which mood they were spoken.

    Attributes
    ----------
    n_notes : int
    mood : {'mixed', 'one', 'same', 'other'}
        Any emotion; all of one emotion, whichever; all of that of the present note; all of one other than that.
    """

    n_notes: int
    mood: Mood

    @property
    def name(self) -> str:
        """For tables."""
        return f"{self.n_notes} earlier, {self.mood}"


MEASURED: Final = tuple(Earlier(n, mood) for mood in ("mixed", "same", "other") for n in (1, 2, 4, 8, 16))


def draw_earlier(
    speakers: NDArray[np.str_], labels: NDArray[np.str_], earlier: Earlier, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Draw earlier notes for each utterance from the other ones of its speaker.

    None is drawn twice for an utterance, unless the speaker has too few such.

    Parameters
    ----------
    speakers, labels : ndarray of str, shape=(n_utterances,)
    earlier : Earlier
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int, shape=(n_utterances, n_notes)
        Indices of utterances; -1 for one whose speaker has none such.
    """
    drawn = np.full((len(speakers), earlier.n_notes), -1, dtype=np.intp)
    for speaker in np.unique(speakers):
        own = np.flatnonzero(speakers == speaker)
        for i in own:
            others = _in_mood(own[own != i], labels, str(labels[i]), earlier.mood, rng)
            if len(others):
                drawn[i] = rng.choice(others, earlier.n_notes, replace=len(others) < earlier.n_notes)
    return drawn


def _in_mood(
    others: NDArray[np.intp], labels: NDArray[np.str_], now: str, mood: Mood, rng: np.random.Generator
) -> NDArray[np.intp]:
    if mood == "mixed":
        return others
    if mood == "same":
        return np.asarray(others[labels[others] == now])
    known = np.unique(labels[others])
    chosen = known if mood == "one" else known[known != now]
    return np.asarray(others[labels[others] == rng.choice(chosen)] if len(chosen) else others[:0])


@dataclass(frozen=True, eq=False)
class Voices:
    """A prior, and what each utterance that it was fitted to adds to its speaker's baseline.

    Attributes
    ----------
    prior : SpeakerPrior
    notes : ndarray of float32, shape=(n_utterances, n_axes)
    """

    prior: SpeakerPrior
    notes: Matrix

    def offsets_after(self, drawn: NDArray[np.intp]) -> Matrix:
        """Return what is known of voices after the utterances that were drawn, in the prior's axes.

        Parameters
        ----------
        drawn : ndarray of int, shape=(n_baselines, n_notes)
            From `draw_earlier`.

        Returns
        -------
        ndarray of float32, shape=(n_baselines, n_axes)
            Nothing where nothing was drawn.
        """
        means = self.notes[np.maximum(drawn, 0)].mean(axis=1)
        return np.asarray(self.prior.offsets(means, drawn.shape[1]) * (drawn[:, :1] >= 0), dtype=np.float32)


def fit_voices(
    prior: SpeakerPrior,
    features: Matrix,
    labels: NDArray[np.str_],
    *,
    speakers: NDArray[np.str_],
    voices: NDArray[np.str_],
    weights: NDArray[np.float64],
) -> Voices:
    """Fit a prior, with the probabilities of logistic regressions that never met the speaker.

    Parameters
    ----------
    prior : SpeakerPrior
    features : ndarray of float32, shape=(n_utterances, n_features)
    labels, speakers, voices : ndarray of str, shape=(n_utterances,)
        A speaker may have several voices: one to speak with, one to sing.
    weights : ndarray of float, shape=(n_utterances,)
    """
    turned = prior.fit(features, labels, voices, weights).turn(features)
    probabilities = _unmet_probabilities(turned, labels, speakers, weights)
    return Voices(prior, prior.notes(turned, probabilities))


def _unmet_probabilities(
    turned: Matrix, labels: NDArray[np.str_], speakers: NDArray[np.str_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    known, truth = np.unique(labels, return_inverse=True)
    scores = np.full((len(labels), len(known)), -10.0)
    for train, test in GroupKFold(min(_N_FOLDS, len(set(speakers.tolist())))).split(turned, groups=speakers):
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # near enough for a first opinion
            model = LogisticRegression(C=5e-4, max_iter=100).fit(turned[train], labels[train], weights[train])
        columns = np.searchsorted(known, model.classes_)
        scores[np.ix_(test, columns)] = model.predict_log_proba(turned[test])
    return softmax(scores, temperature=fit_temperature(scores, truth))


def views(
    copies: NDArray[np.float32],
    voices: Voices,
    labels: NDArray[np.str_],
    speakers: NDArray[np.str_],
    n_earlier: Sequence[int],
    *,
    seed: int,
) -> NDArray[np.float32]:
    """Shift utterances as if so many earlier notes were known, half of the time all of one emotion.

    Parameters
    ----------
    copies : ndarray of float32, shape=(n_copies, n_utterances, n_features)
        Shifted in place.
    voices : Voices
        Of the same utterances.
    labels, speakers : ndarray of str, shape=(n_utterances,)
    n_earlier : sequence of int
        The copies of an utterance take them in turn, from one that is drawn on.
    seed : int

    Returns
    -------
    ndarray of float32, shape=(n_copies, n_utterances, n_features)
    """
    rng = np.random.default_rng(seed)
    first = rng.integers(len(n_earlier), size=len(labels))
    is_mixed = rng.random(len(labels)) < 0.5
    for turn, n_notes in enumerate(n_earlier):
        if not n_notes:
            continue
        drawn = [draw_earlier(speakers, labels, Earlier(n_notes, mood), rng) for mood in ("mixed", "one")]
        offsets = voices.offsets_after(np.where(is_mixed[:, None], *drawn))
        shifts = voices.prior.features_of(offsets)
        for i, copy in enumerate(copies):
            chosen = (first + i) % len(n_earlier) == turn
            copy[chosen] -= shifts[chosen]
    return copies
