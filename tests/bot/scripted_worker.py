"""A recognition worker that does as its notes say: the real loop of `bot.worker` around a model that misbehaves on
request.

A note is a JSON object, ``{"do": ..., ...}``. With ``--stage PORT`` each worker keeps a connection to a `Stage` open
for as long as it lives; ``--start`` says how it fails to start. A prediction names the worker's process id as its
model.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from bot import worker
from bot.worker_protocol import Frame, encode_frame
from emotify_core import errors
from emotify_core.emotions import Emotion
from emotify_core.errors import FeatureSetMismatchError
from emotify_core.prediction import Prediction


def prediction(model: str = "", *, happy: float = 0.75) -> Prediction:
    return Prediction({Emotion.HAPPY: happy, Emotion.SAD: 1 - happy}, duration=1.5, model=model or str(os.getpid()))


def die() -> NoReturn:
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)  # not faulthandler's, which would print to the tests' output
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError("unreachable")


def hang() -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        signal.pause()


def refuse(name: str, args: list[Any]) -> NoReturn:
    raise getattr(errors, name)(*args)


def fail() -> NoReturn:
    raise ZeroDivisionError("of the model")


def allocate(n_bytes: int) -> Prediction:
    return prediction(str(len(bytearray(n_bytes))))


def write(pipe: int, text: str) -> Prediction:
    os.write(pipe, text.encode("latin-1"))
    return prediction()


def answer_to(pipe: int, number: int) -> Prediction:
    os.write(pipe, encode_frame(Frame({"id": number, "prediction": prediction("forged").to_dict()})))
    return prediction()


def chatter() -> Prediction:
    print("progress: 100 %" * 10_000, flush=True)
    os.write(1, b"a warning of a library" * 1000)
    subprocess.run([sys.executable, "-c", "print('a child')"], check=True)
    return prediction()


def read_input() -> Prediction:
    return prediction(repr(sys.stdin.read() + os.read(0, 10).decode()))


def environment() -> Prediction:
    return prediction(json.dumps(dict(os.environ)))


def hold(stage: socket.socket, name: str) -> Prediction:
    stage.sendall(f"{name}\n".encode())
    stage.recv(1)
    return prediction()


class Script:
    """What stands in for a model."""

    def __init__(self, *, pipe: int, stage: socket.socket | None) -> None:
        self.acts: Mapping[str, Callable[..., Prediction]] = {
            "answer": prediction,
            "refuse": refuse,
            "fail": fail,
            "exit": os._exit,
            "die": die,
            "hang": hang,
            "allocate": allocate,
            "write": functools.partial(write, pipe),
            "answer_to": functools.partial(answer_to, pipe),
            "chatter": chatter,
            "read_input": read_input,
            "environment": environment,
        }
        if stage is not None:
            self.acts = {**self.acts, "hold": functools.partial(hold, stage)}

    def hear(self, audio: bytes, limits: Mapping[str, Any]) -> Prediction:
        if audio == b"limits":
            return prediction(json.dumps(dict(limits)))
        note = json.loads(audio)
        return self.acts[note.pop("do")](**note)


def load(options: argparse.Namespace, script: Script, model: str | None) -> worker.Ear:
    match options.start:
        case "exit":
            os._exit(7)
        case "die":
            die()
        case "hang":
            hang()
        case "mismatch":
            raise FeatureSetMismatchError("old", "new")
        case "import":
            raise ModuleNotFoundError("No module named 'librosa'")
        case "babble":
            os.write(options.pipe, b"Welcome to libsomething 1.0, please like and subscribe")
    if options.unless is not None and not os.path.exists(options.unless):  # noqa: PTH110
        os._exit(8)
    return worker.Ear(model or "scripted", script.hear)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--start", default="ready")
    parser.add_argument("--unless", help="exit at start unless this file exists")
    parser.add_argument("--stage", type=int)
    options = parser.parse_args()
    options.pipe = os.dup(1)
    stage = None
    if options.stage is not None:
        stage = socket.create_connection(("127.0.0.1", options.stage))
        stage.sendall(f"{os.getpid()}\n".encode())
    script = Script(pipe=options.pipe, stage=stage)
    return worker.main(functools.partial(load, options, script))


if __name__ == "__main__":
    sys.exit(main())
