"""The store as the settings say, with the key of what is kept to learn from."""

from __future__ import annotations

import asyncio

from bot.config import Settings
from bot.store import Store, StoreError
from bot.vault import Vault


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
                "backup, or set EMOTIFY_EXAMPLES_KEY as it was; if it is lost, move the database away to start anew."
            )
    vault = await asyncio.to_thread(Vault.open, key_path, key=settings.examples_key)
    return await Store.open(path, key_id=key_id, vault=vault)
