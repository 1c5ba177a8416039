"""Files that are whole or not there at all, and that are what they were published as."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from emotify_core.errors import ModelNotFoundError, UntrustedModelError


def write_atomically(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write a file through a temporary one beside it, so that a crash leaves the old file or the new one.

    Parameters
    ----------
    path : Path
        Its folder is created.
    write : callable
        Gets the open binary file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_checked(path: Path, sha256: str) -> bytes:
    """Read a file of a model if it is the one that was published.

    Raises
    ------
    ModelNotFoundError
        If it cannot be read.
    UntrustedModelError
        If its hash is another.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelNotFoundError(f"The model file {path} cannot be read: {error.strerror}.") from error
    if sha256_of(data) != sha256:
        raise UntrustedModelError(f"{path} is not the file that was published (its hash differs): fetch it again.")
    return data


def sha256_of(data: bytes) -> str:
    """Return the hash by which files of models are checked."""
    return hashlib.sha256(data).hexdigest()
