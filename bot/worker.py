"""A worker of the recognition pool: ``python -m bot.worker`` takes frames on standard input and answers on its output.

The first frame says which model to load; it is answered when the model is loaded and warm. Each later frame holds one
encoded voice note (see `bot.worker_messages`) and is answered with what was heard or with the reason why there is
nothing. The worker ends when its input ends, and with its parent however that dies: notes come from strangers, so it is
a process that may be lost at any time.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import io
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.exchange import Recognition
from bot.worker_messages import Question, question_from_frame, recognition_to_frame
from bot.worker_protocol import Frame, FrameError, encode_frame, error_to_json, read_frame
from emotify_core.errors import EmotifyError

_LAST_NOTE_SECONDS: Final = 1.0
_PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>


@dataclass(frozen=True)
class Ear:
    """A loaded model: its version, and what hears a note."""

    version: str
    hear: Callable[[Question], Recognition]


def load_ear(model: str | None) -> Ear:
    """Load a model and let it hear one note, which imports and compiles all that the next notes need."""
    # Imported here, so that an import that fails is answered in a frame, and under the memory limit.
    from bot import hearing  # noqa: PLC0415
    from emotify_core.audio import DecodeLimits  # noqa: PLC0415
    from emotify_core.classifier import EmotionClassifier  # noqa: PLC0415
    from emotify_core.synthesis import demonstration_note  # noqa: PLC0415

    classifier = EmotionClassifier.load(model)
    classifier.predict(demonstration_note())

    def hear(note: Question) -> Recognition:
        limits = DecodeLimits(**note.limits)
        return hearing.hear(classifier, note.audio, limits, learn=note.learn, baseline=note.baseline)

    return Ear(classifier.version, hear)


def main(load: Callable[[str | None], Ear] = load_ear) -> int:
    """Serve one parent until it closes the input; return the exit status."""
    source, sink = _claim_standard_streams()
    _end_with_parent()
    faulthandler.enable()  # a decoder that crashes leaves its Python stack in the log
    inbox = _listen(source)
    if (first := inbox.get()) is None:
        return 0
    ear, answer = _start(first.header, load)
    _give_back_memory()
    _send(sink, first, Frame(answer))
    if ear is None:
        return 1
    while (note := inbox.get()) is not None:
        _send(sink, note, _answer(ear, note))
    return 0


def _claim_standard_streams() -> tuple[io.FileIO, io.FileIO]:
    """Keep the two pipes to the parent for the frames, and give everybody else an empty input and the error output."""
    source, sink = os.dup(0), os.dup(1)  # not inherited by children, so no ffmpeg can hold them open
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    return io.FileIO(source, "rb"), io.FileIO(sink, "wb")


def _end_with_parent() -> None:
    """Leave Ctrl-C to the parent, and die with it even in the middle of a note."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        # For a parent that was killed while a decoder hangs here without giving Python a turn; the end of the input,
        # which works everywhere, is seen by a thread. prctl(2) is reached through ctypes: preexec_fn is unsafe beside
        # threads.
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _listen(source: io.FileIO) -> queue.SimpleQueue[Frame | None]:
    """Read frames in a thread, so that the end of the input is noticed during a note, too; None marks the end."""
    inbox: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()

    def read() -> None:
        try:
            while (frame := read_frame(source)) is not None:
                inbox.put(frame)
        except FrameError:
            traceback.print_exc()  # to the error output: the parent speaks another language and would not understand it
        finally:
            inbox.put(None)
            time.sleep(_LAST_NOTE_SECONDS)
            os._exit(1)  # nobody waits for the answer any more

    threading.Thread(target=read, name="inbox", daemon=True).start()
    return inbox


def _start(options: Mapping[str, Any], load: Callable[[str | None], Ear]) -> tuple[Ear | None, dict[str, object]]:
    """Limit the memory and load the model; no ear and the reason if that fails."""
    began = time.monotonic()
    try:
        _limit_memory(options.get("memory_limit"))
        ear = load(options.get("model"))
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent tells the operator
        return None, _refusal(error)
    return ear, {"ready": ear.version, "seconds": time.monotonic() - began}


def _limit_memory(n_bytes: int | None) -> None:
    """Make allocations beyond so many bytes raise MemoryError, so that a decompression bomb costs one note."""
    if n_bytes is None or sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - POSIX only

    # RLIMIT_DATA counts private writable memory; RLIMIT_AS would also count the address space that LLVM and malloc's
    # arenas reserve and never touch. Where the system does not enforce it (macOS), the audio limits are what is left.
    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = n_bytes if hard == resource.RLIM_INFINITY else min(n_bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _give_back_memory() -> None:
    """Return to the system what loading freed, about a tenth of a worker's memory; glibc would keep it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another libc
            ctypes.CDLL(None).malloc_trim(0)


def _answer(ear: Ear, note: Frame) -> Frame:
    """Recognise one note; every error becomes an answer."""
    try:
        return recognition_to_frame(ear.hear(question_from_frame(note)))
    except Exception as error:  # noqa: BLE001 - the next note may be fine
        return Frame(_refusal(error))


def _refusal(error: Exception) -> dict[str, object]:
    """Describe an error: those of the core with their data, any other with its traceback for the log."""
    if isinstance(error, EmotifyError):
        return {"error": error_to_json(error)}
    trace = "".join(traceback.format_exception(error))
    return {"failure": f"{type(error).__name__}: {error}"[:500], "traceback": trace[-10_000:]}


def _send(sink: io.FileIO, question: Frame, answer: Frame) -> None:
    """Write the answer to a question, under the question's number."""
    data = memoryview(encode_frame(Frame({**answer.header, "id": question.header.get("id")}, answer.body)))
    while data:
        data = data[sink.write(data) :]


if __name__ == "__main__":
    sys.exit(main())
