from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from emotify_core import nested
from emotify_core.dataset import Dataset
from emotify_core.emotions import Emotion
from emotify_core.errors import TooFewExamplesError
from emotify_core.evaluation import cross_validate
from emotify_core.nested import choose_settings
from emotify_core.recipes import RECIPES
from emotify_core.splits import Split, emobox_folds
from tests.emotify_core.tables import ACTORS, recipe_of, table_of, utterance, utterances_of

BLUNT, SHARP = {"C": 1e-9, "alpha": 1e6}, {"C": 1e-2, "alpha": 1.0}
RECIPE = replace(recipe_of(), choices=(BLUNT, SHARP))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    elsewhere = [utterance(speaker, corpus="nemo", take=take) for speaker in ("03", "08") for take in (1, 2)]
    return table_of([*utterances_of(singers=ACTORS), *elsewhere])


class TestChooseSettings:
    def test_what_recognises_more_is_chosen_in_every_fold(self, dataset: Dataset) -> None:
        splits = emobox_folds(dataset.utterances)

        assert choose_settings(dataset, splits, RECIPE) == [SHARP] * len(splits)

    def test_of_what_is_as_good_the_first_is_chosen(self, dataset: Dataset) -> None:
        splits = emobox_folds(dataset.utterances)[:1]

        assert choose_settings(dataset, splits, replace(RECIPE, choices=(SHARP, dict(SHARP, clip=1e3)))) == [SHARP]

    def test_nobody_who_is_tested_has_a_say_and_nobody_is_heard_by_who_learned_from_them(
        self, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (split,) = emobox_folds(dataset.utterances)[:1]
        seen = []

        def hear(_: Dataset, train: NDArray[np.intp], test: NDArray[np.intp], *__: Any, **___: Any) -> NDArray[np.str_]:
            seen.append((train, test))
            return dataset.labels[test]

        monkeypatch.setattr(nested, "_hear", hear)

        choose_settings(dataset, [split], RECIPE)

        outer = set(dataset.speakers[split.test].tolist())
        tested = np.sort(np.concatenate([test for _, test in seen[:3]]))
        assert len(seen) == 3 * len(RECIPE.choices)
        assert not outer & set(dataset.speakers[tested].tolist())
        expected = [i for i in split.train if dataset.utterances[i].corpus == "ravdess" and dataset.is_speech[i]]
        assert tested.tolist() == expected  # each once, no song, no other corpus
        for train, test in seen:
            assert not set(dataset.speakers[train].tolist()) & (set(dataset.speakers[test].tolist()) | outer)
            assert {dataset.utterances[i].corpus for i in train} == {"ravdess", "nemo"}
            assert not dataset.is_speech[train].all()

    def test_an_emotion_that_is_heard_but_was_never_expressed_is_no_class_without_recall(
        self, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        known = [i for i, u in enumerate(dataset.utterances) if u.label in {Emotion.SAD, Emotion.ANGRY}]
        spoken = np.array([i for i in known if dataset.is_speech[i]])
        is_tested = dataset.speakers[spoken] == "ravdess/01"
        split = Split("one of them", spoken[~is_tested], spoken[is_tested])

        def hear(_: Dataset, __: Any, test: NDArray[np.intp], ___: Any, settings: Any, **____: Any) -> NDArray[np.str_]:
            heard = dataset.labels[test].copy()
            (sad,) = np.nonzero(heard == Emotion.SAD)
            if settings == SHARP:
                heard[sad[:1]] = "calm"
            else:
                heard[sad[::2]] = "angry"
            return heard

        monkeypatch.setattr(nested, "_hear", hear)

        assert choose_settings(dataset, [split], RECIPE) == [SHARP]

    def test_the_number_of_processes_changes_nothing(self, dataset: Dataset) -> None:
        splits = emobox_folds(dataset.utterances)[:2]

        assert choose_settings(dataset, splits, RECIPE, n_jobs=2) == choose_settings(dataset, splits, RECIPE)

    def test_progress_counts_the_fits(self, dataset: Dataset) -> None:
        told = []

        choose_settings(
            dataset,
            emobox_folds(dataset.utterances)[:1],
            RECIPE,
            progress=lambda fits, total, title: told.append((total, title)) or fits,  # type: ignore[func-returns-value]
        )

        assert told == [(6, "settings")]

    def test_one_speaker_is_too_few_to_choose_on(self, dataset: Dataset) -> None:
        alone = np.flatnonzero(dataset.speakers == "ravdess/01")
        others = np.flatnonzero((dataset.speakers != "ravdess/01") & dataset.is_speech)

        with pytest.raises(TooFewExamplesError, match="When the others are tested, too few speakers are left"):
            choose_settings(dataset, [Split("the others", alone, others)], RECIPE)


def test_each_fold_is_fitted_with_its_own_settings(dataset: Dataset) -> None:
    splits = emobox_folds(dataset.utterances)
    settings = [BLUNT] + [SHARP] * (len(splits) - 1)

    clean = cross_validate(dataset, splits, RECIPE, settings=settings)["clean"]

    stop = len(splits[0].test)
    right = clean.probabilities.argmax(axis=1) == [clean.labels.index(label) for label in clean.truth]
    assert right[:stop].mean() < right[stop:].mean() - 0.2


@pytest.mark.parametrize("recipe", ["functionals", "fused"])
def test_what_a_recipe_does_by_itself_is_its_first_choice(recipe: str) -> None:
    first = RECIPES[recipe].choices[0]
    assert {name: RECIPES[recipe].make(0).get_params()[name] for name in first} == first
