"""From the bytes of a voice note to a prediction, in a warm process on one core."""

from __future__ import annotations

import os
from collections.abc import Iterator

from emotify_core.audio import decode
from emotify_core.classifier import EmotionClassifier
from emotify_core.features import extract
from emotify_core.synthesis import demonstration_note
from tests.benchmarks.timing import Result, milliseconds, time_calls

_N_RUNS = 40


def measure() -> Iterator[Result]:
    """Time the whole way of a 4 s Ogg Opus note, and each step."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    note = demonstration_note(duration=4.0)
    classifier = EmotionClassifier.load()
    waveform = decode(note)
    features = extract(waveform)
    yield milliseconds(
        "4 s Opus note to prediction", time_calls(lambda: classifier.predict(note), _N_RUNS), aim="120 ms"
    )
    yield milliseconds("  decode", time_calls(lambda: decode(note), _N_RUNS))
    yield milliseconds("  features", time_calls(lambda: extract(waveform), _N_RUNS))
    yield milliseconds("  classify", time_calls(lambda: classifier.predict_features(features, duration=4.0), _N_RUNS))
