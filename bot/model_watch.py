"""Swaps the model of the running bot when another one becomes the champion, by a night or by hand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeAlias

from bot.models import champion_folder, shipped_champion, what_to_do
from emotify_core.errors import ModelError
from emotify_core.registry import ALIAS_FILE, Registry

_log = logging.getLogger(__name__)
_SECONDS = 3.0
_LOOKS_UNTIL_AGAIN = 100  # five minutes: what hindered a swap may pass, such as a machine too busy for a new worker

_Stamp: TypeAlias = tuple[int, int, int] | None


class Swappable(Protocol):
    """A recogniser whose model can be replaced while it works: the pool of workers."""

    model_version: str

    async def replace_model(self, model: Path | None) -> None:
        """Serve from another model; raises `ModelError`, and then nothing has changed."""


class ModelWatch:
    """Looks at the alias of the registry every few seconds, which costs one call of the system.

    Parameters
    ----------
    registry : Registry
    pool : Swappable
    sleep : callable
        Waits for so many seconds.
    """

    def __init__(
        self, registry: Registry, pool: Swappable, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._registry = registry
        self._pool = pool
        self._sleep = sleep
        self._seen: _Stamp | bool = False  # no stamp at all: the first look finds out whether the pool is up to date
        self._n_since_failure: int | None = None  # looks; None if the last swap did not fail

    async def run(self) -> None:
        """Watch until cancelled, whatever happens."""
        while True:
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - it is logged, and the next look may find all well
                _log.exception("The model could not be looked after")
            await self._sleep(_SECONDS)

    async def look(self) -> None:
        """Swap the model if the champion is another one than before; one that cannot serve is named once.

        A swap that failed is tried again every few minutes.
        """
        stamp = await asyncio.to_thread(self._stamp)
        is_new = stamp != self._seen
        if not is_new and not self._is_time_again():
            return
        self._seen, self._n_since_failure = stamp, 0
        try:
            folder, version = await asyncio.to_thread(self._champion)
            if version != self._pool.model_version:
                await self._pool.replace_model(folder)
                _log.info("Recognising with model %s from now on", version)
            self._n_since_failure = None
        except ModelError as error:
            if is_new:
                serving = self._pool.model_version
                _log.error("Still recognising with model %s: %s %s", serving, error, what_to_do(self._registry))

    def _is_time_again(self) -> bool:
        """Tell whether the last swap failed, and it is time for another attempt."""
        if self._n_since_failure is None:
            return False
        self._n_since_failure += 1
        return self._n_since_failure >= _LOOKS_UNTIL_AGAIN

    def _stamp(self) -> _Stamp:
        """Tell one alias from another: it is always replaced as a whole."""
        try:
            facts = (self._registry.root / ALIAS_FILE).stat()
        except OSError:  # there is none, or it is out of reach, of which `run` tells when it is to be read
            return None
        return facts.st_mtime_ns, facts.st_ino, facts.st_size

    def _champion(self) -> tuple[Path | None, str]:
        """Find who should serve."""
        folder = champion_folder(self._registry)
        return folder, shipped_champion()[0].name if folder is None else folder.name
