from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from pathlib import Path

import pytest

from bot import models
from bot.model_watch import ModelWatch
from emotify_core.errors import ModelError
from emotify_core.registry import MODEL_FILE, Registry
from tests.bot.retrained import release, retrain


class Pool:
    """Notes which models it is given, and refuses those that it is told to."""

    def __init__(self) -> None:
        self.model_version = "shipped-1"
        self.given: list[Path | None] = []
        self.refuses: str | None = None

    async def replace_model(self, model: Path | None) -> None:
        self.given.append(model)
        if model is not None and model.name == self.refuses:
            raise ModelError("It cannot be loaded.")
        self.model_version = "shipped-1" if model is None else model.name


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Return a registry in which a retrained model could be promoted."""
    shipped = release(tmp_path / "shipped")
    monkeypatch.setattr(models, "shipped_models", lambda: shipped.root)
    registry = Registry(tmp_path / "models")
    models.make_champion(registry, shipped.root / "shipped-1", after=())
    retrain(registry, "night-1", day=1, promote=False)
    retrain(registry, "night-2", day=2, promote=False)
    return registry


pytestmark = pytest.mark.usefixtures("no_blocking")


async def promote(registry: Registry, version: str) -> None:
    await asyncio.to_thread(registry.promote, version)


async def test_while_nothing_changes_nothing_is_swapped(registry: Registry) -> None:
    pool = Pool()
    watch = ModelWatch(registry, pool)
    for _ in range(3):
        await watch.look()
    assert pool.given == []


async def test_a_promotion_and_a_rollback_are_followed(registry: Registry) -> None:
    pool = Pool()
    watch = ModelWatch(registry, pool)
    await watch.look()
    for change, version in (
        (lambda: registry.promote("night-1"), "night-1"),
        (lambda: registry.promote("night-2"), "night-2"),
        (registry.rollback, "night-1"),
        (registry.rollback, "shipped-1"),
    ):
        await asyncio.to_thread(change)
        await watch.look()
        assert pool.model_version == version
    assert len(pool.given) == 4


async def test_what_was_promoted_before_the_first_look_is_noticed(registry: Registry) -> None:
    await promote(registry, "night-1")
    pool = Pool()
    await ModelWatch(registry, pool).look()
    assert pool.given == [registry.root / "night-1"]


async def test_a_registry_that_vanishes_leads_back_to_the_shipped_model(registry: Registry) -> None:
    await promote(registry, "night-1")
    pool = Pool()
    watch = ModelWatch(registry, pool)
    await watch.look()
    await asyncio.to_thread((registry.root / "champion.json").unlink)
    await watch.look()
    assert pool.given == [registry.root / "night-1", None]


async def test_a_model_that_the_workers_refuse_is_named_once_and_the_old_one_serves_on(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    pool = Pool()
    pool.refuses = "night-1"
    watch = ModelWatch(registry, pool)
    await promote(registry, "night-1")
    for _ in range(3):
        await watch.look()
    assert pool.model_version == "shipped-1"
    (record,) = caplog.records
    assert "Still recognising with model shipped-1: It cannot be loaded." in record.getMessage()
    await promote(registry, "night-2")
    await watch.look()
    assert pool.model_version == "night-2"


@pytest.mark.parametrize("error", [ModelError("No recognition worker was ready within 60 seconds."), OSError("busy")])
async def test_a_swap_that_failed_is_tried_again_though_nobody_promotes_anything(
    registry: Registry, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    class Busy(Pool):
        async def replace_model(self, model: Path | None) -> None:
            await super().replace_model(model)
            if len(self.given) <= 2:
                self.model_version = "shipped-1"
                raise error

    pool = Busy()
    watch = ModelWatch(registry, pool)
    await promote(registry, "night-1")
    for _ in range(1000):
        with contextlib.suppress(OSError):  # `run` logs it
            await watch.look()
    assert pool.model_version == "night-1"
    assert len(pool.given) == 3
    assert len(caplog.records) <= 1


async def test_a_damaged_model_is_not_even_tried(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    await asyncio.to_thread((registry.root / "night-1" / MODEL_FILE).write_bytes, b"half")
    pool = Pool()
    await promote(registry, "night-1")
    await ModelWatch(registry, pool).look()
    assert pool.given == []
    assert "its hash differs" in caplog.text


async def test_an_alias_out_of_reach_is_told_of_every_few_minutes_at_most(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stat, looks = Path.stat, 0

    def refused(self: Path, **options: bool) -> os.stat_result:
        if self.name == "champion.json":
            raise PermissionError(13, "Permission denied", str(self))
        return stat(self, **options)

    async def count(_: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 150:  # more than seven minutes
            raise asyncio.CancelledError

    monkeypatch.setattr(Path, "stat", refused)
    pool = Pool()
    with pytest.raises(asyncio.CancelledError):
        await ModelWatch(registry, pool, sleep=count).run()

    assert pool.given == []
    assert len(caplog.records) == 2


async def test_whatever_goes_wrong_it_goes_on_watching(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Pool):
        async def replace_model(self, model: Path | None) -> None:
            if not self.given:
                self.given.append(model)
                raise RuntimeError("by no means a model error")
            await super().replace_model(model)

    caplog.set_level(logging.INFO)
    pool, looks = Broken(), 0

    async def promote_another(_: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise asyncio.CancelledError
        await promote(registry, f"night-{looks}")

    with pytest.raises(asyncio.CancelledError):
        await ModelWatch(registry, pool, sleep=promote_another).run()

    assert pool.model_version == "night-2"
    assert "by no means a model error" in caplog.text
    assert "Recognising with model night-2 from now on" in caplog.text
