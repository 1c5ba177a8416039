"""How much of a note is decoded."""

from __future__ import annotations

from typing import Final

from bot.config import Settings
from emotify_core.audio import DecodeLimits

_DECODING_SHARE: Final = 2 / 3  # a decoder that stops by itself costs a sentence; one that is stopped costs a worker


def decode_limits(settings: Settings) -> DecodeLimits:
    """Take the limits of decoding from the settings; the rest of a note's time is left to hearing the emotion."""
    return DecodeLimits(
        max_bytes=settings.max_note_bytes,
        max_duration=settings.max_note_seconds,
        max_seconds=settings.note_timeout * _DECODING_SHARE,
    )
