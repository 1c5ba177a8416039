from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from emotify_core.baseline import SpeakerPrior
from emotify_core.emotions import Emotion
from emotify_core.personal_baseline import FULL, PersonalBaseline

EMOTIONS = ("angry", "calm", "happy", "neutral", "sad")
N = len(EMOTIONS)
ANY_FLOAT = st.floats(width=32, allow_nan=True, allow_infinity=True)
_CENTRES = np.log(0.6 * np.eye(N) + 0.08)
VOICE = np.array([1.5, -1.0, 0.5, 0.5, -1.5])

Scores = NDArray[np.float64]


def say(emotion: int, voice: Scores, rng: np.random.Generator) -> Scores:
    return np.asarray(_CENTRES[emotion] + voice + rng.normal(scale=0.2, size=N))


def fitted(n: int = 200) -> SpeakerPrior:
    """Fit a prior to many voices, who express everything."""
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(N), n)
    scores = np.stack([say(emotion, rng.normal(size=N), rng) for emotion in truth.tolist()])
    return SpeakerPrior().fit(scores, truth, EMOTIONS)


PRIOR = fitted()


def after(
    emotions: list[int], voice: Scores = VOICE, *, heard: list[int] | None = None, told: bool = False
) -> PersonalBaseline:
    """Let a voice speak notes, each heard as what it is or as something else, and perhaps told."""
    rng = np.random.default_rng(1)
    baseline = None
    for emotion, verdict in zip(emotions, heard or emotions, strict=True):
        name, right = (Emotion(EMOTIONS[column]) for column in (verdict, emotion))
        baseline = PRIOR.add(baseline, say(emotion, voice, rng), name)
        if told:
            baseline = baseline.retold(name, None, right)
    assert baseline is not None
    return baseline


