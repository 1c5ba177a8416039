from __future__ import annotations

import numpy as np
import pytest

from emotify_core.learning.gate import Check, Opinions, gate
from emotify_core.metrics import expected_calibration_error
from tests.emotify_core.learning.test_weights import table
from tests.emotify_core.learning.world import World


def saying(world: World, share_right: float, *, seed: int = 0, sure: float = 0.8) -> np.ndarray:
    """Let a model name a share of each emotion's utterances rightly, and others at random, all as sure."""
    base, rng = world.base, np.random.default_rng(seed)
    truth = np.array([base.emotions.index(label) for label in base.labels[base.tested].tolist()])
    said = np.where(rng.random(len(truth)) < share_right, truth, rng.integers(8, size=len(truth)))
    probabilities = np.full((len(truth), 8), (1 - sure) / 7)
    probabilities[np.arange(len(truth)), said] = sure
    return probabilities


def lose(
    world: World, probabilities: np.ndarray, speakers: slice, *, n_each: int = 100, emotion: str = "sad"
) -> np.ndarray:
    """Let a model mistake some speakers' utterances of an emotion for another one."""
    base, worse = world.base, probabilities.copy()
    labels, names = base.labels[base.tested], base.speakers[base.tested]
    for name in np.unique(names)[speakers].tolist():
        lost = np.flatnonzero((names == name) & (labels == emotion))[:n_each]
        worse[lost] = np.roll(probabilities[lost], 1, axis=1)
    return worse


def compare(
    world: World, before: np.ndarray, now: np.ndarray, *, shipped: np.ndarray | None = None
) -> dict[str, Check]:
    nobody = table([])
    sides = [Opinions([each] * 3, np.zeros((0, 8))) for each in (before, now)]
    weights = np.zeros(0)
    start = None if shipped is None else [shipped] * 3
    checks = gate(world.base, nobody, weights, sides[0], sides[1], shipped=start, seed=0)
    return {check.what.replace(", the worst change", ""): check for check in checks}


def test_a_model_passes_beside_itself(world: World) -> None:
    same = saying(world, 0.7)

    checks = compare(world, same, same)

    assert all(check.passed and check.difference == 0 for check in checks.values())


def test_a_better_one_passes(world: World) -> None:
    checks = compare(world, saying(world, 0.5), saying(world, 0.9))

    assert all(check.passed for name, check in checks.items() if name != "calibration error")
    assert checks["UAR, clean"].low > 0.2


def test_a_worse_one_does_not(world: World) -> None:
    checks = compare(world, saying(world, 0.9), saying(world, 0.7))

    assert not any(checks[f"UAR, {name}"].passed for name in world.base.conditions)


def test_a_sure_loss_beyond_a_point_stops_it_though_it_is_less_than_three(world: World) -> None:
    right = saying(world, 1)

    uar = compare(world, right, lose(world, right, slice(None), n_each=1))["UAR, clean"]

    assert -0.03 < uar.low <= uar.difference < -0.01
    assert not uar.passed


def test_a_change_that_may_cost_three_points_stops_it_though_it_costs_none_here(world: World) -> None:
    right = saying(world, 1)
    before, now = (lose(world, right, slice(first, None, 2)) for first in (0, 1))

    uar = compare(world, before, now)["UAR, clean"]

    assert uar.difference == pytest.approx(0)
    assert uar.low < -0.03
    assert not uar.passed


def test_many_small_losses_do_not_add_up(world: World) -> None:
    lately = saying(world, 0.7)

    checks = compare(world, lately, lately, shipped=saying(world, 0.9))

    assert checks["UAR, clean"].passed
    assert not checks["UAR, all, against the shipped model"].passed


def test_nor_do_small_losses_of_one_emotion(world: World) -> None:
    shipped = saying(world, 0.9)
    lately = shipped.copy()
    sad = world.base.labels[world.base.tested] == "sad"
    lately[sad] = np.roll(shipped[sad], 1, axis=1)

    checks = compare(world, lately, lately, shipped=shipped)

    assert all(check.passed for name, check in checks.items() if "shipped" not in name)
    assert not checks["recall of sad, against the shipped model"].passed


def test_nor_do_small_losses_of_honesty(world: World) -> None:
    lately = saying(world, 0.7, sure=0.9)

    checks = compare(world, lately, lately, shipped=saying(world, 0.7, sure=0.8))

    assert [name for name, check in checks.items() if not check.passed] == [
        "calibration error, against the shipped model"
    ]


def test_one_emotion_that_is_lost_stops_it(world: World) -> None:
    before = saying(world, 0.9)
    now = before.copy()
    sad = world.base.labels[world.base.tested] == "sad"
    now[sad] = np.roll(before[sad], 1, axis=1)

    recall = compare(world, before, now)["recall of sad"]

    assert not recall.passed
    assert recall.high < -0.05


def test_an_emotion_that_few_speakers_lost_may_be_chance(world: World) -> None:
    right = saying(world, 1)

    recall = compare(world, right, lose(world, right, slice(2)))["recall of sad"]

    assert recall.difference < -0.05
    assert recall.passed


def test_it_does_not_hide_one_that_all_of_them_lost_though_less_of_it(world: World) -> None:
    right = saying(world, 1)
    worse = lose(world, right, slice(2))

    recall = compare(world, right, lose(world, worse, slice(None), n_each=1, emotion="angry"))["recall of angry"]

    sad = compare(world, right, worse)["recall of sad"]
    assert sad.difference < recall.difference < -0.05
    assert not recall.passed


