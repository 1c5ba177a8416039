"""The bot as a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from tests.bot.discord_app.harness import PATIENCE, read_rows
from tests.fake_discord import FakeDiscord

ROOT: Final = Path(__file__).parents[3]
BOT: Final = "bot"
STAND_IN: Final = "tests.bot.discord_app.stand_in"

Launch = Callable[..., Awaitable[asyncio.subprocess.Process]]


def environment(fake: FakeDiscord, folder: Path, changes: dict[str, str | None]) -> dict[str, str]:
    """Make an environment: ours without any settings, then those of the test; None takes one away."""
    kept = {name: value for name, value in os.environ.items() if "EMOTIFY" not in name and "DISCORD" not in name}
    settings: dict[str, str | None] = {
        "PYTHONPATH": str(ROOT),
        "EMOTIFY_DISCORD_TOKEN": fake.token,
        "EMOTIFY_DISCORD_API": fake.api,
        "EMOTIFY_DATA_DIR": str(folder),
        "EMOTIFY_COOLDOWN": "0",
    }
    return {name: value for name, value in (kept | settings | changes).items() if value is not None}


async def launch_process(folder: Path, env: dict[str, str], *words: str) -> asyncio.subprocess.Process:
    """Start `python -m WORDS`, with every warning that helps."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "dev", "-W", "ignore::DeprecationWarning", "-m", *words),
        env=env,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def end_process(process: asyncio.subprocess.Process) -> None:
    """Make sure that a process is gone."""
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    """Wait for a process to end; return its exit code and what it wrote."""
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    return process.returncode, out.decode(), err.decode()


def rows(folder: Path, sql: str) -> list[dict[str, Any]]:
    """Ask the database that a process left behind."""
    return read_rows(folder / "emotify.db", sql)


async def until_rows(folder: Path, sql: str) -> list[dict[str, Any]]:
    """Wait until a running process has written something."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await asyncio.to_thread(rows, folder, sql)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found
