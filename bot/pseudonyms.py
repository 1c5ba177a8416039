"""Names for people that say nothing about who they are."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Self

from bot.key_files import KEY_BYTES, read_or_make_key
from bot.records import Origin


class PseudonymKeyError(Exception):
    """The key cannot be read or made; ``str(error)`` is one sentence for the operator."""


class Pseudonymizer:
    """Keyed pseudonyms: the same person always gets the same one, and without the key none can be traced back.

    Parameters
    ----------
    key : bytes, length=32
        The secret.

    References
    ----------
    HMAC-SHA256: RFC 2104 and FIPS 198-1.

    Examples
    --------
    >>> len(Pseudonymizer(bytes(32)).of("discord", 80351110224678912))
    64
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key must have {KEY_BYTES} bytes")
        self._key = key

    @classmethod
    def open(cls, path: Path, *, database: Path | None = None) -> Self:
        """Read the key from a file, or make one that only the owner can read.

        Parameters
        ----------
        path : Path
            The file.
        database : Path, optional
            What the key belongs to. Where it stands without its key no other one is made: nobody in it would be
            recognised with that, and it would take the lost one's place in the next backup.

        Raises
        ------
        PseudonymKeyError
            If the file cannot be read or made, holds no key, or is missing beside its database.
        """
        try:
            # In this order: a process that starts at the same time makes the key before the database.
            if database is not None and database.exists() and database.stat().st_size and not path.exists():
                raise PseudonymKeyError(
                    f"{path} is missing, without which nobody in {database} can be recognised or forgotten: "
                    "restore it from the backup, or move the database away to start anew."
                )
            return cls(read_or_make_key(path))
        except OSError as error:
            raise PseudonymKeyError(f"{path} cannot be opened: {error.strerror or error}.") from error
        except ValueError as error:
            raise PseudonymKeyError(f"{path} is not a pseudonym key: restore it from the backup.") from error

    def of(self, kind: Origin, identifier: int | str) -> str:
        """Name a person.

        Parameters
        ----------
        kind : {'discord', 'try'}
            Where the identifier comes from; the same identifier elsewhere is somebody else.
        identifier : int or str
            A Discord user id, or the name given to `try`.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        return hmac.new(self._key, f"{kind}:{identifier}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    @property
    def key_id(self) -> str:
        """Fingerprint of the key, by which a database recognises it."""
        return hmac.new(self._key, b"fingerprint", hashlib.sha256).hexdigest()[:16]
