"""What several tests of the bot need."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from blockbuster import BlockBuster

from bot.store import Store
from tests.blocking import no_blocking_calls


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings of the person who runs the tests out of them."""
    for name in [name for name in os.environ if name.startswith("EMOTIFY_") or name == "DISCORD_TOKEN"]:
        monkeypatch.delenv(name)


@pytest.fixture
def no_blocking() -> Iterator[BlockBuster]:
    """Fail the test when code of ours blocks the event loop."""
    with no_blocking_calls(["bot", "responses"]) as detector:
        yield detector


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Open a real store in a temporary folder."""
    store = await Store.open(tmp_path / "emotify.db")
    yield store
    await store.close()
