"""From a voice note to probabilities of emotions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Self

import numpy as np

from emotify_core.audio import DecodeLimits, Source, decode
from emotify_core.emotions import Emotion
from emotify_core.errors import FeatureSetMismatchError, ModelNotFoundError, NoSpeechError, UntrustedModelError
from emotify_core.features import FEATURE_SET, FeatureVector, has_voice
from emotify_core.prediction import Prediction
from emotify_core.recipes import RECIPES
from emotify_core.registry import Header, Registry
from emotify_core.waveform import Waveform


class EmotionClassifier:
    """A trained model that names emotions in voices.

    Parameters
    ----------
    header : Header
        What the model is.
    model : object
        Fitted classifier with `predict_proba` and `classes_`.

    Raises
    ------
    FeatureSetMismatchError
        If the model was made for a feature set that this library does not compute.
    UntrustedModelError
        If the model does not name the emotions that its header says.

    Examples
    --------
    >>> from emotify_core import EmotionClassifier
    >>> from emotify_core.synthesis import demonstration_note
    >>> prediction = EmotionClassifier.load().predict(demonstration_note())
    >>> round(sum(prediction.probabilities.values()), 6)
    1.0
    """

    def __init__(self, header: Header, model: Any) -> None:  # noqa: ANN401
        recipe = RECIPES.get(header.recipe)
        if recipe is None or recipe.feature_set != header.feature_set:
            known = recipe.feature_set if recipe else ", ".join(r.feature_set for r in RECIPES.values())
            raise FeatureSetMismatchError(header.feature_set, known)
        if not header.labels or tuple(map(str, getattr(model, "classes_", ()))) != header.labels:
            raise UntrustedModelError(f"The model {header.version} is not what its header says.")
        self.header = header
        self._model = model
        self._recipe = recipe
        self._emotions = tuple(Emotion(label) for label in header.labels)

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None) -> Self:
        """Load a model.

        Parameters
        ----------
        path : path-like, optional
            Folder of a version, or of a registry, whose champion is loaded then. The shipped model if left out.

        Raises
        ------
        ModelNotFoundError
            If there is no model.
        UntrustedModelError
            If the model file is not the one that was published.
        FeatureSetMismatchError
            If it was made for another feature set.
        """
        folder = Path(path).resolve() if path is not None else shipped_models()
        if (folder / "header.json").is_file():
            registry, version = Registry(folder.parent), folder.name
        else:
            registry = Registry(folder)
            version = registry.champion()
        header, model = registry.load(version)
        return cls(header, model)

    @property
    def version(self) -> str:
        """Version of the model."""
        return self.header.version

    @property
    def feature_set(self) -> str:
        """Feature set that the model reads."""
        return self.header.feature_set

    def predict(self, source: Source | Waveform, *, limits: DecodeLimits | None = None) -> Prediction:
        """Classify one utterance.

        Parameters
        ----------
        source : bytes, path-like or Waveform
            Encoded audio of any format, or a file of it, or a waveform as `decode` gives.
        limits : DecodeLimits, optional
            How much is read before giving up.

        Returns
        -------
        Prediction

        Raises
        ------
        AudioError
            If the recording cannot be used; its subclasses say why.
        """
        waveform = source if isinstance(source, Waveform) else self.decode(source, limits=limits)
        features = self.extract(waveform)
        if self.feature_set == FEATURE_SET and not has_voice(features):
            raise NoSpeechError("there is only noise in the recording")
        return self.predict_features(features, duration=waveform.note_duration)

    def decode(self, source: Source, *, limits: DecodeLimits | None = None) -> Waveform:
        """Decode a recording as the model's recipe wants it."""
        conditioned = self._recipe.conditioned
        return decode(source, limits=limits or DecodeLimits(), trim=conditioned, normalize=conditioned)

    def extract(self, waveform: Waveform) -> FeatureVector:
        """Compute the features that the model reads."""
        return self._recipe.extract(waveform)

    def predict_features(self, features: FeatureVector, *, duration: float) -> Prediction:
        """Classify a feature vector.

        Parameters
        ----------
        features : FeatureVector
        duration : float
            Seconds of the recording, for the prediction.

        Raises
        ------
        FeatureSetMismatchError
            If the vector is of another feature set.
        """
        if features.feature_set != self.feature_set:
            raise FeatureSetMismatchError(self.feature_set, features.feature_set)
        probabilities = self._model.predict_proba(features.values[None])[0]
        by_emotion = dict(zip(self._emotions, np.asarray(probabilities, dtype=float).tolist(), strict=True))
        ordered = {emotion: by_emotion[emotion] for emotion in Emotion if emotion in by_emotion}
        return Prediction(probabilities=ordered, duration=duration, model=self.version)


def shipped_models() -> Path:
    """Return the folder of the models that come with the library.

    In a wheel it lies beside this file, in a checkout it is `models/`.

    Raises
    ------
    ModelNotFoundError
        If the installation lacks it.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "_models", here.parent / "models"):
        if folder.is_dir():
            return folder
    raise ModelNotFoundError("The shipped models are missing: install emotify again.")