def cosine(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


class TestVoice:
    def test_a_voice_is_found_after_a_few_notes_of_many_emotions(self) -> None:
        offset, unknown = PRIOR.voice(after([0, 1, 2, 3, 4] * 3))

        assert cosine(offset, VOICE) > 0.95
        assert np.linalg.norm(offset) < np.linalg.norm(VOICE)
        assert unknown == pytest.approx(4 / (4 + 15))

    @pytest.mark.parametrize("emotion", range(N))
    def test_somebody_who_is_always_in_one_mood_keeps_it(self, emotion: int) -> None:
        offset, unknown = PRIOR.voice(after([emotion] * 16))

        assert not offset.any()
        assert unknown == 1

    @pytest.mark.parametrize("emotion", range(N))
    def test_one_mood_tells_the_voice_where_it_was_named_however_it_was_heard(self, emotion: int) -> None:
        offset, unknown = PRIOR.voice(after([emotion] * 8, heard=[(emotion + 1) % N] * 8, told=True))

        assert cosine(offset, VOICE) > 0.9
        assert unknown == pytest.approx(4 / (4 + 8))

    def test_what_was_named_counts_beside_what_was_not(self) -> None:
        baseline = after([4] * 4, told=True)
        rng = np.random.default_rng(2)
        for _ in range(4):
            baseline = PRIOR.add(baseline, say(4, VOICE, rng), Emotion.SAD)

        offset, unknown = PRIOR.voice(baseline)

        assert cosine(offset, VOICE) > 0.9
        assert unknown == pytest.approx(4 / (4 + 4))  # those that were not named are of one mood

    def test_notes_of_two_moods_are_trusted_less_than_those_of_four(self) -> None:
        unknown = [PRIOR.voice(after(each * 4))[1] for each in ([0, 4], [0, 2, 4], [0, 1, 2, 4])]

        assert unknown[0] == 1
        assert unknown == sorted(unknown, reverse=True)
        assert unknown[2] < unknown[1] < 1

    def test_notes_of_four_moods_count_fully(self) -> None:
        assert PRIOR.voice(after([0, 1, 2, 4] * 4))[1] == pytest.approx(4 / (4 + 16))

    def test_how_many_moods_there_are_is_told_by_what_was_named_rather_than_by_what_was_heard(self) -> None:
        baseline = after([4] * 4, heard=[0, 1, 2, 3], told=True)
        for _ in range(4):
            baseline = PRIOR.add(baseline, _CENTRES[4] + VOICE, Emotion.SAD)

        assert PRIOR.voice(baseline)[1] == pytest.approx(4 / (4 + 4))  # all is sad, so what was not named tells nothing

    def test_with_every_note_more_is_known(self) -> None:
        unknown = [PRIOR.voice(None)[1], *(PRIOR.voice(after([0, 1, 2, 3, 4] * n))[1] for n in (1, 2, 6, 60))]

        assert unknown[0] == 1
        assert unknown == sorted(unknown, reverse=True)
        assert unknown[-1] == pytest.approx(4 / (4 + FULL), rel=0.05)

    def test_nobody_known_is_not_moved(self) -> None:
        offset, unknown = PRIOR.voice(None)

        assert not offset.any()
        assert unknown == 1

    def test_a_baseline_of_another_prior_moves_nothing_and_is_begun_anew(self) -> None:
        other = fitted(50)
        foreign = after([0, 1, 2, 3, 4])

        assert not other.fits(foreign)
        assert not other.voice(foreign)[0].any()
        assert other.add(foreign, np.zeros(N), Emotion.SAD).n_notes == 1

    def test_a_new_voice_replaces_an_old_one_that_many_notes_told(self) -> None:
        rng = np.random.default_rng(3)
        baseline = after([0, 1, 2, 3, 4] * 10)
        for i in range(4 * FULL):
            baseline = PRIOR.add(baseline, say(i % N, -VOICE, rng), Emotion(EMOTIONS[i % N]))

        assert baseline.n_notes == 50 + 4 * FULL
        assert cosine(PRIOR.voice(baseline)[0], -VOICE) > 0.95

    @given(scores=arrays(np.float32, N, elements=ANY_FLOAT), heard=st.sampled_from(EMOTIONS))
    def test_any_note_leaves_it_finite_and_bounded(self, scores: NDArray[np.float32], heard: str) -> None:
        baseline = PRIOR.add(after([0, 1, 2, 4]), scores, Emotion(heard))
        offset, unknown = PRIOR.voice(baseline)

        assert np.isfinite(baseline.sums).all()
        assert (np.abs(offset) <= 10).all()
        assert 0 < unknown <= 1

    def test_the_most_extreme_voice_moves_by_ten_at_most(self) -> None:
        baseline = None
        for _ in range(FULL):
            baseline = PRIOR.add(baseline, np.full(N, 1e9), Emotion.SAD).retold(Emotion.SAD, None, Emotion.SAD)

        assert PRIOR.voice(baseline)[0].max() == 10


class TestMoved:
    def test_experts_that_learned_more_are_held_to_what_they_say_now(self) -> None:
        truth = np.arange(N)
        moved = PRIOR.moved(_CENTRES + VOICE, truth)

        offset, _ = moved.voice(after([0, 1, 2, 3, 4] * 3))

        assert moved.fits(after([0]))
        assert np.linalg.norm(offset) < 0.2 * np.linalg.norm(PRIOR.voice(after([0, 1, 2, 3, 4] * 3))[0])


class TestRetold:
    """The person says what the emotion of a note was."""

    def test_there_and_back_again_changes_nothing(self) -> None:
        baseline = after([0, 1, 4])

        named = baseline.retold(Emotion.SAD, None, Emotion.ANGRY).retold(Emotion.SAD, Emotion.ANGRY, Emotion.CALM)
        back = named.retold(Emotion.SAD, Emotion.CALM, None)

        assert named.told.sum() == 1
        assert PRIOR.voice(named)[1] < PRIOR.voice(baseline)[1]
        np.testing.assert_array_equal(back.told, baseline.told)

    def test_a_note_that_has_faded_counts_for_what_is_left_of_it(self) -> None:
        baseline = after([4] * (FULL + 10))

        named = baseline.retold(Emotion.SAD, None, Emotion.CALM, n_since=25)

        assert named.told.sum() == pytest.approx((1 - 1 / FULL) ** 10)

    def test_a_note_that_is_not_in_it_moves_nothing(self) -> None:
        baseline = after([4, 4])

        assert not baseline.retold(Emotion.HAPPY, None, Emotion.CALM).told.any()
        assert not baseline.retold(Emotion.SAD, Emotion.CALM, None).told.any()

    def test_no_more_is_told_than_was_heard(self) -> None:
        baseline = after([4, 4])
        for _ in range(5):
            baseline = baseline.retold(Emotion.SAD, None, Emotion.ANGRY)

        assert baseline.told.sum() == 2


class TestPrior:
    def test_it_knows_what_is_said_of_each_emotion(self) -> None:
        assert PRIOR.means_ is not None
        np.testing.assert_allclose(PRIOR.means_, _CENTRES, atol=0.3)

    def test_the_same_utterances_give_the_same_key_and_others_another(self) -> None:
        assert fitted().key_ == PRIOR.key_
        assert fitted(50).key_ != PRIOR.key_
        assert len(bytes.fromhex(PRIOR.key_)) == 8

    def test_one_of_an_earlier_release_says_so(self) -> None:
        earlier = SpeakerPrior()
        earlier.__setstate__({"axes_": np.zeros((4, 2)), "classes_": np.array(EMOTIONS), "key_": "00" * 8})

        assert not earlier.is_fitted
        assert PRIOR.is_fitted


class TestTwoNotesAtOnce:
    @pytest.mark.parametrize("n_before", [0, 1, 5, FULL - 1, FULL, FULL + 3])
    def test_both_are_added(self, n_before: int) -> None:
        before = after([i % N for i in range(n_before)], told=True) if n_before else None
        rng = np.random.default_rng(2)
        first, second = (say(emotion, VOICE, rng) for emotion in (1, 3))
        one, other = (
            PRIOR.add(before, scores, emotion) for scores, emotion in ((first, Emotion.ANGRY), (second, Emotion.SAD))
        )

        found = one.with_last_note_of(other, before)

        expected = PRIOR.add(one, second, Emotion.SAD)
        assert found.n_notes == n_before + 2
        for name in ("sums", "heard", "told"):
            np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-4)
        assert PersonalBaseline.from_bytes(found.to_bytes()).n_notes == found.n_notes

    def test_one_that_was_begun_anew_brings_its_note_only(self) -> None:
        foreign = PersonalBaseline.of("00" * 8, np.ones(N, dtype=np.float32), Emotion.SAD)
        anew = PRIOR.add(foreign, say(1, VOICE, np.random.default_rng(2)), Emotion.ANGRY)

        found = after([0, 1]).with_last_note_of(anew, foreign)

        assert (anew.n_notes, found.n_notes) == (1, 3)

    def test_what_does_not_follow_is_refused(self) -> None:
        foreign = PersonalBaseline.of("00" * 8, np.ones(N, dtype=np.float32), Emotion.SAD)
        for other, before in ((foreign, None), (after([0, 1]), None), (after([0, 1, 2]), after([0]))):
            with pytest.raises(ValueError, match="do not follow"):
                after([0]).with_last_note_of(other, before)

    def test_a_note_between_two_that_do_not_follow_is_bounded_all_the_same(self) -> None:
        low, high = (np.full(N, 10 * sign, dtype=np.float32) for sign in (-1, 1))
        before, other = (PersonalBaseline.of("00" * 8, scores, Emotion.SAD) for scores in (low, high))

        found = before.with_last_note_of(other.plus(high, Emotion.SAD), before)

        np.testing.assert_array_equal(found.sums, before.plus(high, Emotion.SAD).sums)
        assert PersonalBaseline.from_bytes(found.to_bytes()).n_notes == 2


