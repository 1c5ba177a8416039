"""Emotion recognition from voice.

>>> from emotify_core import EmotionClassifier
>>> classifier = EmotionClassifier.load()  # doctest: +SKIP
>>> classifier.predict("note.ogg").emotion  # doctest: +SKIP
<Emotion.CALM: 'calm'>

`decode` and `extract` are the steps before, for those who need waveforms or features.
"""

from typing import TYPE_CHECKING, Any

from emotify_core.emotions import Emotion
from emotify_core.errors import AudioError, EmotifyError, ModelError

if TYPE_CHECKING:
    from emotify_core.audio import DecodeLimits, decode
    from emotify_core.classifier import EmotionClassifier
    from emotify_core.explanation import Explanation
    from emotify_core.features import FeatureVector, extract
    from emotify_core.prediction import Prediction
    from emotify_core.timeline import Timeline
    from emotify_core.waveform import Recording, Waveform

__all__ = [
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

_LAZY = {
    "DecodeLimits": "emotify_core.audio",
    "decode": "emotify_core.audio",
    "EmotionClassifier": "emotify_core.classifier",
    "Explanation": "emotify_core.explanation",
    "FeatureVector": "emotify_core.features",
    "extract": "emotify_core.features",
    "Prediction": "emotify_core.prediction",
    "Recording": "emotify_core.waveform",
    "Timeline": "emotify_core.timeline",
    "Waveform": "emotify_core.waveform",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import what needs numpy, librosa or scikit-learn when first asked for: the bot's own process never does."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(_LAZY[name]), name)
