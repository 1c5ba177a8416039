from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from emotify_core import classifier as classifier_module
from emotify_core.audio import DecodeLimits, decode
from emotify_core.augmentation import add_noise
from emotify_core.classifier import EmotionClassifier, shipped_models
from emotify_core.conditioning import condition
from emotify_core.corpora import read_ravdess
from emotify_core.emotions import Emotion
from emotify_core.errors import (
    AudioTooLongError,
    FeatureSetMismatchError,
    ModelNotFoundError,
    NoSpeechError,
    UndecodableAudioError,
    UntrustedModelError,
)
from emotify_core.features import FeatureVector
from emotify_core.registry import Registry
from emotify_core.synthesis import demonstration_note, synthesize_voice
from emotify_core.waveform import Waveform
from tests.emotify_core.encoding import wav
from tests.emotify_core.tiny_models import tiny_header, tiny_model
from tests.emotify_core.voices import voice

SR = 16000
NOTE = wav(voice(Emotion.ANGRY, "11"))


class TestPredict:
    def test_it_has_learned_from_the_voices_it_was_trained_on(
        self, classifier: EmotionClassifier, corpus: Path
    ) -> None:
        utterances = read_ravdess(corpus)

        verdicts = [classifier.predict(u.path).emotion is u.label for u in utterances]

        assert np.mean(verdicts) > 0.7

    def test_every_emotion_gets_a_probability_in_the_order_of_the_emotions(self, classifier: EmotionClassifier) -> None:
        prediction = classifier.predict(NOTE)

        assert tuple(prediction.probabilities) == tuple(Emotion)
        assert sum(prediction.probabilities.values()) == pytest.approx(1)

    def test_bytes_paths_and_waveforms_are_the_same(self, classifier: EmotionClassifier, tmp_path: Path) -> None:
        path = tmp_path / "note.wav"
        path.write_bytes(NOTE)

        sources: list[bytes | bytearray | memoryview | str | Path | Waveform] = [
            NOTE,
            bytearray(NOTE),
            memoryview(NOTE),
            path,
            str(path),
            decode(NOTE),
        ]

        assert [classifier.predict(source) for source in sources] == [classifier.predict(NOTE)] * 6

    def test_duration_is_that_of_the_note_with_its_silence(self, classifier: EmotionClassifier) -> None:
        y = np.pad(synthesize_voice(1.0, seed=1), SR)

        assert classifier.predict(wav(y)).duration == pytest.approx(3.0)

    def test_the_prediction_names_the_model(self, classifier: EmotionClassifier, trained: Path) -> None:
        assert classifier.predict(NOTE).model == classifier.version == Registry(trained).champion()

    @pytest.mark.parametrize("gain_db", [-20, 20])
    def test_the_level_of_the_recording_does_not_matter(self, classifier: EmotionClassifier, gain_db: float) -> None:
        for seed, f0 in ((1, 120), (2, 220), (3, 320)):
            y = synthesize_voice(1.0, seed=seed, f0=f0)
            predictions = [
                classifier.predict(Waveform(condition(y * np.float32(gain), SR), SR, 1.0))
                for gain in (1, 10 ** (gain_db / 20))
            ]

            shares = [list(prediction.probabilities.values()) for prediction in predictions]
            np.testing.assert_allclose(shares[1], shares[0], atol=0.01)

    def test_silence_around_the_voice_hardly_matters(self, classifier: EmotionClassifier) -> None:
        y = synthesize_voice(1.0, seed=1)

        bare, padded = (list(classifier.predict(wav(signal)).probabilities.values()) for signal in (y, np.pad(y, SR)))

        np.testing.assert_allclose(padded, bare, atol=0.1)

    def test_several_threads_may_ask_at_once(self, classifier: EmotionClassifier) -> None:
        notes = [wav(voice(emotion, "04")) for emotion in Emotion] * 2
        alone = [classifier.predict(note) for note in notes]

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(classifier.predict, notes)) == alone

    def test_limits_are_kept(self, classifier: EmotionClassifier) -> None:
        with pytest.raises(AudioTooLongError):
            classifier.predict(NOTE, limits=DecodeLimits(max_duration=0.5))

    def test_what_cannot_be_used_is_an_audio_error(self, classifier: EmotionClassifier) -> None:
        with pytest.raises(UndecodableAudioError):
            classifier.predict(b"no sound at all")
        with pytest.raises(NoSpeechError):
            classifier.predict(wav(np.zeros(SR, np.float32)))

    @pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0], ids=["white", "pink", "brown"])
    def test_noise_without_a_voice_gets_no_emotion(self, classifier: EmotionClassifier, exponent: float) -> None:
        nothing = np.full(4 * SR, 1e-6, np.float32)
        noise = add_noise(nothing, np.random.default_rng(1), snr_db=-80, exponent=exponent)

        with pytest.raises(NoSpeechError, match="only noise"):
            classifier.predict(wav(noise))

    def test_a_voice_in_noise_is_heard(self, classifier: EmotionClassifier) -> None:
        noisy = add_noise(synthesize_voice(3.0), np.random.default_rng(1), snr_db=5)

        assert classifier.predict(wav(noisy)).duration == pytest.approx(3.0, abs=0.01)

    def test_features_of_another_set_are_refused(self, classifier: EmotionClassifier) -> None:
        features = FeatureVector(np.zeros(6526, np.float32), "functionals-0")

        with pytest.raises(FeatureSetMismatchError) as caught:
            classifier.predict_features(features, duration=1.0)

        assert (caught.value.expected, caught.value.found) == (classifier.feature_set, "functionals-0")


