"""Recognisers that tests decide about."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from bot.exchange import Recognition
from emotify_core.emotions import Emotion
from emotify_core.prediction import Prediction

VECTOR = bytes(range(64))


def guess(emotion: Emotion = Emotion.SAD, confidence: float = 0.79) -> Prediction:
    """Make a prediction."""
    rest = (1 - confidence) / (len(Emotion) - 1)
    probabilities = {each: confidence if each is emotion else rest for each in Emotion}
    return Prediction(probabilities, duration=2.5, model="stand-in-1")


@dataclass
class StandIn:
    """Hears what the test says; everything else about it is as with the real pool."""

    model_version: str = ""
    prediction: Prediction = field(default_factory=guess)
    error: Exception | None = None
    heard: list[bytes] = field(default_factory=list)
    learning: list[bool] = field(default_factory=list)
    held: asyncio.Event | None = None
    is_closed: bool = False

    async def start(self) -> None:
        self.model_version = "stand-in-1"

    async def recognize(self, audio: bytes, *, learn: bool = False, baseline: bytes | None = None) -> Recognition:
        self.heard.append(bytes(audio))
        self.learning.append(learn)
        if self.held is not None:
            await self.held.wait()
        if self.error is not None:
            raise self.error
        if not learn:
            return Recognition(self.prediction)
        return Recognition(self.prediction, vector=VECTOR, vector_set="stand-in")

    async def replace_model(self, model: Path | None) -> None:
        self.model_version = "shipped" if model is None else model.name

    async def close(self) -> None:
        self.is_closed = True
