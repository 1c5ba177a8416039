"""One after another: what happens to one reply happens in the order in which Discord told it."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class Turns:
    """A lock for each reply, for as long as somebody holds or awaits it.

    discord.py runs each event in a task of its own; without locks, ❌ and its removal could change places.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def of(self, reply_id: int) -> asyncio.Lock:
        """Return the lock of a reply; whoever asked first gets it first."""
        return self._locks.setdefault(reply_id, asyncio.Lock())
