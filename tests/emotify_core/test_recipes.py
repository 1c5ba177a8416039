from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sklearn.neural_network import MLPClassifier

from emotify_core.corpora import CORPORA
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


def test_a_feature_set_is_made_in_one_way_only() -> None:
    ways: dict[str, set[Any]] = {}
    for recipe in RECIPES.values():
        ways.setdefault(recipe.feature_set, set()).add((recipe.extract, recipe.conditioned))

    assert len(ways) == 2
    assert all(len(each) == 1 for each in ways.values())


def test_the_recipe_of_the_shipped_model_has_two_experts_that_learn_from_copies_and_song() -> None:
    recipe = RECIPES["fused"]

    assert isinstance(recipe.make(0), FusedHeads)
    assert (recipe.extract, recipe.feature_set) == (extract, FEATURE_SET)
    assert (recipe.conditioned, recipe.n_copies, recipe.uses_song) == (True, 2, True)
    assert recipe.uses_network
    assert recipe.is_calibrated


def test_the_functionals_alone_are_the_first_expert_of_the_fused_recipe() -> None:
    fused, alone = RECIPES["fused"], RECIPES["functionals"]

    assert not alone.uses_network
    assert replace(fused, name=alone.name, summary=alone.summary, network=None) == alone


def test_corpora_that_are_weighed_are_those_that_can_be_read() -> None:
    for recipe in RECIPES.values():
        assert set(recipe.corpus_weights or ()) <= set(CORPORA)
        assert all(weight > 0 for weight in (recipe.corpus_weights or {}).values())
        assert recipe.copy_weight > 0


def test_the_plan_of_the_network_draws_from_corpora_that_can_be_read() -> None:
    plan = RECIPES["fused"].network

    assert plan is not None
    assert plan.home in CORPORA
    assert {name.removesuffix(" song") for name in (*plan.pretraining_draws, *plan.draws)} <= set(CORPORA)
    assert not any(name.startswith(plan.home) for name in plan.pretraining_draws)


def test_the_classic_recipe_is_what_the_project_began_with() -> None:
    recipe = RECIPES["classic"]
    classifier = recipe.make(0)

    assert isinstance(classifier, MLPClassifier)
    assert classifier.hidden_layer_sizes == (300,)
    assert (classifier.alpha, classifier.batch_size, classifier.max_iter) == (0.01, 256, 500)
    assert (recipe.conditioned, recipe.n_copies, recipe.uses_song) == (False, 0, False)
    assert (recipe.uses_network, recipe.is_calibrated, recipe.corpus_weights) == (False, False, None)
    assert recipe.quality == ()
