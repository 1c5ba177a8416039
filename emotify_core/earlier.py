"""Earlier notes of the same speakers, drawn from a corpus to measure what it gains to know voices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from emotify_core.baseline import SpeakerPrior
from emotify_core.heads import Matrix

Mood = Literal["mixed", "same", "other", "mixed, told", "same, told"]
MOODS: Final[Mapping[Mood, str]] = MappingProxyType(
    {
        "mixed": "of mixed mood",
        "same": "all in the mood of the present one",
        "other": "all in one other mood",
        "mixed, told": "of mixed mood, which the person named for half of them",
        "same, told": "all in the mood of the present one, which the person named for half of them",
    }
)
SHARE_TOLD: Final = 0.5


@dataclass(frozen=True)
class Earlier:
    """How many earlier notes of a speaker are known, and in which mood they were spoken.

    Attributes
    ----------
    n_notes : int
    mood : {'mixed', 'same', 'other', 'mixed, told', 'same, told'}
        Any emotion; all of that of the present note; all of one other than that. Where it is told, the person named the
        emotion of `SHARE_TOLD` of the notes.
    """

    n_notes: int
    mood: Mood

    @property
    def name(self) -> str:
        """For tables."""
        return f"{self.n_notes} earlier, {self.mood}"

    @property
    def is_told(self) -> bool:
        """Whether the person named some of the emotions."""
        return self.mood.endswith("told")


MEASURED: Final = tuple(Earlier(n, mood) for mood in MOODS for n in (1, 2, 4, 8, 16))


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
    if mood.startswith("mixed"):
        return others
    if mood.startswith("same"):
        return np.asarray(others[labels[others] == now])
    known = np.unique(labels[others])
    chosen = known[known != now]
    return np.asarray(others[labels[others] == rng.choice(chosen)] if len(chosen) else others[:0])


def shifted_after(
    prior: SpeakerPrior,
    features: Matrix,
    *,
    speakers: NDArray[np.str_],
    labels: NDArray[np.str_],
    heard: NDArray[np.str_],
    earlier: Earlier,
    rng: np.random.Generator,
) -> Matrix:
    """Return features as they are heard after earlier notes, drawn from the other utterances of each speaker.

    Parameters
    ----------
    prior : SpeakerPrior
    features : ndarray of float32, shape=(n_utterances, n_features)
    speakers, labels, heard : ndarray of str, shape=(n_utterances,)
        Who speaks, which emotion it is, and which one was heard without earlier notes.
    earlier : Earlier
    rng : numpy.random.Generator
    """
    drawn = draw_earlier(speakers, labels, earlier, rng)
    is_told = earlier.is_told & (rng.random(len(labels)) < SHARE_TOLD)
    taken_for = np.searchsorted(prior.classes_, np.where(is_told, labels, heard))
    return features - prior.features_of(offsets_after(prior, prior.turn(features), taken_for, drawn))


def offsets_after(prior: SpeakerPrior, turned: Matrix, taken_for: NDArray[np.intp], drawn: NDArray[np.intp]) -> Matrix:
    """Return what is known of voices after the utterances that were drawn, in the prior's axes.

    Parameters
    ----------
    prior : SpeakerPrior
    turned : ndarray of float32, shape=(n_utterances, n_axes)
        From `SpeakerPrior.turn`.
    taken_for : ndarray of int, shape=(n_utterances,)
        The emotion that was heard in each or named, as an index into `SpeakerPrior.classes_`.
    drawn : ndarray of int, shape=(n_baselines, n_notes)
        From `draw_earlier`.

    Returns
    -------
    ndarray of float32, shape=(n_baselines, n_axes)
        Nothing where nothing was drawn.
    """
    sums = prior.notes(turned, taken_for)[drawn].sum(axis=1)
    counts = np.eye(len(prior.classes_), dtype=np.float32)[taken_for][drawn].sum(axis=1)
    return prior.offsets(sums, counts * (drawn[:, :1] >= 0))
