from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import emotify_core
from emotify_core import EmotionClassifier, Timeline, decode, extract


def test_these_names_are_public() -> None:
    assert emotify_core.__all__ == [
        "AudioError",
        "DecodeLimits",
        "EmotifyError",
        "Emotion",
        "EmotionClassifier",
        "Explanation",
        "FeatureVector",
        "ModelError",
        "Prediction",
        "Recording",
        "Timeline",
        "Waveform",
        "decode",
        "extract",
    ]


@pytest.mark.parametrize("name", emotify_core.__all__)
def test_every_public_name_can_be_imported_and_is_documented(name: str) -> None:
    assert inspect.getdoc(getattr(emotify_core, name))


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (decode, "source, *, limits, sr=16000, trim=True, normalize=True, clock"),
        (extract, "waveform"),
        (EmotionClassifier.load, "path=None"),
        (EmotionClassifier.predict, "self, source, *, limits=None"),
        (EmotionClassifier.explain, "self, source, *, limits=None"),
        (EmotionClassifier.timeline, "self, source, *, limits=None"),
        (EmotionClassifier.listen, "self, source, *, limits=None, baseline=None"),
        (EmotionClassifier.decode, "self, source, *, limits=None"),
        (Timeline.as_text, "self, width=80"),
    ],
)
def test_signatures_stay(function: Callable[..., Any], parameters: str) -> None:
    shown, is_keyword_only = [], False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not is_keyword_only:
            shown.append("*")
            is_keyword_only = True
        is_plain = parameter.default is None or isinstance(parameter.default, int)
        shown.append(f"{parameter.name}={parameter.default!r}" if is_plain else parameter.name)

    assert ", ".join(shown) == parameters


@pytest.mark.parametrize("name", ["trained", "np", "_LAZY_", "__wrapped__"])
def test_other_names_are_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module 'emotify_core' has no attribute '{name}'"):
        getattr(emotify_core, name)


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import emotify_core", ("numpy", "librosa", "sklearn", "scipy", "soundfile", "av", "skops", "numba", "rich")),
        ("from emotify_core import Prediction, Emotion, AudioError", ("librosa", "sklearn", "scipy", "av", "skops")),
        (
            "import emotify_core.cli",
            ("numpy", "rich", "librosa", "sklearn", "scipy", "soundfile", "av", "skops", "numba"),
        ),
        ("from emotify_core import decode", ("librosa", "sklearn", "skops", "numba")),
        ("from emotify_core import Explanation, Timeline", ("librosa", "sklearn", "skops", "numba", "onnxruntime")),
        ("from emotify_core import EmotionClassifier", ("torch", "onnx", "matplotlib", "pandas", "av")),
    ],
)
def test_importing_loads_no_more_than_is_needed(statement: str, absent: tuple[str, ...]) -> None:
    code = f"{statement}\nimport sys\nprint([name for name in {absent!r} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
