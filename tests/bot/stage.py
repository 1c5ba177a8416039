"""Where scripted workers report: tests wait for what they do instead of sleeping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

GIVE_UP: Final = 60.0  # seconds; only a broken test waits so long


@dataclass(eq=False)
class Actor:
    """A scripted worker that lives, or lived."""

    pid: int
    _writer: asyncio.StreamWriter
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def has_gone(self) -> bool:
        """Wait until the worker is dead."""
        async with asyncio.timeout(GIVE_UP):
            return await self.gone.wait()

    def release(self) -> None:
        """Let the worker go on with the note that it holds."""
        self._writer.write(b"!")


class Stage:
    """A loopback server that each scripted worker stays connected to for as long as it lives."""

    def __init__(self) -> None:
        self.port = 0
        self.actors: list[Actor] = []
        self.arrived: asyncio.Queue[Actor] = asyncio.Queue()
        self.held: asyncio.Queue[tuple[str, Actor]] = asyncio.Queue()

    async def next_held(self) -> tuple[str, Actor]:
        """Wait until a worker holds a note; return the note's name and the worker."""
        async with asyncio.timeout(GIVE_UP):
            return await self.held.get()

    async def next_arrival(self) -> Actor:
        """Wait for the next worker process."""
        async with asyncio.timeout(GIVE_UP):
            return await self.arrived.get()

    async def empty(self) -> None:
        """Wait until no worker is left."""
        for actor in self.actors:
            await actor.has_gone()

    async def follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Follow one worker to its end, which closes the connection however it dies."""
        actor = Actor(int(await reader.readline()), writer)
        self.actors.append(actor)
        self.arrived.put_nowait(actor)
        try:
            while line := await reader.readline():
                self.held.put_nowait((line.decode().strip(), actor))
        except ConnectionResetError:
            pass
        finally:
            actor.gone.set()
            writer.close()


@asynccontextmanager
async def open_stage() -> AsyncIterator[Stage]:
    stage = Stage()
    server = await asyncio.start_server(stage.follow, "127.0.0.1", 0)
    stage.port = server.sockets[0].getsockname()[1]
    async with server:
        yield stage
        await stage.empty()
