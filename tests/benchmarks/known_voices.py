"""What is gained by knowing voices, and what could be at most: `python -m tests.benchmarks.known_voices [--draws N]`.

The shipped model's experts, as they heard RAVDESS's speakers in the folds that were trained without them, and earlier
notes drawn again and again from the other utterances of each speaker: the mean UAR of the draws and its standard
deviation, where the card has one draw. What is known of voices in general is fitted to the other folds. The verdict
is that of the fused scores, without calibration, which would need all conditions of the card. In the last row all
other utterances of the speaker are known, and the person named the emotion of each: no more can be known of how far
their scores lie from everybody's.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from emotify_core.baseline import SpeakerPrior
from emotify_core.earlier import MOODS, Earlier, draw_earlier, known_after, statistics_of
from emotify_core.experts import FUNCTIONALS, NETWORK, Experts
from emotify_core.learning import read_base
from emotify_core.metrics import confusion_matrix, unweighted_average_recall
from emotify_core.registry import Registry
from emotify_core.shipped import shipped_models

_NUMBERS = (1, 2, 4, 8, 16)


class KnownVoices:
    """RAVDESS's clean speech as the shipped model's experts heard it who never met the speaker."""

    def __init__(self) -> None:
        registry = Registry(shipped_models())
        _, experts = registry.load(registry.champion())
        assert isinstance(experts, Experts)
        base = read_base(registry.root)
        self._classes = experts.classes
        columns = [base.emotions.index(name) for name in self._classes]
        opinions = {FUNCTIONALS: base.head_scores[0][:, columns], NETWORK: base.network_scores[0][:, columns]}
        self._scores = experts.fuse({name: each.astype(np.float64) for name, each in opinions.items()}, base.quality[0])
        self._labels, self._speakers = base.labels[base.tested], base.speakers[base.tested]
        self._heard = self._hear(self._scores)
        truth = np.array([self._classes.index(label) for label in self._labels.tolist()], dtype=np.intp)
        folds = [base.folds[base.tested] == fold for fold in range(base.n_folds)]
        self._folds = [(f, SpeakerPrior().fit(self._scores[~f], truth[~f], self._classes)) for f in folds]

    def first(self) -> float:
        """Return the UAR of first notes."""
        return self._uar(self._scores)

    def after(self, earlier: Earlier, seed: int) -> float:
        """Return the UAR after earlier notes that are drawn by a seed."""
        scores, rng = self._scores.copy(), np.random.default_rng(seed)
        for rows, prior in self._folds:
            scores[rows], _ = known_after(
                prior,
                self._scores[rows],
                speakers=self._speakers[rows],
                labels=self._labels[rows],
                heard=self._heard[rows],
                earlier=earlier,
                rng=rng,
            )
        return self._uar(scores)

    def after_all(self) -> float:
        """Return the UAR where all other utterances of the speaker are known, with the emotion of each."""
        scores = self._scores.copy()
        for rows, prior in self._folds:
            own = self._speakers[rows]
            n_others = min(int(np.count_nonzero(own == name)) for name in np.unique(own)) - 1
            drawn = draw_earlier(own, self._labels[rows], Earlier(n_others, "mixed"), np.random.default_rng(0))
            offsets, _ = prior.voices(*statistics_of(scores[rows], self._heard[rows], self._labels[rows], drawn))
            scores[rows] -= offsets
        return self._uar(scores)

    def _hear(self, scores: NDArray[np.float64]) -> NDArray[np.str_]:
        return np.asarray(np.array(self._classes)[scores.argmax(axis=1)])

    def _uar(self, scores: NDArray[np.float64]) -> float:
        labels, heard = self._labels.tolist(), self._hear(scores).tolist()
        return unweighted_average_recall(confusion_matrix(labels, heard, list(self._classes)))


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the earlier notes, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.known_voices", description=__doc__)
    parser.add_argument("--draws", type=int, default=20, help="of each cell (default: %(default)s)")
    arguments = parser.parse_args(argv)
    voices = KnownVoices()
    first, most = voices.first(), voices.after_all()
    table = Table("earlier notes", box=None)
    for n_notes in _NUMBERS:
        table.add_column(str(n_notes), justify="right")
    for mood, title in MOODS.items():
        cells = []
        for n_notes in _NUMBERS:
            found = [voices.after(Earlier(n_notes, mood), seed) - first for seed in range(arguments.draws)]
            cells.append(f"{100 * np.mean(found):+.1f} ± {100 * np.std(found):.1f}")
        table.add_row(title, *cells)
    console = Console()
    console.print(f"UAR after no earlier notes: {first:.3f}; gain in points after so many, {arguments.draws} draws")
    console.print(table)
    console.print(f"all other notes, the emotion of each named by the person: {100 * (most - first):+.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
