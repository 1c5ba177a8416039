from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.config import Settings
from bot.night_schedule import SETTLING
from bot.nightly import Nightly, run_job
from bot.records import Learned, StoredNight
from bot.store import Store
from bot.vault import Vault
from bot.verdicts import Judgement
from tests.bot.night_school import ADA, SAD
from tests.bot.stand_ins import Clock

PATIENCE = 60.0
EVENING = datetime(2026, 1, 2, 22, 0, tzinfo=UTC)
STUBBORN = """
import os, signal, subprocess, sys
from pathlib import Path
signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which children inherit
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
(Path(sys.argv[1]) / "pids").write_text(f"{os.getpid()} {child.pid}")  # a pipe
signal.pause()
"""
pytestmark = pytest.mark.usefixtures("no_blocking")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "emotify.db", vault=Vault(bytes(32)))
    yield store
    await store.close()


@pytest.fixture
def settings() -> Settings:
    return Settings(retrain_at=time(3, 30))


async def hear(store: Store) -> None:
    note = await store.claim_note(ADA, origin="try", received_at=EVENING)
    assert note is not None
    learned = Learned(b"\0" * 24, "set")
    await store.save_prediction(note, SAD, template="t", notice=False, at=EVENING, learned=learned)
    await store.add_mark(note, Judgement.RIGHT, at=EVENING)


class Nights:
    """A bot at night: the clock is ours, the store is real, and the job records a night as the real one does."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.clock = Clock(EVENING)
        self.told: list[StoredNight] = []
        self.n_jobs = 0
        self.error: Exception | None = None
        self.records = True
        self.nightly = Nightly(
            settings,
            store,
            run_job=self.job,
            tell=self.tell,
            clock=self.clock,
            sleep=self.sleep,
        )
        self.until = EVENING

    async def job(self) -> None:
        self.n_jobs += 1
        if self.error is not None:
            raise self.error
        if self.records:
            night = await self.store.begin_night(self.clock())
            await self.store.end_night(
                night,
                decision="kept",
                champion="shipped-1",
                challenger=None,
                reason="Because.",
                report={},
                at=self.clock(),
            )

    async def tell(self, night: StoredNight) -> None:
        self.told.append(night)

    async def sleep(self, _: float) -> None:
        """Let ten minutes pass."""
        self.clock.advance(seconds=600)
        if self.clock() > self.until:
            raise asyncio.CancelledError

    async def pass_by(self, *, days: float) -> None:
        """Let the bot live for some days."""
        self.until = self.clock() + timedelta(days=days)
        with pytest.raises(asyncio.CancelledError):
            await self.nightly.run()


async def test_it_retrains_once_a_night(store: Store, settings: Settings) -> None:
    await hear(store)
    nights = Nights(store, settings)
    await nights.pass_by(days=3)
    made_up_for, *local = [night.started_at.astimezone().time() for night in nights.told]
    assert made_up_for == (EVENING + SETTLING).astimezone().time()  # of the night before the bot was started
    assert len(local) == 3
    assert all(time(3, 30) <= each < time(3, 41) for each in local)


async def test_a_bot_that_nobody_taught_anything_starts_no_job(store: Store, settings: Settings) -> None:
    nights = Nights(store, settings)
    await nights.pass_by(days=2)
    assert nights.n_jobs == 0
    await hear(store)
    await nights.pass_by(days=1)
    assert nights.n_jobs == 1


async def test_a_night_without_news_is_not_told(store: Store, settings: Settings) -> None:
    await hear(store)
    nights = Nights(store, settings)
    nights.records = False
    await nights.pass_by(days=2)
    assert (nights.n_jobs, nights.told) == (3, [])


async def test_a_night_that_fails_is_logged_and_the_next_one_comes(
    store: Store, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    await hear(store)
    nights = Nights(store, settings)
    nights.error = OSError("no more processes")
    await nights.pass_by(days=1)
    assert "no more processes" in caplog.text
    nights.error = None
    await nights.pass_by(days=1)
    assert (nights.n_jobs, len(nights.told)) == (3, 1)


async def test_a_restart_brings_no_second_night(store: Store, settings: Settings) -> None:
    await hear(store)
    first = Nights(store, settings)
    await first.pass_by(days=1)
    second = Nights(store, settings)
    second.clock.time = first.clock()
    await second.pass_by(days=0.2)
    assert (first.n_jobs, second.n_jobs) == (2, 0)


async def test_a_machine_that_slept_makes_up_for_one_night(store: Store, settings: Settings) -> None:
    await hear(store)
    nights = Nights(store, settings)
    await nights.nightly.tick()
    nights.clock.advance(seconds=3.4 * 86400)
    await nights.nightly.tick()
    await nights.nightly.tick()
    assert nights.n_jobs == 1


async def test_a_clock_that_was_ahead_at_the_start_and_is_put_right_stops_no_night(
    store: Store, settings: Settings
) -> None:
    await hear(store)
    nights = Nights(store, settings)
    nights.clock.time = EVENING + timedelta(days=365)
    nights.nightly = Nightly(
        settings, store, run_job=nights.job, tell=nights.tell, clock=nights.clock, sleep=nights.sleep
    )
    nights.clock.time = EVENING
    await nights.pass_by(days=2)
    assert nights.n_jobs == 3


# The job's process


def script(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "job.py"
    path.write_text(text)
    return [sys.executable, str(path), str(tmp_path)]


@pytest.mark.parametrize("status", [0, 3])
async def test_promoted_and_kept_are_no_errors(tmp_path: Path, caplog: pytest.LogCaptureFixture, status: int) -> None:
    await run_job(await asyncio.to_thread(script, tmp_path, f"raise SystemExit({status})"))
    assert caplog.text == ""


async def test_a_job_that_fails_leaves_its_last_words_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await run_job(await asyncio.to_thread(script, tmp_path, "raise SystemExit('the disk is full')"))
    assert "ended with status 1: the disk is full" in caplog.text


async def test_the_job_gets_no_token_and_finds_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTIFY_DISCORD_TOKEN", "secret")
    monkeypatch.setenv("DISCORD_TOKEN", "secret")
    monkeypatch.setenv("emotify_discord_token", "secret")  # settings are read in any case
    monkeypatch.setenv("EMOTIFY_RETRAIN_AT", "04:00")
    text = """
