from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from emotify_core import speech_training
from emotify_core.corpora import Utterance
from emotify_core.emotions import Emotion
from emotify_core.non_speech import KINDS
from emotify_core.speech_detection import SpeechDetector, speech_descriptor_names
from emotify_core.speech_training import (
    _cross_validated,
    _fit,
    _other,
    _Sound,
    _spread_over_corpora,
    train_speech_detector,
)
from tests.emotify_core.tables import utterance
from tests.emotify_core.voices import voice, write_recording

SOME_KINDS = ("sea", "beeps", "cough")


def no_progress(items: Iterable[Any], total: int, title: str) -> Iterable[Any]:
    return items


def recorded(root: Path, speaker: str, emotion: Emotion, corpus: str = "ravdess", *, silent: bool = False) -> Utterance:
    """Write what a speaker says, or says not."""
    y = voice(emotion, speaker)
    path = write_recording(root / f"{corpus}-{speaker}-{emotion}.wav", np.zeros_like(y) if silent else y)
    return Utterance(path, corpus, speaker, emotion, "speech")


@pytest.fixture
def utterances(tmp_path: Path) -> list[Utterance]:
    speakers = [("ravdess", "01"), ("ravdess", "04"), ("ravdess", "11"), ("emodb", "03")]
    return [recorded(tmp_path, name, emotion, corpus) for corpus, name in speakers for emotion in list(Emotion)[:3]]


@pytest.fixture(autouse=True)
def _few_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_training, "KINDS", SOME_KINDS)


