"""What people said of their own notes, as rows beside the base's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from emotify_core.emotions import Emotion
from emotify_core.experts import Experts, Scores, head_scores, quality_of
from emotify_core.learning.base import Base
from emotify_core.recipes import RECIPES
from emotify_core.vectors import NoteVector

Kind: TypeAlias = Literal["confirmation", "correction", "rejection"]
MAX_PER_PERSON: Final = 200
MAX_EXAMPLES: Final = 30_000
_CHUNK: Final = 256


@dataclass(frozen=True, eq=False)
class Example:
    """A note whose speaker said what was right, or what was wrong.

    Attributes
    ----------
    person : str
        Pseudonym.
    server : str or None
        Where the note was sent.
    days_known : float
        Days since the person's first note.
    verdict : {'confirmation', 'correction', 'rejection'}
    emotion : Emotion
        The confirmed one, the one that is right, or the one that it is not.
    heard : Emotion
        What the person was told.
    vector : NoteVector
        Of the base's set.
    """

    person: str
    server: str | None
    days_known: float
    verdict: Kind
    emotion: Emotion
    heard: Emotion
    vector: NoteVector


@dataclass(frozen=True, eq=False)
class Examples:
    """Examples as a table; columns of emotions are the base's.

    Attributes
    ----------
    persons, servers : ndarray of str, shape=(n_examples,)
    days_known : ndarray of float, shape=(n_examples,)
    verdicts : ndarray of str, shape=(n_examples,)
    emotions, heard : ndarray of int, shape=(n_examples,)
        Columns.
    rows : ndarray of float32, shape=(n_examples, n_axes)
    network_scores, serving_scores : ndarray of float, shape=(n_examples, n_emotions)
        Log-scores of the network, and of the serving champion's first expert.
    quality : ndarray of float32, shape=(n_examples, n_columns)
        As of the base. No note counts as strange: else whatever strangers name would seem plausible.
    strangeness : ndarray of float32, shape=(n_examples,)
        How strange each is to the serving champion, from 0 to 1; zeros if it has no detector for that.
    """

    persons: NDArray[np.str_]
    servers: NDArray[np.str_]
    days_known: NDArray[np.float64]
    verdicts: NDArray[np.str_]
    emotions: NDArray[np.intp]
    heard: NDArray[np.intp]
    rows: NDArray[np.float32]
    network_scores: Scores
    serving_scores: Scores
    quality: NDArray[np.float32]
    strangeness: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.persons)

    @property
    def is_named(self) -> NDArray[np.bool_]:
        """Whether the emotion is the right one, rather than a wrong one, shape=(n_examples,)."""
        return np.asarray(self.verdicts != "rejection")


@dataclass(frozen=True, eq=False)
class _Row:
    """One example, turned, in half precision: there may be very many."""

    facts: tuple[str, str, float, str, int, int]
    row: NDArray[np.float16]
    scores: tuple[NDArray[np.float64], NDArray[np.float64]]
    quality: NDArray[np.float32]
    strangeness: float

    @property
    def days_known(self) -> float:
        return self.facts[2]


def collect(examples: Iterable[Example], base: Base, serving: Experts, labels: Sequence[str]) -> Examples:
    """Turn examples into a table, a few at a time.

    Of each person the last `MAX_PER_PERSON` count, and where there are more than `MAX_EXAMPLES` in all, the last ones
    of each, as many of everybody as there is room for, and where there are more people than that, those who are known
    for longest. What does not count is dropped on the way, so memory and time are bounded.

    Parameters
    ----------
    examples : iterable of Example
        Of the base's vector set, oldest first.
    base : Base
    serving : Experts
        The serving champion's; its first expert is `FusedHeads`.
    labels : sequence of str
        Order of the columns of the network's scores.
    """
    kept: dict[str, list[_Row]] = defaultdict(list)
    share, rest = MAX_PER_PERSON, iter(examples)
    while chunk := list(islice(rest, _CHUNK)):
        _add(chunk, kept, base, serving, labels)
        share = _share([len(own) for own in kept.values()], share)
        for own in kept.values():
            del own[:-share]
        if len(kept) > MAX_EXAMPLES:
            for person in sorted(kept, key=lambda each: (-kept[each][0].days_known, each))[MAX_EXAMPLES:]:
                del kept[person]
    return _table([row for person in sorted(kept) for row in kept[person]], base)


def _share(counts: Sequence[int], share: int) -> int:
    """Find how many of each person there is room for, at most a share."""
    while share > 1 and sum(min(count, share) for count in counts) > MAX_EXAMPLES:
        share -= 1
    return share


def _add(
    chunk: Sequence[Example], kept: dict[str, list[_Row]], base: Base, serving: Experts, labels: Sequence[str]
) -> None:
    heads, features = serving.heads, np.stack([example.vector.features for example in chunk])
    scaled = heads.scale(features)
    turned = (scaled @ base.axes).astype(np.float16)
    order = [list(labels).index(emotion) for emotion in base.emotions]
    network = np.stack([example.vector.network_scores for example in chunk]).astype(np.float64)[:, order]
    own = [list(heads.classes_).index(emotion) for emotion in base.emotions]
    said = head_scores(heads, features)[:, own]
    quality = np.zeros((len(chunk), base.quality.shape[2]), dtype=np.float32)
    known = quality_of(heads, features, serving.quality_columns(RECIPES[base.recipe].quality))
    quality[:, : known.shape[1]] = known
    strangeness = serving.domain.strangeness(scaled) if serving.domain is not None else np.zeros(len(chunk))
    column = {emotion: i for i, emotion in enumerate(base.emotions)}
    for i, example in enumerate(chunk):
        emotion, heard = column[example.emotion.value], column[example.heard.value]
        facts = (example.person, example.server or "", example.days_known, example.verdict, emotion, heard)
        scores = (network[i].copy(), said[i].copy())
        row = _Row(facts, turned[i].copy(), scores, quality[i].copy(), float(strangeness[i]))
        kept[example.person].append(row)  # copies, or one row that is kept would keep the whole chunk


def _table(rows: Sequence[_Row], base: Base) -> Examples:
    persons, servers, days, verdicts, emotions, heard = (
        zip(*(row.facts for row in rows), strict=True) if rows else [()] * 6
    )
    n_emotions, n_quality = len(base.emotions), base.quality.shape[2]
    return Examples(
        persons=np.array(persons, dtype=np.str_),
        servers=np.array(servers, dtype=np.str_),
        days_known=np.array(days, dtype=np.float64),
        verdicts=np.array(verdicts, dtype=np.str_),
        emotions=np.array(emotions, dtype=np.intp),
        heard=np.array(heard, dtype=np.intp),
        rows=np.array([row.row for row in rows], dtype=np.float32).reshape(-1, base.axes.shape[1]),
        network_scores=np.array([row.scores[0] for row in rows]).reshape(-1, n_emotions),
        serving_scores=np.array([row.scores[1] for row in rows]).reshape(-1, n_emotions),
        quality=np.array([row.quality for row in rows], dtype=np.float32).reshape(-1, n_quality),
        strangeness=np.array([row.strangeness for row in rows], dtype=np.float32),
    )
