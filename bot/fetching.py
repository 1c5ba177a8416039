"""Getting the audio of a note from a front end, whose transport may raise anything."""

from __future__ import annotations

import logging

from bot.exchange import Fetch
from bot.troubles import NoteGoneError, Trouble, TroubleError, trouble_of
from emotify_core.errors import AudioError

_log = logging.getLogger(__name__)


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
