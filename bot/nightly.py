"""The nightly retraining of the running bot: when it is due, in a process of its own, and who is told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bot.config import Settings
from bot.night_schedule import is_due, last_appointment
from bot.records import StoredNight
from bot.store import Store

_log = logging.getLogger(__name__)

JOB: Final = (sys.executable, "-m", "bot", "retrain", "--if-new")
_TICK: Final = 30.0  # seconds; short, because a clock may jump and a machine may sleep
_GRACE: Final = 1.5  # seconds that the job gets to undo what is half done
_LIMIT: Final = 20 * 3600.0  # seconds; a night takes minutes, and one that hangs must not cost those after it
_NOT_INHERITED: Final = ("EMOTIFY_DISCORD_TOKEN", "DISCORD_TOKEN")
_LAST_WORDS: Final = 2000  # bytes

Tell = Callable[[StoredNight], Awaitable[None]]
Run = Callable[[], Awaitable[None]]


class Nightly:
    """Retrains once a night, for ever.

    Parameters
    ----------
    settings : Settings
    store : Store
    run_job : callable
        Does the night's work and waits for its end: `run_job`.
    tell : callable
        Tells the operator what came of a night.
    clock : callable
        Gives aware times.
    sleep : callable
        Waits for so many seconds.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        run_job: Run,
        tell: Tell,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._store = store
        self._run_job = run_job
        self._tell = tell
        self._clock = clock
        self._sleep = sleep
        self._started_at = clock()
        self._done: datetime | None = None  # the appointment that was kept last, whatever came of it

    async def run(self) -> None:
        """Wait and retrain until cancelled, whatever happens."""
        while True:
            try:
                await self.tick()
            except Exception:  # noqa: BLE001 - it is logged, and the next night may go well
                _log.exception("The nightly retraining went wrong")
            await self._sleep(_TICK)

    async def tick(self) -> None:
        """Retrain if it is time, and if there is anything to learn from or to unlearn."""
        now = self._clock()
        self._started_at = min(self._started_at, now)  # the clock may have been ahead, and put right since
        appointment = last_appointment(now, self._settings.retrain_at)
        if appointment == self._done:
            return
        before = await self._last_night()
        if not is_due(
            appointment, now=now, started_at=self._started_at, last_night=None if before is None else before.started_at
        ):
            return
        self._done = appointment
        if before is None and not await self._store.count_examples(origins=self._settings.learns_from):
            return
        await self._run_job()
        after = await self._last_night()
        if after is not None and (before is None or after.id != before.id):
            await self._tell(after)

    async def _last_night(self) -> StoredNight | None:
        """Look the last night up."""
        nights = await self._store.nights(1)
        return nights[0] if nights else None


async def run_job(command: Sequence[str] = JOB, *, limit: float = _LIMIT) -> None:
    """Run the job in a process group of its own, and end all of it if this is cancelled, or takes too long.

    Parameters
    ----------
    command : sequence of str
    limit : float
        Seconds.
    """
    starting = asyncio.create_task(
        asyncio.create_subprocess_exec(
            *command,
            env=_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    )
    try:
        process = await asyncio.shield(starting)  # asyncio would end the job alone, without its children
        _log.info("The nightly retraining runs as process %d", process.pid)
        said = asyncio.create_task(process.communicate())
        if not (await asyncio.wait({said}, timeout=limit))[0]:
            _log.error("The nightly retraining hangs: it is ended after %g hours", limit / 3600)
            await _end(process)
            return
    except asyncio.CancelledError:
        await _end(await starting)
        raise
    if process.returncode not in {0, 3}:  # promoted, kept: see `bot.retraining`
        last_words = said.result()[1][-_LAST_WORDS:].decode(errors="replace").strip()
        _log.error("The nightly retraining ended with status %s: %s", process.returncode, last_words)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask the job to stop, and kill what is left of its group; nobody waits for what a stuck disk keeps alive."""
    ending = asyncio.create_task(process.wait())
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        _signal_group(process, number)
        # Not `asyncio.timeout`: of a task that was cancelled it knows no TimeoutError in the first releases of 3.11.
        await asyncio.wait({ending}, timeout=_GRACE)


def _signal_group(process: asyncio.subprocess.Process, number: int) -> None:
    """Send a signal to the job and its children, if they still are."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        else:
            process.terminate()


def _environment() -> dict[str, str]:
    """Return the environment of the job: as here, but without the token, and with this code importable."""
    inherited = {name: value for name, value in os.environ.items() if name.upper() not in _NOT_INHERITED}
    paths = [os.fspath(Path(__file__).parents[1]), inherited.get("PYTHONPATH", "")]
    return {**inherited, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
