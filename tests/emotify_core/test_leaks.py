from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestCentroid

from emotify_core.corpora import CORPORA, Utterance, read_corpus
from emotify_core.dataset import Dataset
from emotify_core.emotions import Emotion
from emotify_core.leaks import Leak, content_hash, find_leaks, permuted_labels, with_permuted_labels
from emotify_core.metrics import confusion_matrix, unweighted_average_recall
from emotify_core.splits import PROTOCOLS, Split
from tests.emotify_core.tables import table_of, utterance, utterances_of

DATA = Path(__file__).parents[3] / "shared" / "data"
ALL_ACTORS = tuple(f"{actor:02d}" for actor in range(1, 25))


def fold(train: list[int], test: list[int]) -> list[Split]:
    return [Split("speakers 02", np.array(train, dtype=np.intp), np.array(test, dtype=np.intp))]


def recording(path: str, *, speaker: str = "01", corpus: str = "ravdess") -> Utterance:
    return Utterance(Path(path), corpus, speaker, Emotion.SAD)


class TestFindLeaks:
    def test_people_and_recordings_of_their_own_are_clean(self) -> None:
        utterances = [recording("a.wav"), recording("b.wav", speaker="02")]

        assert find_leaks(utterances, fold([0], [1])) == ()

    def test_a_speaker_on_both_sides_is_found(self) -> None:
        utterances = [recording("a.wav"), recording("b.wav"), recording("c.wav", speaker="02")]

        assert find_leaks(utterances, fold([0], [1, 2])) == (
            Leak("speaker", "speakers 02", "speakers 02: 1 of the speakers who are tested also train: ravdess/01"),
        )

    def test_speakers_of_two_corpora_are_two_people_whatever_their_names(self) -> None:
        utterances = [recording("a.wav"), recording("b.wav", corpus="nemo")]

        assert find_leaks(utterances, fold([0], [1])) == ()

    def test_an_utterance_on_both_sides_is_found(self) -> None:
        utterances = [recording("a.wav"), recording("b.wav", speaker="02")]

        assert [leak.kind for leak in find_leaks(utterances, fold([0, 1], [1]))] == ["speaker", "recording"]

    def test_the_same_file_by_another_path_is_found(self, tmp_path: Path) -> None:
        (tmp_path / "a.wav").touch()
        (tmp_path / "other.wav").symlink_to(tmp_path / "a.wav")
        (tmp_path / "down").mkdir()
        for path in ("other.wav", "down/../a.wav"):
            utterances = [recording(str(tmp_path / "a.wav")), recording(str(tmp_path / path), speaker="02")]

            assert [leak.kind for leak in find_leaks(utterances, fold([0], [1]))] == ["recording"]

    def test_the_same_content_under_another_name_is_found(self, tmp_path: Path) -> None:
        paths = [tmp_path / name for name in ("a.wav", "b.wav", "c.wav")]
        for path, content in zip(paths, (b"one", b"one", b"two"), strict=True):
            path.write_bytes(content)
        utterances = [recording(str(path), speaker=str(i)) for i, path in enumerate(paths)]
        hashes = {path: content_hash(path) for path in paths}

        [leak] = find_leaks(utterances, fold([0], [1, 2]), hashes=hashes)

        assert leak.kind == "recording"
        assert leak.sentence.endswith("1 of the recordings that are tested also train: b.wav")
        assert find_leaks(utterances, fold([0], [1, 2])) == ()
        assert find_leaks(utterances, fold([0], [1]), hashes={paths[0]: "1"}) == ()

    @pytest.mark.parametrize(
        ("train", "test"),
        [
            ("x/03a01Fa.wav", "y/03a01Fa.wav"),
            ("03a01Fa.wav", "03a01Fa.flac"),
            ("03a01Fa.wav", "03a01Fa-pink-20.wav"),
            ("03a01Fa_slower.wav", "03A01FA.WAV"),
            ("03a01Fa.opus.wav", "03a01Fa.wav"),
        ],
    )
    def test_a_copy_under_another_name_is_found(self, train: str, test: str) -> None:
        utterances = [recording(train), recording(test, speaker="02")]

        [leak] = find_leaks(utterances, fold([0], [1]))

        assert leak.kind == "augmented copy"
        assert Path(test).name in leak.sentence

    def test_copies_of_one_recording_are_copies_of_each_other(self) -> None:
        utterances = [recording("a.wav"), recording("a-1.wav"), recording("a-2.wav", speaker="02")]

        assert [leak.kind for leak in find_leaks(utterances, fold([1], [2]))] == ["augmented copy"]

    @pytest.mark.parametrize(("train", "test"), [("WR0_anger_1.ogg", "WR0_anger_12.ogg"), ("a1.wav", "a2.wav")])
    def test_names_that_only_begin_alike_are_no_copies(self, train: str, test: str) -> None:
        assert find_leaks([recording(train), recording(test, speaker="02")], fold([0], [1])) == ()

    def test_names_count_within_a_corpus_only(self) -> None:
        utterances = [recording("x/1.wav"), recording("y/1.wav", corpus="nemo")]

        assert find_leaks(utterances, fold([0], [1])) == ()

    def test_it_names_a_few_of_many(self) -> None:
        utterances = utterances_of()

        leaks = find_leaks(utterances, PROTOCOLS["random"](utterances, 0))

        assert [(leak.kind, leak.split) for leak in leaks] == [("speaker", f"random fold {i}") for i in range(1, 5)]
        assert leaks[0].sentence == (
            "random fold 1: 6 of the speakers who are tested also train: ravdess/01, ravdess/02, ravdess/03, ..."
        )

    @pytest.mark.parametrize("protocol", sorted(set(PROTOCOLS) - {"random"}))
    def test_an_injected_leak_is_found_in_every_protocol(self, protocol: str) -> None:
        foreign = [utterance("WR0", e, corpus="nemo") for e in Emotion]
        utterances = [*utterances_of(ALL_ACTORS, n_takes=1), *foreign]
        splits = PROTOCOLS[protocol](utterances, 0)
        assert find_leaks(utterances, splits) == ()
        leaky = replace(splits[0], train=np.append(splits[0].train, splits[0].test[0]))

        leaks = find_leaks(utterances, [leaky, *splits[1:]])

        assert [(leak.kind, leak.split) for leak in leaks] == [("speaker", leaky.name), ("recording", leaky.name)]


