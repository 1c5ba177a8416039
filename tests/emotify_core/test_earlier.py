from __future__ import annotations

import numpy as np
import pytest

from emotify_core.baseline import SpeakerPrior
from emotify_core.earlier import MEASURED, MOODS, Earlier, Mood, draw_earlier, known_after, statistics_of
from emotify_core.emotions import Emotion

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


def prior_of(scores: np.ndarray) -> SpeakerPrior:
    return SpeakerPrior().fit(scores, np.searchsorted(["calm", "happy", "sad"], LABELS), ["calm", "happy", "sad"])


def test_what_is_known_is_what_a_baseline_of_the_drawn_notes_would_say() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(24, 3))
    prior = prior_of(scores)
    heard = rng.choice(["calm", "happy", "sad"], 24)
    told = np.where(np.arange(24) % 2 == 0, LABELS, "")
    chosen, baseline = (1, 2, 6, 9), None
    for i in chosen:
        name = Emotion(heard[i])
        baseline = prior.add(baseline, scores[i], name)
        if told[i]:
            baseline = baseline.retold(name, None, Emotion(told[i]))

    sums = statistics_of(scores, heard, told, np.array([chosen, [-1] * 4]))
    offsets, unknown = prior.voices(*sums)

    expected, unknown_of_it = prior.voice(baseline)
    np.testing.assert_allclose(offsets[0], expected, rtol=1e-4, atol=1e-5)
    assert offsets[0].any()
    assert unknown.tolist() == [pytest.approx(unknown_of_it), 1]
    assert not offsets[1].any()


def test_scores_are_moved_by_what_is_known_and_only_then() -> None:
    rng = np.random.default_rng(0)
    voices = np.where(SPEAKERS[:, None] == "a", [1.0, 0.0, -1.0], [-1.0, 0.0, 1.0])
    centres = np.searchsorted(["calm", "happy", "sad"], LABELS)[:, None] == np.arange(3)
    scores = 2.0 * centres + voices
    prior = prior_of(scores)

    def known(mood: Mood) -> tuple[np.ndarray, np.ndarray]:
        earlier = Earlier(6, mood)
        return known_after(prior, scores, speakers=SPEAKERS, labels=LABELS, heard=LABELS, earlier=earlier, rng=rng)

    same, nothing = known("same")
    named, something = known("same, told")

    np.testing.assert_array_equal(same, scores)
    assert (nothing == 1).all()
    assert something.min() < 1
    moved = something < 1
    np.testing.assert_allclose((scores - named)[moved], (voices * (1 - something[:, None]))[moved], atol=1e-9)


def test_of_nothing_drawn_nothing_is_summed_up() -> None:
    found = statistics_of(np.ones((2, 8)), np.array(["sad", "calm"]), np.array(["sad", ""]), np.full((1, 3), -1))

    assert not any(each.any() for each in found)


def test_half_of_the_notes_are_told_where_some_are() -> None:
    n = 400
    speakers, labels = np.repeat("a", n), np.repeat(["calm", "happy", "sad"], [n - 20, 10, 10])
    scores = np.random.default_rng(0).normal(size=(n, 3))
    prior = SpeakerPrior().fit(scores, np.repeat([0, 1, 2], [n - 20, 10, 10]), ["calm", "happy", "sad"])

    _, unknown = known_after(
        prior,
        scores,
        speakers=speakers,
        labels=labels,
        heard=labels,
        earlier=Earlier(8, "same, told"),
        rng=np.random.default_rng(1),
    )

    n_told = prior.n_average / unknown - prior.n_average  # of one mood, only what is told counts
    assert n_told.mean() == pytest.approx(4, abs=0.5)
