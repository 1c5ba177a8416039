from __future__ import annotations

import numpy as np
import pytest

from emotify_core.baseline import SpeakerPrior
from emotify_core.earlier import MEASURED, MOODS, Earlier, Mood, draw_earlier, fit_voices, views

LABELS = np.tile(["calm", "happy", "sad"], 8)
SPEAKERS = np.repeat(["a", "b"], 12)


def drawn(n_notes: int, mood: Mood) -> np.ndarray:
    return draw_earlier(SPEAKERS, LABELS, Earlier(n_notes, mood), np.random.default_rng(0))


@pytest.mark.parametrize("mood", ["mixed", "one", "same", "other"])
def test_earlier_notes_are_others_of_the_same_speaker(mood: Mood) -> None:
    found = drawn(3, mood)

    for i, row in enumerate(found):
        assert i not in row
        assert (SPEAKERS[row] == SPEAKERS[i]).all()
        assert len(set(row.tolist())) == 3


def test_the_mood_is_as_asked_for() -> None:
    moods: tuple[Mood, ...] = ("one", "same", "other")
    for mood in moods:
        for i, row in enumerate(drawn(3, mood)):
            assert len(set(LABELS[row].tolist())) == 1
            assert mood == "one" or (LABELS[row[0]] == LABELS[i]) == (mood == "same")
    assert len({tuple(sorted(set(LABELS[row].tolist()))) for row in drawn(3, "mixed")}) > 1


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


def spoken(n_speakers: int = 6, n_features: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Make features of speakers, far apart, who say everything six times; with their names and their voices."""
    rng = np.random.default_rng(0)
    centres, voices = rng.normal(scale=2, size=(3, n_features)), rng.normal(scale=3, size=(n_speakers, n_features))
    owners, emotions = np.repeat(np.arange(n_speakers), 18), np.tile(np.arange(3), 6 * n_speakers)
    features = centres[emotions] + voices[owners] + rng.normal(scale=0.5, size=(len(owners), n_features))
    return features.astype(np.float32), np.array(["calm", "happy", "sad"])[emotions], owners.astype(str), voices[owners]


def test_voices_that_were_met_several_times_come_closer_together() -> None:
    features, labels, speakers, _ = spoken()
    fitted = fit_voices(
        SpeakerPrior(), features, labels, speakers=speakers, voices=speakers, weights=np.ones(len(labels))
    )

    shown = views(np.stack([features, features]), fitted, labels, speakers, (0, 8), seed=0)

    middles = [[copy[speakers == name].mean(axis=0) for name in np.unique(speakers)] for copy in (features, *shown)]
    apart, *closer = (np.var(each, axis=0).sum() for each in middles)
    assert all(each < 0.7 * apart for each in closer)  # half of each copy is moved
    moved = (shown != features).any(axis=2)
    assert (moved.sum(axis=0) == 1).all()  # each utterance once as it is, once as heard after eight others


def test_no_earlier_note_changes_nothing() -> None:
    features, labels, speakers, _ = spoken()
    fitted = fit_voices(
        SpeakerPrior(), features, labels, speakers=speakers, voices=speakers, weights=np.ones(len(labels))
    )

    np.testing.assert_array_equal(views(features[None].copy(), fitted, labels, speakers, (0,), seed=0)[0], features)
    assert not fitted.offsets_after(np.full((2, 3), -1)).any()
