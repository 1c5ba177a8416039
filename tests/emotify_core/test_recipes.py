from __future__ import annotations

import pytest
from sklearn.neural_network import MLPClassifier

from emotify_core.features import FEATURE_SET, extract
from emotify_core.heads import FusedHeads
from emotify_core.recipes import RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_its_name_and_says_what_it_does(name: str) -> None:
    assert RECIPES[name].name == name
    assert "MLPClassifier" in RECIPES[name].summary


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_makes_a_new_classifier_with_the_seed(name: str) -> None:
    make = RECIPES[name].make

    assert make(7) is not make(7)
    assert make(7).random_state == 7


def test_feature_sets_are_never_mixed() -> None:
    assert len({recipe.feature_set for recipe in RECIPES.values()}) == len(RECIPES)


def test_the_recipe_of_the_shipped_model_learns_from_copies_and_song() -> None:
    recipe = RECIPES["functionals"]

    assert isinstance(recipe.make(0), FusedHeads)
    assert (recipe.extract, recipe.feature_set) == (extract, FEATURE_SET)
    assert (recipe.conditioned, recipe.n_copies, recipe.uses_song) == (True, 2, True)


def test_the_classic_recipe_is_what_the_project_began_with() -> None:
    recipe = RECIPES["classic"]
    classifier = recipe.make(0)

    assert isinstance(classifier, MLPClassifier)
    assert classifier.hidden_layer_sizes == (300,)
    assert (classifier.alpha, classifier.batch_size, classifier.max_iter) == (0.01, 256, 500)
    assert (recipe.conditioned, recipe.n_copies, recipe.uses_song) == (False, 0, False)
