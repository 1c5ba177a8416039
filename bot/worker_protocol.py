"""What the recognition pool and its worker processes say to each other: frames, and the values that travel in them.

A frame is a JSON object, its header, followed by raw bytes, its body: audio, vectors and baselines go into it as they
are (see `bot.worker_messages`). On the wire: the four bytes ``EMO1``, the length of the header and of the body
(big-endian, 4 bytes each), header, body. The mark at the front turns stray output of a library into an error at once,
not into an absurd length that is waited for.
"""

from __future__ import annotations

import asyncio
import io
import json
import struct
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from emotify_core import errors
from emotify_core.emotions import Emotion
from emotify_core.errors import EmotifyError
from emotify_core.prediction import Prediction

MAX_HEADER: Final = 2**20
MAX_BODY: Final = 2**30

_MARK: Final = b"EMO1"
_PREFIX: Final = struct.Struct(">4sII")


class FrameError(Exception):
    """The bytes are no frame."""


@dataclass(frozen=True)
class Frame:
    """One message between the pool and a worker."""

    header: Mapping[str, Any]
    body: bytes = field(default=b"", repr=False)


def encode_frame(frame: Frame) -> bytes:
    """Return the bytes of a frame.

    Raises
    ------
    FrameError
        If the header or the body is longer than a reader accepts.
    """
    header = json.dumps(frame.header, default=float).encode()  # default: numpy's scalars are numbers, too
    if len(header) > MAX_HEADER or len(frame.body) > MAX_BODY:
        raise FrameError("the frame is too long")
    return b"".join((_PREFIX.pack(_MARK, len(header), len(frame.body)), header, frame.body))


def decode_frame() -> Generator[int, bytes, Frame]:
    """Read a frame without doing I/O: yield how many bytes are needed next, be sent them, return the frame.

    Raises
    ------
    FrameError
        If what comes is no frame.
    """
    mark, n_header, n_body = _PREFIX.unpack((yield _PREFIX.size))
    if mark != _MARK or n_header > MAX_HEADER or n_body > MAX_BODY:
        raise FrameError("these bytes do not start a frame")
    try:
        header = json.loads((yield n_header))
    except (ValueError, RecursionError) as error:
        raise FrameError("the header is not JSON") from error
    if not isinstance(header, dict):
        raise FrameError("the header is not a JSON object")
    return Frame(header, (yield n_body))


def read_frame(stream: io.RawIOBase) -> Frame | None:
    """Wait for a frame on an unbuffered stream; None when the stream ended before one began."""
    steps = decode_frame()
    n_bytes = next(steps)
    started = False
    while True:
        data = _read_exactly(stream, n_bytes)
        if len(data) < n_bytes:
            if not data and not started:
                return None
            raise FrameError("the stream ended within a frame")
        started = True
        try:
            n_bytes = steps.send(data)
        except StopIteration as stop:
            frame: Frame = stop.value
            return frame


async def receive_frame(stream: asyncio.StreamReader) -> Frame | None:
    """Await a frame on a stream; None when the stream ended before one began."""
    steps = decode_frame()
    n_bytes = next(steps)
    started = False
    while True:
        try:
            data = await stream.readexactly(n_bytes)
        except asyncio.IncompleteReadError as error:
            if not error.partial and not started:
                return None
            raise FrameError("the stream ended within a frame") from error
        started = True
        try:
            n_bytes = steps.send(data)
        except StopIteration as stop:
            frame: Frame = stop.value
            return frame


def prediction_to_json(prediction: Prediction) -> dict[str, object]:
    """Return the JSON form of a prediction; no digit of a probability is lost."""
    return prediction.to_dict()


def prediction_from_json(data: Mapping[str, Any]) -> Prediction:
    """Rebuild a prediction.

    Raises
    ------
    FrameError
        If the object describes no prediction.
    """
    try:
        probabilities = {Emotion(name): float(value) for name, value in data["probabilities"].items()}
        return Prediction(probabilities, duration=float(data["duration"]), model=str(data["model"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FrameError("this is no prediction") from error


def error_to_json(error: EmotifyError) -> dict[str, object]:
    """Return the JSON form of an error of the core: its class, its sentence and its data."""
    # A subclass that the tree in errors.py does not show travels as its nearest ancestor there.
    name = next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
    data = {key: value for key, value in vars(error).items() if not key.startswith("_")}
    return {"class": name, "message": str(error), "data": data}


def error_from_json(data: Mapping[str, Any]) -> EmotifyError:
    """Rebuild an error of the core: the same class, sentence and attributes.

    Raises
    ------
    FrameError
        If the object describes no error of the core.
    """
    kind = getattr(errors, str(data.get("class")), None)
    if not (isinstance(kind, type) and issubclass(kind, EmotifyError)) or not isinstance(data.get("data"), dict):
        raise FrameError("this is no error of the core")
    # Past __init__, which would build the sentence again from arguments that each class names its own way.
    error = kind.__new__(kind, str(data.get("message")))
    vars(error).update(data["data"])
    return error


def _read_exactly(stream: io.RawIOBase, n_bytes: int) -> bytes:
    """Read so many bytes, fewer only at the end of the stream."""
    buffer = bytearray(n_bytes)
    with memoryview(buffer) as view:
        filled = 0
        while filled < n_bytes and (n_read := stream.readinto(view[filled:])):
            filled += n_read
    return bytes(buffer[:filled])
