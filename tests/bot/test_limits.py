from __future__ import annotations

from typing import Any

from bot.config import Settings
from bot.limits import decode_limits


def test_decoding_gives_up_before_the_worker_is_stopped() -> None:
    chosen: dict[str, Any] = {"_env_file": None, "max_note_bytes": 2048, "max_note_seconds": 60, "note_timeout": 30}
    settings = Settings(**chosen)

    limits = decode_limits(settings)

    assert (limits.max_bytes, limits.max_duration) == (2048, 60)
    assert 0 < limits.max_seconds < settings.note_timeout
