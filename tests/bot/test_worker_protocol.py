from __future__ import annotations

import asyncio
import io
import json
import math
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.worker_protocol import (
    MAX_BODY,
    MAX_HEADER,
    Frame,
    FrameError,
    encode_frame,
    error_from_json,
    error_to_json,
    prediction_from_json,
    prediction_to_json,
    read_frame,
    receive_frame,
)
from emotify_core import errors
from emotify_core.emotions import Emotion
from emotify_core.errors import EmotifyError, UndecodableAudioError
from emotify_core.prediction import Prediction

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
frames = st.builds(Frame, st.dictionaries(st.text(), json_values, max_size=5), st.binary(max_size=1000))


class Trickle(io.RawIOBase):
    """A stream that gives a few bytes at a time, as pipes do."""

    def __init__(self, data: bytes, step: int = 7) -> None:
        self._data = io.BytesIO(data)
        self._step = step

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        return self._data.readinto(view[: self._step])


def stream_of(data: bytes) -> asyncio.StreamReader:
    stream = asyncio.StreamReader()
    stream.feed_data(data)
    stream.feed_eof()
    return stream


async def received(data: bytes) -> list[Frame]:
    stream = stream_of(data)
    return [frame async for frame in _until_none(stream)]


async def _until_none(stream: asyncio.StreamReader) -> Any:
    while (frame := await receive_frame(stream)) is not None:
        yield frame


@given(st.lists(frames, max_size=4), st.integers(1, 50))
def test_frames_come_out_as_they_went_in_on_both_kinds_of_stream(sent: list[Frame], step: int) -> None:
    data = b"".join(map(encode_frame, sent))
    stream = Trickle(data, step)
    assert list(iter(lambda: read_frame(stream), None)) == sent
    assert asyncio.run(received(data)) == sent


@given(frames, st.data())
def test_a_stream_that_ends_within_a_frame_is_an_error(frame: Frame, data: st.DataObject) -> None:
    encoded = encode_frame(frame)
    cut = data.draw(st.integers(1, len(encoded) - 1))
    with pytest.raises(FrameError, match="ended within"):
        read_frame(Trickle(encoded[:cut], step=1000))
    with pytest.raises(FrameError, match="ended within"):
        asyncio.run(received(encoded[:cut]))


@given(st.binary(min_size=1))
def test_any_other_bytes_are_a_frame_error(garbage: bytes) -> None:
    with pytest.raises(FrameError):
        read_frame(Trickle(garbage))


@given(st.binary(max_size=100))
def test_a_header_that_is_not_a_json_object_is_a_frame_error(header: bytes) -> None:
    try:
        is_object = isinstance(json.loads(header), dict)
    except ValueError:
        is_object = False
    if not is_object:
        with pytest.raises(FrameError):
            read_frame(Trickle(struct.pack(">4sII", b"EMO1", len(header), 0) + header))


@pytest.mark.parametrize(("n_header", "n_body"), [(MAX_HEADER + 1, 0), (2, MAX_BODY + 1)])
def test_an_absurd_length_is_refused_before_anything_is_allocated(n_header: int, n_body: int) -> None:
    with pytest.raises(FrameError):
        read_frame(Trickle(struct.pack(">4sII", b"EMO1", n_header, n_body)))


def test_a_deeply_nested_header_is_a_frame_error() -> None:
    header = b"[" * 100_000
    with pytest.raises(FrameError):
        read_frame(Trickle(struct.pack(">4sII", b"EMO1", len(header), 0) + header, step=10**6))


def test_a_header_that_no_reader_accepts_is_not_written() -> None:
    with pytest.raises(FrameError):
        encode_frame(Frame({"text": "x" * MAX_HEADER}))


distributions = st.lists(st.floats(1e-300, 1), min_size=1, max_size=8).map(lambda w: [x / math.fsum(w) for x in w])


@given(distributions, st.floats(0, 1e6), st.text())
def test_a_prediction_survives_to_the_last_digit(values: list[float], duration: float, model: str) -> None:
    prediction = Prediction(dict(zip(Emotion, values, strict=False)), duration=duration, model=model)
    frame = read_frame(Trickle(encode_frame(Frame({"prediction": prediction_to_json(prediction)}))))
    assert frame is not None
    assert prediction_from_json(frame.header["prediction"]) == prediction


def test_numpy_numbers_travel_as_numbers() -> None:
    prediction = Prediction({Emotion.SAD: np.float32(1.0)}, duration=np.float64(2.5), model="m")  # type: ignore[dict-item]
    frame = read_frame(Trickle(encode_frame(Frame(prediction_to_json(prediction)))))
    assert frame is not None
    assert prediction_from_json(frame.header) == Prediction({Emotion.SAD: 1.0}, duration=2.5, model="m")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"probabilities": {"bored": 1.0}, "duration": 1, "model": "m"},
        {"probabilities": {"sad": 0.5}, "duration": 1, "model": "m"},
        {"probabilities": ["sad"], "duration": 1, "model": "m"},
        {"probabilities": {"sad": 1.0}, "duration": None, "model": "m"},
    ],
)
def test_what_is_no_prediction_is_a_frame_error(data: dict[str, Any]) -> None:
    with pytest.raises(FrameError):
        prediction_from_json(data)


def all_errors() -> list[EmotifyError]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EmotifyError)]
    arguments: dict[str, tuple[Any, ...]] = {
        "UndecodableAudioError": ("the file is empty",),
        "AudioTooLargeError": (3 * 2**30, 2**20),
        "AudioTooLongError": (1300.5, 1200.0),
        "AudioTooShortError": (0.05, 0.3),
        "DecodingTimeoutError": (20.0,),
        "FeatureSetMismatchError": ("a", "b"),
        "LibraryMismatchError": ("night-1", "scikit-learn", "1.8.0", "1.9.0"),
        "MissingExtraError": ("PyTorch", "train"),
    }
    return [kind(*arguments.get(kind.__name__, ("for a reason",))) for kind in kinds]


@pytest.mark.parametrize("error", all_errors(), ids=lambda error: type(error).__name__)
def test_every_error_of_the_core_arrives_as_itself(error: EmotifyError) -> None:
    frame = read_frame(Trickle(encode_frame(Frame(error_to_json(error)))))
    assert frame is not None
    arrived = error_from_json(frame.header)
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)


def test_a_subclass_from_elsewhere_arrives_as_its_ancestor_in_the_core() -> None:
    class TruncatedError(UndecodableAudioError):
        pass

    arrived = error_from_json(error_to_json(TruncatedError("it is cut off")))
    assert type(arrived) is UndecodableAudioError
    assert arrived.reason == "it is cut off"


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"class": "SystemExit", "message": "", "data": {}},
        {"class": "annotations", "message": "", "data": {}},
        {"class": "AudioError", "message": "", "data": None},
    ],
)
def test_only_errors_of_the_core_are_rebuilt(data: dict[str, Any]) -> None:
    with pytest.raises(FrameError):
        error_from_json(data)
