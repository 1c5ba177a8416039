from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emotify_core import dataset
from emotify_core.audio import decode
from emotify_core.conditions import CONDITIONS
from emotify_core.corpora import Utterance, read_ravdess
from emotify_core.dataset import build_dataset, extract_table
from emotify_core.emotions import Emotion
from emotify_core.errors import CorpusError, TooFewExamplesError
from emotify_core.features.vector import FeatureVector
from emotify_core.recipes import RECIPES
from emotify_core.waveform import Waveform
from tests.emotify_core.tables import recipe_of
from tests.emotify_core.voices import ravdess_path, voice, write_corpus, write_recording


def summarise(waveform: Waveform) -> FeatureVector:
    """Describe a waveform in no time, but so that every change of it shows."""
    y = waveform.y
    quarters = [float(np.abs(part).mean()) for part in np.array_split(y, 4)]
    return FeatureVector(np.array([len(y), y.std(), *quarters], np.float32), "quarters-1")


RECIPE = recipe_of(extract=summarise, feature_set="quarters-1", n_copies=1)


@pytest.fixture
def utterances(tmp_path: Path) -> tuple[Utterance, ...]:
    """Return two utterances of each of two speakers; one of them also sings."""
    return read_ravdess(write_corpus(tmp_path / "corpus", ("01", "04"), (Emotion.SAD, Emotion.ANGRY)))


def test_the_table_holds_recordings_and_copies_of_every_utterance(utterances: tuple[Utterance, ...]) -> None:
    dataset = build_dataset(utterances, replace(RECIPE, n_copies=2))

    assert dataset.utterances == utterances
    assert dataset.features.shape == (3, 5, 6)
    assert dataset.features.dtype == np.float32
    assert len({row.tobytes() for row in dataset.features.reshape(15, 6)}) == 15


def test_labels_speakers_and_kinds_are_in_the_order_of_the_utterances(utterances: tuple[Utterance, ...]) -> None:
    dataset = build_dataset(utterances, RECIPE)

    assert dataset.labels.tolist() == ["sad", "angry", "sad", "sad", "angry"]
    assert dataset.speakers.tolist() == ["ravdess/01"] * 3 + ["ravdess/04"] * 2
    assert dataset.is_speech.tolist() == [True, True, False, True, True]


def test_a_recipe_that_does_not_use_song_gets_none(utterances: tuple[Utterance, ...]) -> None:
    dataset = build_dataset(utterances, replace(RECIPE, uses_song=False))

    assert dataset.is_speech.tolist() == [True] * 4
    assert dataset.features.shape == (2, 4, 6)


def test_recordings_are_conditioned_only_if_the_recipe_says_so(utterances: tuple[Utterance, ...]) -> None:
    def loudness(*, conditioned: bool) -> NDArray[np.float32]:
        features = build_dataset(utterances, replace(RECIPE, conditioned=conditioned)).features
        return np.asarray(features[0, :, 1])

    np.testing.assert_allclose(loudness(conditioned=True), 0.05, rtol=1e-3)
    assert np.ptp(loudness(conditioned=False)) > 0.1


def test_the_real_recipe_describes_voices(utterances: tuple[Utterance, ...]) -> None:
    recipe = replace(RECIPES["functionals"], n_copies=0)

    dataset = build_dataset(utterances[:2], recipe)

    expected = recipe.extract(decode(utterances[1].path))
    np.testing.assert_allclose(dataset.features[0, 1], expected.values, rtol=5e-3, atol=1e-3)


class TestAugmentation:
    def test_the_same_seed_gives_the_same_copies(self, utterances: tuple[Utterance, ...]) -> None:
        first, again = build_dataset(utterances, RECIPE, seed=1), build_dataset(utterances, RECIPE, seed=1)
        other = build_dataset(utterances, RECIPE, seed=2)

        np.testing.assert_array_equal(first.features, again.features)
        np.testing.assert_array_equal(first.features[0], other.features[0])
        assert not np.array_equal(first.features[1], other.features[1])

    def test_the_number_of_processes_changes_nothing(self, utterances: tuple[Utterance, ...]) -> None:
        one, two = build_dataset(utterances, RECIPE, n_jobs=1), build_dataset(utterances, RECIPE, n_jobs=2)

        np.testing.assert_array_equal(one.features, two.features)


