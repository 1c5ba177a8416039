"""Everything that can go wrong with a voice note, sorted into the few kinds that a person is told about."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from bot.recognition_errors import RecognitionBusy, RecognitionTimeout
from emotify_core.errors import (
    AudioError,
    AudioTooLargeError,
    AudioTooLongError,
    AudioTooShortError,
    DecodingTimeoutError,
    NoSpeechError,
)


class Trouble(StrEnum):
    """Why a note gets no guess; the value is kept in the store."""

    COOLDOWN = "cooldown"
    TOO_LONG = "too_long"
    TOO_LARGE = "too_large"
    TOO_SHORT = "too_short"
    UNDECODABLE = "undecodable"
    NO_SPEECH = "no_speech"
    TOO_SLOW = "too_slow"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    FAILED = "failed"

    @property
    def is_ours(self) -> bool:
        """Whether the fault is on our side, so that sending the same note again may help."""
        return self in {Trouble.BUSY, Trouble.UNREACHABLE, Trouble.FAILED}


class TroubleError(Exception):
    """A note gets no guess."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


class NoteGoneError(Exception):
    """The note was deleted before its audio could be fetched; front ends raise it."""


_KINDS: Final[tuple[tuple[type[Exception], Trouble], ...]] = (
    (AudioTooLongError, Trouble.TOO_LONG),
    (AudioTooLargeError, Trouble.TOO_LARGE),
    (AudioTooShortError, Trouble.TOO_SHORT),
    (NoSpeechError, Trouble.NO_SPEECH),
    (DecodingTimeoutError, Trouble.TOO_SLOW),
    (AudioError, Trouble.UNDECODABLE),
    (RecognitionTimeout, Trouble.TOO_SLOW),
    (RecognitionBusy, Trouble.BUSY),
)


def trouble_of(error: Exception) -> Trouble:
    """Sort an error; what nobody foresaw is `Trouble.FAILED`."""
    return next((trouble for kind, trouble in _KINDS if isinstance(error, kind)), Trouble.FAILED)
