"""The parent's side of one worker process: start it, ask it, notice its end, and leave nothing of it behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.worker_protocol import Frame, FrameError, encode_frame, receive_frame

_log = logging.getLogger(__name__)

_PATIENCE: Final = 2.0  # seconds that a worker gets to end by itself once its input or output is closed


class WorkerLostError(Exception):
    """The worker process ended, or said something that is no answer."""


class WorkerProcess:
    """A running worker; it is asked one thing at a time."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._answer: asyncio.Future[Frame] | None = None
        self._n_questions = 0
        self._serving = True
        self._end = asyncio.create_task(self._follow(), name=f"recognition worker {process.pid}")
        self.n_answers = 0

    @classmethod
    async def launch(cls, command: Sequence[str], *, environment: Mapping[str, str]) -> WorkerProcess:
        """Start the process.

        Raises
        ------
        WorkerLostError
            If the command cannot be run.
        """
        # Its own process group: Ctrl-C stays with the parent, and children of a wrapper or a decoder are killed with
        # it.
        group: dict[str, Any] = {} if sys.platform == "win32" else {"process_group": 0}
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, env=dict(environment), **group
            )
        except OSError as error:
            raise WorkerLostError(f"{command[0]} cannot be run: {error.strerror}") from error
        return cls(process)

    @property
    def pid(self) -> int:
        """The process id, for logs."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the worker can be asked."""
        return self._serving and self._process.returncode is None

    async def ask(self, question: Frame) -> Frame:
        """Send a frame and await the answer.

        Raises
        ------
        WorkerLostError
            If the worker ends before it answers.
        """
        if self._end.done():
            raise WorkerLostError(f"worker {self.pid} is gone")
        self._answer = asyncio.get_running_loop().create_future()
        self._n_questions += 1
        try:
            await self._send(Frame({**question.header, "id": self._n_questions}, question.body))
            answer = await self._answer
        finally:
            self._answer = None
        self.n_answers += 1
        return answer

    def retire(self) -> None:
        """Count as no longer alive, so that nothing new is asked; what was asked is still answered."""
        self._serving = False

    def kill(self) -> None:
        """End the worker and its children now."""
        self._serving = False
        if self._process.returncode is not None:  # reaped: its id may belong to another process by now
            return
        with contextlib.suppress(ProcessLookupError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)

    async def ended(self) -> None:
        """Wait until the process is gone."""
        await asyncio.shield(self._end)

    async def stop(self) -> None:
        """Let an idle worker end by closing its input; kill one that does not."""
        _close(self._process)
        # Not `asyncio.timeout`: in a cancelled task it raises no TimeoutError in the first releases of Python 3.11.
        await asyncio.wait({self._end}, timeout=_PATIENCE)
        self.kill()
        await self.ended()

    async def _send(self, frame: Frame) -> None:
        """Write a frame; a pipe that broke is noticed by `_follow`, which knows the reason."""
        if self._process.stdin is None:
            raise WorkerLostError("the worker has no input")
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._process.stdin.write(encode_frame(frame))
            await self._process.stdin.drain()

    async def _follow(self) -> None:
        """Pass on answers until there are no more; then see to it that the process is gone, and say so to who waits."""
        reason = "it ended"
        try:
            await self._pass_on_answers()
            await self._see_it_end()
        except FrameError as error:
            reason = f"it broke the protocol: {error}"
        finally:
            self._serving = False
            _close(self._process)
            self.kill()
            status = await self._process.wait()
            if self._answer is not None and not self._answer.done():
                self._answer.set_exception(WorkerLostError(f"worker {self.pid}: {reason} (exit status {status})"))
        _log.debug("worker %d is gone: %s (exit status %d)", self.pid, reason, status)

    async def _see_it_end(self) -> None:
        """Let a worker that closed its output end by itself, which tells the true exit status."""
        self._serving = False
        _close(self._process)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self._process.wait()

    async def _pass_on_answers(self) -> None:
        """Hand each frame to the question that waits for it."""
        stdout = self._process.stdout
        while stdout is not None and (frame := await receive_frame(stdout)) is not None:
            # By its number, so that no answer is ever taken for that to another note.
            if self._answer is None or self._answer.done() or frame.header.get("id") != self._n_questions:
                raise FrameError("it answered what was not asked")
            self._answer.set_result(frame)


def _close(process: Process) -> None:
    """Close the input of a process, which tells it to end."""
    if process.stdin is not None:
        process.stdin.close()
