"""Protocols: which utterances train and which test. None of them but `random` lets a speaker stand on both sides.

`emotify_core.leaks` checks that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from emotify_core.corpora import Utterance
from emotify_core.emotions import Emotion
from emotify_core.errors import TooFewExamplesError

# Test actors of the six RAVDESS folds of EmoBox: Ma et al. (2024), "EmoBox: Multilingual multi-corpus speech emotion
# recognition toolkit and benchmark", Interspeech.
EMOBOX_RAVDESS_FOLDS: Final = (
    (1, 11, 20, 21),
    (4, 10, 12, 14),
    (8, 9, 19, 23),
    (3, 5, 7, 24),
    (2, 15, 16, 18),
    (6, 13, 17, 22),
)
_N_GROUPS: Final = 6


@dataclass(frozen=True, eq=False)
class Split:
    """One fold.

    Attributes
    ----------
    name : str
        Who or what is tested.
    train, test : ndarray of int
        Indices into the utterances; `test` holds speech only.
    labels : tuple of str, optional
        The labels among which the verdict is chosen, in the order of `Emotion`; None for all that the classifier knows.
    """

    name: str
    train: NDArray[np.intp]
    test: NDArray[np.intp]
    labels: tuple[str, ...] | None = None


def emobox_folds(utterances: Sequence[Utterance], seed: int = 0) -> list[Split]:  # noqa: ARG001
    """Six speaker-independent folds of four actors each; folds in which none of them speaks are left out.

    The folds are of RAVDESS: utterances of all other corpora train in every fold and are never tested, so that figures
    stay comparable however many corpora help.

    Raises
    ------
    TooFewExamplesError
        If there are fewer than two such folds.
    """
    if not any(u.corpus == "ravdess" and u.kind == "speech" for u in utterances):
        raise TooFewExamplesError(
            "The protocol emobox tests actors of RAVDESS, and there is no speech of theirs: name that corpus, too, or "
            "evaluate by another protocol, such as groups."
        )
    groups = [{("ravdess", f"{actor:02d}") for actor in fold} for fold in EMOBOX_RAVDESS_FOLDS]
    return _speaker_folds(utterances, groups)


def leave_one_speaker_out(utterances: Sequence[Utterance], seed: int = 0) -> list[Split]:  # noqa: ARG001
    """One fold for each speaker.

    Raises
    ------
    TooFewExamplesError
        If there are fewer than two speakers.
    """
    return _speaker_folds(utterances, [{speaker} for speaker in sorted({(u.corpus, u.speaker) for u in utterances})])


def leave_one_corpus_out(utterances: Sequence[Utterance], seed: int = 0) -> list[Split]:  # noqa: ARG001
    """One fold for each corpus, which is tested by what all others taught: voices, languages and rooms never met.

    Corpora know different emotions. A corpus is tested on those of its own labels that some other corpus knows, and
    the verdict is chosen among them (`Split.labels`); its other utterances are left out. A corpus with fewer than two
    such labels, for which every verdict would be right, and one that holds only song are not tested but train.

    Raises
    ------
    TooFewExamplesError
        If no corpus can be tested.

    Notes
    -----
    Cross-corpus testing with the verdict among the labels in common follows Schuller et al. (2010), "Cross-corpus
    acoustic emotion recognition: variances and strategies", IEEE Transactions on Affective Computing 1(2).
    """
    corpora = np.array([u.corpus for u in utterances])
    labels = np.array([u.label.value for u in utterances])
    is_speech = np.array([u.kind == "speech" for u in utterances], dtype=bool)
    splits = []
    for corpus in sorted(set(corpora.tolist())):
        spoken = (corpora == corpus) & is_speech
        known = set(labels[corpora != corpus].tolist()) & set(labels[spoken].tolist())
        if len(known) >= 2:
            own = tuple(emotion.value for emotion in Emotion if emotion.value in known)
            tested = spoken & np.isin(labels, own)
            splits.append(Split(f"corpus {corpus}", np.flatnonzero(corpora != corpus), np.flatnonzero(tested), own))
    if not splits:
        raise TooFewExamplesError("To leave a corpus out, another one must know at least two of its emotions.")
    return splits


def speaker_groups(utterances: Sequence[Utterance], seed: int = 0) -> list[Split]:
    """Six speaker-independent folds, among which the speakers of each corpus are dealt out evenly, in drawn order.

    Fewer than six speakers are tested one by one.

    Raises
    ------
    TooFewExamplesError
        If there are fewer than two speakers.
    """
    rng = np.random.default_rng(seed)
    dealt: list[tuple[str, str]] = []
    for corpus in sorted({u.corpus for u in utterances}):
        speakers = sorted({u.speaker for u in utterances if u.corpus == corpus and u.kind == "speech"})
        dealt += [(corpus, speakers[i]) for i in rng.permutation(len(speakers))]
    return _speaker_folds(utterances, [set(dealt[i::_N_GROUPS]) for i in range(_N_GROUPS)])


def training_protocol(utterances: Sequence[Utterance]) -> str:
    """Name the protocol that measures what is trained: the published folds where there is speech of RAVDESS."""
    is_ravdess = any(u.corpus == "ravdess" and u.kind == "speech" for u in utterances)
    return "emobox" if is_ravdess else "groups"


def random_folds(utterances: Sequence[Utterance], seed: int = 0) -> list[Split]:
    """Four random folds stratified by label: every speaker is on both sides, so the figures flatter.

    It is here because most published tutorials report it. Song only trains.

    Raises
    ------
    TooFewExamplesError
        If an emotion has fewer than four utterances.
    """
    speech = np.flatnonzero([u.kind == "speech" for u in utterances])
    labels = [u.label.value for u in utterances if u.kind == "speech"]
    if min((labels.count(label) for label in set(labels)), default=0) < 4:
        raise TooFewExamplesError("A random split needs at least four utterances of each emotion.")
    song = np.flatnonzero([u.kind == "song" for u in utterances])
    folds = StratifiedKFold(4, shuffle=True, random_state=seed).split(speech, labels)
    return [
        Split(f"random fold {i}", np.sort(np.concatenate([speech[train], song])), speech[test])
        for i, (train, test) in enumerate(folds, start=1)
    ]


def _speaker_folds(utterances: Sequence[Utterance], groups: Sequence[set[tuple[str, str]]]) -> list[Split]:
    """Test each group of speakers, given as corpus and name, once; groups that only sing are left out."""
    speakers = [(u.corpus, u.speaker) for u in utterances]
    is_speech = np.array([u.kind == "speech" for u in utterances], dtype=bool)
    splits = []
    for group in groups:
        tested = np.array([speaker in group for speaker in speakers], dtype=bool)
        if (tested & is_speech).any():
            name = "speakers " + ", ".join(sorted(actor for _, actor in group & set(speakers)))
            splits.append(Split(name, np.flatnonzero(~tested), np.flatnonzero(tested & is_speech)))
    if len(splits) < 2:
        raise TooFewExamplesError("A speaker-independent protocol needs speech of at least two groups of speakers.")
    return splits


PROTOCOLS: Final[Mapping[str, Callable[[Sequence[Utterance], int], list[Split]]]] = MappingProxyType(
    {
        "emobox": emobox_folds,
        "groups": speaker_groups,
        "loso": leave_one_speaker_out,
        "loco": leave_one_corpus_out,
        "random": random_folds,
    }
)
