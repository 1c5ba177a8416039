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

from emotify_core.classifier import shipped_models
from emotify_core.errors import ModelError, ModelNotFoundError
from emotify_core.experts import FUNCTIONALS, NETWORK, Experts, Scores, fuse
from emotify_core.files import read_checked, sha256_of, write_atomically
from emotify_core.heads import FusedHeads
from emotify_core.learning import twins as t
from emotify_core.learning.base import Base
from emotify_core.learning.examples import Example, Examples, collect
from emotify_core.learning.gate import Check, Opinions, gate
from emotify_core.learning.weights import first_weights, weigh
from emotify_core.registry import NETWORK_FILE, Header, Registry
from emotify_core.training import Trained, library_versions

Decision = Literal["promote", "keep", "skip"]
BASE_FOLDER: Final = "base"


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
    heads = serving.experts.heads
    if serving.header.vector_set != base.vector_set or not isinstance(heads, FusedHeads):
        raise ModelError(f"The champion {serving.header.version} does not fit the base features of {base.version}.")
    with threadpool_limits(limits=1):  # so that the result does not depend on the number of cores
        table = collect(examples, base, heads, serving.header.labels)
        if not len(table):
            return Lesson("skip", "There is no feedback to learn from.", {"examples": _counts(table, None)}, None)
        return _Night(base, serving, table, seed, now).lesson()


class _Night:
    """The steps of a night, on data that is at hand."""

    def __init__(self, base: Base, serving: _Champion, examples: Examples, seed: int, now: datetime) -> None:
        self._base = base
        self._serving = serving
        self._examples = examples
        self._seed = seed
        self._now = now

    def lesson(self) -> Lesson:
        """Weigh, fit, compare, decide."""
        base, examples, seed = self._base, self._examples, self._seed
        base_weight = float(len(base.row_codes) * len(base.labels))
        before = self._posteriors(self._serving.on_examples(base, examples))
        weights = first_weights(examples, base_weight)
        first = self._posteriors(t.first_posteriors(base, examples, weights, before))
        weighed = weigh(examples, first, base_weight, seed=seed)
        counts = _counts(examples, weighed.set_aside)
        if not weighed.weights.any():
            return Lesson("keep", _why_nothing(counts), {"examples": counts}, None)
        twins = t.fit_twins(base, examples, weighed.weights, first, seed=seed)
        shipped = [np.asarray(scores, dtype=np.float64) for scores in base.head_scores]
        checks = gate(
            base,
            examples,
            weighed.weights > 0,
            Opinions(self._on_base(self._serving.on_base(base)), before),
            Opinions(
                self._on_base(t.base_scores(base, twins)), self._posteriors(t.example_scores(base, twins, examples))
            ),
            shipped=None if self._serving.twins is None else self._on_base(shipped),
            seed=seed,
        )
        challenger = self._fit(weighed.weights, first, twins)
        failed = [check for check in checks if not check.passed]
        report = {"examples": counts, "gate": [asdict(check) for check in checks]}
        return Lesson("keep" if failed else "promote", _reason(failed, counts), report, challenger)

    def _posteriors(self, head_scores: Scores) -> NDArray[np.float64]:
        """Return what head scores come to together with the network, for the examples."""
        return self._probabilities(head_scores, self._examples.network_scores, self._examples.quality)

    def _on_base(self, head_scores: Sequence[Scores]) -> list[NDArray[np.float64]]:
        """Return what head scores of the base's tested utterances come to, under each condition."""
        networks = self._base.network_scores.astype(np.float64)
        return [
            self._probabilities(scores, network, quality)
            for scores, network, quality in zip(head_scores, networks, self._base.quality, strict=True)
        ]

    def _probabilities(self, heads: Scores, network: Scores, quality: NDArray[np.float32]) -> NDArray[np.float64]:
        emotions, classes = self._base.emotions, self._serving.experts.classes
        fused = fuse({FUNCTIONALS: heads, NETWORK: network})[:, [emotions.index(name) for name in classes]]
        probabilities = self._serving.experts.probabilities(fused, quality)
        return probabilities[:, [classes.index(name) for name in emotions]]

    def _fit(self, weights: NDArray[np.float64], posteriors: NDArray[np.float64], twins: list[t.Twin]) -> Trained:
        """Fit the heads to everybody."""
        base, serving = self._base, self._serving
        chosen = t.training_rows(base, self._examples, weights, posteriors)
        heads = t.make_heads(base, self._seed).fit_turned(chosen.rows, chosen.labels, chosen.weights)
        heads.turn_back(base.axes, serving.experts.heads.scaler_)
        experts = Experts(
            heads,
            calibration=serving.experts.calibration,
            detector=serving.experts.detector,
            prior=serving.experts.prior,
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
        return Trained(header, experts, {NETWORK_FILE: serving.network, t.TWINS_FILE: t.twins_to_bytes(twins)})


def _load(champion: Path, base: Base) -> _Champion:
    registry, version = Registry(champion.parent), champion.name
    header, experts = registry.load(version)
    network, twins = registry.read_file(version, NETWORK_FILE), registry.read_file(version, t.TWINS_FILE)
    if network is None:
        raise ModelError(f"The champion {version} has no network, so it cannot learn.")
    return _Champion(header, experts, network, None if twins is None else t.twins_from_bytes(twins, base))


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
    return {
        "n_examples": len(examples),
        "n_people": len(set(examples.persons.tolist())),
        **{f"n_{kind}s": verdicts[kind] for kind in ("confirmation", "correction", "rejection")},
        "n_set_aside_unreliable": aside["unreliable"],
        "n_set_aside_contradicts": aside["contradicts"],
        "n_people_set_aside": len(set(unreliable.tolist())),
    }


def _why_nothing(counts: Mapping[str, Any]) -> str:
    """Say why there was nothing left to learn from."""
    reasons = {
        "what their people name does not follow their voices": counts["n_set_aside_unreliable"],
        "they contradict what everybody else taught": counts["n_set_aside_contradicts"],
    }
    told = [reason if n == counts["n_examples"] else f"{reason} ({n})" for reason, n in reasons.items() if n]
    return f"Everything that was said ({counts['n_examples']}) was set aside: {', or '.join(told)}."


def _reason(failed: list[Check], counts: Mapping[str, Any]) -> str:
    if not failed:
        n, m = counts["n_examples"], counts["n_people"]
        people, notes = f"{m} person" if m == 1 else f"{m} people", f"{n} note" if n == 1 else f"{n} notes"
        return f"Not worse anywhere, after what {people} said of {notes}."
    listed = "; ".join(f"{check.what} {check.champion:.3f} -> {check.challenger:.3f}" for check in failed)
    return f"The champion stays: {listed}."
