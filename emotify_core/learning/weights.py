"""How much each example counts, so that nobody can steer what everybody else hears."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from emotify_core.learning.examples import Examples

Weights = NDArray[np.float64]
# People click ✅ easily, and a ❌ leaves seven emotions: both say less than the name of an emotion.
_OF_VERDICT: Final = {"correction": 1.0, "confirmation": 0.3, "rejection": 0.3}
UTTERANCES: Final = 20.0  # of the base that a correction counts as
_MAX_PER_PERSON: Final = 40.0  # corrections
_MAX_ON_CREDIT: Final = 20.0  # corrections of a server: those of whom little is known may all be one person
_MAX_PER_SERVER: Final = 0.5  # of what all come to without this limit
_MAX_OF_BASE: Final = 0.5  # of the base's weight
DAYS_TO_TRUST: Final = 3.0  # from so many on a person counts fully
_MAX_FACTOR: Final = 3.0
_MIN_JUDGED: Final = 6  # corrections of a person from which their worth can be told
_N_PERMUTATIONS: Final = 200
_UNKNOWN: Final = 0.5  # trust in who has corrected less often
# Deviations from chance from which on who has corrected often is trusted at all, and fully. In a simulation of 40
# corrections each, one in twenty is set aside of people whom the model hardly hears, and four in ten of random namers.
_TRUSTED: Final = -0.5, 2.0
_LEAST_TRUST: Final = 0.15  # below it, a person's examples are set aside
_IMPLAUSIBLE: Final = 0.02  # probability of a named emotion, by what everybody else taught
_SURE: Final = 0.7  # of another one


class Trust(NamedTuple):
    """How far a person's words count: for what their corrections have shown, and on credit for what they have not."""

    earned: float
    on_credit: float


@dataclass(frozen=True, eq=False)
class Weighed:
    """How much examples count.

    Attributes
    ----------
    weights : ndarray of float, shape=(n_examples,)
        In utterances of the base; 0 for those that are set aside.
    set_aside : ndarray of str, shape=(n_examples,)
        Why: ``unreliable`` (the person's labels do not follow their voice), ``contradicts`` (everybody else taught the
        opposite), or empty.
    """

    weights: Weights
    set_aside: NDArray[np.str_]


def first_weights(examples: Examples, base_weight: float) -> Weights:
    """Weigh examples by what is known before anything is learned: the kind of verdict, and how long who is known."""
    doubts = np.ones(len(examples))
    for _, notes in _groups(examples.persons):
        doubts[notes] = _doubt(int((examples.verdicts[notes] == "correction").sum()))
    return _capped(_plain(examples) * _UNKNOWN, doubts, examples, base_weight)


def weigh(examples: Examples, posteriors: NDArray[np.float64], base_weight: float, *, seed: int) -> Weighed:
    """Weigh examples by what a model says of them that did not learn from their person.

    Parameters
    ----------
    examples : Examples
    posteriors : ndarray of float, shape=(n_examples, n_emotions)
    base_weight : float
        Sum of the base's weights.
    seed : int
        Of the permutations.

    Notes
    -----
    Who names emotions at random, always the same one, or the opposite, names them independently of the voice. For each
    person with enough corrections, the mean posterior of the named emotions (without the one that was heard, which a
    correction rules out) is compared with what it would be if the names were dealt to the person's notes at random,
    none to a note in which it was heard, which even who names at random avoids. The difference in standard deviations
    of such deals tells how far the names can be trusted. A person who only ever names one emotion cannot be told from
    one who does so in bad faith, so nothing is learned from them. Of who has corrected few notes, or none, nothing can
    be told: they count on credit, of which there is little for all of a server together.
    """
    trust = reliabilities(examples, posteriors, seed=seed)
    of_each = np.array([trust[person] for person in examples.persons.tolist()]).reshape(-1, 2)
    per_example = of_each.sum(axis=1)
    set_aside = np.where(per_example < _LEAST_TRUST, "unreliable", "").astype("U11")
    rows = np.arange(len(examples))
    named = posteriors[rows, examples.emotions]
    against = examples.is_named & (named < _IMPLAUSIBLE) & (posteriors.max(axis=1) > _SURE)
    set_aside[against & (set_aside == "")] = "contradicts"
    weights = np.where(set_aside == "", _plain(examples) * per_example, 0.0)
    on_credit = of_each[:, 1] / np.maximum(per_example, 1e-9)
    return Weighed(_capped(weights, on_credit, examples, base_weight), set_aside)


def reliabilities(examples: Examples, posteriors: NDArray[np.float64], *, seed: int) -> dict[str, Trust]:
    """Say how far each person's corrections follow their voice; both parts together are from 0 to 1."""
    trust = {}
    for person, notes in _groups(examples.persons):
        own = notes[examples.verdicts[notes] == "correction"]
        rng = np.random.default_rng([seed, len(own)])
        trust[person] = (
            _reliability(posteriors[own], examples.emotions[own], examples.heard[own], rng)
            if len(own) >= _MIN_JUDGED
            else Trust(0.0, _UNKNOWN)
        )
    return trust