class TestLoad:
    def test_a_registry_gives_its_champion_and_a_version_itself(self, tmp_path: Path) -> None:
        registry = Registry(tmp_path)
        for version in ("tiny-1", "tiny-2"):
            registry.publish(tiny_header(version), tiny_model(), {})
        registry.promote("tiny-1")

        assert EmotionClassifier.load(tmp_path).version == "tiny-1"
        assert EmotionClassifier.load(str(tmp_path / "tiny-2")).version == "tiny-2"

    def test_relative_paths_will_do(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        Registry(tmp_path).publish(tiny_header(), tiny_model(), {})
        monkeypatch.chdir(tmp_path / "tiny-1")

        assert EmotionClassifier.load(".").version == "tiny-1"
        assert EmotionClassifier.load("../tiny-1/").version == "tiny-1"

    def test_a_folder_without_models_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(ModelNotFoundError, match="no model in"):
            EmotionClassifier.load(tmp_path / "nowhere")

    @pytest.mark.parametrize(
        ("facts", "expected"),
        [
            ({"feature_set": "functionals-0"}, "functionals-0"),
            ({"feature_set": "classic-1"}, "classic-1"),
            ({"recipe": "transformer", "feature_set": "wav2vec-1"}, "wav2vec-1"),
        ],
    )
    def test_a_model_for_features_that_are_not_computed_here_is_refused(
        self, tmp_path: Path, facts: dict[str, str], expected: str
    ) -> None:
        Registry(tmp_path).publish(tiny_header(**facts), tiny_model(), {})

        with pytest.raises(FeatureSetMismatchError, match="train the model again") as caught:
            EmotionClassifier.load(tmp_path / "tiny-1")

        assert caught.value.expected == expected

    @pytest.mark.parametrize("labels", [(), ("calm", "sad"), tuple(Emotion)])
    def test_a_model_that_names_other_emotions_than_its_header_is_refused(
        self, tmp_path: Path, labels: tuple[str, ...]
    ) -> None:
        Registry(tmp_path).publish(tiny_header(labels=labels), tiny_model(), {})

        with pytest.raises(UntrustedModelError, match="not what its header says"):
            EmotionClassifier.load(tmp_path / "tiny-1")

    def test_what_is_no_classifier_is_refused(self, tmp_path: Path) -> None:
        Registry(tmp_path).publish(tiny_header(), {"a": 1}, {})

        with pytest.raises(UntrustedModelError, match="not what its header says"):
            EmotionClassifier.load(tmp_path / "tiny-1")


class TestShipped:
    def test_without_a_path_the_shipped_champion_is_loaded(self) -> None:
        champion = Registry(shipped_models()).champion()

        assert EmotionClassifier.load().version == champion

    def test_models_in_the_package_come_before_those_of_the_checkout(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        package = tmp_path / "emotify_core"
        monkeypatch.setattr(classifier_module, "__file__", str(package / "classifier.py"))
        (tmp_path / "models").mkdir()
        assert shipped_models() == tmp_path / "models"

        (package / "_models").mkdir(parents=True)

        assert shipped_models() == package / "_models"

    def test_an_installation_without_models_says_what_to_do(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(classifier_module, "__file__", str(tmp_path / "emotify_core" / "classifier.py"))

        with pytest.raises(ModelNotFoundError, match="install emotify again"):
            EmotionClassifier.load()


def test_from_a_note_to_its_prediction_nothing_is_compiled(tmp_path: Path) -> None:
    (tmp_path / "note.ogg").write_bytes(demonstration_note(duration=2.0))
    code = """
import sys
from emotify_core import EmotionClassifier
EmotionClassifier.load().predict(sys.argv[1])
print([name for name in ("librosa.feature", "librosa.util.utils") if name in sys.modules])
"""

    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "note.ogg")],
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "numba"), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "[]"
    assert list(tmp_path.rglob("*.nbi")) == []
