from __future__ import annotations

from collections import Counter
from typing import Literal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from emotify_core.corpora import Utterance
from emotify_core.emotions import Emotion
from emotify_core.errors import TooFewExamplesError
from emotify_core.splits import (
    EMOBOX_RAVDESS_FOLDS,
    PROTOCOLS,
    Split,
    emobox_folds,
    leave_one_corpus_out,
    leave_one_speaker_out,
    random_folds,
    speaker_groups,
)
from tests.emotify_core.tables import utterance, utterances_of

ALL_ACTORS = tuple(f"{actor:02d}" for actor in range(1, 25))
KINDS: tuple[Literal["speech", "song"], ...] = ("speech", "song")


@st.composite
def corpora(draw: st.DrawFn) -> tuple[Utterance, ...]:
    facts = st.tuples(st.sampled_from(ALL_ACTORS), st.sampled_from(Emotion), st.sampled_from(KINDS))
    drawn = draw(st.lists(facts, min_size=1, max_size=60))
    return tuple(utterance(speaker, label, kind=kind, take=i) for i, (speaker, label, kind) in enumerate(drawn))


def count_tests(splits: list[Split]) -> Counter[int]:
    return Counter(np.concatenate([split.test for split in splits]).tolist())


@pytest.mark.parametrize("protocol", ["emobox", "groups", "loso"])
@given(utterances=corpora())
def test_no_speaker_stands_on_both_sides(protocol: str, utterances: tuple[Utterance, ...]) -> None:
    assume(len({u.speaker for u in utterances if u.kind == "speech"}) > 1)
    try:
        splits = PROTOCOLS[protocol](utterances, 0)
    except TooFewExamplesError:
        assume(False)  # all of one fold

    for split in splits:
        trained_on = {utterances[i].speaker for i in split.train}
        assert trained_on.isdisjoint(utterances[i].speaker for i in split.test)


@pytest.mark.parametrize("protocol", ["emobox", "groups", "loso", "random"])
@given(utterances=corpora(), seed=st.integers(0, 5))
def test_every_spoken_utterance_is_tested_once_and_none_that_is_sung(
    protocol: str, utterances: tuple[Utterance, ...], seed: int
) -> None:
    if protocol == "random":
        utterances += utterances_of()
    try:
        splits = PROTOCOLS[protocol](utterances, seed)
    except TooFewExamplesError:
        assume(False)

    assert count_tests(splits) == {i: 1 for i, u in enumerate(utterances) if u.kind == "speech"}


@pytest.mark.parametrize("protocol", ["emobox", "loso", "random"])
def test_song_trains_but_not_that_of_those_who_are_tested(protocol: str) -> None:
    utterances = utterances_of(ALL_ACTORS, n_takes=1, singers=ALL_ACTORS)

    for split in PROTOCOLS[protocol](utterances, 0):
        singers = {utterances[i].speaker for i in split.train if utterances[i].kind == "song"}
        speakers = {utterances[i].speaker for i in split.test}
        assert singers == (set(ALL_ACTORS) if protocol == "random" else set(ALL_ACTORS) - speakers)


def test_emobox_tests_the_published_actors_together() -> None:
    splits = emobox_folds(utterances_of(ALL_ACTORS, n_takes=1))

    assert [split.name for split in splits] == [
        "speakers 01, 11, 20, 21",
        "speakers 04, 10, 12, 14",
        "speakers 08, 09, 19, 23",
        "speakers 03, 05, 07, 24",
        "speakers 02, 15, 16, 18",
        "speakers 06, 13, 17, 22",
    ]
    assert sorted(actor for fold in EMOBOX_RAVDESS_FOLDS for actor in fold) == list(range(1, 25))


def test_emobox_leaves_out_folds_in_which_nobody_speaks() -> None:
    utterances = (utterance("01"), utterance("04"), utterance("08", kind="song"))

    splits = emobox_folds(utterances)

    assert [split.name for split in splits] == ["speakers 01", "speakers 04"]
    assert [split.train.tolist() for split in splits] == [[1, 2], [0, 2]]


def test_emobox_trains_on_other_corpora_in_every_fold_and_never_tests_them() -> None:
    others = (*utterances_of(("01", "WR0"), n_takes=1), utterance("01", kind="song"))
    foreign = tuple(utterance(u.speaker, u.label, kind=u.kind, corpus="nemo") for u in others)
    utterances = (*foreign, *utterances_of(ALL_ACTORS, n_takes=1))

    splits = emobox_folds(utterances)

    assert len(splits) == 6
    for split in splits:
        assert set(range(len(foreign))) <= set(split.train.tolist())
        assert {utterances[i].corpus for i in split.test} == {"ravdess"}
    alone = emobox_folds(utterances[len(foreign) :])
    assert [(s.test - len(foreign)).tolist() for s in splits] == [s.test.tolist() for s in alone]


def test_emobox_needs_actors_of_ravdess() -> None:
    with pytest.raises(TooFewExamplesError):
        emobox_folds([utterance(f"{actor:02d}", corpus="nemo") for actor in range(1, 25)])


def test_groups_hold_as_many_speakers_of_each_corpus_and_follow_the_seed() -> None:
    speakers = [("a", f"{i:02d}") for i in range(12)] + [("b", f"{i:02d}") for i in range(6)]
    utterances = [utterance(name, Emotion.SAD, corpus=corpus) for corpus, name in speakers]

    splits = speaker_groups(utterances)

    assert [Counter(utterances[i].corpus for i in split.test) for split in splits] == [{"a": 2, "b": 1}] * 6
    assert [s.test.tolist() for s in splits] == [s.test.tolist() for s in speaker_groups(utterances)]
    assert [s.test.tolist() for s in splits] != [s.test.tolist() for s in speaker_groups(utterances, 1)]