def _reliability(
    posteriors: NDArray[np.float64], named: NDArray[np.intp], heard: NDArray[np.intp], rng: np.random.Generator
) -> Trust:
    rows = np.arange(len(named))
    among = posteriors.copy()
    among[rows, heard] = 0.0  # it was ruled out
    among /= among.sum(axis=1, keepdims=True) + 1e-12
    deals = among[rows, _dealt(named, heard, rng)].mean(axis=1)
    spread = float(deals.std())
    if spread < 1e-9:  # always the same name, or nothing that could be dealt otherwise
        return Trust(0.0, 0.0 if (named == named[0]).all() else _UNKNOWN)
    z = float(among[rows, named].mean() - deals.mean()) / spread
    doubt, (low, high) = _doubt(len(named)), _TRUSTED
    return Trust(float((1 - doubt) * np.clip((z - low) / (high - low), 0, 1)), doubt * _UNKNOWN)


def _doubt(n_corrections: int) -> float:
    """Say how little is known of who corrected so many notes, from 0 to 1."""
    return _MIN_JUDGED / max(n_corrections, _MIN_JUDGED)


def _dealt(
    named: NDArray[np.intp], heard: NDArray[np.intp], rng: np.random.Generator, n_rounds: int = 10
) -> NDArray[np.intp]:
    """Deal names to a person's notes at random, none to a note in which it was heard, shape=(n_permutations, n_notes).

    Notes
    -----
    A chain of swaps that starts from what was named, each as probable as its reverse: Besag & Clifford (1989),
    "Generalized Monte Carlo significance tests", Biometrika 76(4).
    """
    deals = np.tile(named, (_N_PERMUTATIONS, 1))
    for _ in range(n_rounds):
        order = rng.permuted(np.tile(np.arange(len(named)), (_N_PERMUTATIONS, 1)), axis=1)
        one, other = order[:, : len(named) // 2], order[:, -(len(named) // 2) :]
        a, b = (np.take_along_axis(deals, each, axis=1) for each in (one, other))
        may = (b != heard[one]) & (a != heard[other])
        np.put_along_axis(deals, one, np.where(may, b, a), axis=1)
        np.put_along_axis(deals, other, np.where(may, a, b), axis=1)
    return deals


def _plain(examples: Examples) -> Weights:
    kinds = np.array([_OF_VERDICT[verdict] for verdict in examples.verdicts.tolist()])
    known = np.minimum(1.0, (1.0 + examples.days_known) / (1.0 + DAYS_TO_TRUST))
    return kinds * known


def _capped(weights: Weights, on_credit: NDArray[np.float64], examples: Examples, base_weight: float) -> Weights:
    """Let no person, no server, no emotion and not all of them together count for more than their share.

    What counts on credit is bounded for each server; outside servers it is all taken as of one. In this order: a rare
    emotion may count for up to three times as much as the bounds before would have it.
    """
    weights = _bounded(weights, examples.persons, _MAX_PER_PERSON)
    weights = weights * (1 - on_credit) + _bounded(weights * on_credit, examples.servers, _MAX_ON_CREDIT)
    in_servers = examples.servers != ""
    if len(set(examples.servers[in_servers].tolist())) > 1:
        bound = _MAX_PER_SERVER * weights.sum()
        weights = np.where(in_servers, _bounded(weights, examples.servers, bound), weights)
    weights = _balanced(weights, examples) * UTTERANCES
    total = weights.sum()
    return weights * min(1.0, _MAX_OF_BASE * base_weight / total) if total else weights


def _balanced(weights: Weights, examples: Examples) -> Weights:
    """Let all named emotions count alike, as in the base, as far as that takes no factor beyond three.

    What people talk about most would be heard most, from everybody.
    """
    balanced = weights.copy()
    named = examples.is_named & (weights > 0)
    totals = np.bincount(examples.emotions[named], weights=weights[named])
    if not totals.any():
        return balanced
    mean = totals[totals > 0].mean()
    factors = np.clip(mean / np.maximum(totals, 1e-9), 1 / _MAX_FACTOR, _MAX_FACTOR)
    balanced[named] *= factors[examples.emotions[named]]
    return balanced


def _bounded(weights: Weights, groups: NDArray[np.str_], bound: float) -> Weights:
    bounded = weights.copy()
    for _, own in _groups(groups):
        total = weights[own].sum()
        if total > bound:
            bounded[own] *= bound / total
    return bounded


def _groups(names: NDArray[np.str_]) -> list[tuple[str, NDArray[np.intp]]]:
    """List the rows of each name, in the order of the names."""
    found, codes = np.unique(names, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    stops = np.cumsum(np.bincount(codes, minlength=len(found)))
    return (
        [(str(name), own) for name, own in zip(found, np.split(order, stops[:-1]), strict=True)] if len(names) else []
    )
