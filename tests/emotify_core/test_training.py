from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from emotify_core import training
from emotify_core.corpora import Utterance
from emotify_core.dataset import Dataset
from emotify_core.emotions import Emotion
from emotify_core.errors import TooFewExamplesError
from emotify_core.training import train
from tests.emotify_core.tables import make_perceptron, recipe_of, table_of, utterance, utterances_of

NOW = datetime(2026, 3, 1, 1, 30, 5, tzinfo=timezone(timedelta(hours=2)))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return table_of(utterances_of())


class TestHeader:
    def test_it_says_what_the_model_is(self, dataset: Dataset) -> None:
        header = train(dataset, recipe_of(), seed=3, now=NOW).header

        assert (header.recipe, header.feature_set, header.n_features) == ("functionals", "functionals-1", 10)
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


class TestTemperature:
    def test_a_known_temperature_is_taken_over(self, dataset: Dataset) -> None:
        assert train(dataset, recipe_of(), temperature=1.5, now=NOW).model.temperature_ == 1.5

    def test_otherwise_it_is_fitted(self, dataset: Dataset) -> None:
        assert train(dataset, recipe_of(), now=NOW).model.temperature_ != 1

    def test_a_classifier_without_temperature_does_without(self, dataset: Dataset) -> None:
        model = train(dataset, recipe_of(make_perceptron, name="classic"), temperature=1.5, now=NOW).model

        assert not hasattr(model, "temperature_")


def test_the_same_seed_gives_the_same_model(dataset: Dataset) -> None:
    def probabilities(seed: int) -> Any:
        return train(dataset, recipe_of(), seed=seed, now=NOW).model.predict_proba(dataset.features[0])

    np.testing.assert_array_equal(probabilities(1), probabilities(1))
    assert not np.array_equal(probabilities(1), probabilities(2))


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
