"""Getting the audio of a note from a front end, whose transport may raise anything, and how much of it there may be."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bot.config import Settings
from bot.exchange import Fetch
from bot.troubles import NoteGoneError, Trouble, TroubleError, trouble_of
from emotify_core.errors import AudioError

_log = logging.getLogger(__name__)
_ROOM: Final = 2**28  # bytes: hundreds of ordinary notes, ten of the largest


class Room:
    """Memory for the audio of notes that are fetched, wait in line or are heard.

    Without a bound, a hundred people who send the largest notes at once would use up the machine's: a download begins
    before anybody knows how long the line will be.
    """

    def __init__(self, n_bytes: int = _ROOM) -> None:
        self._n_bytes = n_bytes
        self._taken = 0

    @contextmanager
    def taken(self, n_bytes: int) -> Iterator[None]:
        """Take room for one note, however large it is if it is alone; `TroubleError` if there is not enough."""
        if self._taken and self._taken + n_bytes > self._n_bytes:
            raise TroubleError(Trouble.BUSY)
        self._taken += n_bytes
        try:
            yield
        finally:
            self._taken -= n_bytes


def require_moderate(settings: Settings, duration: float | None, n_bytes: int | None) -> None:
    """Refuse a note that is too long or too large, as far as that is known; raises `TroubleError`."""
    if duration is not None and duration > settings.max_note_seconds:
        raise TroubleError(Trouble.TOO_LONG)
    if n_bytes is not None and n_bytes > settings.max_note_bytes:
        raise TroubleError(Trouble.TOO_LARGE)


async def fetched(fetch: Fetch) -> bytes:
    """Fetch the audio; whatever a front end's transport raises means that it could not be had."""
    try:
        return await fetch()
    except NoteGoneError:
        raise
    except AudioError as error:
        raise TroubleError(trouble_of(error)) from error
    except Exception as error:
        _log.warning("a note could not be fetched: %s", type(error).__name__)  # its text may hold a signed address
        raise TroubleError(Trouble.UNREACHABLE) from error
