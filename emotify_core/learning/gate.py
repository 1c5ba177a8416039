"""The gate: a challenger becomes champion only if it is not worse, on speakers that neither of them learned from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from emotify_core.learning.base import Base
from emotify_core.learning.examples import Examples
from emotify_core.metrics import recall_per_class, resampled

UAR_MARGIN: Final = 0.01
UAR_RISK: Final = 0.03
RECALL_MARGIN: Final = 0.05
ECE_MARGIN: Final = 0.02
FEEDBACK_MARGIN: Final = 0.02
_N_RESAMPLES: Final = 1000
_N_BINS: Final = 15
_TAIL: Final = 5.0  # percent on each side of an interval

Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class Check:
    """One line of the gate's table.

    Attributes
    ----------
    what : str
    champion, challenger : float
    difference : float
        Challenger less champion.
    low, high : float
        Interval of the difference, 90 %, by resampling speakers.
    limit : str
        What is demanded, in words.
    passed : bool
    """

    what: str
    champion: float
    challenger: float
    difference: float
    low: float
    high: float
    limit: str
    passed: bool


@dataclass(frozen=True, eq=False)
class Opinions:
    """What a model says of those whom it did not learn from.

    Attributes
    ----------
    base : sequence of ndarray of float, each of shape=(n_tested, n_emotions)
        Probabilities of the base's tested utterances, under each of its conditions.
    examples : ndarray of float, shape=(n_examples, n_emotions)
    """

    base: Sequence[Probabilities]
    examples: Probabilities


@dataclass(frozen=True, eq=False)
class _Tested:
    """What came of the base's tested utterances, by speaker.

    Attributes
    ----------
    confusions : ndarray of int, shape=(n_speakers, n_conditions, n_emotions, n_emotions)
    judged : ndarray of float, shape=(n_speakers, n_bins, 3)
        Of all conditions together.
    """

    confusions: NDArray[np.int64]
    judged: NDArray[np.float64]

    @classmethod
    def of(
        cls, truth: NDArray[np.intp], base: Sequence[Probabilities], groups: Sequence[NDArray[np.intp]], n: int
    ) -> Self:
        """Sum up a model's probabilities."""
        confusions = np.stack([_confusions(truth, p, groups, n) for p in base], axis=1)
        return cls(confusions, np.sum([_judged(truth, p, groups) for p in base], axis=0))


def gate(
    base: Base,
    examples: Examples,
    weights: NDArray[np.float64],
    champion: Opinions,
    challenger: Opinions,
    *,
    shipped: Sequence[Probabilities] | None = None,
    seed: int,
) -> list[Check]:
    """Compare two models.

    Parameters
    ----------
    base : Base
    examples : Examples
    weights : ndarray of float, shape=(n_examples,)
        How much each example is learned from, and so counts as feedback to be held to; 0: it was set aside.
    champion, challenger : Opinions
    shipped : sequence of ndarray, optional
        The shipped model's probabilities of the base's tested utterances, if it is not the champion: so that small
        losses do not add up over many nights.
    seed : int
        Of the resampling.

    Returns
    -------
    list of Check

    Notes
    -----
    How hard a speaker is cancels out, because both models are measured on the same resamples. Speakers rather than
    utterances are resampled: Bisani & Ney (2004), "Bootstrap estimates for confidence intervals in ASR performance
    evaluation", ICASSP. On 24 speakers two models that are as good as each other differ by a point under one condition
    and by several in one emotion, by chance: so recalls and calibration are taken over all conditions together, and
    what looks worse than its margin must be surely worse to stop a challenger, but for UAR.
    """
    truth = np.array([base.emotions.index(label) for label in base.labels[base.tested].tolist()], dtype=np.intp)
    groups, n = _rows_by(base.speakers[base.tested]), len(base.emotions)
    was, is_now = (_Tested.of(truth, probabilities, groups, n) for probabilities in (champion.base, challenger.base))
    checks = [_uar(name, was.confusions[:, i], is_now.confusions[:, i], seed) for i, name in enumerate(base.conditions)]
    checks += [_worst_recall(base.emotions, was, is_now, seed), _calibration_error(was, is_now, seed)]
    if shipped is not None:
        first = _Tested.of(truth, shipped, groups, n)
        uar = _uar("all", first.confusions.sum(axis=1), is_now.confusions.sum(axis=1), seed)
        since = [uar, _worst_recall(base.emotions, first, is_now, seed), _calibration_error(first, is_now, seed)]
        checks += [replace(check, what=f"{check.what}, against the shipped model") for check in since]
    if weights.any():
        checks.append(_feedback_check(examples, weights, champion.examples, challenger.examples, seed=seed))
    return checks


def _uar(what: str, before: NDArray[np.int64], now: NDArray[np.int64], seed: int) -> Check:
    found = _compare(before, now, lambda tables: np.nanmean(recall_per_class(tables), axis=-1), seed=seed)
    passed = found[2] >= -UAR_MARGIN and found[3] >= -UAR_RISK
    return Check(f"UAR, {what}", *found, limit="down by 1 point at most, surely not by 3", passed=passed)


