"""`python -m tests.bot.crashing_night POINT FOLDER SHIPPED`: a night that is killed at a point, as by `kill -9`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bot import models
from bot.store import Store
from emotify_core import registry
from emotify_core.learning import Example, Lesson
from emotify_core.registry import Registry
from tests.bot.night_school import School, Student


def die(*_: object, **__: object) -> Any:
    """Be killed."""
    os.kill(os.getpid(), signal.SIGKILL)


class Killed(Student):
    """Is killed while it learns."""

    def __call__(self, champion: Path, examples: Iterable[Example], *, seed: int, now: Any) -> Lesson:
        list(examples)
        lesson: Lesson = die()
        return lesson


def main(point: str, folder: str, shipped: str) -> int:
    """Run the night."""
    models.shipped_models = lambda: Path(shipped)  # type: ignore[attr-defined]
    school = School(Path(folder))
    if point == "learning":
        school.student = Killed()
    elif point == "drawing":
        replace = Path.replace
        Path.replace = lambda self, target: die() if "night.png" in self.name else replace(self, target)  # type: ignore[method-assign]
    elif point == "publishing":
        rename = registry._rename
        registry._rename = lambda source, target: die() if target.name.startswith("night") else rename(source, target)
    elif point == "published":
        promote = Registry.promote
        Registry.promote = lambda self, version: die() if version.startswith("night") else promote(self, version)  # type: ignore[method-assign]
    elif point == "promoted":
        Store.end_night = die  # type: ignore[method-assign]
    return school.night()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
