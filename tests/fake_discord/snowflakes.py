"""Discord's identifiers: milliseconds since 2015, shifted by 22 bits, and a counter that keeps them distinct."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

DISCORD_EPOCH_MS = 1_420_070_400_000  # 2015-01-01T00:00:00Z, from Discord's API reference


class Snowflakes:
    """Ever-growing identifiers that carry the time they were made, as discord.py reads it back from them."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._last = 0

    def __call__(self) -> int:
        now = (int(self._clock() * 1000) - DISCORD_EPOCH_MS) << 22
        self._last = max(now, self._last + 1)
        return self._last


def created_at(snowflake: int) -> datetime:
    """Return the moment at which an identifier was made."""
    return datetime.fromtimestamp(((snowflake >> 22) + DISCORD_EPOCH_MS) / 1000, UTC)
