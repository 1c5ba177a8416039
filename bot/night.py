"""One night: tidy up, read the examples, learn, let the gate decide, publish and promote, record, delete old versions.

Each step leaves a registry from which some model serves, so the process may be killed at any point. What it leaves
behind then is put in order at the beginning of the next night.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from bot.models import (
    NIGHT,
    adopt_release,
    base_of,
    is_retrained,
    make_champion,
    night_of,
    prune,
    serving_model,
    shipped_champion,
)
from bot.night_examples import Reading
from bot.night_outcome import Outcome, UntidyNightError, draw, gate_lines
from bot.records import Decision, Origin, StoredNight, time_text
from bot.store import Store, StoreError
from emotify_core.errors import EmotifyError, ModelError, sentence_of
from emotify_core.files import write_atomically
from emotify_core.header import Header
from emotify_core.learning import Example, Lesson
from emotify_core.night_card import render_night_card
from emotify_core.registry import CARD_FILE, LAST_NIGHT_FILE, Registry

_log = logging.getLogger(__name__)

WITHDRAWN_AT: Final = "examples_withdrawn_at"
"""Setting of the store: when examples were last deleted because a person was forgotten or took their yes back."""
_KNEW: Final = "knew_withdrawn_at"  # what that setting was before a night read its examples
_ABANDONED: Final = timedelta(hours=1)  # no writer of the registry is at work for so long
_CUT_SHORT: Final = "The job was cut short."
_BY_HAND: Final = "Somebody chose another champion meanwhile: `python -m bot retrain` compares with that one."
_LEFT: Final = "Notes that were learned from may have been deleted meanwhile: the next night learns without them."
_DECISIONS: Final[Mapping[str, Decision]] = {"promote": "promoted", "keep": "kept", "skip": "skipped"}
_N_LOOKED_BACK: Final = 30
# Of a night that was killed, from its model:
_KEPT_FACTS: Final = ("examples", "share_of_weight", "gate", "base", "digest")


class Learn(Protocol):
    """What learns: `emotify_core.learning.learn`."""

    def __call__(self, champion: Path, examples: Iterable[Example], *, seed: int, now: datetime) -> Lesson:
        """Fit a challenger and compare it with the champion."""


@dataclass(frozen=True)
class _Reference:
    """What the challenger is compared with.

    `replaces` tells that it is not the champion of the registry, which may not or cannot serve any more.
    """

    folder: Path
    header: Header
    replaces: str = ""


@dataclass(frozen=True)
class _Begun:
    """A night that began, as a version knows the one that made it: in another database the numbers start anew."""

    number: int
    started_at: datetime

    def facts(self) -> dict[str, Any]:
        return {"number": self.number, "started_at": time_text(self.started_at)}


@dataclass(frozen=True)
class Night:
    """A night's work.

    Parameters
    ----------
    store : Store
    runner : asyncio.Runner
        Runs the store's coroutines.
    registry : Registry
    learn : Learn
    clock : callable
        Gives aware times.
    keep_models : int
        How many retrained versions are kept.
    origins : sequence of {'discord', 'try'}
        The front ends that may be learned from.
    picture : Path
        Where the picture of the last night lies.
    seed : int
    """

    store: Store
    runner: asyncio.Runner
    registry: Registry
    learn: Learn
    clock: Callable[[], datetime]
    keep_models: int
    origins: Sequence[Origin]
    picture: Path
    seed: int = 0

    def run(self, *, only_if_new: bool = False) -> Outcome | None:
        """Do it; None if `only_if_new` and everything is as it was the last time.

        Raises
        ------
        Exception
            Whatever went wrong. It is recorded, and the champion is as it was, but for an `UntidyNightError`.
        """
        self._tidy()
        adopt_release(self.registry)
        withdrawn_at, reference, reading = self._look()
        if only_if_new and not reference.replaces and not self._is_new(reading):
            self._clear_out(withdrawn_at)  # the last night may not have come to that
            return None
        started_at = self.clock()
        night = _Begun(self.runner.run(self.store.begin_night(started_at)), started_at)
        try:
            outcome = self._decide(night, reference, reading, withdrawn_at)
            if outcome.is_outdated:  # once more, without them: nobody can hold up a night by leaving
                withdrawn_at, reference, reading = self._look()
                outcome = self._decide(night, reference, reading, withdrawn_at)
        except BaseException as error:
            self._end_for(night, _sentence(error), champion=reference.folder.name)
            raise
        try:
            self._end(night.number, outcome)
            self._clear_out(withdrawn_at)
        except (StoreError, ModelError, OSError) as error:
            raise UntidyNightError(outcome, error) from error
        return outcome

    # What the challenger is compared with

    def _look(self) -> tuple[str | None, _Reference, Reading]:
        """Look when examples were last deleted, only then what to compare with, and what there is to learn from."""
        withdrawn_at = self._withdrawn_at()
        reference = self._reference(withdrawn_at)
        reading = Reading(self.store, self.runner, reference.header, self.clock(), self.origins)
        return withdrawn_at, reference, reading

    def _reference(self, withdrawn_at: str | None) -> _Reference:
        """Find the champion, or the shipped model if the champion cannot serve, or learned from what was withdrawn."""
        folder, shipped = shipped_champion()
        serving = serving_model(self.registry)
        if serving is None:
            replaces = "" if not self.registry.versions() else "The champion could not be used."
            return _Reference(folder, shipped, replaces)
        if withdrawn_at is not None and self._learned_before(serving.name, withdrawn_at):
            return _Reference(folder, shipped, "The champion had learned from notes that were deleted since.")
        if base_of(self.registry, serving.name) != shipped.version:  # rolled back to a model of an earlier release
            return _Reference(folder, shipped)
        return _Reference(serving, self.registry.header(serving.name))

    def _learned_before(self, version: str, withdrawn_at: str) -> bool:
        """Tell whether a version may have learned from the examples that were deleted last.

        What its night knew of deletions is compared, because clocks may be set back between the two.
        """
        return is_retrained(self.registry, version) and night_of(self.registry, version).get(_KNEW) != withdrawn_at

    def _withdrawn_at(self) -> str | None:
        """Read when a person last had examples deleted."""
        return self.runner.run(self.store.setting("store", WITHDRAWN_AT))

    def _is_new(self, reading: Reading) -> bool:
        """Tell whether there is anything that the last finished night did not learn from, or that is gone since."""
        n_examples = reading.count()
        nights = self.runner.run(self.store.nights(_N_LOOKED_BACK))
        finished = [night for night in nights if night.decision in {"promoted", "kept", "skipped"}]
        if not finished:
            return n_examples > 0
        is_changed = (finished[0].report or {}).get("digest") != reading.digest
        return is_changed or (n_examples > 0 and self._is_released_since(finished[0]))

    def _is_released_since(self, night: StoredNight) -> bool:
        """Tell whether the shipped model serves, and is another one than in a night."""
        shipped = shipped_champion()[1].version
        serves = self.registry.history()[-1:] in {(), (shipped,)}
        return serves and (night.report or {}).get("base") != shipped

    # Learning and deciding

    def _decide(self, night: _Begun, reference: _Reference, reading: Reading, withdrawn_at: str | None) -> Outcome:
        """Learn, and let the champion be who should be."""
        self.picture.unlink(missing_ok=True)
        history = self.registry.history()
        lesson = self.learn(reference.folder, reading.examples(), seed=self.seed, now=self.clock())
        if lesson.decision == "promote" and lesson.challenger is None:
            raise ModelError("The gate lets a challenger pass that is not there.")
        counts = {"n_of_another_model": reading.n_of_another_model, "n_damaged": reading.n_damaged}
        report = {
            **_finite(lesson.report),
            "examples": {**lesson.report.get("examples", {}), **counts},
            "base": shipped_champion()[1].version,
            "digest": reading.digest,
        }
        decision: Decision = _DECISIONS[lesson.decision]
        reason = f"{lesson.reason} {reference.replaces}".strip()
        is_outdated = False
        if self.registry.history() != history:  # an operator has the last word
            decision, reason = "kept" if decision == "promoted" else decision, _BY_HAND
        elif decision == "promoted" and self._withdrawn_at() != withdrawn_at:
            decision, reason, is_outdated = "kept", f"{_LEFT} {reference.replaces}".strip(), True
            del report["digest"]  # so that the next night finds something new in any case
        outcome = Outcome(
            decision=decision,
            reason=reason,
            champion=reference.folder.name,
            challenger=lesson.challenger.header.version if lesson.challenger else None,
            report=report,
            decided_at=self.clock(),
            is_outdated=is_outdated,
        )
        png = self._picture(outcome)
        if outcome.decision == "promoted":
            facts = outcome.facts() | night.facts() | {_KNEW: withdrawn_at}
            if not self._promote(reference, lesson, facts, png, history):
                outcome = replace(outcome, decision="kept", reason=_BY_HAND)
                self._picture(outcome)
        elif reference.replaces:
            make_champion(self.registry, reference.folder, after=history)
        return outcome

    def _picture(self, outcome: Outcome) -> bytes | None:
        """Draw the gate's table, and keep it as the picture of the last night."""
        png = draw(outcome)
        if png is not None:
            write_atomically(self.picture, lambda file: file.write(png))
        return png

    def _promote(
        self,
        reference: _Reference,
        lesson: Lesson,
        facts: Mapping[str, Any],
        png: bytes | None,
        history: tuple[str, ...],
    ) -> bool:
        """Publish the challenger and make it the champion; a rollback leads to what it was compared with.

        Returns
        -------
        bool
            False if somebody chose another champion since the history was read: the challenger is gone then.
        """
        challenger = lesson.challenger
        assert challenger is not None  # noqa: S101 - `_decide` has checked
        if not make_champion(self.registry, reference.folder, after=history):
            return False
        history = self.registry.history()

        def add_card(folder: Path, header: Header) -> None:
            if png is not None:
                (folder / self.picture.name).write_bytes(png)
            card = render_night_card(header, facts, picture=None if png is None else self.picture.name)
            (folder / CARD_FILE).write_text(card, encoding="utf-8")

        header = challenger.header
        self.registry.publish(header, challenger.experts, {NIGHT: facts}, files=challenger.files, extras=add_card)
        if make_champion(self.registry, self.registry.root / header.version, after=history):
            return True
        self.registry.remove(header.version)
        return False

    def _end(self, number: int, outcome: Outcome) -> None:
        """Record what came of the night; the picture of one that failed told of what did not come about."""
        if outcome.decision == "failed":
            with contextlib.suppress(OSError):
                self.picture.unlink(missing_ok=True)
        self.runner.run(
            self.store.end_night(
                number,
                decision=outcome.decision,
                champion=outcome.champion,
                challenger=outcome.challenger,
                reason=outcome.reason,
                report=outcome.report,
                at=outcome.decided_at,
            )
        )
        _log.info("Night %d: %s. %s", number, outcome.decision, outcome.reason)
        for line in gate_lines(outcome):
            _log.info("Night %d: %s", number, line)
        self._tell_the_registry(outcome)

    def _tell_the_registry(self, outcome: Outcome) -> None:
        """Leave what came of the night where `emotify models show` finds it, which knows no database."""
        path = self.picture.with_name(LAST_NIGHT_FILE)
        text = json.dumps(outcome.facts(), indent=2, ensure_ascii=False) + "\n"
        try:
            path.unlink(missing_ok=True)  # rather none than that of another night
            write_atomically(path, lambda file: file.write(text.encode()))
        except OSError as error:
            _log.warning("`emotify models show` cannot tell of this night: %s", sentence_of(error))

    # Order

    def _tidy(self) -> None:
        """Put in order what a night left behind that was killed."""
        if n_leftovers := self.registry.sweep(before=self.clock() - _ABANDONED):
            _log.info("%d leftovers of a job that was cut short were deleted", n_leftovers)
        for name in (self.picture.name, LAST_NIGHT_FILE):
            for half in self.picture.parent.glob(f".{name}.*"):  # of `write_atomically`; no other night runs
                half.unlink(missing_ok=True)
        if aside := self.registry.mend():
            _log.warning("Which model served is not known any more: the damaged record of it lies in %s", aside)
        nights = self.runner.run(self.store.nights(_N_LOOKED_BACK))
        for night in nights:
            if night.decision is None:
                self._end_for(_Begun(night.id, night.started_at), _CUT_SHORT)

    def _end_for(self, night: _Begun, why: str, *, champion: str = "") -> None:
        """End a night that was killed or failed: its version serves, or it goes."""
        made = [version for version in self.registry.versions() if self._is_of(version, night)]
        promoted = [version for version in made if version in self.registry.history()]
        for version in set(made) - set(promoted):
            self.registry.remove(version)
        facts = night_of(self.registry, promoted[-1]) if promoted else {}
        report: dict[str, Any] = {key: facts[key] for key in _KEPT_FACTS if key in facts}
        decision: Decision = "promoted" if promoted else "failed"
        reason = f"{facts.get('reason', '')} {why}".strip()
        champion, challenger = facts.get("champion") or champion, promoted[-1] if promoted else None
        self._end(night.number, Outcome(decision, reason, champion, challenger, report, self.clock()))

    def _is_of(self, version: str, night: _Begun) -> bool:
        """Tell whether a night made a version."""
        return night.facts().items() <= night_of(self.registry, version).items()

    def _clear_out(self, withdrawn_at: str | None) -> None:
        """Delete versions that are too old, or learned from what was withdrawn."""
        if withdrawn_at is not None:
            for version in set(self.registry.versions()) - set(self.registry.history()[-1:]):
                if self._learned_before(version, withdrawn_at):
                    self.registry.remove(version)
        prune(self.registry, keep=self.keep_models)


def _finite(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Replace figures that are none by None, because JSON knows no NaN."""
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _sentence(error: BaseException) -> str:
    """Say in a sentence why a night failed."""
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return "The job was stopped."
    if isinstance(error, EmotifyError | StoreError | OSError):
        return " ".join(sentence_of(error).split()) or repr(error)
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else repr(error)
