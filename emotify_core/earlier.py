"""Earlier notes of the same speakers, drawn from a corpus to measure what it gains to know voices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from emotify_core.baseline import SpeakerPrior
from emotify_core.emotions import Emotion

Scores = NDArray[np.float64]
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


def known_after(
    prior: SpeakerPrior,
    scores: Scores,
    *,
    speakers: NDArray[np.str_],
    labels: NDArray[np.str_],
    heard: NDArray[np.str_],
    earlier: Earlier,
    rng: np.random.Generator,
) -> tuple[Scores, NDArray[np.float64]]:
    """Return scores as they are after earlier notes, drawn from the other utterances of each speaker.

    Parameters
    ----------
    prior : SpeakerPrior
    scores : ndarray of float, shape=(n_utterances, n_classes)
        Fused log-scores in the order of the prior's classes.
    speakers, labels, heard : ndarray of str, shape=(n_utterances,)
        Who speaks, which emotion it is, and which one was heard without earlier notes. (The bot hears each note
        against those before it; that is not replayed here.)
    earlier : Earlier
    rng : numpy.random.Generator

    Returns
    -------
    scores : ndarray of float64, shape=(n_utterances, n_classes)
        Less what is known of the voices.
    unknown : ndarray of float64, shape=(n_utterances,)
        How little that is, from 1 to 0.
    """
    drawn = draw_earlier(speakers, labels, earlier, rng)
    is_told = earlier.is_told & (rng.random(len(labels)) < SHARE_TOLD)
    offsets, unknown = prior.voices(*statistics_of(scores, heard, np.where(is_told, labels, ""), drawn))
    return scores - offsets, unknown


def statistics_of(
    scores: Scores, heard: NDArray[np.str_], told: NDArray[np.str_], drawn: NDArray[np.intp]
) -> tuple[Scores, Scores, Scores]:
    """Sum up the utterances that were drawn, as `PersonalBaseline` does while none has faded.

    Parameters
    ----------
    scores : ndarray of float, shape=(n_utterances, n_classes)
    heard, told : ndarray of str, shape=(n_utterances,)
        The verdict, and what the person said it was, if anything.
    drawn : ndarray of int, shape=(n_baselines, n_notes)
        From `draw_earlier`.

    Returns
    -------
    sums : ndarray of float64, shape=(n_baselines, n_emotions, n_classes)
    heard : ndarray of float64, shape=(n_baselines, n_emotions)
    told : ndarray of float64, shape=(n_baselines, n_emotions, n_emotions)
        Zeros where nothing was drawn.
    """
    names = [emotion.value for emotion in Emotion]
    is_heard, is_told = ((each[:, None] == names).astype(np.float64) for each in (heard, told))
    is_there = (drawn >= 0).astype(np.float64)
    by_note = np.einsum("ij,ijk->ijk", is_there, is_heard[drawn])
    return (
        np.einsum("ijk,ijl->ikl", by_note, scores[drawn]),
        by_note.sum(axis=1),
        np.einsum("ijk,ijl->ikl", by_note, is_told[drawn]),
    )
