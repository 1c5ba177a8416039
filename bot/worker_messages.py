"""What is asked of a worker about one note, and what it answers: the values in the frames of `bot.worker_protocol`.

A question's body is the encoded audio, followed by the speaker's baseline if there is one; the header says how many
bytes of the body that is. An answer's body is the vector of the note followed by the new baseline, if they were asked
for; the header says how many bytes each of them has. None is another thing than no bytes: null in the header.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.exchange import Recognition
from bot.worker_protocol import Frame, FrameError, prediction_from_json, prediction_to_json


@dataclass(frozen=True)
class Question:
    """One note to be heard.

    Parameters
    ----------
    audio : bytes
        The encoded note.
    limits : Mapping[str, Any]
        What the decoder accepts: the fields of `DecodeLimits`.
    learn : bool
        Whether the vector of the note and the new baseline are wanted.
    baseline : bytes, optional
        The speaker's personal baseline.
    """

    audio: bytes = field(repr=False)
    limits: Mapping[str, Any]
    learn: bool = False
    baseline: bytes | None = field(default=None, repr=False)


def question_to_frame(question: Question) -> Frame:
    """Write a question; where there is no baseline, the audio is not copied."""
    baseline = question.baseline
    header = {"limits": dict(question.limits), "learn": question.learn, "baseline": _length(baseline)}
    return Frame(header, question.audio + baseline if baseline else question.audio)


def question_from_frame(frame: Frame) -> Question:
    """Read a question.

    Raises
    ------
    FrameError
        If the frame asks nothing about a note, or its lengths do not fit.
    """
    limits, learn = frame.header.get("limits"), frame.header.get("learn")
    if not isinstance(limits, dict) or not isinstance(learn, bool):
        raise FrameError("this is no question about a note")
    n_baseline = _read_length(frame, "baseline")
    n_audio = len(frame.body) - (n_baseline or 0)
    if n_audio < 0:
        raise FrameError("the baseline is longer than the body")
    audio = frame.body[:n_audio]  # bytes cut at their own end are not copied
    return Question(audio, limits, learn=learn, baseline=None if n_baseline is None else frame.body[n_audio:])


def recognition_to_frame(recognition: Recognition) -> Frame:
    """Write the answer about a note that was recognised."""
    header = {
        "prediction": prediction_to_json(recognition.prediction),
        "vector_set": recognition.vector_set,
        "vector": _length(recognition.vector),
        "baseline": _length(recognition.baseline),
    }
    return Frame(header, (recognition.vector or b"") + (recognition.baseline or b""))


def recognition_from_frame(frame: Frame, *, learn: bool) -> Recognition:
    """Read the answer about a note that was recognised.

    Parameters
    ----------
    frame : Frame
        The answer.
    learn : bool
        Whether the vector and the baseline were asked for.

    Raises
    ------
    FrameError
        If it is no such answer, if its lengths do not fit, or if it tells more than was asked for.
    """
    prediction, vector_set = frame.header.get("prediction"), frame.header.get("vector_set", "")
    if not isinstance(prediction, dict) or not isinstance(vector_set, str):
        raise FrameError("this is no answer about a note")
    n_vector, n_baseline = _read_length(frame, "vector"), _read_length(frame, "baseline")
    if len(frame.body) != (n_vector or 0) + (n_baseline or 0):
        raise FrameError("the lengths in the answer do not fit its body")
    if not learn and not (n_vector is n_baseline is None):
        raise FrameError("the answer tells more than was asked for")
    if n_vector is not None and not vector_set:
        raise FrameError("the vector belongs to no set")
    start = n_vector or 0
    return Recognition(
        prediction_from_json(prediction),
        vector=None if n_vector is None else frame.body[:start],
        vector_set=vector_set,
        baseline=None if n_baseline is None else frame.body[start:],
    )


def _length(part: bytes | None) -> int | None:
    """Return the length of a part of a body; None where there is no such part."""
    return None if part is None else len(part)


def _read_length(frame: Frame, name: str) -> int | None:
    """Read the length of a part of a body from the header."""
    n_bytes = frame.header.get(name)
    if n_bytes is None:
        return None
    if not isinstance(n_bytes, int) or isinstance(n_bytes, bool) or not 0 <= n_bytes <= len(frame.body):
        raise FrameError(f"the length of the {name} is none")
    return n_bytes