def _worst_recall(emotions: Sequence[str], before: _Tested, now: _Tested, seed: int) -> Check:
    """Look at the emotion whose recall surely fell most, or if none surely did at the one whose recall fell most."""

    def compared(column: int) -> tuple[float, float, float, float, float]:
        return _compare(was, is_now, lambda tables: recall_per_class(tables)[..., column], seed=seed)

    was, is_now = (each.confusions.sum(axis=1) for each in (before, now))
    found = {column: compared(column) for column in np.flatnonzero(is_now.sum(axis=(0, 2))).tolist()}
    down = {column for column, each in found.items() if each[2] < -RECALL_MARGIN and each[4] < 0}
    worst = min(down or found, key=lambda column: found[column][2])
    return Check(
        f"recall of {emotions[worst]}, the worst change",
        *found[worst],
        limit="not surely down by 5 points",
        passed=not down,
    )


def _calibration_error(before: _Tested, now: _Tested, seed: int) -> Check:
    found = _compare(before.judged, now.judged, _ece, seed=seed)
    is_up = found[3] > 0 or found[2] > ECE_MARGIN
    return Check("calibration error", *found, limit="surely not up, nor by 2 points", passed=not is_up)


def _feedback_check(
    examples: Examples, weights: NDArray[np.float64], a: Probabilities, b: Probabilities, *, seed: int
) -> Check:
    """Compare how much of the feedback of people who were kept out is met, each example weighed as it is learned from.

    What people said of the champion's guesses favours it: it meets whatever they confirmed. So it is no proof against a
    challenger that it meets a note or two less, among a few dozen; and neither those who only ever confirm nor a crowd
    of newcomers have more of a say here than in what is learned.
    """
    rows = np.flatnonzero(weights)
    groups = _rows_by(examples.persons[rows])
    before, now = (_sums_by(groups, weights[rows], _met(examples, p)[rows]) for p in (a, b))
    found = _compare(before, now, _share_met, seed=seed)
    is_down = found[4] < 0 or found[2] < -FEEDBACK_MARGIN
    limit = "not surely down, nor by 2 points"
    return Check("feedback met, of people kept out", *found, limit=limit, passed=not is_down)


def _sums_by(
    groups: Sequence[NDArray[np.intp]], weights: NDArray[np.float64], met: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sum up by person what was met, and everything, shape=(n_persons, 2)."""
    return np.array([[weights[own] @ met[own], weights[own].sum()] for own in groups])


def _share_met(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    met, everything = np.moveaxis(sums, -1, 0)
    return np.asarray(met / everything)


def _met(examples: Examples, probabilities: Probabilities) -> NDArray[np.float64]:
    """Say whether a model would have said what the person said: the named emotion, or any but the rejected one."""
    said = probabilities.argmax(axis=1)
    met = np.where(examples.is_named, said == examples.emotions, said != examples.emotions)
    return np.asarray(met, dtype=np.float64)


def _compare(
    before: NDArray[Any], now: NDArray[Any], figure: Callable[[NDArray[Any]], NDArray[Any]], *, seed: int
) -> tuple[float, float, float, float, float]:
    """Measure both models, and the difference on resamples: champion, challenger, difference, low, high.

    `figure` gets sums over speakers, shape=(..., those of one speaker), and returns as many figures.
    """
    was, is_now = (float(figure(own.sum(axis=0))) for own in (before, now))
    drawn = [figure(resampled(own, _N_RESAMPLES, seed)) for own in (before, now)]
    low, high = np.nanpercentile(drawn[1] - drawn[0], [_TAIL, 100 - _TAIL])
    return was, is_now, is_now - was, float(low), float(high)


def _confusions(
    truth: NDArray[np.intp], probabilities: Probabilities, groups: Sequence[NDArray[np.intp]], n: int
) -> NDArray[np.int64]:
    """Count utterances by speaker, label and prediction."""
    cells = truth * n + probabilities.argmax(axis=1)
    return np.stack([np.bincount(cells[rows], minlength=n * n).reshape(n, n) for rows in groups])


def _judged(
    truth: NDArray[np.intp], probabilities: Probabilities, groups: Sequence[NDArray[np.intp]]
) -> NDArray[np.float64]:
    """Sum up confidence and correctness in each bin for each speaker, shape=(n_speakers, n_bins, 3)."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    bins = np.clip(np.ceil(confidence * _N_BINS).astype(np.intp) - 1, 0, _N_BINS - 1)
    sums = [
        np.stack(
            [
                np.bincount(bins[rows], weights=w[rows], minlength=_N_BINS)
                for w in (np.ones(len(truth)), confidence, right)
            ],
            axis=1,
        )
        for rows in groups
    ]
    return np.stack(sums)


def _ece(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the expected calibration error from sums by bin; as `emotify_core.metrics` has it."""
    counts, confidence, right = np.moveaxis(sums, -1, 0)
    return np.asarray(np.abs(confidence - right).sum(axis=-1) / counts.sum(axis=-1))


def _rows_by(names: NDArray[np.str_]) -> list[NDArray[np.intp]]:
    return [np.flatnonzero(names == name) for name in np.unique(names)]
