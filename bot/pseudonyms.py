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
    def open(cls, path: Path) -> Self:
        """Read the key from a file, or make one that only the owner can read.

        Raises
        ------
        PseudonymKeyError
            If the file cannot be read or made, or holds no key.
        """
        try:
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
