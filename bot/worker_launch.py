"""Bring up a worker process: its environment, its model, and what can go wrong before it is ready."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bot.compile_cache import CompileCache
from bot.worker_process import WorkerLostError, WorkerProcess
from bot.worker_protocol import Frame, FrameError, error_from_json
from emotify_core.errors import ModelError

_log = logging.getLogger(__name__)

DEFAULT_COMMAND: Final = (sys.executable, "-m", "bot.worker")

_ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_NOT_INHERITED: Final = ("EMOTIFY_", "DISCORD_")  # a decoder has no use for the token


class NotReadyError(ModelError):
    """No worker came up, whatever the model: another one would not help."""


@dataclass(frozen=True)
class WorkerLauncher:
    """How workers are started.

    Parameters
    ----------
    command : tuple[str, ...]
        Runs a worker.
    cache : CompileCache
        Where it finds what numba compiled before.
    memory_limit : int or None
        Bytes that it may allocate.
    timeout : float
        Seconds that it may take to be ready.
    """

    command: tuple[str, ...]
    cache: CompileCache
    memory_limit: int | None
    timeout: float

    async def bring_up(self, model: Path | None) -> tuple[WorkerProcess, str]:
        """Start a worker, wait until it is ready, and return it with the version of the model that it loaded.

        Raises
        ------
        ModelError
            If it cannot load the model; a `NotReadyError` if it does not come up for another reason.
        """
        try:
            folder = await asyncio.to_thread(self.cache.lend)
        except OSError as error:
            raise NotReadyError(f"The folder {self.cache.root} cannot be written to: {error.strerror}.") from error
        try:
            worker, version = await self._launch(model, folder)
        except BaseException:
            await asyncio.to_thread(self.cache.discard, folder)
            raise
        try:
            # It has loaded all that it needs by now; should it compile more, it does so in a folder of its own again.
            await asyncio.to_thread(self.cache.take_back, folder)
        except BaseException:
            await _bury(worker)
            raise
        return worker, version

    async def _launch(self, model: Path | None, folder: Path) -> tuple[WorkerProcess, str]:
        """Start a worker and have it load a model; whatever goes wrong is a ModelError."""
        try:
            worker = await WorkerProcess.launch(self.command, environment=_environment(folder))
            version, seconds = await self._introduce(worker, model)
        except TimeoutError as error:
            raise NotReadyError(f"No recognition worker was ready within {self.timeout:.0f} seconds.") from error
        except (WorkerLostError, FrameError) as error:
            # Damaged files in the cache are the one cause that this attempt could pass on to the next.
            await asyncio.to_thread(self.cache.forget)
            raise NotReadyError(f"A recognition worker was lost before it was ready: {error}.") from error
        _log.info("recognition worker %d is ready with model %s after %.1f s", worker.pid, version, seconds)
        return worker, version

    async def _introduce(self, worker: WorkerProcess, model: Path | None) -> tuple[str, float]:
        """Ask a new worker to load a model; kill it if it does not."""
        question = Frame({"model": None if model is None else os.fspath(model), "memory_limit": self.memory_limit})
        try:
            async with asyncio.timeout(self.timeout):
                return _read_readiness((await worker.ask(question)).header)
        except BaseException:
            await _bury(worker)
            raise


async def _bury(worker: WorkerProcess) -> None:
    """Kill a worker that is not wanted after all."""
    worker.kill()
    await worker.ended()


def _environment(compile_cache: Path) -> dict[str, str]:
    """Return the environment of a worker: as here, but no secrets, one thread per library, this code importable."""
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith(_NOT_INHERITED)}
    paths = [os.fspath(Path(__file__).parents[1]), inherited.get("PYTHONPATH", "")]
    return {
        **inherited,
        **dict.fromkeys(_ONE_THREAD, "1"),
        "NUMBA_CACHE_DIR": os.fspath(compile_cache),
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
    }


def _read_readiness(answer: Mapping[str, Any]) -> tuple[str, float]:
    """Return the version of the model and the seconds that it took to load and warm up, or raise ModelError."""
    if "ready" in answer:
        return str(answer["ready"]), float(answer.get("seconds", 0.0))
    error = read_error(answer)
    if isinstance(error, ModelError):
        raise error
    raise NotReadyError(f"A recognition worker cannot start: {error}")


def read_error(answer: Mapping[str, Any]) -> Exception:
    """Return the error in an answer; one that the core does not raise on purpose is logged with its traceback."""
    if "error" in answer:
        return error_from_json(answer["error"])
    if "failure" not in answer:
        raise FrameError("the answer says nothing")
    _log.error("a recognition worker failed: %s", answer.get("traceback", answer["failure"]))
    return RuntimeError(str(answer["failure"]))
