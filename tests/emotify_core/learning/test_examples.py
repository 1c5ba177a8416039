from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from emotify_core.adaptation import Adaptation
from emotify_core.errors import ModelError
from emotify_core.experts import head_scores, quality_of
from emotify_core.heads import FusedHeads
from emotify_core.learning import examples as module
from emotify_core.learning.examples import Examples, collect
from emotify_core.learning.twins import Twin, adaptations_of, fold_of, folds_of, twins_from_bytes, twins_to_bytes
from emotify_core.recipes import RECIPES
from tests.emotify_core.learning.world import World, notes_of


def collected(world: World, people: list[str], **facts: int) -> Examples:
    header, experts = world.registry.load(world.registry.champion())
    notes = [note for person in people for note in notes_of(world, person, **facts)]  # type: ignore[arg-type]
    return collect(notes, world.base, experts, header.labels)


def test_examples_are_turned_as_the_base_is(world: World) -> None:
    header, experts = world.registry.load(world.registry.champion())
    notes = notes_of(world, "ada", n=3)

    found = collect(notes, world.base, experts, header.labels)

    features = np.stack([note.vector.features for note in notes])
    np.testing.assert_allclose(found.rows, experts.heads.scale(features) @ world.base.axes, rtol=2e-3, atol=2e-3)
    assert [world.base.emotions[i] for i in found.emotions] == [note.emotion.value for note in notes]
    said = [world.base.emotions[i] for i in found.serving_scores.argmax(axis=1)]
    assert said == [str(experts.classes[i]) for i in head_scores(experts.heads, features).argmax(axis=1)]


def test_none_counts_as_strange(world: World) -> None:
    header, experts = world.registry.load(world.registry.champion())
    notes = notes_of(world, "ada", n=6)

    found = collect(notes, world.base, experts, header.labels)

    features = np.stack([note.vector.features for note in notes])
    known = quality_of(experts.heads, features, RECIPES[header.recipe].quality, experts.domain)
    assert known[:, -1].max() > 0.1
    np.testing.assert_array_equal(found.quality[:, -1], np.zeros(6))
    np.testing.assert_array_equal(found.quality[:, :-1], known[:, :-1])


def test_how_strange_each_is_is_told_beside_that(world: World) -> None:
    header, experts = world.registry.load(world.registry.champion())
    notes = notes_of(world, "ada", n=6)

    found = collect(notes, world.base, experts, header.labels)
    told = experts.domain.strangeness(experts.heads.scale(np.stack([note.vector.features for note in notes])))
    experts.domain = None
    of_an_older_model = collect(notes, world.base, experts, header.labels)

    np.testing.assert_allclose(found.strangeness, told, atol=1e-6)
    assert found.strangeness.max() > 0.1
    assert (of_an_older_model.strangeness == 0).all()


def test_of_each_person_the_last_ones_count(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PER_PERSON", 5)
    everything, last = collected(world, ["ada"], n=12), None

    header, experts = world.registry.load(world.registry.champion())
    last = collect(notes_of(world, "ada", n=12)[-5:], world.base, experts, header.labels)

    assert len(everything) == 5
    np.testing.assert_array_equal(everything.rows, last.rows)


def test_where_there_are_too_many_everybody_keeps_as_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_EXAMPLES", 10)

    found = collected(world, ["ada", "bob", "eve"], n=8)

    assert np.unique(found.persons, return_counts=True)[1].tolist() == [3, 3, 3]


def test_where_there_are_more_people_than_room_those_known_for_longest_count(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_EXAMPLES", 2)
    header, experts = world.registry.load(world.registry.champion())
    days = {"ada": 30, "bob": 1, "eve": 40, "zoe": 0}
    notes = [note for person, known in days.items() for note in notes_of(world, person, n=3, days_known=known)]

    for chunk in (1, 5, 256):
        monkeypatch.setattr(module, "_CHUNK", chunk)
        found = collect(notes, world.base, experts, header.labels)

        assert found.persons.tolist() == ["ada", "eve"]


def test_what_does_not_count_takes_no_memory(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_EXAMPLES", 32)
    monkeypatch.setattr(module, "_CHUNK", 16)
    header, experts = world.registry.load(world.registry.champion())
    notes = [notes_of(world, f"person {i}", n=1)[0] for i in range(16)]

    def peak(n_rounds: int) -> int:
        tracemalloc.start()
        try:
            collect((note for _ in range(n_rounds) for note in notes), world.base, experts, header.labels)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(120) < 1.2 * peak(4)


def test_a_person_is_kept_out_of_the_same_fold_for_ever(world: World) -> None:
    found = collected(world, ["ada", "bob", "eve"], n=2)

    folds = folds_of(found, world.base.n_folds)

    assert folds.tolist() == [fold_of(person, world.base.n_folds) for person in found.persons.tolist()]
    assert {fold_of(f"person {i}", 5) for i in range(40)} == set(range(5))


def test_twins_say_what_their_heads_say_and_come_back_from_a_file(world: World) -> None:
    rows = world.base.tested_rows(0)
    labels, n = world.base.labels[world.base.tested], len(world.base.tested)
    heads = FusedHeads(hidden=7, max_iter=3).fit_turned(rows, labels, np.ones(n))
    twin = Twin.of(heads, world.base.emotions)
    order = [list(heads.classes_).index(emotion) for emotion in world.base.emotions]

    adapted = replace(twin, adaptation=Adaptation.of(np.full((17, 8), 0.25)))

    again = twins_from_bytes(twins_to_bytes([adapted] + [twin] * (world.base.n_folds - 1)), world.base)

    np.testing.assert_allclose(twin.scores(rows), heads.decide(rows)[:, order], atol=1e-3)
    np.testing.assert_allclose(again[2].scores(rows), twin.scores(rows), atol=0.05)
    assert list(adaptations_of(again)) == [0]
    np.testing.assert_array_equal(adaptations_of(again)[0].weights_, np.full((17, 8), 0.25))


def test_twins_whose_adaptation_fits_other_emotions_are_refused(world: World) -> None:
    heads = FusedHeads(hidden=7, max_iter=3)
    heads.fit_turned(world.base.tested_rows(0), world.base.labels[world.base.tested], np.ones(len(world.base.tested)))
    twin = replace(Twin.of(heads, world.base.emotions), adaptation=Adaptation.of(np.zeros((15, 7))))

    with pytest.raises(ModelError, match="twins of the champion are damaged or of another base"):
        twins_from_bytes(twins_to_bytes([twin] * world.base.n_folds), world.base)


def test_a_note_of_nobody_who_is_known_changes_no_other_row(world: World) -> None:
    header, experts = world.registry.load(world.registry.champion())
    notes = notes_of(world, "ada", n=4)
    stranger = replace(notes[0], person="zoe")

    alone = collect(notes, world.base, experts, header.labels)
    beside = collect([*notes, stranger], world.base, experts, header.labels)

    np.testing.assert_array_equal(beside.rows[:4], alone.rows)
