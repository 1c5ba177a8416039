"""Keys in files: made once, for the owner's eyes only, and never over another one."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import stat
import sys
import tempfile
from pathlib import Path
from typing import Final

_log = logging.getLogger(__name__)

KEY_BYTES: Final = 32
"""Length of every key: that of SHA-256, which suits HMAC (RFC 2104, section 3) as it suits AES-256."""


def read_or_make_key(path: Path) -> bytes:
    """Read a key from a file, or make one that only the owner can read.

    Parameters
    ----------
    path : Path
        The file; its folder is created too.

    Returns
    -------
    bytes, length=32

    Raises
    ------
    OSError
        If the file cannot be read or made.
    ValueError
        If it holds no key.
    """
    if not path.exists():
        _make_key(path)
    _hide(path)
    return parse_key(path.read_text(encoding="ascii"))


def parse_key(text: str) -> bytes:
    """Read a key from hexadecimal digits.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> parse_key("00" * 32) == bytes(32)
    True
    """
    key = bytes.fromhex(text.strip())
    if len(key) != KEY_BYTES:
        raise ValueError(f"the key must have {2 * KEY_BYTES} hexadecimal digits")
    return key


def _hide(path: Path) -> None:
    """Let nobody but the owner read a key, such as one that was restored from a backup."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        with contextlib.suppress(OSError):
            path.chmod(mode & 0o700)
        _log.warning("Others on this machine could read %s; now its owner alone should", path)


def _make_key(path: Path) -> None:
    """Write a new key whole or not at all, and never over another one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")  # mode 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        _put(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink(missing_ok=True)


def _put(temporary: Path, path: Path) -> None:
    """Give a file its name; `FileExistsError` if another process made the key in the meantime."""
    try:
        path.hardlink_to(temporary)  # renaming would replace the other key
    except FileExistsError:
        raise
    except OSError:  # exFAT and some network file systems know no links
        if sys.platform == "win32":
            temporary.rename(path)  # which replaces nothing there
        else:
            _rename_by_turns(temporary, path)


def _rename_by_turns(temporary: Path, path: Path) -> None:
    """Rename a file unless the name is taken, one process after the other."""
    import fcntl  # noqa: PLC0415 - POSIX only

    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if path.exists():
            raise FileExistsError
        temporary.rename(path)
    finally:
        os.close(folder)
