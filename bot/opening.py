"""The store as the settings say, and its two keys: those of pseudonyms and of what is kept to learn from."""

from __future__ import annotations

import asyncio

from bot.config import Settings
from bot.pseudonyms import Pseudonymizer, PseudonymKeyError
from bot.store import Store, StoreError
from bot.vault import Vault


async def open_pseudonymizer(settings: Settings) -> Pseudonymizer:
    """Read the key of pseudonyms, or make one; call it before `open_store`.

    Parameters
    ----------
    settings : Settings

    Raises
    ------
    PseudonymKeyError
        If the key cannot be used, or is lost: none is made beside a store that needs another one.
    StoreError
        If the key is missing, and the store that may need it cannot be used.
    """
    path, key_path = settings.database_path, settings.pseudonym_key_path
    if await asyncio.to_thread(lambda: path.exists() and not key_path.exists()):
        store = await Store.open(path)
        try:
            is_lost = await store.setting("store", "key_id") is not None
        finally:
            await store.close()
        if is_lost:
            raise PseudonymKeyError(
                f"{key_path} is missing, and without it {path} knows nobody any more: restore it from the backup; "
                "if it is lost, move the database and the folder models away to start anew."
            )
    return await asyncio.to_thread(Pseudonymizer.open, key_path)


async def open_store(settings: Settings, *, key_id: str) -> Store:
    """Open the store of the data folder, or create it, with its vault.

    Parameters
    ----------
    settings : Settings
    key_id : str
        Fingerprint of the pseudonym key, see `Store.open`.

    Raises
    ------
    StoreError
        If the file or a key cannot be used, or the key is lost: none is made beside a store that needs another one.
    """
    path, key_path = settings.database_path, settings.examples_key_path
    if settings.examples_key is None and not await asyncio.to_thread(key_path.exists):
        store = await Store.open(path, key_id=key_id)
        try:
            is_lost = await store.holds_sealed()
        finally:
            await store.close()
        if is_lost:
            raise StoreError(
                f"{key_path} is missing, and {path} holds examples that only that key opens: restore it from the "
                "backup, or set EMOTIFY_EXAMPLES_KEY as it was; if it is lost, move the database and the folder models "
                "away to start anew."
            )
    vault = await asyncio.to_thread(Vault.open, key_path, key=settings.examples_key)
    return await Store.open(path, key_id=key_id, vault=vault)
