from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from emotify_core import fitting, training
from emotify_core.calibration import Calibration
from emotify_core.corpora import Utterance
from emotify_core.dataset import Dataset
from emotify_core.emotions import Emotion
from emotify_core.errors import TooFewExamplesError
from emotify_core.features import FEATURE_SET
from emotify_core.fitting import columns_of, fit_heads
from emotify_core.registry import NETWORK_FILE, Registry
from emotify_core.speech_detection import SpeechDetector
from emotify_core.splits import Split
from emotify_core.training import train
from tests.emotify_core.stand_in_network import StandInTraining
from tests.emotify_core.tables import PLAN, make_perceptron, recipe_of, table_of, utterance, utterances_of
from tests.emotify_core.tiny_models import tiny_calibration

NOW = datetime(2026, 3, 1, 1, 30, 5, tzinfo=timezone(timedelta(hours=2)))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return table_of(utterances_of())


class TestHeader:
    def test_it_says_what_the_model_is(self, dataset: Dataset) -> None:
        header = train(dataset, recipe_of(), seed=3, now=NOW).header

        assert (header.recipe, header.feature_set, header.n_features) == ("functionals", FEATURE_SET, 10)
        assert header.labels == tuple(sorted(emotion.value for emotion in Emotion))
        assert header.seed == 3
        assert header.licence == "CC BY-NC-SA 4.0"

    def test_the_version_is_named_after_recipe_and_time_in_utc(self, dataset: Dataset) -> None:
        header = train(dataset, recipe_of(), now=NOW).header

        assert header.version == "functionals-20260228-233005"
        assert datetime.fromisoformat(header.created) == NOW
        assert datetime.fromisoformat(header.created).tzinfo == UTC

    def test_every_corpus_is_named_with_its_licence_and_counts(self, dataset: Dataset) -> None:
        (corpus,) = train(dataset, recipe_of(), now=NOW).header.corpora

        assert (corpus["name"], corpus["n_utterances"], corpus["n_speakers"]) == ("ravdess", 100, 6)
        assert corpus["licence"] == "CC BY-NC-SA 4.0"
        assert "Livingstone" in corpus["citation"]
        assert corpus["url"].startswith("https://")

    def test_the_libraries_that_made_it_are_named(self, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(training, "_LIBRARIES", ("numpy", "no-such-library"))

        libraries = train(dataset, recipe_of(), now=NOW).header.libraries

        assert libraries["numpy"] == np.__version__
        assert libraries["no-such-library"] == "not installed"
        assert libraries["python"].startswith("3.")

    def test_of_several_corpora_every_licence_and_count_is_named(self) -> None:
        others = [utterance("03", emotion, corpus="emodb") for emotion in (Emotion.SAD, Emotion.ANGRY)]

        header = train(table_of([*utterances_of(), *others]), recipe_of(), now=NOW).header

        assert [(corpus["name"], corpus["n_utterances"]) for corpus in header.corpora] == [
            ("emodb", 2),
            ("ravdess", 100),
        ]
        assert header.licence == " and ".join(sorted({corpus["licence"] for corpus in header.corpora}))


class TestExperts:
    def test_they_name_the_emotions_of_the_header(self, dataset: Dataset) -> None:
        trained = train(dataset, recipe_of(), now=NOW)

        assert trained.experts.classes == trained.header.labels
        assert (trained.experts.heads.predict(dataset.features[0]) == dataset.labels).mean() > 0.7

    def test_calibration_and_detector_are_taken_over(self, dataset: Dataset) -> None:
        calibration, detector = Calibration(), SpeechDetector()

        experts = train(dataset, recipe_of(), calibration=calibration, detector=detector, now=NOW).experts

        assert experts.calibration is calibration
        assert experts.detector is detector

    def test_without_them_nothing_is_scaled_and_nothing_refused(self, dataset: Dataset) -> None:
        experts = train(dataset, recipe_of(), now=NOW).experts

        assert (experts.calibration, experts.detector) == (None, None)

    def test_other_classifiers_will_do(self, dataset: Dataset) -> None:
        experts = train(dataset, recipe_of(make_perceptron, name="classic"), now=NOW).experts

        assert isinstance(experts.heads, MLPClassifier)

    def test_heads_are_fitted_to_everything_with_the_weights_of_the_recipe(self, dataset: Dataset) -> None:
        recipe = recipe_of(corpus_weights={"ravdess": 0.5})
        rows = np.arange(len(dataset.utterances))

        trained = train(dataset, recipe, seed=2, now=NOW).experts.heads

        expected = fit_heads(dataset, rows, recipe, seed=2).predict_proba(dataset.features[0])
        np.testing.assert_allclose(trained.predict_proba(dataset.features[0]), expected, atol=1e-5)


class TestNetwork:
    def test_a_recipe_without_network_has_no_further_files(self, dataset: Dataset) -> None:
        assert train(dataset, recipe_of(), now=NOW).files == {}

    def test_the_network_is_exported_with_the_columns_of_the_header(
        self, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        training = StandInTraining()
        monkeypatch.setattr(fitting, "_training", lambda: training)
        dataset = table_of(utterances_of(), with_spectra=True)

        trained = train(dataset, recipe_of(network=PLAN), seed=3, now=NOW)

        columns = columns_of(trained.header.labels)
        assert dict(trained.files) == {NETWORK_FILE: f"[4] {columns}".encode()}
        np.testing.assert_array_equal(training.fitted[-1].rows, np.arange(len(dataset.utterances)))

    def test_it_is_trained_on_from_a_start(self, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
        training = StandInTraining()
        monkeypatch.setattr(fitting, "_training", lambda: training)
        dataset = table_of([*utterances_of(), utterance("03", Emotion.SAD, corpus="emodb")], with_spectra=True)
        recipe = recipe_of(network=PLAN)
        start = fitting.pretrain(
            dataset, [Split("none", np.arange(len(dataset.utterances)), np.arange(0))], recipe, seed=0
        )

        train(dataset, recipe, start=start, now=NOW)

        assert [network.stage for network in training.fitted] == ["pretraining", "training"]
        assert training.fitted[1].start is start[0]


def test_the_same_seed_gives_the_same_model(dataset: Dataset) -> None:
    def probabilities(seed: int) -> Any:
        return train(dataset, recipe_of(), seed=seed, now=NOW).experts.heads.predict_proba(dataset.features[0])

    np.testing.assert_array_equal(probabilities(1), probabilities(1))
    assert not np.array_equal(probabilities(1), probabilities(2))


def test_what_was_trained_can_be_published_and_loaded(dataset: Dataset, tmp_path: Path) -> None:
    trained = train(dataset, recipe_of(), calibration=tiny_calibration(), now=NOW)

    header = Registry(tmp_path).publish(trained.header, trained.experts, {}, files=trained.files)

    loaded = Registry(tmp_path).load(header.version)[1]
    assert loaded.calibration.log_temperature_ == tiny_calibration().log_temperature_
    np.testing.assert_array_equal(
        loaded.heads.predict_proba(dataset.features[0]), trained.experts.heads.predict_proba(dataset.features[0])
    )


@pytest.mark.parametrize(
    "utterances",
    [
        [utterance("01", Emotion.SAD, take=1), utterance("02", Emotion.SAD, take=2)],
        [utterance("01", Emotion.SAD), utterance("02", Emotion.SAD), utterance("01", Emotion.CALM)],
    ],
    ids=["one emotion", "one utterance of an emotion"],
)
def test_too_few_examples_are_refused(utterances: list[Utterance]) -> None:
    with pytest.raises(TooFewExamplesError, match="two emotions and two utterances of each"):
        train(table_of(utterances), recipe_of(), now=NOW)