def test_confidence_that_is_off_by_two_points_stops_it_though_that_may_be_chance(world: World) -> None:
    base, before = world.base, saying(world, 1, sure=0.99)
    now = before.copy()
    first = base.speakers[base.tested] == base.speakers[base.tested][0]
    now[first] = saying(world, 1, sure=0.2)[first]

    error = compare(world, before, now)["calibration error"]

    assert error.low <= 0
    assert error.difference > 0.02
    assert not error.passed


def test_confidence_that_is_surely_off_by_more_stops_it_though_it_is_less_than_two_points(world: World) -> None:
    error = compare(world, saying(world, 0.7, sure=0.82), saying(world, 0.7, sure=0.83))["calibration error"]

    assert 0 < error.low <= error.difference == pytest.approx(0.01)
    assert not error.passed


def test_a_model_that_only_feels_surer_does_not_pass(world: World) -> None:
    checks = compare(world, saying(world, 0.7, sure=0.75), saying(world, 0.7, sure=0.99))

    assert not checks["calibration error"].passed
    assert checks["UAR, clean"].difference == 0


def test_the_calibration_error_is_the_known_one(world: World) -> None:
    now = saying(world, 0.7)
    truth = [world.base.emotions.index(label) for label in world.base.labels[world.base.tested].tolist()]

    found = compare(world, now, now)["calibration error"].champion

    right = now.argmax(axis=1) == truth
    assert found == pytest.approx(expected_calibration_error(now.max(axis=1), right))


@pytest.mark.parametrize(("lost", "passed"), [(1, True), (4, False)])
def test_a_note_less_among_many_is_within_chance(world: World, lost: int, passed: bool) -> None:
    persons = [f"person {i}" for i in range(8) for _ in range(12)]
    examples = table(persons, emotions=np.zeros(len(persons), dtype=int))
    same, all_met = [saying(world, 0.7)] * 3, np.eye(8)[np.zeros(len(persons), dtype=int)]
    fewer = all_met.copy()
    fewer[[7, 20, 40, 60][:lost]] = np.eye(8)[1]

    checks = gate(world.base, examples, np.ones(len(persons)), Opinions(same, all_met), Opinions(same, fewer), seed=0)

    assert checks[-1].difference == pytest.approx(-lost / len(persons))
    assert checks[-1].passed is passed


def test_a_note_less_of_everybody_is_no_chance(world: World) -> None:
    persons = [f"person {i}" for i in range(8) for _ in range(64)]
    examples = table(persons, emotions=np.zeros(len(persons), dtype=int))
    same, all_met = [saying(world, 0.7)] * 3, np.eye(8)[np.zeros(len(persons), dtype=int)]
    fewer = all_met.copy()
    fewer[::64] = np.eye(8)[1]

    checks = gate(world.base, examples, np.ones(len(persons)), Opinions(same, all_met), Opinions(same, fewer), seed=0)

    assert checks[-1].difference == pytest.approx(-1 / 64)
    assert not checks[-1].passed


def test_a_rejection_is_met_by_whatever_it_does_not_name(world: World) -> None:
    examples = table(["ada", "bob"], ["rejection"] * 2, emotions=np.zeros(2, dtype=int))
    same = [saying(world, 0.7)] * 3
    rejected, another = np.eye(8)[[0, 0]], np.eye(8)[[5, 5]]

    checks = gate(world.base, examples, np.ones(2), Opinions(same, rejected), Opinions(same, another), seed=0)

    assert (checks[-1].champion, checks[-1].challenger) == (0, 1)


@pytest.mark.parametrize(("now", "passed"), [(1, True), (0, False)])
def test_feedback_of_people_kept_out_must_be_met_as_often(world: World, now: int, passed: bool) -> None:
    examples = table(["ada"] * 4 + ["bob"] * 4, emotions=np.zeros(8, dtype=int))
    same = [saying(world, 0.7)] * 3
    half, all_or_none = np.zeros((8, 8)), np.zeros((8, 8))
    half[:, 1] = 0.5
    half[:4, 0] = 1
    all_or_none[:, 0 if now else 1] = 1

    checks = gate(world.base, examples, np.ones(8), Opinions(same, half), Opinions(same, all_or_none), seed=0)

    feedback = checks[-1]
    assert (feedback.what, feedback.champion, feedback.challenger) == ("feedback met, of people kept out", 0.5, now)
    assert feedback.passed is passed


def test_feedback_counts_as_much_as_it_is_learned_from(world: World) -> None:
    persons = [f"person {i}" for i in range(16) for _ in range(8)]
    examples = table(persons, emotions=np.zeros(len(persons), dtype=int))
    same, confirms = [saying(world, 0.7)] * 3, np.repeat(np.arange(16) < 10, 8)  # whatever the champion said
    before, now = np.eye(8)[np.where(confirms, 0, 1)], np.eye(8)[np.where(confirms, 1, 0)]

    alike, learned = (
        gate(world.base, examples, weights, Opinions(same, before), Opinions(same, now), seed=0)[-1]
        for weights in (np.ones(len(persons)), np.where(confirms, 0.3, 1.0))
    )

    assert not alike.passed
    assert learned.champion == pytest.approx(3 / 9)
    assert learned.challenger == pytest.approx(6 / 9)
    assert learned.passed
