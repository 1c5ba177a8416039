"""One night: a challenger from the base and the examples, and whether it may serve."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from emotify_core.adaptation import Adaptation
from emotify_core.calibration import Calibration
from emotify_core.classifier import shipped_models
from emotify_core.errors import ModelError, ModelNotFoundError
from emotify_core.experts import Experts, Scores
from emotify_core.files import read_checked, sha256_of, write_atomically
from emotify_core.heads import FusedHeads
from emotify_core.learning import twins as t
from emotify_core.learning.base import Base
from emotify_core.learning.examples import Example, Examples, collect
from emotify_core.learning.gate import Check, Opinions, gate
from emotify_core.learning.hearing import NOT_ADAPTED, Hearing
from emotify_core.learning.weights import first_weights, weigh
from emotify_core.recipes import RECIPES
from emotify_core.registry import NETWORK_FILE, Header, Registry
from emotify_core.training import Trained, library_versions

Decision = Literal["promote", "keep", "skip"]
BASE_FOLDER: Final = "base"
_SHARES: Final = (1.0, 0.5, 0.25)  # of the examples' weight: what the gate does not let pass is tried more carefully


@dataclass(frozen=True, eq=False)
class Lesson:
    """What came of a night.

    Attributes
    ----------
    decision : {'promote', 'keep', 'skip'}
        Whether the challenger may serve; skip: there was nothing to learn from.
    reason : str
        One sentence.
    report : dict
        ``examples``: counts; ``gate``: list of `Check` as dict. Ready for JSON.
    challenger : Trained or None
    """

    decision: Decision
    reason: str
    report: dict[str, Any]
    challenger: Trained | None


@dataclass(frozen=True, eq=False)
class _Champion:
    """The model that serves, and its opinions of those whom it did not learn from."""

    header: Header
    experts: Experts
    network: bytes
    twins: list[t.Twin] | None

    def on_base(self, base: Base) -> list[Scores]:
        if self.twins is None:
            return [np.asarray(scores, dtype=np.float64) for scores in base.head_scores]
        return t.base_scores(base, self.twins)

    @property
    def adaptations(self) -> Mapping[int, Adaptation]:
        return NOT_ADAPTED if self.twins is None else t.adaptations_of(self.twins)

    def on_examples(self, base: Base, examples: Examples) -> Scores:
        return examples.serving_scores if self.twins is None else t.example_scores(base, self.twins, examples)


def learn(
    champion: Path, examples: Iterable[Example], *, seed: int = 0, now: datetime, base: Base | None = None
) -> Lesson:
    """Fit a challenger to the base and to what people said of their notes, and hold it against the champion.

    Everything is fitted anew each time, so nothing drifts, and what was deleted has left no trace.

    Parameters
    ----------
    champion : Path
        Folder of the version that serves.
    examples : iterable of Example
        Oldest first.
    seed : int
        The same examples and seed give the same challenger.
    now : datetime
        For the challenger's version.
    base : Base, optional
        The shipped model's if left out.

    Raises
    ------
    ModelError
        If the champion or the base cannot be used, or do not fit each other.
    """
    base = base or read_base(shipped_models())
    serving = _load(champion, base)
    if not _fits(serving, base):
        raise ModelError(f"The champion {serving.header.version} does not fit the base features of {base.version}.")
    with threadpool_limits(limits=1):  # so that the result does not depend on the number of cores
        table = collect(examples, base, serving.experts, serving.header.labels)
        if not len(table):
            return Lesson("skip", "There is no feedback to learn from.", {"examples": _counts(table, None)}, None)
        return _Night(base, serving, table, seed, now).lesson()


@dataclass(frozen=True, eq=False)
class _Attempt:
    """A challenger that is not fitted to everybody yet, and what its twins say of whom they did not learn from."""

    share: float
    weights: NDArray[np.float64]
    twins: list[t.Twin]
    on_base: Sequence[Scores]
    on_examples: Scores
    calibration: Calibration | None
    checks: list[Check]

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if not check.passed]

    @property
    def is_good(self) -> bool:
        return not self.failed


class _Night:
    """The steps of a night, on data that is at hand."""

    def __init__(self, base: Base, serving: _Champion, examples: Examples, seed: int, now: datetime) -> None:
        self._base = base
        self._serving = serving
        self._examples = examples
        self._seed = seed
        self._now = now
        self._hearing = Hearing(base, serving.experts, examples)

    def lesson(self) -> Lesson:
        """Weigh, fit, compare, decide."""
        base, examples = self._base, self._examples
        base_weight = float(len(base.row_codes) * len(base.labels))
        hearing, serving, calibration = self._hearing, self._serving, self._serving.experts.calibration
        before = Opinions(
            hearing.base(serving.on_base(base), calibration, serving.adaptations),
            hearing.examples(serving.on_examples(base, examples), calibration, serving.adaptations),
        )
        weights = first_weights(examples, base_weight)
        log_scores = t.first_posteriors(base, examples, weights, before.examples)
        first = hearing.plausible(log_scores, calibration)
        weighed = weigh(examples, first, base_weight, seed=self._seed)
        counts = _counts(examples, weighed.set_aside)
        if not weighed.weights.any():
            return Lesson("keep", _why_nothing(counts), {"examples": counts}, None)
        shipped = None
        if serving.twins is not None:
            shipped = hearing.base(hearing.shipped_scores, hearing.moved(hearing.shipped_scores))
        attempts = []
        for share in _SHARES:
            attempts.append(self._attempt(share * weighed.weights, share, first, before, shipped))
            if attempts[-1].is_good:
                break
        attempt = attempts[-1] if attempts[-1].is_good else attempts[0]
        report = {
            "examples": counts,
            "share_of_weight": attempt.share,
            "gate": [asdict(check) for check in attempt.checks],
        }
        decision: Decision = "promote" if attempt.is_good else "keep"
        return Lesson(decision, _reason(attempt, counts), report, self._fit(attempt, first))

    def _attempt(
        self,
        weights: NDArray[np.float64],
        share: float,
        first: Scores,
        before: Opinions,
        shipped: Sequence[NDArray[np.float64]] | None,
    ) -> _Attempt:
        """Hold a challenger, for which examples count a share of what they may, against the champion."""
        base, examples, hearing, seed = self._base, self._examples, self._hearing, self._seed
        twins = t.fit_twins(base, examples, weights, first, seed=seed)
        scores, told = t.base_scores(base, twins), t.example_scores(base, twins, examples)
        calibration = hearing.moved(scores)
        twins = hearing.adapted(twins, told, weights, first, calibration)
        adaptations = t.adaptations_of(twins)
        now = Opinions(hearing.base(scores, calibration, adaptations), hearing.examples(told, calibration, adaptations))
        checks = gate(base, examples, weights, before, now, shipped=shipped, seed=seed)
        return _Attempt(share, weights, twins, scores, told, calibration, checks)

    def _fit(self, attempt: _Attempt, posteriors: NDArray[np.float64]) -> Trained:
        """Fit the heads to everybody."""
        base, serving, hearing = self._base, self._serving, self._hearing
        chosen = t.training_rows(base, self._examples, attempt.weights, posteriors)
        heads = t.make_heads(base, self._seed).fit_turned(chosen.rows, chosen.labels, chosen.weights)
        heads.turn_back(base.axes, serving.experts.heads.scaler_)
        experts = Experts(
            heads,
            calibration=attempt.calibration,
            detector=serving.experts.detector,
            prior=hearing.prior(attempt.on_base, t.adaptations_of(attempt.twins)),
            domain=serving.experts.domain,
            adaptation=hearing.adaptation(attempt.on_examples, attempt.weights, posteriors, attempt.calibration),
            network_say=serving.experts.network_say,
            strange_say=serving.experts.strange_say,
            quality=serving.experts.quality_columns(RECIPES[base.recipe].quality),
        )
        stamp = self._now.astimezone(UTC)
        header = replace(
            serving.header,
            version=f"night-{stamp:%Y%m%d-%H%M%S}",
            created=stamp.isoformat(timespec="milliseconds"),
            libraries=library_versions(),
            seed=self._seed,
            sha256="",
            files={},
        )
        files = {NETWORK_FILE: serving.network, t.TWINS_FILE: t.twins_to_bytes(attempt.twins)}
        return Trained(header, experts, files)


def _load(champion: Path, base: Base) -> _Champion:
    registry, version = Registry(champion.parent), champion.name
    header, experts = registry.load(version)
    network, twins = registry.read_file(version, NETWORK_FILE), registry.read_file(version, t.TWINS_FILE)
    if network is None:
        raise ModelError(f"The champion {version} has no network, so it cannot learn.")
    return _Champion(header, experts, network, None if twins is None else t.twins_from_bytes(twins, base))


def _fits(serving: _Champion, base: Base) -> bool:
    experts = serving.experts
    n_columns = len(experts.quality_columns(RECIPES[base.recipe].quality))
    has_quality = base.quality.shape[2] - n_columns in (1, 2)  # how unfamiliar each is, and most know how strange
    return serving.header.vector_set == base.vector_set and isinstance(experts.heads, FusedHeads) and has_quality


def write_base(folder: Path, base: Base) -> Path:
    """Put a base beside the models of a registry, with its licence and the hash that it is checked by."""
    data, header = base.to_bytes(), Registry(folder).header(base.version)
    path = folder / BASE_FOLDER / f"{base.version}.npz.xz"
    facts = {
        "version": base.version,
        "sha256": sha256_of(data),
        "licence": header.licence,
        "corpora": header.corpora,
        "n_utterances": len(base.labels),
        "n_copies": len(base.row_codes),
        "n_axes": len(base.row_steps),
    }
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    write_atomically(path, lambda file: file.write(data))
    write_atomically(path.with_name(f"{base.version}.json"), lambda file: file.write(text.encode()))
    return path


def read_base(folder: Path) -> Base:
    """Read the base of a registry's champion.

    Raises
    ------
    ModelNotFoundError
        If there is none.
    ModelError
        If it is damaged.
    """
    version = Registry(folder).champion()
    path = folder / BASE_FOLDER / f"{version}.npz.xz"
    try:
        sha256 = str(json.loads(path.with_name(f"{version}.json").read_bytes())["sha256"])
    except OSError as error:
        raise ModelNotFoundError(f"The base features {path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"What lies beside {path} is damaged: fetch it again.") from error
    return Base.from_bytes(read_checked(path, sha256))


def _counts(examples: Examples, set_aside: NDArray[np.str_] | None) -> dict[str, Any]:
    verdicts = Counter(examples.verdicts.tolist())
    aside = Counter(set_aside.tolist()) if set_aside is not None else Counter[str]()
    unreliable = examples.persons[set_aside == "unreliable"] if set_aside is not None else examples.persons[:0]
    learned = examples.persons[set_aside == ""] if set_aside is not None else examples.persons
    return {
        "n_examples": len(examples),
        "n_people": len(set(examples.persons.tolist())),
        **{f"n_{kind}s": verdicts[kind] for kind in ("confirmation", "correction", "rejection")},
        "n_set_aside_unreliable": aside["unreliable"],
        "n_set_aside_contradicts": aside["contradicts"],
        "n_people_set_aside": len(set(unreliable.tolist())),
        "n_examples_learned": len(learned),
        "n_people_learned": len(set(learned.tolist())),
    }


def _why_nothing(counts: Mapping[str, Any]) -> str:
    """Say why there was nothing left to learn from."""
    reasons = {
        "what their people name does not follow their voices": counts["n_set_aside_unreliable"],
        "they contradict what everybody else taught": counts["n_set_aside_contradicts"],
    }
    told = [reason if n == counts["n_examples"] else f"{reason} ({n})" for reason, n in reasons.items() if n]
    return f"Everything that was said ({counts['n_examples']}) was set aside: {', or '.join(told)}."


def _reason(attempt: _Attempt, counts: Mapping[str, Any]) -> str:
    if attempt.is_good:
        n, m = counts["n_examples_learned"], counts["n_people_learned"]
        people, notes = f"{m} person" if m == 1 else f"{m} people", f"{n} note" if n == 1 else f"{n} notes"
        careful = "" if attempt.share == 1 else f", taken at {attempt.share:.0%} of its weight"
        return f"Nowhere worse than allowed, after what {people} said of {notes}{careful}."
    listed = "; ".join(f"{check.what} {check.champion:.3f} -> {check.challenger:.3f}" for check in attempt.failed)
    return f"The champion stays: {listed}. With less weight on what was said, it did not pass either."
