"""Recognition that the event loop never waits for: a pool of worker processes that hear voice notes.

One note, one worker, one answer. A note that crashes, hangs or bloats a decoder costs its worker, never the process
that keeps the connection to Discord: the worker is killed and replaced, and only that note fails.

A note may wait in line, and then be worked on; each part has its own limit. `timeout` counts from when a worker takes
the note, so that a note is never failed for the slowness of those before it. `max_wait` bounds the time in line: a
reply that comes later than half a minute is no conversation any more, so by then the sender is told that the bot is
busy, as when the line is full.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from bot.compile_cache import CompileCache
from bot.exchange import Recognition
from bot.recognition_errors import RecognitionBusy, RecognitionError, RecognitionFailed, RecognitionTimeout
from bot.worker_launch import DEFAULT_COMMAND, NotReadyError, WorkerLauncher, read_error
from bot.worker_messages import Question, question_to_frame, recognition_from_frame
from bot.worker_process import WorkerLostError, WorkerProcess
from bot.worker_protocol import Frame, FrameError
from emotify_core.errors import AudioError, AudioTooLargeError, ModelError

if TYPE_CHECKING:
    from emotify_core.audio import DecodeLimits  # not at run time: the decoders stay out of this process

__all__ = ["RecognitionBusy", "RecognitionError", "RecognitionFailed", "RecognitionPool", "RecognitionTimeout"]

_log = logging.getLogger(__name__)

_MAX_DELAY: Final = 60.0  # seconds between attempts to bring up a worker


@dataclass(frozen=True, eq=False)
class _Note:
    """An utterance in line, and where its answer goes."""

    question: Question
    answer: asyncio.Future[Recognition]
    patience: asyncio.TimerHandle


class RecognitionPool:
    """Worker processes that recognise voice notes, first come, first served.

    Use it as an async context manager, or call `start` and `close`.

    Parameters
    ----------
    n_workers : int
        How many notes are worked on at the same time, each by a process with one thread.
    queue_size : int
        How many more notes may wait in line.
    timeout : float
        Seconds that a worker may take for a note, decoding included.
    limits : DecodeLimits
        What the decoder accepts.
    model : Path or None
        The model to load; None for the one that is shipped or promoted.
    cache_dir : Path
        Folder for what numba compiles; see `bot.compile_cache`.
    command : Sequence[str] or None
        Runs a worker in another way: under ``nice``, in a container. It must speak the protocol of `bot.worker` on its
        standard input and output, and pass signals on or end when its input ends. None: this Python, as ``python -m
        bot.worker``.
    memory_limit : int or None
        Bytes of memory that a worker may allocate before it gets a MemoryError, where the system can enforce that.
        Measured: a warm worker has allocated 330 MiB, and a note of 20 minutes takes it beyond 500, not to 768.
    max_wait : float
        Seconds that a note may wait in line.
    start_timeout : float
        Seconds that a worker may take to start; compiling for the first time takes half a minute on a fast machine.
    restart_delay : float
        Seconds to the next attempt after a worker died without having answered once; doubled each time up to a minute.
    grace : float
        Seconds that `close` waits for the notes that were accepted.

    Attributes
    ----------
    model_version : str
        Version of the model that the newest worker loaded; empty before `start`. A prediction names its own.
    """

    def __init__(
        self,
        *,
        n_workers: int,
        queue_size: int,
        timeout: float,
        limits: DecodeLimits,
        model: Path | None,
        cache_dir: Path,
        command: Sequence[str] | None = None,
        memory_limit: int | None = 2**30,
        max_wait: float = 30.0,
        start_timeout: float = 300.0,
        restart_delay: float = 1.0,
        grace: float = 10.0,
    ) -> None:
        if n_workers < 1:
            raise ValueError("n_workers must be at least 1")
        self.model_version = ""
        self._n_workers = n_workers
        self._queue_size = queue_size
        self._timeout = timeout
        self._limits = limits
        self._model = model
        self._launcher = WorkerLauncher(
            command=DEFAULT_COMMAND if command is None else tuple(command),
            cache=CompileCache(cache_dir),
            memory_limit=memory_limit,
            timeout=start_timeout,
        )
        self._max_wait = max_wait
        self._restart_delay = restart_delay
        self._grace = grace
        self._accepting = False
        self._line: deque[_Note] = deque()
        self._staff: set[WorkerProcess] = set()  # all workers that are ready, free or not
        self._idle: deque[WorkerProcess] = deque()
        self._at_work: dict[WorkerProcess, asyncio.Task[Recognition]] = {}
        self._places: list[asyncio.Task[None]] = []
        self._out_of_order: set[object] = set()  # places whose last attempt to bring up a worker failed

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Bring up the first worker, then go on with the others in the background.

        The first one alone, because on a new machine it compiles what the others then find in the cache. Should the
        model not come up, the shipped one serves: a model that a night has made must never keep the bot from starting.

        Raises
        ------
        ModelError
            If the model cannot be loaded; the very subclass where it is known, or a sentence that says why no worker
            came up.
        """
        await asyncio.to_thread(self._launcher.cache.sweep)
        try:
            first = await self._bring_up(self._model)
        except ModelError as error:
            if self._model is None:
                raise
            _log.error("the shipped model serves: %s", error)
            self._model = None
            first = await self._bring_up(None)
        self._accepting = True
        self._fill_places(first)

    async def replace_model(self, model: Path | None) -> None:
        """Serve from another model, without a gap: its first worker is ready before the old ones retire.

        Raises
        ------
        ModelError
            If the model cannot be loaded; then nothing has changed.
        """
        first = await self._bring_up(model)
        if not self._accepting:  # closed meanwhile
            await first.stop()
            return
        self._model = model
        places, staff = self._places, self._staff
        self._places, self._staff = [], set()
        self._fill_places(first)
        await self._dissolve(places, staff)

    async def recognize(self, audio: bytes, *, learn: bool = False, baseline: bytes | None = None) -> Recognition:
        """Hear one voice note.

        When the caller is cancelled while the note waits, it leaves the line; while it is worked on, the answer is
        thrown away.

        Parameters
        ----------
        audio : bytes
            The encoded note.
        learn : bool
            Whether the vector of the note and the speaker's new baseline are wanted, too.
        baseline : bytes, optional
            The speaker's personal baseline.

        Returns
        -------
        Recognition
            Without vector and baseline if `learn` is false.

        Raises
        ------
        AudioError
            If the note cannot be used; the very subclass, with its data.
        RecognitionBusy
            If the line is full, at once, or if the note waited in it for too long.
        RecognitionTimeout
            If a worker took too long.
        RecognitionFailed
            If a worker crashed or failed on the note, if no worker can be brought up, or if the pool is closed.
        """
        if len(audio) > self._limits.max_bytes:
            raise AudioTooLargeError(len(audio), self._limits.max_bytes)
        note = self._queue_up(Question(audio, asdict(self._limits), learn=learn, baseline=baseline))
        try:
            return await note.answer
        finally:
            note.patience.cancel()
            if note in self._line:
                self._line.remove(note)

    async def close(self) -> None:
        """Take no more notes, finish those that were accepted if that is soon, and end all workers."""
        self._accepting = False
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._grace
        while self._at_work and (left := deadline - clock()) > 0:  # not `asyncio.timeout`: see `WorkerProcess.stop`
            await asyncio.wait(self._at_work.values(), timeout=left)
        if self._at_work:
            _log.warning("closing with %d notes at work and %d in line", len(self._at_work), len(self._line))
        self._fail_line("the bot is shutting down")
        for worker in self._at_work:
            worker.kill()
        await self._dissolve(self._places, self._staff)
        self._places.clear()

    # The line

    def _queue_up(self, question: Question) -> _Note:
        """Put a note in line, and let it be taken at once if a worker is free."""
        if not self._accepting:
            raise RecognitionFailed("the recognition pool is not running")
        if self._is_down:
            raise RecognitionFailed("no recognition worker can be brought up")
        if len(self._line) >= self._queue_size and not any(worker.alive for worker in self._idle):
            raise RecognitionBusy(f"{len(self._line)} notes are waiting")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Recognition] = loop.create_future()
        patience = loop.call_later(self._max_wait, _give_up, answer)
        note = _Note(question, answer, patience)
        self._line.append(note)
        self._assign()
        return note

    def _assign(self) -> None:
        """Give notes to free workers, oldest first."""
        while self._line and self._idle:
            worker = self._idle.popleft()
            if not worker.alive:
                continue
            note = self._line.popleft()
            note.patience.cancel()
            if note.answer.done():
                self._idle.append(worker)
                continue
            task = asyncio.create_task(self._hear(worker, note.question))
            self._at_work[worker] = task
            task.add_done_callback(functools.partial(self._finish, worker, note))

    def _finish(self, worker: WorkerProcess, note: _Note, task: asyncio.Task[Recognition]) -> None:
        """Deliver what became of a note, and give its worker the next one."""
        del self._at_work[worker]
        if worker.alive:
            self._employ(worker)
        error = RecognitionFailed("the bot is shutting down") if task.cancelled() else task.exception()
        if note.answer.done():  # nobody waits for it any more
            return
        if error is not None:
            note.answer.set_exception(error)
        else:
            note.answer.set_result(task.result())

    def _fail_line(self, reason: str) -> None:
        """Fail all notes in line."""
        while self._line:
            answer = self._line.popleft().answer
            if not answer.done():
                answer.set_exception(RecognitionFailed(reason))

    # One note

    async def _hear(self, worker: WorkerProcess, question: Question) -> Recognition:
        """Have a worker recognise a note, and kill it if it takes too long."""
        try:
            async with asyncio.timeout(self._timeout):
                answer = await worker.ask(question_to_frame(question))
            return _read_answer(answer, question)
        except TimeoutError as error:
            _log.warning("worker %d took longer than %.1f s for a note and is replaced", worker.pid, self._timeout)
            worker.kill()
            raise RecognitionTimeout(f"recognition took longer than {self._timeout:.0f} seconds") from error
        except (WorkerLostError, FrameError) as error:
            _log.warning("a note was lost with its worker: %s", error)
            worker.kill()
            raise RecognitionFailed("the worker was lost") from error

    # The workers

    def _fill_places(self, first: WorkerProcess) -> None:
        """Let each place of the pool look after its worker; the first one has one already."""
        self._staff.add(first)
        self._employ(first)
        for worker in (first, *[None] * (self._n_workers - 1)):
            self._places.append(asyncio.create_task(self._keep_filled(worker, self._staff)))

    async def _dissolve(self, places: Sequence[asyncio.Task[None]], staff: set[WorkerProcess]) -> None:
        """Fill places no more, and let each worker finish its note and end."""
        for place in places:
            place.cancel()
        await asyncio.gather(*places, return_exceptions=True)
        # Apart from the places, because one that was cancelled before its first step never looked after its worker.
        await asyncio.gather(*map(self._dismiss, staff))
        staff.clear()

    async def _keep_filled(self, worker: WorkerProcess | None, staff: set[WorkerProcess]) -> None:
        """Keep one place filled with a worker that belongs to the staff, until cancelled."""
        place = object()
        n_failures = 0
        try:
            while True:
                if worker is None and (worker := await self._try_to_bring_up(n_failures)) is not None:
                    staff.add(worker)
                    self._employ(worker)
                self._note_order(place, in_order=worker is not None)
                if worker is not None:
                    await worker.ended()
                    staff.discard(worker)
                n_failures = 0 if worker is not None and worker.n_answers > 1 else n_failures + 1
                worker = None
        finally:
            self._out_of_order.discard(place)

    def _employ(self, worker: WorkerProcess) -> None:
        """Give notes to a worker that is ready, from now on."""
        self._idle.append(worker)
        self._assign()

    async def _dismiss(self, worker: WorkerProcess) -> None:
        """Give no more notes to a worker, let it finish the one that it has, and end it."""
        worker.retire()
        if (task := self._at_work.get(worker)) is not None:
            await asyncio.wait([task])
        await worker.stop()

    def _note_order(self, place: object, *, in_order: bool) -> None:
        """Remember whether a place could be filled; when none could, fail who waits, as they would wait in vain."""
        if in_order:
            self._out_of_order.discard(place)
            return
        self._out_of_order.add(place)
        if self._is_down:
            self._fail_line("no recognition worker can be brought up")

    @property
    def _is_down(self) -> bool:
        return len(self._out_of_order) == self._n_workers

    async def _bring_up(self, model: Path | None) -> WorkerProcess:
        """Bring up a worker and remember which model it loaded."""
        worker, self.model_version = await self._launcher.bring_up(model)
        return worker

    async def _try_to_bring_up(self, n_failures: int) -> WorkerProcess | None:
        """Bring up a worker, later the more often it failed before; None if it fails again."""
        if n_failures > 0:
            await asyncio.sleep(min(self._restart_delay * 2.0 ** min(n_failures - 1, 10), _MAX_DELAY))
        try:
            return await self._bring_up(self._model)
        except ModelError as error:
            _log.error("no recognition worker came up, attempt %d: %s", n_failures + 1, error)
            if not isinstance(error, NotReadyError):  # gone, damaged or of another release since it was loaded
                self._model = None  # the shipped one serves
            return None


def _give_up(answer: asyncio.Future[Recognition]) -> None:
    """Tell who waits for a note that it waited too long."""
    if not answer.done():
        answer.set_exception(RecognitionBusy("the note waited too long in line"))


def _read_answer(answer: Frame, question: Question) -> Recognition:
    """Return what a worker heard, or raise its error."""
    if "prediction" in answer.header:
        return recognition_from_frame(answer, learn=question.learn)
    error = read_error(answer.header)
    raise error if isinstance(error, AudioError) else RecognitionFailed(str(error))
