from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.exchange import Recognition
from bot.worker_messages import (
    Question,
    question_from_frame,
    question_to_frame,
    recognition_from_frame,
    recognition_to_frame,
)
from bot.worker_protocol import Frame, FrameError, encode_frame, prediction_to_json, read_frame
from tests.bot.stand_ins import SAD

parts = st.none() | st.binary(max_size=300)
json_values = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.lists(st.integers())
)
numbers = st.integers(-5, 400) | json_values


def over_the_wire(frame: Frame) -> Frame:
    stream = io.BytesIO(encode_frame(frame))
    received = read_frame(stream)  # type: ignore[arg-type]
    assert received is not None
    return received


@given(st.binary(max_size=300), st.booleans(), parts)
def test_a_question_arrives_as_it_was_asked(audio: bytes, learn: bool, baseline: bytes | None) -> None:
    question = Question(audio, {"max_bytes": 1000, "max_duration": 12.5}, learn=learn, baseline=baseline)
    assert question_from_frame(over_the_wire(question_to_frame(question))) == question


@given(parts, parts)
def test_an_answer_arrives_as_it_was_given(vector: bytes | None, baseline: bytes | None) -> None:
    heard = Recognition(SAD, vector=vector, vector_set="" if vector is None else "set-1", baseline=baseline)
    assert recognition_from_frame(over_the_wire(recognition_to_frame(heard)), learn=True) == heard


def test_an_answer_with_the_prediction_alone_is_enough() -> None:
    frame = Frame({"prediction": prediction_to_json(SAD)})
    assert recognition_from_frame(frame, learn=True) == recognition_from_frame(frame, learn=False) == Recognition(SAD)


@pytest.mark.parametrize(("vector", "baseline"), [(b"v", None), (None, b"b"), (b"", None), (None, b"")])
def test_an_answer_that_tells_more_than_was_asked_for_is_refused(vector: bytes | None, baseline: bytes | None) -> None:
    frame = recognition_to_frame(Recognition(SAD, vector=vector, vector_set="set-1", baseline=baseline))
    with pytest.raises(FrameError, match="more than was asked"):
        recognition_from_frame(frame, learn=False)


@pytest.mark.parametrize(
    "header",
    [
        {"vector": 3, "vector_set": "set-1"},
        {"vector": 5, "vector_set": "set-1"},
        {"vector": 2, "baseline": 3, "vector_set": "set-1"},
        {"vector": -1, "baseline": 5, "vector_set": "set-1"},
        {"vector": True, "baseline": 3, "vector_set": "set-1"},
        {"vector": 4.0, "vector_set": "set-1"},
        {"vector": "4", "vector_set": "set-1"},
        {"vector": 10**30, "vector_set": "set-1"},
        {"vector": 4},
        {"vector": 4, "vector_set": ""},
        {"vector": 4, "vector_set": 1},
        {"vector": 4, "vector_set": "set-1", "prediction": None},
        {"vector": 4, "vector_set": "set-1", "prediction": {"probabilities": {"sad": 2.0}}},
        {},
    ],
)
def test_an_answer_whose_parts_do_not_fit_is_a_frame_error(header: dict[str, Any]) -> None:
    with pytest.raises(FrameError):
        recognition_from_frame(Frame({"prediction": prediction_to_json(SAD)} | header, b"1234"), learn=True)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"limits": {}},
        {"limits": {}, "learn": 1},
        {"limits": [], "learn": False},
        {"limits": {}, "learn": False, "baseline": 5},
        {"limits": {}, "learn": False, "baseline": -1},
        {"limits": {}, "learn": False, "baseline": True},
        {"limits": {}, "learn": False, "baseline": 1.0},
    ],
)
def test_a_question_that_does_not_fit_is_a_frame_error(header: dict[str, Any]) -> None:
    with pytest.raises(FrameError):
        question_from_frame(Frame(header, b"1234"))


@given(st.binary(max_size=300), numbers, numbers, json_values, st.booleans())
def test_any_other_answer_is_a_frame_error_or_takes_the_body_apart_exactly(
    body: bytes, n_vector: Any, n_baseline: Any, vector_set: Any, learn: bool
) -> None:
    header = {"vector": n_vector, "baseline": n_baseline, "vector_set": vector_set}
    try:
        heard = recognition_from_frame(Frame({"prediction": prediction_to_json(SAD)} | header, body), learn=learn)
    except FrameError:
        return
    assert (heard.vector or b"") + (heard.baseline or b"") == body
    assert learn or (heard.vector is heard.baseline is None)