class TestTraining:
    def test_the_detector_tells_voices_from_other_sounds(self, utterances: list[Utterance]) -> None:
        detector, figures = train_speech_detector(utterances, seed=0, n_jobs=1, progress=no_progress, n_of_kind=4)

        assert isinstance(detector, SpeechDetector)
        assert detector.has_speech(voice(Emotion.CALM, "02"))
        assert set(figures["refused"]) == set(SOME_KINDS)
        assert set(figures["false_refusals"]) == {"ravdess", "emodb"}
        assert all(0 <= share <= 1 for shares in figures.values() for share in shares.values())

    def test_the_same_seed_gives_the_same_on_one_and_two_processes(
        self, utterances: list[Utterance], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(speech_training, "KINDS", KINDS[:2])  # other processes know the real ones

        def trained(seed: int, n_jobs: int) -> tuple[Any, dict[str, Any]]:
            detector, figures = train_speech_detector(
                utterances[::3], seed=seed, n_jobs=n_jobs, progress=no_progress, n_of_kind=2
            )
            return detector.weights_, figures

        one, two, other = trained(1, 1), trained(1, 2), trained(2, 1)

        assert one[1] == two[1]
        for a, b in zip(one[0], two[0], strict=True):
            np.testing.assert_array_equal(a, b)
        assert not np.allclose(one[0][0], other[0][0])

    def test_recordings_without_sound_are_passed_over(self, utterances: list[Utterance], tmp_path: Path) -> None:
        silent = recorded(tmp_path, "02", Emotion.SAD, "emospeech", silent=True)

        _, figures = train_speech_detector([*utterances, silent], seed=0, n_jobs=1, progress=no_progress, n_of_kind=2)

        assert set(figures["false_refusals"]) == {"ravdess", "emodb"}

    def test_progress_counts_utterances_and_other_sounds(self, utterances: list[Utterance]) -> None:
        told = []

        def progress(items: Iterable[Any], total: int, title: str) -> Iterable[Any]:
            done = list(items)
            told.append((title, total, len(done)))
            return done

        train_speech_detector(utterances, seed=0, n_jobs=1, progress=progress, n_of_kind=2)

        assert told == [("speech", 12, 12), ("other sounds", 8, 8)]  # of coughs, which are hard, twice as many

    def test_the_last_fit_also_knows_synthetic_voices_and_mixed_sounds(
        self, utterances: list[Utterance], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fitted: list[tuple[set[str], set[str]]] = []

        def fit_watched(speech: Any, others: Any, seed: int) -> Any:
            fitted.append(({s.name for s in speech}, {s.name for s in others}))
            return _fit(speech, others, seed)

        monkeypatch.setattr(speech_training, "_fit", fit_watched)
        train_speech_detector(utterances, seed=0, n_jobs=1, progress=no_progress, n_of_kind=2)

        assert fitted[-1] == ({"ravdess", "emodb", "synthetic"}, {*SOME_KINDS, "mixed"})
        for voices, sounds in fitted[:-1]:  # those whose figures are reported
            assert voices <= {"ravdess", "emodb"}
            assert sounds <= set(SOME_KINDS)


class TestSpread:
    def test_every_corpus_gives_as_many_spread_over_its_speakers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(speech_training, "_N_OF_CORPUS", 10)
        many = [utterance(f"{i:02d}", e, corpus="nemo") for i in range(20) for e in Emotion]
        few = [utterance("03", e, corpus="emodb") for e in list(Emotion)[:4]]

        chosen = _spread_over_corpora([*many, *few])

        assert [u for u in chosen if u.corpus == "emodb"] == few
        speakers = [u.speaker for u in chosen if u.corpus == "nemo"]
        assert len(speakers) == len(set(speakers)) == 10
        assert (speakers[0], speakers[-1]) == ("00", "19")


class TestCrossValidation:
    def sounds(self, names: Iterable[str], level: float, *, n: int = 3) -> list[_Sound]:
        rng = np.random.default_rng(0)
        shape = (4, len(speech_descriptor_names()))
        rows = [(name, rng.normal(level, 1, size=shape).astype(np.float32)) for name in names for _ in range(n)]
        return [_Sound(name, name.split("/")[0], each, each) for name, each in rows]

    def test_no_detector_is_fitted_on_a_speaker_or_kind_that_it_is_tested_on(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        speech = self.sounds([f"ravdess/{i:02d}" for i in range(5)], 1)
        others = self.sounds(SOME_KINDS, -1)
        fitted: list[set[str]] = []
        tested: list[int] = []

        class Detector:
            threshold = 0.5

            def __init__(self, groups: set[str]) -> None:
                self.groups = groups

            def speech_probability(self, X: Any) -> Any:  # noqa: N803
                (sound,) = [s for s in (*speech, *others) if s.tested is X]
                assert sound.group not in self.groups
                tested.append(id(sound))
                return np.array([0.1, 0.9 * (sound in speech)])

        def fit(voices: Any, sounds: Any, seed: int) -> Any:
            fitted.append({s.group for s in (*voices, *sounds)})
            return Detector(fitted[-1])

        monkeypatch.setattr(speech_training, "_fit", fit)
        refused, false_refusals = _cross_validated(speech, others, 0)

        assert len(fitted) == 3
        assert len(tested) == len(set(tested)) == len(speech) + len(others)
        assert refused == dict.fromkeys(sorted(SOME_KINDS), 1.0)
        assert false_refusals == {"ravdess": 0.0}

    def test_a_single_speaker_cannot_be_tested(self) -> None:
        refused, false_refusals = _cross_validated(self.sounds(["ravdess/01"], 1), self.sounds(SOME_KINDS, -1), 0)

        assert false_refusals == {}
        assert set(refused) == {"cough", "sea"}  # the third kind would be tested in the fold without speech


@pytest.mark.parametrize("kind", ["wind", "hum"])
def test_the_number_of_threads_changes_no_sound(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_training, "KINDS", KINDS)
    heard = []
    for n_threads in (1, 2):
        with threadpool_limits(limits=n_threads):
            heard.append(_other(kind, (0, 2, 0)))
    one, two = heard

    assert one is not None
    assert two is not None
    np.testing.assert_array_equal(one.rows, two.rows)