class TestCache:
    def kept(self, cache: Path) -> list[Path]:
        return sorted(cache.iterdir())

    def test_a_second_run_reads_no_recording(self, tmp_path: Path, utterances: tuple[Utterance, ...]) -> None:
        first = build_dataset(utterances, RECIPE, cache=tmp_path / "cache")
        for utterance in utterances:  # the same size and time, but no sound any more
            stat = utterance.path.stat()
            utterance.path.write_bytes(bytes(stat.st_size))
            os.utime(utterance.path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

        again = build_dataset(utterances, RECIPE, cache=tmp_path / "cache")

        np.testing.assert_array_equal(again.features, first.features)
        assert len(self.kept(tmp_path / "cache")) == 2

    def test_a_changed_recording_is_read_again(self, tmp_path: Path, utterances: tuple[Utterance, ...]) -> None:
        first = build_dataset(utterances, RECIPE, cache=tmp_path / "cache")
        write_recording(utterances[0].path, voice(Emotion.HAPPY, "09"))

        again = build_dataset(utterances, RECIPE, cache=tmp_path / "cache")

        assert not np.array_equal(again.features[0, 0], first.features[0, 0])
        np.testing.assert_array_equal(again.features[0, 1:], first.features[0, 1:])

    def test_other_utterances_seeds_changes_and_features_are_kept_apart(
        self, tmp_path: Path, utterances: tuple[Utterance, ...]
    ) -> None:
        cache = tmp_path / "cache"
        room, opus = CONDITIONS["room 0.35 s"], CONDITIONS["opus 32 kbit/s"]

        extract_table(utterances, RECIPE, change=None, seed=(0, 0), cache=cache)
        extract_table(utterances[1:], RECIPE, change=None, seed=(0, 0), cache=cache)
        extract_table(utterances, RECIPE, change=room, seed=(0, 1), title="room", cache=cache)
        extract_table(utterances, RECIPE, change=opus, seed=(0, 1), title="opus", cache=cache)
        extract_table(utterances, RECIPE, change=room, seed=(1, 1), title="room", cache=cache)
        extract_table(utterances, replace(RECIPE, feature_set="quarters-2"), change=None, seed=(0, 0), cache=cache)

        assert len(self.kept(cache)) == 6

    def test_tables_made_by_other_code_are_not_used(
        self, tmp_path: Path, utterances: tuple[Utterance, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache = tmp_path / "cache"
        extract_table(utterances, RECIPE, change=None, seed=(0, 0), cache=cache)
        monkeypatch.setattr(dataset, "_code", lambda: "another")
        extract_table(utterances, RECIPE, change=None, seed=(0, 0), cache=cache)

        assert len(self.kept(cache)) == 2

    @pytest.mark.parametrize("damage", [b"", b"garbage", b"\x93NUMPY\x01\x00"])
    def test_a_damaged_table_is_made_again(
        self, tmp_path: Path, utterances: tuple[Utterance, ...], damage: bytes
    ) -> None:
        first = build_dataset(utterances, RECIPE, cache=tmp_path / "cache")
        for path in self.kept(tmp_path / "cache"):
            path.write_bytes(damage)

        again = build_dataset(utterances, RECIPE, cache=tmp_path / "cache")

        np.testing.assert_array_equal(again.features, first.features)
        assert all(path.stat().st_size > 100 for path in self.kept(tmp_path / "cache"))

    def test_only_features_are_kept_never_audio(self, tmp_path: Path, utterances: tuple[Utterance, ...]) -> None:
        build_dataset(utterances, RECIPE, cache=tmp_path / "cache")

        assert [np.load(path).shape for path in self.kept(tmp_path / "cache")] == [(5, 6), (5, 6)]


class TestTrouble:
    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_a_recording_that_cannot_be_read_is_named(self, utterances: tuple[Utterance, ...], n_jobs: int) -> None:
        utterances[2].path.write_bytes(b"no sound at all")

        with pytest.raises(CorpusError, match=rf"{utterances[2].path.name} cannot be used: This is not audio"):
            build_dataset(utterances, RECIPE, n_jobs=n_jobs)

    def test_a_silent_recording_is_named(self, tmp_path: Path, utterances: tuple[Utterance, ...]) -> None:
        silent = write_recording(ravdess_path(tmp_path, Emotion.CALM, "02"), np.zeros(16000, np.float32))

        with pytest.raises(CorpusError, match=rf"{silent.name} cannot be used: I could not hear a voice"):
            build_dataset(read_ravdess(tmp_path), RECIPE)

    def test_no_utterance_at_all_is_refused(self, utterances: tuple[Utterance, ...]) -> None:
        sung = [u for u in utterances if u.kind == "song"]

        with pytest.raises(TooFewExamplesError, match="no utterance that the recipe functionals uses"):
            build_dataset(sung, replace(RECIPE, uses_song=False))


def test_progress_is_told_for_each_table(utterances: tuple[Utterance, ...]) -> None:
    told: list[tuple[int, str, int]] = []

    def progress(rows: Iterable[NDArray[np.float32]], total: int, title: str) -> Iterable[NDArray[np.float32]]:
        done = list(rows)
        told.append((total, title, len(done)))
        return done

    build_dataset(utterances, RECIPE, progress=progress)

    assert told == [(5, "features", 5), (5, "augmented copy 1", 5)]
