"""Small deterministic parts for tests in which the real one is not the point."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.exchange import Recognition
from emotify_core.emotions import Emotion
from emotify_core.prediction import Prediction

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
SAD = Prediction({Emotion.SAD: 0.75, Emotion.CALM: 0.25}, duration=2.5, model="test-1")


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    time: datetime = NOON

    def __call__(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def advance(self, *, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class ScriptedRecognizer:
    """Hears what it is told to hear, or raises it; with a gate it waits there."""

    result: Prediction | Exception = SAD
    heard: list[bytes] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event | None = None

    async def recognize(self, audio: bytes, *, learn: bool = False, baseline: bytes | None = None) -> Recognition:
        self.heard.append(audio)
        self.started.set()
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.result, Exception):
            raise self.result
        return Recognition(self.result)
