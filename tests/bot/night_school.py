"""Nights with a student that learns in no time and decides as it is told; store, registry and job are the real ones."""

from __future__ import annotations

import asyncio
import io
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from rich.console import Console

from bot.config import Settings
from bot.models import open_registry
from bot.records import Learned, Origin, StoredNight
from bot.retraining import main
from bot.store import Store
from bot.vault import Vault
from bot.verdicts import Judgement, Mark
from emotify_core.emotions import Emotion
from emotify_core.features import FEATURE_SET
from emotify_core.learning import Example, Lesson
from emotify_core.prediction import Prediction
from emotify_core.registry import Registry
from emotify_core.training import Trained
from emotify_core.vectors import NoteVector
from tests.emotify_core.gates import gate_rows
from tests.emotify_core.tiny_models import tiny_header, tiny_model

ADA, BOB, CAROL = "a" * 64, "b" * 64, "c" * 64
SAD = Prediction({Emotion.SAD: 0.75, Emotion.CALM: 0.25}, duration=2.5, model="shipped-1")
NOTHING = np.zeros(0, np.float32)
T = TypeVar("T")


def vector(value: float = 1.0, *, n_features: int = 12) -> bytes:
    """Make the vector of a note for the tiny model."""
    return NoteVector(FEATURE_SET, np.full(n_features, value, np.float32), NOTHING).to_bytes()


@dataclass
class Student:
    """Learns as `emotify_core.learning.learn` does, as far as others can see."""

    decision: Literal["promote", "keep", "skip"] = "promote"
    error: BaseException | None = None
    meanwhile: Callable[[], object] | None = None
    seen: list[Example] = field(default_factory=list)
    champions: list[str] = field(default_factory=list)
    n_nights: int = 0

    def __call__(self, champion: Path, examples: Iterable[Example], *, seed: int, now: datetime) -> Lesson:
        self.n_nights += 1
        self.champions.append(champion.name)
        self.seen = list(examples)
        if self.meanwhile is not None:
            self.meanwhile()
        if self.error is not None:
            raise self.error
        counts = {"n_examples": len(self.seen), "n_people": len({each.person for each in self.seen})}
        if self.decision == "skip":
            return Lesson("skip", "There is no feedback to learn from.", {"examples": counts}, None)
        report: dict[str, Any] = {"examples": counts, "gate": gate_rows()}
        version = f"night-{now:%Y%m%d-%H%M%S-%f}"
        header = tiny_header(version, created=now.isoformat(timespec="milliseconds"), seed=seed)
        reason = "Nowhere worse than allowed." if self.decision == "promote" else "The champion stays: UAR 0.7 -> 0.6."
        return Lesson(self.decision, reason, report, Trained(header, tiny_model(), {}))


@dataclass
class School:
    """A data folder, and nights in it."""

    folder: Path
    student: Student = field(default_factory=Student)
    out: str = ""
    err: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return Settings(data_dir=self.folder / "data", **self.options)

    @property
    def registry(self) -> Registry:
        return open_registry(self.settings)

    def night(self, *argv: str) -> int:
        """Run `python -m bot retrain`."""
        out, err = (Console(file=io.StringIO(), width=80, highlight=False, markup=False) for _ in range(2))
        try:
            return main(argv, load=lambda: self.settings, learn=self.student, out=out, err=err)
        finally:
            assert isinstance(out.file, io.StringIO)
            assert isinstance(err.file, io.StringIO)
            self.out, self.err = out.file.getvalue(), err.file.getvalue()

    def store(self, use: Callable[[Store], Awaitable[T]]) -> T:
        """Do something with the store while no night is at work."""

        async def opened() -> T:
            vault = Vault.open(self.settings.examples_key_path)
            store = await Store.open(self.settings.database_path, vault=vault)
            try:
                return await use(store)
            finally:
                await store.close()

        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        return asyncio.run(opened())

    def hear(
        self,
        *marks: Mark,
        person: str = ADA,
        origin: Origin = "try",
        data: bytes | None = None,
        vector_set: str = FEATURE_SET,
        guild_id: int | None = None,
        days_ago: float = 10,
    ) -> int:
        """Let a note be heard and marked."""
        at = datetime.now(UTC) - timedelta(days=days_ago)

        async def hear(store: Store) -> int:
            note = await store.claim_note(person, origin=origin, received_at=at, guild_id=guild_id)
            assert note is not None
            if origin == "discord":
                await store.set_learning(person, learning=True, at=at)
            learned = Learned(vector() if data is None else data, vector_set)
            await store.save_prediction(note, SAD, template="t", notice=False, at=at, learned=learned)
            await store.answered(note, reply_id=None, at=at)
            for mark in marks or (Judgement.RIGHT,):
                await store.add_mark(note, mark, at=at)
            return note

        return self.store(hear)

    def change(self, sql: str) -> None:
        """Change the database by hand."""
        with closing(sqlite3.connect(self.settings.database_path)) as connection, connection:
            connection.execute(sql)

    def nights(self) -> list[StoredNight]:
        """List the nights, newest first."""
        return self.store(lambda store: store.nights())
