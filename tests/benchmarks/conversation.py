"""The bot as a user starts it, `python -m bot`, against the fake Discord: start, replies, memory."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from emotify_core.synthesis import demonstration_note
from tests.benchmarks.timing import Result, descendants, milliseconds, resident_mib
from tests.fake_discord import FakeDiscord

_N_NOTES = 20
_PATIENCE = 300.0


async def measure() -> list[Result]:
    """Start the bot twice, the second time with warm caches, and send it notes one after another."""
    with tempfile.TemporaryDirectory() as data_dir:
        cold = await _start_only(data_dir)
        async with FakeDiscord() as discord:
            start = time.perf_counter()
            async with _bot(discord, data_dir) as process:
                await discord.connected(_PATIENCE)
                warm = time.perf_counter() - start
                seconds = await _talk(discord)
                memory = _memory(process.pid)
    return [
        milliseconds("note's arrival to reply, idle bot", seconds, aim="400 ms"),
        Result("start to gateway, cold caches", f"{cold:.1f} s", "1 run"),
        Result("start to gateway, warm caches", f"{warm:.1f} s", "1 run", "15 s"),
        *memory,
    ]


async def _start_only(data_dir: str) -> float:
    async with FakeDiscord() as discord:
        start = time.perf_counter()
        async with _bot(discord, data_dir):
            await discord.connected(_PATIENCE)
            return time.perf_counter() - start


@asynccontextmanager
async def _bot(discord: FakeDiscord, data_dir: str) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {
        **os.environ,
        "EMOTIFY_DISCORD_TOKEN": discord.token,
        "EMOTIFY_DISCORD_API": discord.api,
        "EMOTIFY_DATA_DIR": data_dir,
        "EMOTIFY_COOLDOWN": "0",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot"), env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()


async def _talk(discord: FakeDiscord) -> list[float]:
    """Send notes, each after the reply to the one before, and time each from sending to the reply's arrival."""
    guild = discord.guild("Bench")
    channel, ada = discord.channel(guild, "notes"), discord.user("Ada")
    note = demonstration_note(duration=4.0)
    seconds = []
    for _ in range(_N_NOTES + 1):
        start = time.perf_counter()
        message = await ada.send_voice_note(channel, note, duration=4.0)
        reply = await discord.next_message(channel, reply_to=message, timeout=_PATIENCE)
        seconds.append(time.perf_counter() - start)
        await discord.reacted(reply, "✅", "❌", timeout=_PATIENCE)
    return seconds[1:]


def _memory(pid: int) -> list[Result]:
    if not os.path.exists(f"/proc/{pid}/smaps_rollup"):  # noqa: PTH110
        return []
    pids = descendants(pid)
    gateway, workers = resident_mib(pid, "Rss"), [resident_mib(child, "Rss") for child in pids[1:]]
    total = sum(resident_mib(each, "Pss") for each in pids)
    each = " + ".join(f"{worker:.0f}" for worker in workers)
    return [
        Result("memory, shared pages once (PSS)", f"{total:.0f} MiB", f"{len(pids)} processes", "600 MiB"),
        Result(
            "memory, resident sizes added up", f"{gateway + sum(workers):.0f} MiB", f"{len(pids)} processes", "600 MiB"
        ),
        Result("  gateway + workers", f"{gateway:.0f} + {each}", "MiB"),
    ]
