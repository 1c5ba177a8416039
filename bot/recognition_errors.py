"""Why a note was not recognised, where the reason lies in the bot and not in the note.

RecognitionError
├── RecognitionBusy
├── RecognitionTimeout
└── RecognitionFailed
"""

from __future__ import annotations


class RecognitionError(Exception):
    """A note was not recognised, for a reason that lies in the bot and not in the note."""


class RecognitionBusy(RecognitionError):  # noqa: N818 - it is a state, and it passes
    """Too many notes are waiting, or this one waited too long."""


class RecognitionTimeout(RecognitionError):  # noqa: N818 - as in asyncio
    """Recognition took longer than a note may take."""


class RecognitionFailed(RecognitionError):  # noqa: N818 - as in "the recognition failed"
    """The worker crashed or failed on this note, or no worker can be brought up."""
