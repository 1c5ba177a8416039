"""Registries as nights leave them, with models that are fitted in milliseconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from bot.models import NIGHT
from emotify_core.experts import Experts
from emotify_core.header import Header
from emotify_core.registry import Registry
from tests.emotify_core.tiny_models import tiny_header, tiny_model

FIRST: Final = datetime(2026, 1, 1, tzinfo=UTC)


def created(day: float) -> str:
    """Say when something was made, in days since the first release."""
    return (FIRST + timedelta(days=day)).isoformat()


@cache
def _model() -> Experts:
    """Fit one model for all: here only the names differ."""
    return tiny_model()


def release(root: Path, version: str = "shipped-1", *, day: float = 0, **facts: Any) -> Registry:
    """Ship a model."""
    registry = Registry(root)
    registry.publish(tiny_header(version, created=created(day), **facts), _model(), {"figures": {}})
    registry.promote(version)
    return registry


def retrain(
    registry: Registry, version: str, *, day: float, base: str = "shipped-1", promote: bool = True, **facts: Any
) -> Header:
    """Publish what a night would, and promote it."""
    header = replace(tiny_header(version), created=created(day), **facts)
    night = {"number": int(day), "base": base, "decision": "promoted", "reason": "Not worse."}
    header = registry.publish(header, _model(), {NIGHT: night})
    if promote:
        registry.promote(version)
    return header