import os, sys, bot
from pathlib import Path
secrets = [name for name, value in os.environ.items() if value == "secret"]
(Path(sys.argv[1]) / "said").write_text(f"{secrets} {os.environ['EMOTIFY_RETRAIN_AT']}")
"""
    await run_job(await asyncio.to_thread(script, tmp_path, text))
    assert await asyncio.to_thread((tmp_path / "said").read_text) == "[] 04:00"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX process groups")
async def test_a_bot_that_stops_takes_the_job_and_its_children_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.nightly._GRACE", 0.01)
    job, *pids = await stubborn_job(tmp_path)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    await all_gone(*pids)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX process groups")
async def test_a_bot_that_stops_while_the_job_starts_takes_the_children_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.nightly._GRACE", 0.01)
    start, started = asyncio.create_subprocess_exec, asyncio.Event()

    async def slow_start(*command: Any, **options: Any) -> asyncio.subprocess.Process:
        process = await start(*command, **options)
        await started.wait()  # as on a machine so busy that the job is up before asyncio has taken note of it
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slow_start)
    job, *pids = await stubborn_job(tmp_path)
    job.cancel()
    await asyncio.sleep(0)
    started.set()
    with pytest.raises(asyncio.CancelledError):
        await job
    await all_gone(*pids)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX process groups")
async def test_a_job_that_hangs_is_ended_so_that_the_next_night_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr("bot.nightly._GRACE", PATIENCE)
    async with asyncio.timeout(PATIENCE):
        await run_job(await asyncio.to_thread(script, tmp_path, "import signal; signal.pause()"), limit=0.01)
    started, ended = caplog.messages
    assert ended.startswith("The nightly retraining hangs: it is ended after")
    await all_gone(int(started.split()[-1]))


async def test_a_job_that_not_even_a_kill_ends_holds_up_neither_the_nights_nor_the_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def stuck(_: asyncio.subprocess.Process) -> None:
        await asyncio.Event().wait()  # as one that waits for a disk which is gone

    monkeypatch.setattr("bot.nightly._GRACE", 0.01)
    monkeypatch.setattr(asyncio.subprocess.Process, "wait", stuck)
    async with asyncio.timeout(PATIENCE):
        await run_job(await asyncio.to_thread(script, tmp_path, "import signal; signal.pause()"), limit=0.01)
    assert "hangs" in caplog.text


async def stubborn_job(folder: Path) -> tuple[asyncio.Task[None], int, int]:
    """Run a job that does not listen; return it with the process identifiers of itself and of its child."""
    pipe = folder / "pids"
    os.mkfifo(pipe)
    job = asyncio.create_task(run_job(await asyncio.to_thread(script, folder, STUBBORN)))
    parent, child = map(int, (await asyncio.to_thread(pipe.read_text)).split())
    return job, parent, child


async def all_gone(*pids: int) -> None:
    """Wait until processes are no more, or zombies that somebody will bury."""
    async with asyncio.timeout(PATIENCE):
        for pid in pids:
            while await asyncio.to_thread(is_alive, pid):  # noqa: ASYNC110  (nobody tells of a process that is not ours)
                await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:  # it ended just now, as the next look will tell, or this system has no such folder
        return True


def test_the_grace_of_the_job_fits_into_that_of_the_bot() -> None:
    from bot.discord_app.lifecycle import GRACE
    from bot.nightly import _GRACE

    assert GRACE + _GRACE < 10  # seconds after which `docker stop` kills