def test_speakers_of_another_corpus_with_the_same_name_are_other_people() -> None:
    utterances = (utterance("01"), utterance("04"), utterance("01", corpus="nemo"))

    assert [split.test.tolist() for split in emobox_folds(utterances)] == [[0], [1]]
    assert [split.test.tolist() for split in leave_one_speaker_out(utterances)] == [[2], [0], [1]]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "utterances",
    [
        (),
        (utterance("01"), utterance("01", take=2)),
        (utterance("01", kind="song"), utterance("04", kind="song")),
        (utterance("01"), utterance("04", kind="song")),
    ],
    ids=["nothing", "one speaker", "only song", "one speaker and one singer"],
)
def test_too_few_speakers_are_refused(protocol: str, utterances: tuple[Utterance, ...]) -> None:
    with pytest.raises(TooFewExamplesError):
        PROTOCOLS[protocol](utterances, 0)


def test_random_folds_hold_all_emotions_alike() -> None:
    utterances = utterances_of(n_takes=4)

    splits = random_folds(utterances)

    assert len(splits) == 4
    for split in splits:
        assert Counter(utterances[i].label for i in split.test) == dict.fromkeys(Emotion, 6)


def test_random_folds_follow_the_seed() -> None:
    utterances = utterances_of()

    def first(seed: int) -> list[int]:
        return [int(i) for i in random_folds(utterances, seed)[0].test]

    assert first(1) == first(1) != first(2)


def test_random_folds_need_four_utterances_of_each_emotion() -> None:
    utterances = [utterance("01", Emotion.SAD, take=i) for i in range(8)]

    with pytest.raises(TooFewExamplesError, match="four utterances of each emotion"):
        random_folds([*utterances, *(utterance("01", Emotion.CALM, take=i) for i in range(3))])


class TestLeaveOneCorpusOut:
    FOUR = (
        utterance("01", Emotion.SAD),
        utterance("01", Emotion.CALM),
        utterance("01", Emotion.HAPPY, kind="song"),
        utterance("A", Emotion.SAD, corpus="nemo"),
        utterance("A", Emotion.HAPPY, corpus="nemo"),
        utterance("A", Emotion.ANGRY, corpus="nemo"),
        utterance("A", Emotion.ANGRY, corpus="nemo", take=2),
        utterance("A", Emotion.CALM, corpus="nemo", kind="song"),
        utterance("x", Emotion.SURPRISED, corpus="other"),
        utterance("x", Emotion.SAD, corpus="other"),
        utterance("y", Emotion.DISGUST, corpus="sung", kind="song"),
    )

    def test_each_corpus_is_tested_by_what_the_others_taught(self) -> None:
        splits = leave_one_corpus_out(self.FOUR)

        assert [split.name for split in splits] == ["corpus nemo", "corpus ravdess"]
        assert [split.train.tolist() for split in splits] == [[0, 1, 2, 8, 9, 10], [3, 4, 5, 6, 7, 8, 9, 10]]
        assert [split.test.tolist() for split in splits] == [[3, 4], [0, 1]]

    def test_labels_that_no_other_corpus_knows_are_left_out(self) -> None:
        nemo, ravdess = leave_one_corpus_out(self.FOUR)

        assert nemo.labels == ("happy", "sad")
        assert ravdess.labels == ("calm", "sad")

    def test_a_corpus_is_not_tested_where_every_verdict_would_be_right(self) -> None:
        assert "corpus other" not in [split.name for split in leave_one_corpus_out(self.FOUR)]

    @pytest.mark.parametrize(
        "utterances",
        [
            [utterance("01", Emotion.SAD), utterance("02", Emotion.CALM)],
            [utterance("01", Emotion.SAD), utterance("01", Emotion.CALM, corpus="nemo")],
            [utterance("01", e, corpus=c, kind="song") for e in Emotion for c in ("nemo", "ravdess")],
        ],
        ids=["one corpus", "no emotion in common", "only song"],
    )
    def test_nothing_to_compare_is_refused(self, utterances: list[Utterance]) -> None:
        with pytest.raises(TooFewExamplesError, match="at least two of its emotions"):
            leave_one_corpus_out(utterances)

    @given(
        st.lists(
            st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(Emotion), st.sampled_from(KINDS)), max_size=40
        )
    )
    def test_what_is_spoken_in_a_tested_corpus_is_tested_where_others_know_the_emotion(
        self, facts: list[tuple[str, Emotion, Literal["speech", "song"]]]
    ) -> None:
        common = [utterance("01", e, corpus=c) for c in ("a", "b") for e in (Emotion.SAD, Emotion.CALM)]
        drawn = [utterance("01", e, corpus=c, kind=k, take=i) for i, (c, e, k) in enumerate(facts, start=2)]
        utterances = [*common, *drawn]

        splits = leave_one_corpus_out(utterances)

        assert {"corpus a", "corpus b"} <= {split.name for split in splits}
        for split in splits:
            corpus = split.name.removeprefix("corpus ")
            spoken = {i for i, u in enumerate(utterances) if u.corpus == corpus and u.kind == "speech"}
            tested = set(split.test.tolist())
            assert split.train.tolist() == [i for i, u in enumerate(utterances) if u.corpus != corpus]
            taught = {utterances[i].label.value for i in split.train}
            assert split.labels is not None
            assert tested == {i for i in spoken if utterances[i].label.value in split.labels}
            assert set(split.labels) == {utterances[i].label.value for i in tested} <= taught
            assert len(split.labels) >= 2


def test_only_a_corpus_that_is_left_out_has_labels_of_its_own() -> None:
    for protocol in ("emobox", "loso", "random"):
        assert {split.labels for split in PROTOCOLS[protocol](utterances_of(), 0)} == {None}
