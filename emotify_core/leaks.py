"""Checks of an evaluation itself: nothing that is tested may have been trained on, and shuffled labels teach nothing.

Kapoor & Narayanan (2023), "Leakage and the reproducibility crisis in machine-learning-based science", Patterns 4(9),
list the ways in which figures come out too good; those that a split can cause are looked for here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emotify_core.corpora import Utterance
from emotify_core.emotions import Emotion
from emotify_core.splits import Split

LeakKind = Literal["speaker", "recording", "augmented copy"]
_N_NAMED: Final = 3


@dataclass(frozen=True)
class Leak:
    """Something that stands on both sides of a fold.

    Attributes
    ----------
    kind : {"speaker", "recording", "augmented copy"}
    split : str
        Name of the fold.
    sentence : str
        Fold, what leaks, and the first few names.
    """

    kind: LeakKind
    split: str
    sentence: str


def find_leaks(
    utterances: Sequence[Utterance], splits: Sequence[Split], *, hashes: Mapping[Path, str] | None = None
) -> tuple[Leak, ...]:
    """Find what stands on both sides of folds.

    Parameters
    ----------
    utterances : sequence of Utterance
        What the folds are of.
    splits : sequence of Split
    hashes : mapping of Path to str, optional
        Hash of the content of each recording, such as `content_hash` gives; a recording without one is told by its
        path and name only.

    Returns
    -------
    tuple of Leak
        At most one of each kind for each fold; none if the folds are clean.

    Notes
    -----
    A recording is the same if its resolved path or its content is. It is a copy of another one of the same corpus, such
    as a re-encoding or an augmented version, if its name is the other's, with anything after a character that is no
    letter or digit: ``03a01Fa-noise.flac`` is a copy of ``03a01Fa.wav``, ``WR0_anger_12`` is none of ``WR0_anger_1``.
    """
    speakers = [f"{u.corpus}/{u.speaker}" for u in utterances]
    files = [u.path.resolve() for u in utterances]
    contents = [(hashes or {}).get(u.path, i) for i, u in enumerate(utterances)]
    origins = _origins(utterances)
    leaks = []
    for split in splits:
        train, test = split.train.tolist(), split.test.tolist()
        recordings = _shared(files, train, test) | _shared(contents, train, test)
        copies = _shared(origins, train, test) - recordings
        found: dict[LeakKind, set[str]] = {
            "speaker": {speakers[i] for i in _shared(speakers, train, test)},
            "recording": {utterances[i].path.name for i in recordings},
            "augmented copy": {utterances[i].path.name for i in copies},
        }
        leaks += [Leak(kind, split.name, _say(kind, split, names)) for kind, names in found.items() if names]
    return tuple(leaks)


def content_hash(path: Path) -> str:
    """Hash the bytes of a file (SHA-256, hexadecimal), so that a recording is known again under another name."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def permuted_labels(labels: ArrayLike, speakers: ArrayLike, seed: int) -> NDArray[np.str_]:
    """Shuffle the labels within each speaker.

    A classifier that learns from them and is tested on them must fall to chance, which for UAR is one over the number
    of labels. If it does not, the evaluation lets something through that is not emotion.

    Parameters
    ----------
    labels : array_like of str, shape=(n_utterances,)
    speakers : array_like of str, shape=(n_utterances,)
        Labels move within these only, so that each keeps its share of each label.
    seed : int

    Returns
    -------
    ndarray of str, shape=(n_utterances,)

    Raises
    ------
    ValueError
        If there are not as many speakers as labels.

    References
    ----------
    Ojala & Garriga (2010), "Permutation tests for studying classifier performance", JMLR 11: their first
    test, here within speakers.
    """
    shuffled, speakers = np.array(labels, dtype=np.str_), np.asarray(speakers)
    if shuffled.shape != speakers.shape:
        raise ValueError(f"There are {shuffled.size} labels, but {speakers.size} speakers.")
    rng = np.random.default_rng(seed)
    for speaker in np.unique(speakers):
        own = np.flatnonzero(speakers == speaker)
        shuffled[own] = shuffled[rng.permutation(own)]
    return shuffled


def with_permuted_labels(utterances: Sequence[Utterance], seed: int) -> tuple[Utterance, ...]:
    """Give utterances the shuffled labels of `permuted_labels`; speech and song of a speaker are shuffled apart."""
    voices = [f"{u.corpus}/{u.speaker}/{u.kind}" for u in utterances]
    labels = permuted_labels([u.label.value for u in utterances], voices, seed)
    return tuple(replace(u, label=Emotion(label)) for u, label in zip(utterances, labels, strict=True))


def _origins(utterances: Sequence[Utterance]) -> list[tuple[str, str]]:
    """Name the recording of which each one may be a copy: the shortest beginning of its name that is one as well."""
    names = [(u.corpus, u.name.casefold()) for u in utterances]
    known = set(names)
    return [
        next(
            (origin for end in re.finditer(r"\W|_|$", name) if (origin := (corpus, name[: end.start()])) in known),
            (corpus, name),
        )
        for corpus, name in names
    ]


def _shared(keys: Sequence[object], train: Iterable[int], test: Iterable[int]) -> set[int]:
    """Find the tested utterances whose key some utterance that trains has too."""
    trained_on = {keys[i] for i in train}
    return {i for i in test if keys[i] in trained_on}


def _say(kind: LeakKind, split: Split, names: set[str]) -> str:
    listed = ", ".join(sorted(names)[:_N_NAMED]) + (", ..." if len(names) > _N_NAMED else "")
    what = {
        "speaker": f"{len(names)} of the speakers who are tested also train",
        "recording": f"{len(names)} of the recordings that are tested also train",
        "augmented copy": f"{len(names)} of the recordings that are tested train as a copy under another name",
    }
    return f"{split.name}: {what[kind]}: {listed}"