class TestPermutedLabels:
    @given(
        st.lists(st.tuples(st.sampled_from(["sad", "calm", "surprised"]), st.sampled_from("abc")), max_size=40),
        st.integers(0, 9),
    )
    def test_every_speaker_keeps_the_same_labels(self, facts: list[tuple[str, str]], seed: int) -> None:
        labels, speakers = [label for label, _ in facts], [speaker for _, speaker in facts]

        shuffled = permuted_labels(labels, speakers, seed)

        assert Counter(zip(shuffled.tolist(), speakers, strict=True)) == Counter(facts)
        assert labels == [label for label, _ in facts]

    def test_they_are_shuffled_as_the_seed_says(self) -> None:
        labels, speakers = ["sad", "calm", "happy", "angry"] * 10, ["a"] * 20 + ["b"] * 20

        first, again, other = (permuted_labels(labels, speakers, seed).tolist() for seed in (1, 1, 2))

        assert first == again != other
        assert first != labels

    def test_labels_without_speakers_are_an_error(self) -> None:
        with pytest.raises(ValueError, match="2 labels, but 1 speakers"):
            permuted_labels(["sad", "calm"], ["a"], 0)

    def test_speech_and_song_are_shuffled_apart_and_nothing_else_changes(self) -> None:
        utterances = utterances_of(n_takes=4)

        shuffled = with_permuted_labels(utterances, 0)

        def count(some: tuple[Utterance, ...]) -> Counter[tuple[str, str, Emotion]]:
            return Counter((u.speaker, u.kind, u.label) for u in some)

        assert count(shuffled) == count(utterances)
        assert shuffled != utterances
        assert [replace(u, label=Emotion.SAD) for u in shuffled] == [replace(u, label=Emotion.SAD) for u in utterances]

    def test_a_classifier_that_learns_from_them_falls_to_chance(self) -> None:
        utterances = utterances_of(ALL_ACTORS, n_takes=8)
        table = table_of(utterances, n_copies=0)

        def measure(labels: np.ndarray) -> float:
            predicted = labels.copy()
            for split in PROTOCOLS["emobox"](utterances, 0):
                model = NearestCentroid().fit(table.features[0, split.train], labels[split.train])
                predicted[split.test] = model.predict(table.features[0, split.test])
            speech = table.is_speech
            return unweighted_average_recall(confusion_matrix(labels[speech], predicted[speech], list(Emotion)))

        assert measure(table.labels) > 0.8
        shuffled = Dataset(with_permuted_labels(utterances, 0), table.features).labels
        # 1536 utterances: the standard error of a share of 1/8 is 0.0084
        assert measure(shuffled) == pytest.approx(1 / 8, abs=0.03)


@pytest.fixture(scope="module")
def utterances() -> list[Utterance]:
    present = [name for name in CORPORA if (DATA / name).is_dir()]
    return [u for name in present for u in read_corpus(name, DATA / name)]


@pytest.mark.corpus
@pytest.mark.skipif(not (DATA / "ravdess").is_dir(), reason="RAVDESS does not lie in ../shared/data/ravdess")
class TestRealRavdess:
    @pytest.mark.parametrize("protocol", sorted(set(PROTOCOLS) - {"random"}))
    def test_speaker_independent_protocols_are_clean(self, utterances: list[Utterance], protocol: str) -> None:
        if len({u.corpus for u in utterances}) < 2 and protocol == "loco":
            pytest.skip("no other corpus lies in ../shared/data")
        hashes = {u.path: content_hash(u.path) for u in utterances}

        assert find_leaks(utterances, PROTOCOLS[protocol](utterances, 0), hashes=hashes) == ()

    def test_random_folds_leak_every_speaker(self, utterances: list[Utterance]) -> None:
        ravdess = [u for u in utterances if u.corpus == "ravdess"]

        leaks = find_leaks(ravdess, PROTOCOLS["random"](ravdess, 0))

        assert Counter(leak.kind for leak in leaks) == {"speaker": 4}
        assert all("24 of the speakers" in leak.sentence for leak in leaks)

    def test_one_recording_lies_in_it_under_two_names(self, utterances: list[Utterance]) -> None:
        paths = [u.path for u in utterances if u.corpus == "ravdess" and u.speaker == "07" and u.kind == "speech"]

        twice = [name for name, n in Counter(content_hash(path) for path in paths).items() if n > 1]

        assert sorted(path.stem for path in paths if content_hash(path) in twice) == [
            "03-01-03-01-02-01-07",
            "03-01-03-01-02-02-07",
        ]
