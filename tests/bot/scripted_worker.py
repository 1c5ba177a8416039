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
from bot.exchange import Recognition
from bot.worker_messages import Question
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


def tell(vector: str | None, vector_set: str, baseline: str | None) -> Recognition:
    """Answer with these, asked for or not."""
    return Recognition(
        prediction(),
        vector=None if vector is None else vector.encode(),
        vector_set=vector_set,
        baseline=None if baseline is None else baseline.encode(),
    )


def echo(question: Question) -> Recognition:
    """Give the question back: the audio as the vector, the baseline as it is, and the rest in the model's name."""
    asked = json.dumps({"limits": dict(question.limits), "learn": question.learn})
    if not question.learn:
        return Recognition(prediction(asked))
    return Recognition(prediction(asked), vector=question.audio, vector_set="echo", baseline=question.baseline)


def hold(stage: socket.socket, name: str) -> Prediction:
    stage.sendall(f"{name}\n".encode())
    stage.recv(1)
    return prediction()


class Script:
    """What stands in for a model."""

    def __init__(self, *, pipe: int, stage: socket.socket | None) -> None:
        self.acts: Mapping[str, Callable[..., Prediction | Recognition]] = {
            "answer": prediction,
            "tell": tell,
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

    def hear(self, question: Question) -> Recognition:
        if question.audio.startswith(b"echo"):
            return echo(question)
        note = json.loads(question.audio)
        heard = self.acts[note.pop("do")](**note)
        return heard if isinstance(heard, Recognition) else Recognition(heard)


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
