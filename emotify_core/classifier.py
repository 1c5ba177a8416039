"""From a voice note to probabilities of emotions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from emotify_core.audio import DecodeLimits, Source, read
from emotify_core.conditioning import condition, sound_duration
from emotify_core.emotions import Emotion
from emotify_core.encoder import SR, Encoder, views
from emotify_core.errors import (
    AudioTooShortError,
    FeatureSetMismatchError,
    ModelError,
    NoSpeechError,
    UntrustedModelError,
)
from emotify_core.experts import FUNCTIONALS, NETWORK, Experts, Scores, head_scores, quality_of
from emotify_core.explanation import Explanation, explain
from emotify_core.features import FEATURE_SET, feature_families, feature_names
from emotify_core.features.windows import loud_windows, split_windows
from emotify_core.heads import FusedHeads
from emotify_core.personal_baseline import PersonalBaseline
from emotify_core.pooling import pool
from emotify_core.prediction import Prediction
from emotify_core.recipes import RECIPES
from emotify_core.registry import NETWORK_FILE, Header, Registry
from emotify_core.shipped import shipped_models
from emotify_core.speech_detection import SpeechSearch
from emotify_core.threads import one_thread
from emotify_core.timeline import Timeline, timeline
from emotify_core.trimming import is_silent, without_bangs
from emotify_core.vectors import NoteVector
from emotify_core.waveform import Recording, Waveform

__all__ = ["EmotionClassifier", "Heard", "shipped_models"]

_NO_VOICE: Final = (AudioTooShortError, NoSpeechError)
_BATCH: Final = 16  # windows whose features are held at once

Signal = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Heard:
    """A verdict and what it rests on.

    Attributes
    ----------
    prediction : Prediction
    features : ndarray of float32, shape=(n_windows, n_features)
        What the first expert saw of each window with speech in it.
    vector : NoteVector
        What may be kept of the note, to learn from it later.
    baseline : PersonalBaseline or None
        The person's baseline with this note added; None if the model cannot use one.
    """

    prediction: Prediction
    features: NDArray[np.float32]
    vector: NoteVector
    baseline: PersonalBaseline | None = None


@dataclass(frozen=True, eq=False)
class _Opinions:
    """What the experts saw of windows and say of them, a row for each window."""

    features: NDArray[np.float32]
    quality: NDArray[np.float32]
    network_scores: Scores
    embeddings: NDArray[np.float32]
    scores: Scores


class EmotionClassifier:
    """A trained model that names emotions in voices.

    Parameters
    ----------
    header : Header
        What the model is.
    experts : Experts
        The fitted classifiers.
    encoder : Encoder, optional
        The network, for recipes that have one.

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

    def __init__(self, header: Header, experts: Experts, encoder: Encoder | None = None) -> None:
        recipe = RECIPES.get(header.recipe)
        if recipe is None or recipe.feature_set != header.feature_set:
            known = recipe.feature_set if recipe else ", ".join(r.feature_set for r in RECIPES.values())
            raise FeatureSetMismatchError(header.feature_set, known)
        if not header.labels or not isinstance(experts, Experts) or experts.classes != header.labels:
            raise UntrustedModelError(f"The model {header.version} is not what its header says.")
        prior = experts.prior if experts.prior is not None and experts.prior.is_fitted else None
        if prior is not None and tuple(map(str, prior.classes_)) != header.labels:
            raise UntrustedModelError(f"The model {header.version} is not what its header says.")
        if recipe.uses_network and encoder is None:
            raise UntrustedModelError(f"The model {header.version} lacks its network.")
        self.header = header
        self._experts = experts
        self._prior = prior
        self._encoder = encoder
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
        LibraryMismatchError
            If it lies at `path` and was made by another scikit-learn. The shipped model is loaded in any case.
        """
        folder = Path(path).resolve() if path is not None else shipped_models()
        if (folder / "header.json").is_file():
            registry, version = Registry(folder.parent), folder.name
        else:
            registry = Registry(folder)
            version = registry.champion()
        if path is not None:
            registry.header(version).require_fitting_libraries()
        header, experts = registry.load(version)
        network = registry.read_file(version, NETWORK_FILE)
        return cls(header, experts, None if network is None else Encoder(network))

    @property
    def version(self) -> str:
        """Version of the model."""
        return self.header.version

    @property
    def feature_set(self) -> str:
        """Feature set that the model reads."""
        return self.header.feature_set

    @property
    def vector_set(self) -> str:
        """Set of the vectors that `listen` gives: the feature set, and the network if there is one."""
        return self.header.vector_set

    def predict(self, source: Source | Waveform, *, limits: DecodeLimits | None = None) -> Prediction:
        """Classify one utterance.

        Parameters
        ----------
        source : bytes, path-like or Waveform
            Encoded audio of any format, or a file of it, or a waveform as `decode` or `read` gives. Your own samples
            make an `emotify_core.Recording`: a `Waveform` counts as trimmed and levelled.
        limits : DecodeLimits, optional
            How much is read before giving up.

        Returns
        -------
        Prediction

        Raises
        ------
        AudioError
            If the recording cannot be used; its subclasses say why.
        ValueError
            If a waveform has another rate than 16 kHz, or no samples.
        """
        return self.listen(source, limits=limits).prediction

    def explain(self, source: Source | Waveform, *, limits: DecodeLimits | None = None) -> Explanation:
        """Say in words which traits of the voice spoke for the verdict.

        Parameters and errors are those of `predict`. The first expert is asked, whose evidence adds up over the
        features and so over families of them; the second one's cannot be put into words.

        Returns
        -------
        Explanation

        Raises
        ------
        ModelError
            If the model is of a recipe that cannot be explained.
        """
        self.require_explainable()
        return self.explain_heard(self.listen(source, limits=limits))

    def explain_heard(self, heard: Heard) -> Explanation:
        """Explain a verdict that `listen` gave; see `explain`.

        Raises
        ------
        ModelError
            If the model is of a recipe that cannot be explained.
        """
        heads, emotion = self.require_explainable(), heard.prediction.emotion
        z = heads.scale(heard.features).mean(axis=0)
        weights = heads.evidence_weights(emotion.value)
        return explain(z, weights, emotion=emotion, names=feature_names(), families=feature_families())

    def require_explainable(self) -> FusedHeads:
        """Return the first expert, whose evidence adds up, before anything is listened to in vain.

        Raises
        ------
        ModelError
            If the model is of a recipe that cannot be explained.
        """
        heads = self._experts.heads
        if self.feature_set != FEATURE_SET or not isinstance(heads, FusedHeads):
            raise ModelError(f"Models of the recipe {self.header.recipe!r} cannot be explained.")
        return heads

    @one_thread
    def timeline(self, source: Source | Waveform, *, limits: DecodeLimits | None = None) -> Timeline:
        """Say how the voice changes over the note, in windows of three seconds, one each second.

        Parameters and errors are those of `predict`; a waveform should not be trimmed, since times are counted in it.
        Memory is bounded by the waveform and a few windows, however long the note is.

        Returns
        -------
        Timeline
            Probabilities, valence, arousal and loudness over time.
        """
        waveform = _recording(source, limits)
        if isinstance(waveform, Recording):
            waveform = _condition(waveform, fully=False)
        _require_signal(waveform)
        try:
            return self._timeline(waveform.y)
        except _NO_VOICE:
            quietened = without_bangs(waveform.y, SR)
            if quietened is not None:
                with suppress(*_NO_VOICE):
                    return self._timeline(quietened)
            raise

    def _timeline(self, y: Signal) -> Timeline:
        loud = sum(len(window.y) for window in loud_windows(split_windows(y)))
        search = self._search(min(loud / SR, sound_duration(y, SR)))
        found = timeline(y, SR, predict=self._probabilities, emotions=self._emotions, has_speech=search.has_speech)
        if not search.is_sure:
            raise NoSpeechError(NoSpeechError.OTHER_SOUNDS)
        return found

    @one_thread
    def listen(
        self,
        source: Source | Waveform,
        *,
        limits: DecodeLimits | None = None,
        baseline: PersonalBaseline | None = None,
    ) -> Heard:
        """Classify one utterance, and keep what the verdict rests on.

        The other parameters and the errors are those of `predict`.

        Parameters
        ----------
        baseline : PersonalBaseline, optional
            What `Heard.baseline` was after the person's note before this one: the note is then heard against their
            usual voice. One that was made by another model's prior changes nothing, and a new one is begun.
        """
        waveform, spoken = self._speech_in(source, limits)
        opinions = self._ask(spoken)
        probabilities = self._calibrated(opinions, baseline)
        durations = np.array([len(window) for window in spoken], dtype=np.float64)
        pooled = pool(probabilities, durations)
        by_emotion = dict(zip(self._emotions, pooled.tolist(), strict=True))
        ordered = {emotion: by_emotion[emotion] for emotion in Emotion if emotion in by_emotion}
        prediction = Prediction(
            probabilities=ordered,
            duration=waveform.note_duration,
            model=self.version,
            embedding=_mean(opinions.embeddings) if self._encoder is not None else None,
        )
        known = None
        if self._prior is not None:
            said = np.average(opinions.scores, axis=0, weights=durations)
            known = self._prior.add(baseline, said, prediction.emotion)
        vector = NoteVector(self.vector_set, _mean(opinions.features), _mean(opinions.network_scores))
        return Heard(prediction, opinions.features, vector, known)

    def decode(self, source: Source, *, limits: DecodeLimits | None = None) -> Waveform:
        """Decode a recording as the model's recipe wants it."""
        return _condition(read(source, limits=limits or DecodeLimits()), fully=self._recipe.conditioned)

    def _speech_in(self, source: Source | Waveform, limits: DecodeLimits | None) -> tuple[Waveform, list[Signal]]:
        """Return a recording and its windows with speech; where there are none, a bang may have hidden them."""
        recording, is_conditioned = _recording(source, limits), self._recipe.conditioned
        is_given = not isinstance(recording, Recording)
        try:
            waveform = recording if is_given else _condition(recording, fully=is_conditioned)
            return waveform, self._spoken(waveform)
        except _NO_VOICE:
            if not is_conditioned:
                raise
            quietened = without_bangs((recording if is_given else _condition(recording, fully=False)).y, SR)
            if quietened is not None:
                with suppress(*_NO_VOICE):
                    waveform = _condition(replace(recording, y=quietened))
                    return waveform, self._spoken(waveform)
            raise

    def _spoken(self, waveform: Waveform) -> list[Signal]:
        """Return the windows in which somebody speaks."""
        _require_signal(waveform)
        windows = self._windows(waveform)
        search = self._search(sum(map(len, windows)) / SR)
        spoken = [window for window in windows if search.has_speech(window)]
        if spoken and search.is_sure:
            return spoken
        raise NoSpeechError if is_silent(waveform.y) else NoSpeechError(NoSpeechError.OTHER_SOUNDS)

    def _windows(self, waveform: Waveform) -> list[Signal]:
        """Cut a note into windows of at most six seconds, without those that are pauses."""
        if not self._recipe.conditioned:
            return [waveform.y]
        return [window.y for window in loud_windows(split_windows(waveform.y))]

    def _search(self, seconds: float) -> SpeechSearch:
        return SpeechSearch(self._experts.detector, seconds=seconds)

    def _probabilities(self, windows: Sequence[Signal]) -> NDArray[np.float64]:
        return self._calibrated(self._ask(windows))

    def _calibrated(self, opinions: _Opinions, baseline: PersonalBaseline | None = None) -> Scores:
        scores, unknown = opinions.scores, 1.0
        if self._prior is not None:
            offset, unknown = self._prior.voice(baseline)
            scores = scores - offset
        return self._experts.probabilities(scores, opinions.quality, unknown=unknown)

    def _ask(self, windows: Sequence[Signal]) -> _Opinions:
        """Ask the experts about windows, a few at a time."""
        parts = [self._ask_about_few(windows[i : i + _BATCH]) for i in range(0, len(windows), _BATCH)]
        return _Opinions(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(_Opinions)))

    def _ask_about_few(self, windows: Sequence[Signal]) -> _Opinions:
        experts = self._experts
        features = np.stack([self._recipe.extract(Waveform(y, SR, len(y) / SR)).values for y in windows])
        quality = quality_of(experts.heads, features, experts.quality_columns(self._recipe.quality), experts.domain)
        said = {FUNCTIONALS: head_scores(experts.heads, features)}
        if self._encoder is None:
            nothing = np.zeros((len(windows), 0))
            return _Opinions(features, quality, nothing, nothing.astype(np.float32), experts.fuse(said, quality))
        said[NETWORK], embeddings = self._encoder.run([views(y) for y in windows])
        return _Opinions(features, quality, said[NETWORK], embeddings, experts.fuse(said, quality))


def _recording(source: Source | Waveform, limits: DecodeLimits | None) -> Waveform:
    return source if isinstance(source, Waveform) else read(source, limits=limits or DecodeLimits())


def _condition(recording: Waveform, *, fully: bool = True) -> Waveform:
    """Condition a recording, or remove only its offset."""
    y = condition(recording.y, recording.sr, trim=fully, normalize=fully)
    return Waveform(y, recording.sr, recording.note_duration)


def _require_signal(waveform: Waveform) -> None:
    if waveform.sr != SR or not len(waveform.y):
        raise ValueError(f"a waveform at {SR} Hz with at least one sample is needed")


def _mean(by_window: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(by_window.mean(axis=0, dtype=np.float64), dtype=np.float32)
