"""The job is killed, at whatever point: some model serves, and the next night puts everything in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot import models
from emotify_core.classifier import EmotionClassifier
from emotify_core.registry import Registry
from tests.bot.night_school import School
from tests.bot.retrained import release

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

ROOT = Path(__file__).resolve().parents[2]
POINTS = ["learning", "drawing", "publishing", "published", "promoted"]


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    registry = release(tmp_path / "shipped")
    monkeypatch.setattr(models, "shipped_models", lambda: registry.root)
    monkeypatch.setattr("bot.retraining._lower_priority", lambda: None)
    return registry


@pytest.fixture
def school(tmp_path: Path, shipped: Registry) -> School:
    school = School(tmp_path)
    school.hear()
    return school


def killed_night(school: School, shipped: Registry, point: str) -> None:
    """Run a night that is killed at a point."""
    words = [sys.executable, "-m", "tests.bot.crashing_night", point, str(school.folder), str(shipped.root)]
    assert subprocess.run(words, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    for path in school.registry.root.glob(".*"):  # as if it had been hours ago
        os.utime(path, (0, 0))


def hidden(registry: Registry) -> list[str]:
    return [path.name for path in registry.root.glob(".*")]


@pytest.mark.parametrize("point", POINTS)
def test_a_night_that_is_killed_leaves_a_model_that_serves(school: School, shipped: Registry, point: str) -> None:
    killed_night(school, shipped, point)

    folder = models.serving_model(school.registry)
    if point in {"learning", "drawing"}:
        assert folder is None
    else:
        assert folder is not None
        assert EmotionClassifier.load(folder).version.startswith("night" if point == "promoted" else "shipped")
    assert bool(hidden(school.registry)) == (point == "publishing")
    (night,) = school.nights()
    assert night.decision is None

    assert school.night() == 0

    assert hidden(school.registry) == []
    assert [path.name for path in school.settings.data_dir.glob(".*")] == []
    assert [night.decision for night in school.nights()] == [
        "promoted",
        "promoted" if point == "promoted" else "failed",
    ]
    assert school.nights()[1].reason is not None
    assert "The job was cut short." in str(school.nights()[1].reason)
    made = [version for version in school.registry.versions() if version.startswith("night")]
    assert made == [version for version in school.registry.history() if version.startswith("night")]
    assert len(made) == (2 if point == "promoted" else 1)
    assert school.registry.rollback() == (made[0] if point == "promoted" else "shipped-1")
