"""What is recorded of a night."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, Protocol, TypeAlias

Decision: TypeAlias = Literal["promoted", "kept", "failed", "skipped"]
PICTURE: Final = "night.png"
"""The picture of the last night, in the data folder."""


class StoredNight(Protocol):
    """A night as the store has it; without a decision it was never ended."""

    @property
    def id(self) -> int: ...  # noqa: D102 - the names say it
    @property
    def started_at(self) -> datetime: ...  # noqa: D102
    @property
    def decision(self) -> str | None: ...  # noqa: D102
    @property
    def champion(self) -> str | None: ...  # noqa: D102
    @property
    def challenger(self) -> str | None: ...  # noqa: D102
    @property
    def reason(self) -> str | None: ...  # noqa: D102
    @property
    def report(self) -> Mapping[str, Any]: ...  # noqa: D102
