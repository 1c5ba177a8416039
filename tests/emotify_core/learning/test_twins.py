from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from emotify_core.learning import twins
from emotify_core.learning.examples import Examples
from emotify_core.recipes import RECIPES
from tests.emotify_core.learning.world import World


def nobody(world: World) -> Examples:
    """Describe no examples."""
    base = world.base
    scores = np.zeros((0, len(base.emotions)))
    words, columns = np.zeros(0, dtype=np.str_), np.zeros(0, dtype=np.intp)
    return Examples(
        persons=words,
        servers=words,
        days_known=np.zeros(0),
        verdicts=words,
        emotions=columns,
        heard=columns,
        rows=np.zeros((0, len(base.row_steps)), dtype=np.float32),
        network_scores=scores,
        serving_scores=scores,
        quality=np.zeros((0, base.quality.shape[2]), dtype=np.float32),
        strangeness=np.zeros(0, dtype=np.float32),
    )


def test_the_base_counts_as_it_did_when_the_model_was_trained(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = replace(RECIPES[world.base.recipe], copy_weight=0.25)
    monkeypatch.setattr(twins, "RECIPES", {recipe.name: recipe})
    nothing = np.zeros((0, len(world.base.emotions)))

    chosen = twins.training_rows(world.base, nobody(world), np.zeros(0), nothing)

    utterances, copies = np.split(chosen.weights, 2)
    np.testing.assert_allclose(copies, utterances / 4)
    assert chosen.weights.mean() == pytest.approx(1)
    assert len(chosen.rows) == len(chosen.labels) == len(chosen.weights) == 2 * len(world.base.labels)
