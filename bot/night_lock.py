"""One retraining at a time: a lock that the system takes back from a process that dies."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOCK_FILE: Final = "retraining.lock"
"""In the data folder."""


class LockedError(Exception):
    """Somebody else holds the lock."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock while the context lasts.

    Parameters
    ----------
    path : Path
        The file to lock; it stays, and means nothing by itself.

    Raises
    ------
    LockedError
        If another process holds the lock.
    OSError
        If the file cannot be locked at all, as on some network file systems.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)  # children do not inherit it, and so not the lock
    try:
        _lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    """Lock an open file, or say that it is locked, or that it cannot be."""
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - POSIX only

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if sys.platform == "win32" or isinstance(error, BlockingIOError):
            raise LockedError from error
        raise OSError(error.errno, error.strerror, str(path)) from error
