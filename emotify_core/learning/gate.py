"""The gate: a challenger becomes champion only if it is not worse, on speakers that neither of them learned from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from emotify_core.learning.base import Base
from emotify_core.learning.examples import Examples
from emotify_core.metrics import (
    recall_per_class,
    unweighted_average_recall,
)

UAR_MARGIN: Final = 0.01
RECALL_MARGIN: Final = 0.05
ECE_MARGIN: Final = 0.01
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


def gate(
    base: Base,
    examples: Examples,
    counted: NDArray[np.bool_],
    champion: tuple[Mapping[str, Probabilities], Probabilities],
    challenger: tuple[Mapping[str, Probabilities], Probabilities],
    *,
    seed: int,
) -> list[Check]:
    """Compare two models.

    Parameters
    ----------
    base : Base
    examples : Examples
    counted : ndarray of bool, shape=(n_examples,)
        Which examples are feedback to be held to; others were set aside.
    champion, challenger : tuple of mapping and ndarray
        Condition -> probabilities of the base's tested utterances, shape=(n_tested, n_emotions); and probabilities of
        the examples, shape=(n_examples, n_emotions). All by models that did not learn from the speaker.
    seed : int
        Of the resampling.

    Returns
    -------
    list of Check

    Notes
    -----
    How hard a speaker is cancels out, because both models are measured on the same resamples. Speakers rather than
    utterances are resampled: Bisani & Ney (2004), "Bootstrap estimates for confidence intervals in ASR performance
    evaluation", ICASSP. UAR must be proved to be no worse than by the margin (non-inferiority): the lower end of the
    interval decides. The calibration error, a biased and noisy figure, must not be proved to be worse, nor look it by
    more than a point.
    """
    columns = np.array([base.emotions.index(label) for label in base.labels[base.tested].tolist()], dtype=np.intp)
    checks = []
    for name in base.conditions:
        a, b = champion[0][name], challenger[0][name]
        checks += _base_checks(name, base, columns, a, b, seed=seed)
    if counted.any():
        checks.append(_feedback_check(examples, counted, champion[1], challenger[1], seed=seed))
    return checks


def _base_checks(
    condition: str, base: Base, truth: NDArray[np.intp], a: Probabilities, b: Probabilities, *, seed: int
) -> list[Check]:
    groups = _rows_by(base.speakers[base.tested])
    names = base.emotions
    confusions = [np.stack([_confusion(truth[rows], p[rows], len(names)) for rows in groups]) for p in (a, b)]
    uar = _compare(confusions, len(groups), lambda table: unweighted_average_recall(table.sum(axis=0)), seed=seed)
    checks = [
        Check(f"UAR, {condition}", *uar, limit="surely not down by more than 1 point", passed=uar[3] >= -UAR_MARGIN)
    ]
    recalls = [recall_per_class(table.sum(axis=0)) for table in confusions]
    worst = int(np.nanargmin(recalls[1] - recalls[0]))
    recall = _compare(confusions, len(groups), lambda t: float(recall_per_class(t.sum(axis=0))[worst]), seed=seed)
    checks.append(
        Check(
            f"recall of {names[worst]}, {condition}",
            *recall,
            limit="of all the worst; not down by more than 5 points",
            passed=recall[2] >= -RECALL_MARGIN,
        )
    )
    judged = [_judged(truth, p, groups) for p in (a, b)]
    ece = _compare(judged, len(groups), _ece, seed=seed)
    is_up = ece[3] > 0 or ece[2] > ECE_MARGIN
    checks.append(Check(f"calibration error, {condition}", *ece, limit="not up", passed=not is_up))
    return checks


def _feedback_check(
    examples: Examples, counted: NDArray[np.bool_], a: Probabilities, b: Probabilities, *, seed: int
) -> Check:
    """Compare how much of the feedback of people who were kept out is met; every person counts alike."""
    rows = np.flatnonzero(counted)
    groups = _rows_by(examples.persons[rows])
    met = [_met(examples, p)[rows] for p in (a, b)]
    shares = [np.array([own[group].mean() for group in groups]) for own in met]
    found = _compare(shares, len(groups), lambda table: float(table.mean()), seed=seed)
    return Check("feedback met, of people kept out", *found, limit="better or equal", passed=found[2] >= 0)


def _met(examples: Examples, probabilities: Probabilities) -> NDArray[np.float64]:
    """Say whether a model would have said what the person said: the named emotion, or any but the rejected one."""
    said = probabilities.argmax(axis=1)
    met = np.where(examples.is_named, said == examples.emotions, said != examples.emotions)
    return np.asarray(met, dtype=np.float64)


def _compare(
    tables: Sequence[Any],
    n_groups: int,
    figure: Callable[[Any], float],
    *,
    seed: int,
) -> tuple[float, float, float, float, float]:
    """Measure both models, and the difference on resamples: champion, challenger, difference, low, high."""
    a, b = (np.asarray(table) for table in tables)
    draws = np.random.default_rng(seed).integers(0, n_groups, size=(_N_RESAMPLES, n_groups))
    before, now = figure(a), figure(b)
    low, high = np.nanpercentile([figure(b[draw]) - figure(a[draw]) for draw in draws], [_TAIL, 100 - _TAIL])
    return before, now, now - before, float(low), float(high)


def _confusion(truth: NDArray[np.intp], probabilities: Probabilities, n: int) -> NDArray[np.int64]:
    return np.asarray(np.bincount(truth * n + probabilities.argmax(axis=1), minlength=n * n).reshape(n, n))


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


def _ece(sums: NDArray[np.float64]) -> float:
    """Return the expected calibration error from sums by speaker and bin; as `emotify_core.metrics` has it."""
    counts, confidence, right = np.moveaxis(sums.sum(axis=0), 1, 0)
    return float(np.abs(confidence - right).sum() / counts.sum())


def _rows_by(names: NDArray[np.str_]) -> list[NDArray[np.intp]]:
    return [np.flatnonzero(names == name) for name in np.unique(names)]
