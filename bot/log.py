"""Logging: readable lines on stderr and in a rotating file, written off the event loop, with secrets taken out."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import TextIOWrapper
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from typing import Final, TextIO

_FORMAT: Final = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_MAX_BYTES: Final = 5 * 2**20
_N_BACKUPS: Final = 3
_REDACTED: Final = "[redacted]"
_SECRETS: Final = (
    # A Discord token: the bot's id in base64, a timestamp, an HMAC (Discord API reference, "Authentication").
    (re.compile(r"[A-Za-z\d_-]{23,28}\.[A-Za-z\d_-]{6,7}\.[A-Za-z\d_-]{27,}"), _REDACTED),
    # Tokens of interactions and webhooks stand in the address, which discord.py logs when it is rate limited.
    (re.compile(r"(/(?:interactions|webhooks)/\d+/)[^/\s?]+"), rf"\1{_REDACTED}"),
    # The signature of an attachment's address lets anybody who reads it download the audio.
    (re.compile(r"([?&]hm=)[\da-fA-F]+"), rf"\1{_REDACTED}"),
)
# All control characters but tab and newline: a log that is read on a terminal must not be able to steer it.
_CONTROL: Final = {code: rf"\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}


@contextmanager
def logging_to(
    path: Path, *, console: TextIO | None, secrets: Sequence[str] = (), level: int = logging.INFO
) -> Iterator[None]:
    """Send all log records to a file, and to a console if there is one, while the context lasts.

    Parameters
    ----------
    path : Path
        The log file; its folder is created. It is rotated at 5 MiB, three old ones are kept.
    console : text stream or None
        Usually stderr.
    secrets : sequence of str
        Texts that are replaced wherever they slip in: the token.
    level : int
        The least severe level that is logged.

    Notes
    -----
    Records go through a queue, so that a slow disk or a blocked terminal never holds up the event loop.
    """
    handlers = _handlers(path, console)
    entrance = _Entrance(queue.SimpleQueue(), secrets)
    listener = QueueListener(entrance.queue, *handlers)
    root = logging.getLogger()
    former_level = root.level
    root.addHandler(entrance)
    root.setLevel(level)
    listener.start()
    try:
        yield
    finally:
        root.removeHandler(entrance)
        root.setLevel(former_level)
        listener.stop()
        for handler in handlers:
            handler.close()


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """Take secrets and control characters out of a text.

    Examples
    --------
    >>> redact("GET /voice.ogg?ex=1&hm=c0ffee with s3cret", ["s3cret"])
    'GET /voice.ogg?ex=1&hm=[redacted] with [redacted]'
    """
    for secret in filter(None, secrets):
        text = text.replace(secret, _REDACTED)
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text.translate(_CONTROL)


class _Entrance(QueueHandler):
    """Formats each record, redacts it, and puts it into the queue."""

    def __init__(self, entrance: queue.SimpleQueue[logging.LogRecord], secrets: Sequence[str]) -> None:
        super().__init__(entrance)
        self._secrets = tuple(secrets)

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Merge message, arguments and traceback into one redacted text."""
        record = super().prepare(record)
        record.msg = record.message = redact(record.msg, self._secrets)
        return record


class _File(RotatingFileHandler):
    """The log file; that it cannot be written, as on a full disk, is said in one line, once until it works again."""

    _is_lost = False
    _failed = False

    def _open(self) -> TextIOWrapper:
        """Open a file that the owner alone can read, also the new one after a rotation."""
        return open(self.baseFilename, "a", encoding=self.encoding, opener=partial(os.open, mode=0o600))

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        self._failed = False
        super().emit(record)
        self._is_lost = self._failed

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging calls it
        """Say what is wrong, in place of a traceback for each record."""
        self._failed, error = True, sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._is_lost and sys.stderr is not None:
            sys.stderr.write(f"{self.baseFilename} cannot be written: {error.strerror or error}.\n")

    def close(self) -> None:
        """Close the file; what could not be written by now is lost."""
        with contextlib.suppress(OSError):
            super().close()


def _handlers(path: Path, console: TextIO | None) -> list[logging.Handler]:
    """Make the handlers that write."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = _File(path, maxBytes=_MAX_BYTES, backupCount=_N_BACKUPS, encoding="utf-8")
    handlers: list[logging.Handler] = [file] if console is None else [file, logging.StreamHandler(console)]
    for handler in handlers:
        handler.setFormatter(logging.Formatter(_FORMAT))
    return handlers
