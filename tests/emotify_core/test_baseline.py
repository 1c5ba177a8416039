from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from emotify_core.baseline import SpeakerPrior
from emotify_core.emotions import Emotion
from emotify_core.personal_baseline import FULL, PersonalBaseline

EMOTIONS = ("angry", "calm", "happy", "sad")
N_FEATURES = 20
ANY_FLOAT = st.floats(width=32, allow_nan=True, allow_infinity=True)
_CENTRES = np.random.default_rng(99).normal(scale=3, size=(len(EMOTIONS), N_FEATURES))


def speak(voice: NDArray[np.float64], emotion: int, rng: np.random.Generator) -> NDArray[np.float32]:
    return np.asarray(_CENTRES[emotion] + voice + rng.normal(scale=0.5, size=N_FEATURES), dtype=np.float32)


def certain(emotion: int) -> NDArray[np.float64]:
    return np.asarray(np.eye(len(EMOTIONS))[emotion])


def fitted(**settings: Any) -> SpeakerPrior:
    """Fit a prior to 12 voices that are two deviations of a note apart, who express everything."""
    rng = np.random.default_rng(0)
    voices = rng.normal(scale=1.0, size=(12, N_FEATURES))
    table = [(v, e) for v in range(len(voices)) for e in range(len(EMOTIONS)) for _ in range(6)]
    features = np.array([speak(voices[v], e, rng) for v, e in table])
    labels, owners = np.array([EMOTIONS[e] for _, e in table]), np.array([f"voice {v}" for v, _ in table])
    return SpeakerPrior(**settings).fit(features, labels, owners)


PRIOR = fitted()


def after(emotions: list[int], voice: NDArray[np.float64], *, prior: SpeakerPrior = PRIOR) -> PersonalBaseline:
    """Let a voice speak notes, each heard as what it is."""
    rng = np.random.default_rng(1)
    baseline = None
    for emotion in emotions:
        baseline = prior.add(baseline, speak(voice, emotion, rng), certain(emotion))
    assert baseline is not None
    return baseline


