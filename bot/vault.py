"""Encryption at rest: what is kept to learn from is sealed with a key that lies beside the database, not in it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.database import StoreError
from bot.key_files import KEY_BYTES, parse_key, read_or_make_key

_FORMAT: Final = b"\x01"
_NONCE_BYTES: Final = 12  # NIST SP 800-38D, 5.2.1.1: the length for which GCM is specified
_TAG_BYTES: Final = 16


class VaultError(StoreError):
    """The key cannot be read, made or used; ``str(error)`` is one sentence for the operator."""


class SealError(Exception):
    """A sealed value does not open: it is damaged, was moved, or was sealed with another key."""


class Vault:
    """Seals bytes so that they open only here, with the same key, for the same place.

    Parameters
    ----------
    key : bytes, length=32
        The secret.

    References
    ----------
    AES-256-GCM: NIST SP 800-38D. Its nonces are drawn at random, which that text allows for 2**32 seals of one key
    (8.3): a hundred million seals a year would take forty years to use them up.

    Examples
    --------
    >>> vault = Vault(bytes(32))
    >>> vault.unseal(vault.seal(b"numbers", "note", "7"), "note", "7")
    b'numbers'
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key must have {KEY_BYTES} bytes")
        self._key = key
        self._cipher = AESGCM(hmac.new(key, b"examples", hashlib.sha256).digest())

    @classmethod
    def open(cls, path: Path, *, key: str | None = None) -> Self:
        """Take the key as it is given, or read it from a file, or make one that only the owner can read.

        Parameters
        ----------
        path : Path
            The file; it is neither read nor made if a key is given.
        key : str, optional
            64 hexadecimal digits.

        Raises
        ------
        VaultError
            If the file cannot be read or made, or there is no key in it.
        """
        try:
            return cls(read_or_make_key(path) if key is None else parse_key(key))
        except OSError as error:
            raise VaultError(f"{path} cannot be opened: {error.strerror or error}.") from error
        except ValueError as error:
            if key is not None:  # the value of a secret is never repeated, so its error is not chained either
                raise VaultError(f"EMOTIFY_EXAMPLES_KEY must be {2 * KEY_BYTES} hexadecimal digits.") from None
            raise VaultError(f"{path} is not a key of examples: restore it from the backup.") from error

    @property
    def key_id(self) -> str:
        """Fingerprint of the key, by which a database recognises it."""
        return hmac.new(self._key, b"fingerprint", hashlib.sha256).hexdigest()[:16]

    def seal(self, plain: bytes, *place: str) -> bytes:
        """Encrypt bytes for a place.

        Parameters
        ----------
        plain : bytes
            What is to be kept.
        *place : str
            Where it is kept: kind, note, person, vector set. It opens nowhere else.

        Returns
        -------
        bytes
            29 bytes longer, and never twice the same.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _FORMAT + nonce + self._cipher.encrypt(nonce, plain, _associated(place))

    def unseal(self, sealed: bytes, *place: str) -> bytes:
        """Decrypt what was sealed for a place.

        Raises
        ------
        SealError
            If it is damaged, was sealed for another place, or with another key.
        """
        nonce, encrypted = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if sealed[:1] != _FORMAT or len(encrypted) < _TAG_BYTES:
            raise SealError("it is nothing that was sealed here")
        try:
            return self._cipher.decrypt(nonce, encrypted, _associated(place))
        except InvalidTag as error:
            raise SealError("it is damaged, was moved, or was sealed with another key") from error


def _associated(place: tuple[str, ...]) -> bytes:
    """Write a place so that no two places look alike."""
    return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in place)
