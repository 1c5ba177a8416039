"""From a voice note to a prediction on one core, short or long, in a warm process; and cold starts of commands."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from emotify_core.audio import decode
from emotify_core.classifier import EmotionClassifier, shipped_models
from emotify_core.encoder import Encoder, views
from emotify_core.experts import Experts, head_scores
from emotify_core.features import extract
from emotify_core.registry import NETWORK_FILE, Registry
from emotify_core.synthesis import demonstration_note, synthesize_voice
from emotify_core.waveform import Waveform
from tests.benchmarks.timing import Result, milliseconds, peak_mib, time_calls

_N_RUNS = 40
_N_LONG = 3
_N_STARTS = 5
_SR = 16_000
_LONG = 20 * 60  # seconds


def measure() -> Iterator[Result]:
    """Time a note of 4 s on its whole way and by steps, one of 20 min, and commands."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    classifier = EmotionClassifier.load()
    yield from _short_note(classifier)
    yield from _long_note(classifier)
    yield _cold_start()
    yield _rollback(classifier.version)
    yield Result("shipped model, all files", f"{_model_megabytes(classifier.version):.1f} MB", "", "20 MB")


def _short_note(classifier: EmotionClassifier) -> Iterator[Result]:
    note = demonstration_note(duration=4.0)
    waveform = classifier.decode(note)
    yield milliseconds(
        "decoded waveform to prediction, 4 s",
        time_calls(lambda: classifier.predict(waveform), _N_RUNS),
        aim="15 ms",
        digits=1,
    )
    yield milliseconds(
        "4 s Opus note to prediction", time_calls(lambda: classifier.predict(note), _N_RUNS), aim="45 ms", digits=1
    )
    for name, step in _steps(classifier, note, waveform).items():
        yield milliseconds(f"  {name}", time_calls(step, _N_RUNS), digits=1)


def _steps(classifier: EmotionClassifier, note: bytes, waveform: Waveform) -> dict[str, Callable[[], object]]:
    """Take the way of a note apart."""
    experts, encoder = _parts(classifier.version)
    features, spectrum = extract(waveform).values[None], views(waveform.y)
    steps: dict[str, Callable[[], object]] = {"decode": lambda: decode(note)}
    if experts.detector is not None:
        steps["speech detection"] = lambda: experts.detector.has_speech(waveform.y)
    steps["functionals"] = lambda: extract(waveform)
    if encoder is not None:
        steps["spectra"] = lambda: views(waveform.y)
        steps["network"] = lambda: encoder.run([spectrum])
    steps["heads"] = lambda: head_scores(experts.heads, features)
    return steps


def _parts(version: str) -> tuple[Experts, Encoder | None]:
    registry = Registry(shipped_models())
    network = registry.read_file(version, NETWORK_FILE)
    return registry.load(version)[1], None if network is None else Encoder(network)


def _long_note(classifier: EmotionClassifier) -> Iterator[Result]:
    """Let a voice speak for as long as a note may last."""
    minute = synthesize_voice(60.0)
    y = np.tile(minute, _LONG // 60)
    waveform = Waveform(y, _SR, len(y) / _SR)
    for what, call in (
        ("20-minute note to prediction", lambda: classifier.predict(waveform)),
        ("timeline of a 20-minute note", lambda: classifier.timeline(waveform)),
    ):
        peak = peak_mib(call)
        seconds = time_calls(call, _N_LONG)
        yield Result(what, f"{statistics.median(seconds):.1f} s", f"{_N_LONG} runs, decoded")
        yield Result("  peak memory above the waveform", "unknown" if peak is None else f"{peak:.0f} MiB", "1 run")


def _cold_start() -> Result:
    """Run the command in new processes that find no cache, and may not leave one, of Python or of numba."""
    seconds = []
    for _ in range(_N_STARTS):
        with tempfile.TemporaryDirectory() as home:
            note = Path(home) / "note.ogg"
            note.write_bytes(demonstration_note(duration=4.0))
            empty = {"HOME": home, "XDG_CACHE_HOME": home, "NUMBA_CACHE_DIR": home, "PYTHONDONTWRITEBYTECODE": "1"}
            seconds.append(_time_command(["predict", str(note)], empty))
    return _of_commands("cold start of emotify predict, empty caches", seconds, "4 s")


def _rollback(version: str) -> Result:
    """Go back from one copy of the shipped model to another, each time with the command."""
    seconds = []
    with tempfile.TemporaryDirectory() as name:
        registry = Registry(Path(name))
        registry.adopt(shipped_models() / version)
        shutil.copytree(registry.root / version, registry.root / "night-1")
        registry.promote(version)
        for _ in range(_N_STARTS):
            registry.promote("night-1")
            seconds.append(_time_command(["models", "rollback", "--registry", name], {}))
    return _of_commands("emotify models rollback", seconds, "1 s")


def _time_command(arguments: list[str], environment: dict[str, str]) -> float:
    command = [sys.executable, "-m", "emotify_core", *arguments]
    start = time.perf_counter()
    subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)
    return time.perf_counter() - start


def _of_commands(what: str, seconds: list[float], aim: str) -> Result:
    low, middle, high = statistics.quantiles(seconds, n=4)
    return Result(what, f"{middle:.1f} s", f"{low:.1f} to {high:.1f} s, {_N_STARTS} runs", aim)


def _model_megabytes(version: str) -> float:
    folder = shipped_models() / version
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
