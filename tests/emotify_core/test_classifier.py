from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from emotify_core import shipped
from emotify_core.audio import DecodeLimits, decode, read
from emotify_core.augmentation import add_noise
from emotify_core.baseline import SpeakerPrior
from emotify_core.classifier import EmotionClassifier, shipped_models
from emotify_core.conditioning import condition
from emotify_core.corpora import read_ravdess
from emotify_core.decoders import pcm_blocks
from emotify_core.emotions import Emotion
from emotify_core.encoder import Encoder, views
from emotify_core.errors import (
    AudioTooLongError,
    FeatureSetMismatchError,
    ModelError,
    ModelNotFoundError,
    NoSpeechError,
    UndecodableAudioError,
    UntrustedModelError,
)
from emotify_core.experts import FUNCTIONALS, NETWORK, Experts, fuse, head_scores, quality_of, say_of
from emotify_core.features import feature_names
from emotify_core.features.windows import loud_windows, split_windows
from emotify_core.non_speech import synthesize_non_speech
from emotify_core.personal_baseline import PersonalBaseline
from emotify_core.pooling import pool
from emotify_core.recipes import RECIPES
from emotify_core.registry import NETWORK_FILE, Registry
from emotify_core.synthesis import demonstration_note, synthesize_voice
from emotify_core.waveform import Waveform
from tests.emotify_core.encoding import wav
from tests.emotify_core.tiny_models import LABELS, tiny_header, tiny_model, tiny_network
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

        np.testing.assert_allclose(padded, bare, atol=0.15)  # the fixture knows three voices; a real model, more

    def test_several_threads_may_ask_at_once(self, classifier: EmotionClassifier) -> None:
        notes = [wav(voice(emotion, "04")) for emotion in Emotion] * 2
        alone = [classifier.predict(note) for note in notes]

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(classifier.predict, notes)) == alone

    @pytest.mark.parametrize("ask", ["predict", "listen", "explain", "timeline"])
    def test_a_note_takes_one_thread(
        self, classifier: EmotionClassifier, ask: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        libraries = ThreadpoolController().select(user_api="blas")
        seen: list[int] = []

        def look(waveform: Waveform) -> None:
            seen.extend(library.num_threads for library in libraries.lib_controllers)

        monkeypatch.setattr("emotify_core.classifier._require_signal", look)
        getattr(classifier, ask)(NOTE)

        assert set(seen) <= {1}

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

        with pytest.raises(NoSpeechError, match="nobody seems to speak"):
            classifier.predict(wav(noise))

    def test_what_is_refused_is_decoded_once(
        self, classifier: EmotionClassifier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        decode_blocks = Mock(wraps=pcm_blocks)
        monkeypatch.setattr("emotify_core.audio.pcm_blocks", decode_blocks)
        noise = synthesize_non_speech(np.random.default_rng(3), kind="coloured noise", duration=3.0)

        with pytest.raises(NoSpeechError):
            classifier.predict(wav(noise))

        assert decode_blocks.call_count == 1

    @pytest.mark.parametrize("level", [0.0, 0.3, 1e-6], ids=["zeros", "offset", "last bits"])
    @pytest.mark.parametrize("seconds", [0.01, 1, 8])
    def test_a_silent_waveform_is_said_to_be_silent(
        self, classifier: EmotionClassifier, level: float, seconds: float
    ) -> None:
        silence = Waveform(np.full(round(seconds * SR), level, np.float32), SR, seconds)

        with pytest.raises(NoSpeechError, match="silent"):
            classifier.predict(silence)

    def test_a_voice_in_noise_is_heard(self, classifier: EmotionClassifier) -> None:
        noisy = add_noise(voice(Emotion.ANGRY, "11", duration=3.0), np.random.default_rng(1), snr_db=10)

        assert classifier.predict(wav(noisy)).duration == pytest.approx(3.0, abs=0.01)

    @pytest.mark.parametrize("y", [np.zeros(0, np.float32), np.zeros(8000, np.float32)], ids=["empty", "8 kHz"])
    def test_a_waveform_that_decode_would_not_give_is_the_callers_mistake(
        self, classifier: EmotionClassifier, y: NDArray[np.float32]
    ) -> None:
        waveform = Waveform(y, 8000 if len(y) else SR, 1.0)

        for ask in (classifier.predict, classifier.explain, classifier.timeline):
            with pytest.raises(ValueError, match="16000 Hz"):
                ask(waveform)


class TestLongNotes:
    @pytest.mark.parametrize("n_repeats", [1, 5], ids=["three windows", "fifteen windows and more"])
    def test_the_verdict_on_a_long_note_is_that_on_its_windows_pooled(
        self, classifier: EmotionClassifier, n_repeats: int
    ) -> None:
        emotions = (Emotion.ANGRY, Emotion.SAD, Emotion.HAPPY)
        y = np.concatenate([voice(emotion, "11", duration=5.9) for emotion in emotions] * n_repeats)
        waveform = Waveform(condition(y, SR), SR, len(y) / SR)

        windows = loud_windows(split_windows(waveform.y))
        alone = [classifier.predict(Waveform(window.y, SR, 6.0)) for window in windows]
        found = classifier.predict(waveform)

        rows = np.array([[each.probabilities[emotion] for emotion in Emotion] for each in alone])
        expected = pool(rows, np.array([float(len(window.y)) for window in windows]))
        assert len(windows) >= 3 * n_repeats - 1
        np.testing.assert_allclose(list(found.probabilities.values()), expected, rtol=1e-5)

    def test_windows_without_a_voice_do_not_count(self, classifier: EmotionClassifier) -> None:
        spoken = voice(Emotion.ANGRY, "11", duration=6.0)
        noise = synthesize_non_speech(np.random.default_rng(3), kind="coloured noise", duration=6.0)
        y = np.concatenate([spoken, noise * (np.std(spoken) / np.std(noise))])

        alone, together = (classifier.listen(Waveform(signal, SR, 6.0)) for signal in (spoken, y))

        assert together.features.shape == alone.features.shape == (1, len(feature_names()))
        assert together.prediction.probabilities == pytest.approx(dict(alone.prediction.probabilities), rel=1e-5)

    def test_a_long_note_needs_little_memory_beside_its_waveform(self, classifier: EmotionClassifier) -> None:
        y = np.tile(condition(voice(Emotion.ANGRY, "11", duration=6.0), SR), 20)
        waveform = Waveform(y, SR, len(y) / SR)
        classifier.predict(waveform)

        tracemalloc.start()
        try:
            classifier.predict(waveform)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert peak < 24 * 2**20


class TestTimeline:
    def test_it_changes_where_one_voice_follows_another(self, classifier: EmotionClassifier) -> None:
        y = np.concatenate([voice(emotion, "04", duration=8.0) for emotion in (Emotion.NEUTRAL, Emotion.HAPPY)])

        timeline = classifier.timeline(wav(y))

        leading = timeline.leading
        before = [emotion for emotion, time in zip(leading, timeline.times, strict=True) if time < 6.5]
        after = [emotion for emotion, time in zip(leading, timeline.times, strict=True) if time > 9.5]
        assert len(set(before)) == len(set(after)) == 1
        assert before[0] != after[0]
        assert any(abs(segment.start - 8.0) <= 1.5 for segment in timeline.segments())

    def test_times_are_those_of_the_recording_and_silence_is_no_speech(self, classifier: EmotionClassifier) -> None:
        y = np.concatenate([np.zeros(5 * SR, np.float32), voice(Emotion.ANGRY, "11", duration=4.0)])

        timeline = classifier.timeline(wav(y))

        assert timeline.duration == pytest.approx(9.0, abs=0.01)
        assert not timeline.is_speech[timeline.times + timeline.durations / 2 < 5].any()
        assert timeline.is_speech[timeline.times - timeline.durations / 2 > 5].all()

    def test_a_waveform_is_taken_as_it_is(self, classifier: EmotionClassifier) -> None:
        y = np.concatenate([np.zeros(2 * SR, np.float32), voice(Emotion.ANGRY, "11", duration=3.0)])
        encoded = wav(y)

        timelines = [classifier.timeline(source) for source in (encoded, decode(encoded, trim=False, normalize=False))]

        assert timelines[0].to_dict() == timelines[1].to_dict()

    def test_a_recording_is_conditioned_as_the_file_is(self, classifier: EmotionClassifier) -> None:
        y = np.concatenate([np.zeros(2 * SR, np.float32), voice(Emotion.ANGRY, "11", duration=3.0)]) + 0.1
        encoded = wav(y, subtype="FLOAT")
        recording = read(encoded)

        assert classifier.predict(recording) == classifier.predict(encoded)
        assert classifier.timeline(recording).to_dict() == classifier.timeline(encoded).to_dict()

    def test_a_single_window_says_what_the_verdict_says(self, classifier: EmotionClassifier) -> None:
        note = wav(voice(Emotion.ANGRY, "11", duration=2.0))

        (row,) = classifier.timeline(note).probabilities

        by_emotion = dict(zip(classifier.timeline(note).emotions, row.tolist(), strict=True))
        assert by_emotion == pytest.approx(dict(classifier.predict(note).probabilities), rel=1e-4)

    def test_noise_has_no_timeline(self, classifier: EmotionClassifier) -> None:
        noise = synthesize_non_speech(np.random.default_rng(1), kind="coloured noise", duration=7.0)

        with pytest.raises(NoSpeechError):
            classifier.timeline(wav(noise))

    def test_limits_are_kept(self, classifier: EmotionClassifier) -> None:
        with pytest.raises(AudioTooLongError):
            classifier.timeline(NOTE, limits=DecodeLimits(max_duration=0.5))


class TestExplain:
    def test_it_explains_the_verdict_in_a_sentence(self, classifier: EmotionClassifier, corpus: Path) -> None:
        paths = [utterance.path for utterance in read_ravdess(corpus)[::5]]

        explanations = [classifier.explain(path) for path in paths]

        assert [each.emotion for each in explanations] == [classifier.predict(path).emotion for path in paths]
        for each in explanations:
            assert each.text.startswith("It sounds ")
            assert "compared with other people" in each.text
        assert any(each.reasons for each in explanations)

    def test_its_evidence_is_all_that_the_logistic_head_saw(self, classifier: EmotionClassifier, trained: Path) -> None:
        _, experts = Registry(trained).load(classifier.version)
        logistic, z = experts.heads.logistic_, experts.heads.scale(classifier.listen(NOTE).features)
        explanation = classifier.explain(NOTE)

        scores = (z @ logistic.coef_.T)[0]
        expected = scores[list(logistic.classes_).index(explanation.emotion.value)] - scores.mean()
        assert explanation.evidence == pytest.approx(expected, rel=1e-3)

    def test_what_cannot_be_used_is_an_audio_error(self, classifier: EmotionClassifier) -> None:
        with pytest.raises(UndecodableAudioError):
            classifier.explain(b"no sound at all")

    def test_the_classic_recipe_cannot_be_explained(self) -> None:
        header = tiny_header(recipe="classic", feature_set=RECIPES["classic"].feature_set)

        with pytest.raises(ModelError, match="'classic' cannot be explained"):
            EmotionClassifier(header, tiny_model()).explain(NOTE)


class TestNetwork:
    def test_both_experts_are_heard(
        self, fused: EmotionClassifier, classifier: EmotionClassifier, trained: Path
    ) -> None:
        y = condition(voice(Emotion.ANGRY, "11", duration=2.0), SR)
        _, experts = Registry(trained).load(classifier.version)
        features = classifier.listen(Waveform(y, SR, 2.0)).features
        quality = quality_of(experts.heads, features, RECIPES["fused"].quality, experts.domain)
        opinions = {
            FUNCTIONALS: head_scores(experts.heads, features),
            NETWORK: Encoder(tiny_network()).run([views(y)])[0],
        }
        scores = fuse(opinions, network_say=say_of(quality[:, -1]))
        found = fused.predict(Waveform(y, SR, 2.0)).probabilities

        expected = experts.probabilities(scores, quality)[0]
        assert [found[Emotion(label)] for label in LABELS] == pytest.approx(expected.tolist(), rel=1e-5)

    def test_the_embedding_is_the_mean_over_windows(self, fused: EmotionClassifier) -> None:
        y = condition(voice(Emotion.ANGRY, "11", duration=11.0), SR)
        windows = [window.y for window in split_windows(y)]

        embedding = fused.predict(Waveform(y, SR, 11.0)).embedding

        assert embedding is not None
        assert len(windows) == 2
        assert embedding.dtype == np.float32
        expected = Encoder(tiny_network()).run([views(window) for window in windows])[1].mean(axis=0)
        np.testing.assert_allclose(embedding, expected, rtol=1e-4, atol=1e-5)

    def test_a_model_without_a_network_has_no_embedding(self, classifier: EmotionClassifier) -> None:
        assert classifier.predict(NOTE).embedding is None

    def test_timeline_and_explanation_work_too(self, fused: EmotionClassifier) -> None:
        assert fused.timeline(NOTE).is_speech.all()
        assert fused.explain(NOTE).emotion is fused.predict(NOTE).emotion


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

    def test_a_network_is_loaded_with_its_model(self, tmp_path: Path) -> None:
        files = {NETWORK_FILE: tiny_network()}
        Registry(tmp_path).publish(tiny_header(recipe="fused"), tiny_model(), {}, files=files)

        assert EmotionClassifier.load(tmp_path / "tiny-1").version == "tiny-1"

    def test_a_model_that_lacks_its_network_is_refused(self, tmp_path: Path) -> None:
        Registry(tmp_path).publish(tiny_header(recipe="fused"), tiny_model(), {})

        with pytest.raises(UntrustedModelError, match="lacks its network"):
            EmotionClassifier.load(tmp_path / "tiny-1")

    def test_a_network_that_was_changed_is_refused(self, tmp_path: Path) -> None:
        files = {NETWORK_FILE: tiny_network()}
        Registry(tmp_path).publish(tiny_header(recipe="fused"), tiny_model(), {}, files=files)
        (tmp_path / "tiny-1" / NETWORK_FILE).write_bytes(b"another")

        with pytest.raises(UntrustedModelError, match="hash differs"):
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
        monkeypatch.setattr(shipped, "__file__", str(package / "shipped.py"))
        (tmp_path / "models").mkdir()
        assert shipped_models() == tmp_path / "models"

        (package / "_models").mkdir(parents=True)

        assert shipped_models() == package / "_models"

    def test_an_installation_without_models_says_what_to_do(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shipped, "__file__", str(tmp_path / "emotify_core" / "shipped.py"))

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


@pytest.fixture(scope="module")
def knowing() -> EmotionClassifier:
    """Give the shipped model a prior of made voices."""
    shipped = EmotionClassifier.load()
    truth = np.arange(len(shipped.header.labels))
    prior = SpeakerPrior().fit(np.log(0.6 * np.eye(len(truth)) + 0.05), truth, shipped.header.labels)
    known = shipped._experts
    experts = Experts(known.heads, calibration=known.calibration, detector=known.detector, prior=prior)
    return EmotionClassifier(shipped.header, experts, shipped._encoder)


class TestBaseline:
    """A person's earlier notes are known."""

    def test_a_model_that_knows_no_voices_gives_none_and_takes_any(self, knowing: EmotionClassifier) -> None:
        baseline = knowing.listen(NOTE).baseline

        experts = Experts(knowing._experts.heads)
        plain = EmotionClassifier(knowing.header, experts, knowing._encoder)

        heard = plain.listen(NOTE, baseline=baseline)

        assert heard.baseline is None
        assert heard.prediction == plain.predict(NOTE)

    def test_each_note_is_added(self, knowing: EmotionClassifier) -> None:
        first = knowing.listen(NOTE)
        second = knowing.listen(NOTE, baseline=first.baseline)

        assert first.baseline is not None
        assert second.baseline is not None
        assert (first.baseline.n_notes, second.baseline.n_notes) == (1, 2)
        assert first.prediction == knowing.predict(NOTE)

    def test_what_a_voice_is_known_for_is_taken_away_but_not_from_what_is_kept(
        self, knowing: EmotionClassifier
    ) -> None:
        heard = knowing.listen(wav(voice(Emotion.SAD, "12")))
        assert heard.baseline is not None
        named = heard.baseline.retold(heard.prediction.emotion, None, Emotion.SAD)

        without, with_it, untold = (knowing.listen(NOTE, baseline=each) for each in (None, named, heard.baseline))

        assert without.baseline is not None
        assert with_it.baseline is not None
        assert untold.prediction == without.prediction  # one note of one mood tells nothing
        assert with_it.prediction.probabilities != without.prediction.probabilities
        np.testing.assert_array_equal(with_it.vector.features, without.vector.features)
        kept = (with_it.baseline.sums - named.sums).sum(axis=0)
        np.testing.assert_allclose(kept, without.baseline.sums.sum(axis=0), rtol=1e-5)

    def test_who_is_heard_too_often_in_one_emotion_and_says_so_is_heard_less_in_it(
        self, knowing: EmotionClassifier
    ) -> None:
        heard = knowing.listen(NOTE)
        guess = heard.prediction.emotion
        other = heard.prediction.second_emotion
        baseline = heard.baseline
        for _ in range(7):
            baseline = knowing.listen(NOTE, baseline=baseline).baseline
        assert baseline is not None
        assert other is not None
        for _ in range(8):
            baseline = baseline.retold(guess, None, other)

        now = knowing.listen(NOTE, baseline=baseline).prediction

        assert now.probabilities[guess] < heard.prediction.probabilities[guess]
        assert now.probabilities[other] > heard.prediction.probabilities[other]

    def test_a_baseline_of_another_model_is_passed_over(self, knowing: EmotionClassifier) -> None:
        foreign = PersonalBaseline.of("00" * 8, np.full(8, 1e3, dtype=np.float32), Emotion.SAD)

        heard = knowing.listen(NOTE, baseline=foreign)

        assert heard.prediction == knowing.predict(NOTE)
        assert heard.baseline is not None
        assert heard.baseline.n_notes == 1

    def test_a_prior_is_published_with_the_model(self, knowing: EmotionClassifier, tmp_path: Path) -> None:
        network = Registry(shipped_models()).read_file(knowing.version, NETWORK_FILE)
        assert network is not None
        Registry(tmp_path).publish(knowing.header, knowing._experts, {}, files={NETWORK_FILE: network})
        Registry(tmp_path).promote(knowing.version)
        baseline = knowing.listen(NOTE).baseline

        heard = EmotionClassifier.load(tmp_path).listen(NOTE, baseline=baseline)

        assert heard.prediction == knowing.listen(NOTE, baseline=baseline).prediction
        assert heard.baseline is not None
        assert heard.baseline.n_notes == 2

    def test_a_prior_of_other_emotions_is_refused(self, knowing: EmotionClassifier) -> None:
        strange = SpeakerPrior().fit(np.zeros((2, 2)), np.array([0, 1]), ["calm", "sad"])
        experts = Experts(knowing._experts.heads, prior=strange)

        with pytest.raises(UntrustedModelError, match="not what its header says"):
            EmotionClassifier(knowing.header, experts, knowing._encoder)

    def test_a_prior_of_an_earlier_release_counts_as_none(self, knowing: EmotionClassifier) -> None:
        earlier = SpeakerPrior()
        earlier.__setstate__({"classes_": np.array(knowing.header.labels), "key_": "00" * 8})
        plain = EmotionClassifier(knowing.header, Experts(knowing._experts.heads, prior=earlier), knowing._encoder)

        assert plain.listen(NOTE, baseline=knowing.listen(NOTE).baseline).baseline is None
