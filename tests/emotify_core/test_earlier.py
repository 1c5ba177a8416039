from __future__ import annotations

import numpy as np
import pytest

from emotify_core.baseline import SpeakerPrior
from emotify_core.earlier import MEASURED, MOODS, Earlier, Mood, draw_earlier, offsets_after

LABELS = np.tile(["calm", "happy", "sad"], 8)
SPEAKERS = np.repeat(["a", "b"], 12)


def drawn(n_notes: int, mood: Mood) -> np.ndarray:
    return draw_earlier(SPEAKERS, LABELS, Earlier(n_notes, mood), np.random.default_rng(0))


@pytest.mark.parametrize("mood", ["mixed", "same", "other"])
def test_earlier_notes_are_others_of_the_same_speaker(mood: Mood) -> None:
    found = drawn(3, mood)

    for i, row in enumerate(found):
        assert i not in row
        assert (SPEAKERS[row] == SPEAKERS[i]).all()
        assert len(set(row.tolist())) == 3


def test_the_mood_is_as_asked_for() -> None:
    moods: tuple[Mood, ...] = ("same", "same, told", "other")
    for mood in moods:
        for i, row in enumerate(drawn(3, mood)):
            assert len(set(LABELS[row].tolist())) == 1
            assert (LABELS[row[0]] == LABELS[i]) == (mood != "other")
    for mixed in ("mixed", "mixed, told"):
        assert len({tuple(sorted(set(LABELS[row].tolist()))) for row in drawn(3, mixed)}) > 1


def test_where_there_are_too_few_some_are_drawn_again() -> None:
    assert all(len(row) == 8 and len(set(row.tolist())) <= 3 for row in drawn(8, "same"))


def test_a_speaker_of_one_utterance_has_no_earlier_ones() -> None:
    found = draw_earlier(
        np.array(["a", "b", "b"]), np.array(["sad"] * 3), Earlier(2, "mixed"), np.random.default_rng(0)
    )

    assert found.tolist() == [[-1, -1], [2, 2], [1, 1]]


def test_what_is_measured_has_names_and_titles_of_its_own() -> None:
    assert len({earlier.name for earlier in MEASURED}) == len(MEASURED)
    assert {earlier.mood for earlier in MEASURED} == set(MOODS)


def test_what_is_known_is_what_a_baseline_of_the_drawn_notes_would_say() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(24, 6)).astype(np.float32)
    prior = SpeakerPrior().fit(features, LABELS, SPEAKERS)
    taken_for = rng.integers(0, 3, 24)
    baseline = None
    for i in (1, 2, 6):
        baseline = prior.add(baseline, features[i], np.eye(3)[taken_for[i]])

    known = offsets_after(prior, prior.turn(features), taken_for, np.array([[1, 2, 6], [-1, -1, -1]]))

    np.testing.assert_allclose(prior.features_of(known)[0], prior.shift(baseline), rtol=1e-4, atol=1e-5)
    assert known[0].any()
    assert not known[1].any()