def cosine(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


class TestShift:
    voice = np.random.default_rng(5).normal(size=N_FEATURES)

    def test_a_voice_is_found_after_a_few_notes(self) -> None:
        shift = PRIOR.shift(after([0, 1, 2, 3, 0, 1, 2, 3], self.voice))

        assert cosine(shift, self.voice) > 0.9
        assert np.linalg.norm(shift) < 1.1 * np.linalg.norm(self.voice)

    def test_few_notes_move_less_than_many_that_say_the_same(self) -> None:
        baseline = after([0, 1, 2, 3], self.voice)
        sums, counts = baseline.sums[None] / np.float32(4), np.full((1, 4), 0.25, dtype=np.float32)
        sizes = [np.linalg.norm(PRIOR.offsets(np.float32(n) * sums, np.float32(n) * counts)) for n in (1, 4, 16)]

        assert sizes == sorted(sizes)
        assert sizes[0] < 0.9 * sizes[-1]

    def test_with_every_note_less_is_unknown(self) -> None:
        baselines = [None, *(after([0] * n, self.voice) for n in (1, 4, FULL, FULL + 9))]

        unknown = [PRIOR.unknown(baseline) for baseline in baselines]

        assert unknown[0] == 1
        assert unknown == sorted(unknown, reverse=True)
        assert unknown[-1] == unknown[-2] == PRIOR.unknown_after(FULL) < 0.2
        assert PRIOR.unknown(after([0], self.voice, prior=fitted(clip=4.0))) == 1

    @pytest.mark.parametrize("emotion", range(len(EMOTIONS)))
    def test_somebody_who_is_always_in_one_mood_keeps_it(self, emotion: int) -> None:
        shift = PRIOR.shift(after([emotion] * 16, np.zeros(N_FEATURES)))

        assert np.linalg.norm(shift) < 0.15 * np.linalg.norm(_CENTRES[emotion])

    @pytest.mark.parametrize(
        ("heard", "is_varied"), [((16, 0, 0, 0), False), ((8, 8, 0, 0), False), ((4, 4, 4, 4), True)]
    )
    def test_where_many_emotions_are_heard_the_mean_is_trusted_more_than_what_was_heard(
        self, heard: tuple[int, ...], is_varied: bool
    ) -> None:
        counts = np.array([heard], dtype=np.float32)
        means = PRIOR.emotion_means_
        what = means.mean(axis=0, keepdims=True) if is_varied else counts / 16 @ means
        own = np.linspace(-0.5, 0.5, what.shape[1], dtype=np.float32)[None] * PRIOR.voice_deviation_

        known = PRIOR.offsets(np.asarray(16 * (what + own), dtype=np.float32), counts)

        np.testing.assert_allclose(known, own * (1 - PRIOR.unknown_after(16)), atol=1e-4)

    def test_a_few_notes_that_were_misheard_among_many_emotions_mislead_it_less(self) -> None:
        said, counts = PRIOR.emotion_means_.mean(axis=0), np.array([[7, 3, 3, 3]], dtype=np.float32)

        known = PRIOR.offsets(16 * said[None], counts)

        as_heard = said - counts[0] / 16 @ PRIOR.emotion_means_
        assert 0 < np.linalg.norm(known) < 0.5 * np.linalg.norm(as_heard)

    def test_nobody_known_is_not_moved(self) -> None:
        assert not PRIOR.shift(None).any()

    def test_a_baseline_of_another_prior_moves_nothing_and_is_begun_anew(self) -> None:
        foreign = after([0, 1], self.voice, prior=fitted(clip=4.0))

        assert not PRIOR.fits(foreign)
        assert not PRIOR.shift(foreign).any()
        assert PRIOR.add(foreign, np.zeros(N_FEATURES, np.float32), certain(0)).n_notes == 1

    def test_a_new_voice_replaces_an_old_one_that_many_notes_told(self) -> None:
        rng = np.random.default_rng(3)
        baseline = after([0, 1, 2, 3] * 10, self.voice)
        for i in range(4 * FULL):
            baseline = PRIOR.add(baseline, speak(-self.voice, i % 4, rng), certain(i % 4))

        assert baseline.n_notes == 40 + 4 * FULL
        assert cosine(PRIOR.shift(baseline), -self.voice) > 0.9

    @given(
        features=arrays(np.float32, N_FEATURES, elements=ANY_FLOAT), chances=arrays(np.float64, 4, elements=ANY_FLOAT)
    )
    def test_any_note_leaves_it_finite_and_bounded(
        self, features: NDArray[np.float32], chances: NDArray[np.float64]
    ) -> None:
        baseline = PRIOR.add(after([0, 1], self.voice), features, chances)
        shift = PRIOR.shift(baseline)

        assert np.isfinite(baseline.sums).all()
        assert np.isfinite(shift).all()
        limits = 3 * PRIOR.voice_deviation_
        assert (np.abs(shift / PRIOR.scale_ @ PRIOR.axes_) <= limits * 1.01 + 1e-5).all()


class TestRetold:
    """The person says what the emotion of a note was."""

    voice = TestShift.voice

    def test_it_is_as_if_the_note_had_been_heard_so(self) -> None:
        rng = np.random.default_rng(2)
        notes = [speak(self.voice, e, rng) for e in (0, 1, 3)]
        told, wrong = None, None
        for note, heard, named in zip(notes, (0, 2, 3), (0, 1, 3), strict=True):
            told, wrong = PRIOR.add(told, note, certain(named)), PRIOR.add(wrong, note, certain(heard))

        assert told is not None
        assert wrong is not None
        right = wrong.retold(Emotion.HAPPY, Emotion.CALM)

        np.testing.assert_array_equal(right.taken_for, told.taken_for)
        unclipped = np.abs(right.sums - told.sums) < 1e-3
        assert unclipped.mean() > 0.5
        assert cosine(PRIOR.shift(right), self.voice) > cosine(PRIOR.shift(wrong), self.voice)

    def test_there_and_back_again_changes_nothing(self) -> None:
        baseline = after([0, 1, 3], self.voice)

        back = baseline.retold(Emotion.SAD, Emotion.ANGRY).retold(Emotion.ANGRY, Emotion.SAD)

        np.testing.assert_array_equal(PRIOR.shift(back), PRIOR.shift(baseline))

    def test_a_note_that_has_faded_counts_for_what_is_left_of_it(self) -> None:
        baseline = after([3] * (FULL + 10), self.voice)

        told = baseline.retold(Emotion.SAD, Emotion.CALM, n_since=25)

        share = told.taken_for[list(Emotion).index(Emotion.CALM)]
        assert share == pytest.approx((1 - 1 / FULL) ** 10)
        assert told.taken_for.sum() == pytest.approx(baseline.taken_for.sum())

    def test_a_note_that_is_not_in_it_moves_nothing(self) -> None:
        baseline = after([3, 3], self.voice)

        told = baseline.retold(Emotion.HAPPY, Emotion.CALM)

        np.testing.assert_array_equal(told.taken_for, baseline.taken_for)


class TestPrior:
    def test_it_tells_emotions_from_voices(self) -> None:
        differences = (PRIOR.emotion_means_ - PRIOR.emotion_means_.mean(axis=0)) @ PRIOR.axes_.T * PRIOR.scale_

        np.testing.assert_allclose(differences, _CENTRES - _CENTRES.mean(axis=0), atol=0.35)

    def test_the_same_utterances_give_the_same_key_and_others_another(self) -> None:
        assert fitted().key_ == PRIOR.key_
        assert fitted(clip=4.0).key_ != PRIOR.key_
        assert len(bytes.fromhex(PRIOR.key_)) == 8

    def test_features_that_never_vary_do_no_harm(self) -> None:
        rng = np.random.default_rng(0)
        features = np.column_stack([rng.normal(size=(40, 3)), np.ones(40)]).astype(np.float32)
        labels, owners = np.tile(["calm", "sad"], 20), np.repeat(["a", "b", "c", "d"], 10)
        prior = SpeakerPrior().fit(features, labels, owners)

        baseline = prior.add(None, features[0], [0.5, 0.5])

        assert np.isfinite(prior.shift(baseline)).all()


class TestBytes:
    def test_a_baseline_comes_back_as_it_was(self) -> None:
        baseline = after([0, 3, 3], TestShift.voice)

        found = PersonalBaseline.from_bytes(baseline.to_bytes())

        assert (found.key, found.n_notes) == (baseline.key, 3)
        np.testing.assert_array_equal(found.sums, baseline.sums)
        np.testing.assert_array_equal(found.taken_for, baseline.taken_for)

    @given(data=st.binary(max_size=200))
    def test_any_bytes_are_a_baseline_or_a_value_error(self, data: bytes) -> None:
        try:
            found = PersonalBaseline.from_bytes(data)
        except ValueError:
            return
        assert np.isfinite(PRIOR.shift(found)).all()

    @pytest.mark.parametrize(
        "damage",
        [
            lambda data: data[:-1],
            lambda data: b"XXXX" + data[4:],
            lambda data: data[:-4] + np.float32(np.nan).tobytes(),
            lambda data: data[:12] + bytes(4) + data[16:],  # of no note
            lambda data: data[:16] + np.float32(-1).tobytes() + data[20:],
            lambda data: data[:16],
        ],
    )
    def test_damage_is_found(self, damage: object) -> None:
        with pytest.raises(ValueError, match="no baseline"):
            PersonalBaseline.from_bytes(damage(after([0], TestShift.voice).to_bytes()))  # type: ignore[operator]

    def test_sums_of_two_notes_do_not_tell_which_came_first(self) -> None:
        rng = np.random.default_rng(4)
        notes = [(speak(TestShift.voice, e, rng), certain(e)) for e in (0, 3)]
        first, second = (PRIOR.add(PRIOR.add(None, *a), *b) for a, b in ((notes[0], notes[1]), (notes[1], notes[0])))

        np.testing.assert_allclose(first.sums, second.sums, rtol=1e-6)
        np.testing.assert_array_equal(first.taken_for, second.taken_for)