class TestBytes:
    def test_a_baseline_comes_back_as_it_was(self) -> None:
        baseline = after([0, 3, 3], told=True)

        found = PersonalBaseline.from_bytes(baseline.to_bytes())

        assert (found.key, found.n_notes) == (baseline.key, 3)
        for name in ("sums", "heard", "told"):
            np.testing.assert_array_equal(getattr(found, name), getattr(baseline, name))

    @pytest.mark.parametrize("n_notes", [FULL, FULL + 1, 3 * FULL])
    def test_one_of_many_notes_is_not_taken_for_damaged(self, n_notes: int) -> None:
        baseline = after([i % N for i in range(n_notes)], told=True)

        assert PersonalBaseline.from_bytes(baseline.to_bytes()).n_notes == n_notes

    def test_one_of_more_notes_than_can_be_written_counts_no_further(self) -> None:
        many = replace(after([0]), n_notes=2**32 - 1)
        one_more = PRIOR.add(many, VOICE, Emotion.SAD)
        assert PersonalBaseline.from_bytes(one_more.to_bytes()).n_notes == 2**32 - 1

    def test_one_of_a_note_beyond_all_bounds_is_not_taken_for_damaged(self) -> None:
        baseline = PRIOR.add(None, np.full(N, 1e9), Emotion.SAD)

        assert PersonalBaseline.from_bytes(baseline.to_bytes()).n_notes == 1

    @given(data=st.binary(max_size=700))
    def test_any_bytes_are_a_baseline_or_a_value_error(self, data: bytes) -> None:
        try:
            found = PersonalBaseline.from_bytes(data)
        except ValueError:
            return
        assert np.isfinite(PRIOR.voice(found)[0]).all()

    @given(values=arrays(np.float32, 8 + 64 + 8 * N, elements=st.floats(width=32, allow_nan=False)))
    def test_numbers_that_no_notes_come_to_are_damage(self, values: Scores) -> None:
        values[0] = max(abs(values[0]), 100)

        with pytest.raises(ValueError, match="no baseline"):
            PersonalBaseline.from_bytes(after([0]).to_bytes()[:16] + values.astype("<f4").tobytes())

    @given(
        heard=arrays(np.float32, 8, elements=st.floats(0, 4, width=32)),
        told=arrays(np.float32, (8, 8), elements=st.floats(0, 0.125, width=32)),
        sums=arrays(np.float32, (8, N), elements=st.floats(-10, 10, width=32)),
    )
    def test_whatever_notes_come_to_it_moves_by_a_finite_and_bounded_amount(
        self, heard: Scores, told: Scores, sums: Scores
    ) -> None:
        values = np.concatenate([heard, (told * heard[:, None]).ravel(), (sums * heard[:, None]).ravel()])

        found = PersonalBaseline.from_bytes(after([0]).to_bytes()[:16] + values.astype("<f4").tobytes())

        offset, unknown = PRIOR.voice(found)
        assert (np.abs(offset) <= 10).all()
        assert 0 < unknown <= 1

    @pytest.mark.parametrize(
        "damage",
        [
            lambda data: data[:-1],
            lambda data: data[:-4],
            lambda data: b"XXXX" + data[4:],
            lambda data: b"EPB2" + data[4:],  # of an earlier release
            lambda data: data[:-4] + np.float32(np.nan).tobytes(),
            lambda data: data[:12] + bytes(4) + data[16:],  # of no note
            lambda data: data[:16] + np.float32(-1).tobytes() + data[20:],
            lambda data: data[:16],
            lambda data: data[:48] + np.float32(9).tobytes() + data[52:],  # more told than heard
            lambda data: data[:-4] + np.float32(3e38).tobytes(),
        ],
    )
    def test_damage_is_found(self, damage: object) -> None:
        with pytest.raises(ValueError, match="no baseline"):
            PersonalBaseline.from_bytes(damage(after([0]).to_bytes()))  # type: ignore[operator]

    def test_sums_of_two_notes_do_not_tell_which_came_first(self) -> None:
        rng = np.random.default_rng(4)
        notes = [(say(e, VOICE, rng), Emotion(EMOTIONS[e])) for e in (0, 3)]
        first, second = (PRIOR.add(PRIOR.add(None, *a), *b) for a, b in ((notes[0], notes[1]), (notes[1], notes[0])))

        for name in ("sums", "heard", "told"):
            np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
