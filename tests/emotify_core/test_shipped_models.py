"""What every model in `models/` must have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emotify_core.classifier import EmotionClassifier, shipped_models
from emotify_core.corpora import CORPORA, read_ravdess
from emotify_core.emotions import Emotion
from emotify_core.errors import NoSpeechError
from emotify_core.features import FEATURE_SET, feature_names
from emotify_core.non_speech import synthesize_non_speech
from emotify_core.registry import NETWORK_FILE, Registry
from emotify_core.synthesis import demonstration_note, synthesize_voice
from tests.emotify_core.encoding import wav

MODELS = Registry(shipped_models())
RAVDESS = Path(__file__).parents[3] / "shared" / "data" / "ravdess"


def test_there_is_a_champion() -> None:
    assert MODELS.champion() in MODELS.versions()


def test_all_models_together_are_at_most_twenty_megabytes() -> None:
    assert sum(path.stat().st_size for path in MODELS.root.rglob("*") if path.is_file()) <= 20 * 10**6


def test_nothing_else_lies_beside_them() -> None:
    assert {path.name for path in MODELS.root.iterdir()} == {"champion.json", *MODELS.versions()}


@pytest.mark.parametrize("version", MODELS.versions())
class TestVersion:
    def test_the_header_is_complete(self, version: str) -> None:
        header = MODELS.header(version)

        assert header.version == version
        assert (header.feature_set, header.n_features) == (FEATURE_SET, len(feature_names()))
        assert set(header.labels) == set(Emotion)
        assert header.corpora
        for corpus in header.corpora:
            known = CORPORA[corpus["name"]]
            assert (corpus["title"], corpus["licence"], corpus["url"]) == (known.title, known.licence, known.url)
        assert header.licence
        assert {"python", "numpy", "scikit-learn", "librosa", "skops"} <= set(header.libraries)

    def test_the_file_has_its_hash_and_loads(self, version: str) -> None:
        header, model = MODELS.load(version)

        assert model.classes == header.labels
        assert model.heads.decision_function(np.zeros((1, header.n_features), np.float32)).shape == (1, 8)
        assert 0.1 <= np.exp(model.calibration.log_temperature_) <= 10

    def test_it_has_a_detector_of_speech_whose_figures_are_known(self, version: str) -> None:
        detector, figures = MODELS.load(version)[1].detector, MODELS.metrics(version)["non_speech"]

        assert detector.has_speech(synthesize_voice(3.0))
        assert not detector.has_speech(synthesize_non_speech(np.random.default_rng(1), kind="wind"))
        assert np.mean(list(figures["refused"].values())) >= 0.8
        assert max(figures["false_refusals"].values()) <= 0.03

    def test_further_files_have_their_hashes(self, version: str) -> None:
        for name in MODELS.header(version).files:
            assert MODELS.read_file(version, name)

    def test_it_was_measured_on_all_speakers_of_its_corpus(self, version: str) -> None:
        metrics = MODELS.metrics(version)

        assert metrics["protocol"] == "emobox"
        clean = metrics["figures"]["clean"]
        assert (clean["n_utterances"], clean["n_speakers"]) == (1440, 24)
        assert clean["uar"] >= 0.68

    def test_its_card_shows_these_figures(self, version: str) -> None:
        card = (MODELS.root / version / "card.md").read_text(encoding="utf-8")

        assert MODELS.header(version).sha256 in card
        assert "## What it is bad at" in card
        for name, figures in MODELS.metrics(version)["figures"].items():
            assert f"| {name} | {figures['uar']:.3f} |" in card

    def test_it_hears_a_voice_message(self, version: str) -> None:
        prediction = EmotionClassifier.load(MODELS.root / version).predict(demonstration_note(duration=2.0))

        assert tuple(prediction.probabilities) == tuple(Emotion)
        assert prediction.model == version
        assert (prediction.embedding is not None) == (NETWORK_FILE in MODELS.header(version).files)

    def test_it_explains_itself_and_says_how_a_voice_changes(self, version: str) -> None:
        classifier, note = EmotionClassifier.load(MODELS.root / version), demonstration_note(duration=4.0)

        assert classifier.explain(note).text.startswith("It sounds ")
        assert classifier.timeline(note).is_speech.any()

    @pytest.mark.parametrize("kind", ["coloured noise", "wind", "rain", "hum", "beeps", "melody"])
    def test_what_is_no_voice_gets_no_emotion(self, version: str, kind: str) -> None:
        classifier, rng = EmotionClassifier.load(MODELS.root / version), np.random.default_rng(5)
        sounds = [wav(synthesize_non_speech(rng, kind=kind, duration=4.0)) for _ in range(5)]

        refused = []
        for sound in sounds:
            try:
                classifier.predict(sound)
            except NoSpeechError:
                refused.append(sound)

        assert len(refused) >= 4


@pytest.mark.corpus
@pytest.mark.skipif(not RAVDESS.is_dir(), reason="RAVDESS does not lie in ../shared/data/ravdess")
def test_the_champion_knows_what_it_was_trained_on() -> None:
    classifier = EmotionClassifier.load()
    utterances = [u for u in read_ravdess(RAVDESS) if u.kind == "speech"][::97]

    verdicts = [classifier.predict(u.path).emotion is u.label for u in utterances]

    assert np.mean(verdicts) > 0.7
