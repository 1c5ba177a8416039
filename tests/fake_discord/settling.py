"""Waiting until a bot has nothing left to do, as far as a server can know.

A client answers a request for a heartbeat after it has read every event sent before. A bot in the same event loop
moreover runs its handlers in tasks that discord.py names, so those are waited for; of a bot in another process only the
requests are seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.fake_discord.changes import Changes
from tests.fake_discord.gateway import Gateway

# Names that discord.py 2.x gives to the tasks that run listeners, commands, buttons and forms.
HANDLERS = (
    "discord.py: ",
    "CommandTree-invoker",
    "discord-ui-view-dispatch",
    "discord-ui-dynamic-item",
    "discord-ui-modal-dispatch",
)
QUIET_ROUNDS = 2


async def settle(
    gateway: Gateway, changes: Changes, activity: Callable[[], tuple[int, ...]], in_flight: Callable[[], int]
) -> None:
    """Return after two rounds in which nothing happened: no event, request or download, and no handler at work."""
    quiet = 0
    while quiet < QUIET_ROUNDS:
        before = activity()
        await gateway.round_trip()
        busy = _handlers()
        if busy:
            await asyncio.wait(busy)
        while in_flight():
            await changes.wait()
        quiet = 0 if busy or activity() != before else quiet + 1


def _handlers() -> set[asyncio.Task[object]]:
    here = asyncio.current_task()
    return {task for task in asyncio.all_tasks() if task is not here and task.get_name().startswith(HANDLERS)}
