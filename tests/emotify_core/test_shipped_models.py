"""What every model in `models/` must have."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from emotify_core.classifier import EmotionClassifier, shipped_models
from emotify_core.corpora import CORPORA, read_ravdess
from emotify_core.emotions import Emotion
from emotify_core.errors import NoSpeechError
from emotify_core.experts import FUNCTIONALS, NETWORK, fuse
from emotify_core.features import FEATURE_SET, feature_names
from emotify_core.learning import read_base
from emotify_core.non_speech import synthesize_non_speech
from emotify_core.registry import NETWORK_FILE, Registry
from emotify_core.synthesis import demonstration_note, synthesize_voice
from tests.emotify_core.encoding import wav

MODELS = Registry(shipped_models())
RAVDESS = Path(__file__).parents[3] / "shared" / "data" / "ravdess"


def test_there_is_a_champion() -> None:
    assert MODELS.champion() in MODELS.versions()


def n_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_all_models_together_are_at_most_twenty_megabytes() -> None:
    assert n_bytes(MODELS.root) - n_bytes(MODELS.root / "base") <= 20 * 10**6


def test_nothing_else_lies_beside_them() -> None:
    assert {path.name for path in MODELS.root.iterdir()} == {"champion.json", "base", *MODELS.versions()}


class TestBase:
    def test_it_is_small_and_that_of_the_champion_alone(self) -> None:
        champion = MODELS.champion()

        assert {path.name for path in (MODELS.root / "base").iterdir()} == {f"{champion}.json", f"{champion}.npz.xz"}
        assert n_bytes(MODELS.root / "base") <= 25 * 10**6

    def test_its_licence_lies_beside_it(self) -> None:
        champion = MODELS.champion()
        facts = json.loads((MODELS.root / "base" / f"{champion}.json").read_text(encoding="utf-8"))

        assert facts["licence"] == MODELS.header(champion).licence
        assert [corpus["name"] for corpus in facts["corpora"]] == ["emodb", "emospeech", "nemo", "ravdess"]

    def test_it_fits_the_champion(self) -> None:
        base, header = read_base(MODELS.root), MODELS.header(MODELS.champion())

        assert (base.version, base.recipe, base.vector_set) == (header.version, header.recipe, header.vector_set)
        assert set(base.emotions) == set(header.labels)
        assert base.axes.shape[0] == header.n_features
        assert base.conditions == ("clean", "opus 32 kbit/s", "pink noise 20 dB")
        assert {speaker.split("/")[0] for speaker in base.speakers[base.tested].tolist()} == {"ravdess"}
        assert (base.folds[base.tested] >= 0).all()

    def test_it_holds_the_figures_of_the_card(self) -> None:
        """The scores that a challenger is held to come to the UAR that the card states."""
        base, metrics = read_base(MODELS.root), MODELS.metrics(MODELS.champion())
        experts = MODELS.load(MODELS.champion())[1]
        truth = base.labels[base.tested]
        opinions = {FUNCTIONALS: base.head_scores[0].astype(float), NETWORK: base.network_scores[0].astype(float)}
        fused = fuse(opinions, network_say=experts.say(base.quality[0][:, -1]))
        scores = fused[:, [base.emotions.index(name) for name in experts.classes]]
        said = np.array(experts.classes)[experts.probabilities(scores, base.quality[0]).argmax(axis=1)]

        clean = metrics["figures"]["clean"]
        recalls = {emotion: np.mean(said[truth == emotion] == emotion) for emotion in base.emotions}
        assert np.mean(list(recalls.values())) == pytest.approx(clean["uar"], abs=0.01)  # of six calibrations, not one
        for emotion, recall in clean["recall"].items():
            assert recalls[emotion] == pytest.approx(recall, abs=0.03)


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

    @pytest.mark.parametrize("kind", ["song", "legato", "ensemble"])
    def test_in_a_minute_of_music_it_hears_only_who_speaks(self, version: str, kind: str) -> None:
        classifier, rng = EmotionClassifier.load(MODELS.root / version), np.random.default_rng(7)
        music = np.concatenate([synthesize_non_speech(rng, kind=kind, duration=6.0) for _ in range(10)])
        voice = np.concatenate([music[:480_000], synthesize_voice(4.0), music[480_000:]])

        for listen in (classifier.predict, classifier.timeline):
            with pytest.raises(NoSpeechError, match="nobody seems to speak"):
                listen(wav(music))
            assert listen(wav(voice))


@pytest.mark.corpus
@pytest.mark.skipif(not RAVDESS.is_dir(), reason="RAVDESS does not lie in ../shared/data/ravdess")
def test_the_champion_knows_what_it_was_trained_on() -> None:
    classifier = EmotionClassifier.load()
    utterances = [u for u in read_ravdess(RAVDESS) if u.kind == "speech"][::97]

    verdicts = [classifier.predict(u.path).emotion is u.label for u in utterances]

    assert np.mean(verdicts) > 0.7
