from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from emotify_core import augmentation, dataset
from emotify_core.audio import decode
from emotify_core.conditions import CONDITIONS, recorded_conditions
from emotify_core.corpora import Utterance, read_ravdess
from emotify_core.dataset import Row, Rows, Spectra, build_dataset, extract_table
from emotify_core.emotions import Emotion
from emotify_core.encoder import HOP, MAX_FRAMES, N_BANDS, N_VIEWS, views
from emotify_core.errors import CorpusError, NoSpeechError, TooFewExamplesError
from emotify_core.features.vector import FeatureVector
from emotify_core.recipes import RECIPES
from emotify_core.surroundings import Surroundings
from emotify_core.waveform import Waveform
from tests.emotify_core.tables import PLAN, recipe_of, table_of, utterances_of
from tests.emotify_core.voices import ravdess_path, voice, write_corpus, write_recording


def summarise(waveform: Waveform) -> FeatureVector:
    """Describe a waveform in no time, but so that every change of it shows."""
    y = waveform.y
    quarters = [float(np.abs(part).mean()) for part in np.array_split(y, 4)]
    return FeatureVector(np.array([len(y), y.std(), *quarters], np.float32), "quarters-1")


RECIPE = recipe_of(extract=summarise, feature_set="quarters-1", n_copies=1)
WITH_NETWORK = replace(RECIPE, network=PLAN)


def silence(y: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Change a recording so that nothing is left of it."""
    return np.zeros_like(y)


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


class TestSpectra:
    def test_recipes_with_a_network_get_the_spectrum_of_every_recording_and_copy(
        self, utterances: tuple[Utterance, ...]
    ) -> None:
        dataset = build_dataset(utterances, WITH_NETWORK)

        assert [len(spectra) for spectra in dataset.spectra] == [5, 5]
        expected = views(decode(utterances[1].path).y)
        assert np.abs(dataset.clean.spectra[1].astype(np.float32) - expected).mean() < 0.1
        assert all(spectrum.dtype == np.float16 for copy in dataset.spectra for spectrum in copy)
        assert not np.array_equal(dataset.spectra[0].frames, dataset.spectra[1].frames)

    def test_recipes_without_one_get_none(self, utterances: tuple[Utterance, ...]) -> None:
        dataset = build_dataset(utterances, RECIPE)

        assert dataset.spectra == ()
        assert [spectrum.shape for spectrum in dataset.clean.spectra] == [(0, N_VIEWS, N_BANDS)] * 5

    def test_the_features_are_the_same_with_a_network_and_without(self, utterances: tuple[Utterance, ...]) -> None:
        np.testing.assert_array_equal(
            build_dataset(utterances, WITH_NETWORK).features, build_dataset(utterances, RECIPE).features
        )

    def test_of_long_recordings_only_the_beginning_is_kept(self, tmp_path: Path) -> None:
        y = voice(Emotion.SAD, "02", duration=9.5)
        path = write_recording(ravdess_path(tmp_path, Emotion.SAD, "02"), y)

        (spectrum,) = build_dataset(read_ravdess(tmp_path), replace(WITH_NETWORK, conditioned=False)).clean.spectra

        assert len(spectrum) == MAX_FRAMES < len(views(y))
        expected = views(decode(path, trim=False, normalize=False).y[: MAX_FRAMES * HOP])[:MAX_FRAMES]
        assert np.abs(spectrum.astype(np.float32) - expected).max() < 0.1

    def test_spectra_of_different_lengths_come_back_as_they_were(self) -> None:
        made = [np.full((n, N_VIEWS, N_BANDS), n, dtype=np.float16) for n in (3, 0, 5)]

        spectra = Spectra.of(made)

        assert len(spectra) == 3
        for found in (list(spectra), spectra[:], [spectra[i] for i in range(3)]):
            assert [spectrum.shape for spectrum in found] == [(n, N_VIEWS, N_BANDS) for n in (3, 0, 5)]
        assert [len(spectrum) for spectrum in spectra[::-2]] == [5, 3]
        assert (spectra[-1] == 5).all()
        assert len(Spectra.of([])) == 0

    @pytest.mark.parametrize("index", [2, -3])
    def test_there_is_no_spectrum_past_the_ends(self, index: int) -> None:
        spectra = Spectra.of([np.zeros((1, N_VIEWS, N_BANDS), dtype=np.float16)] * 2)

        with pytest.raises(IndexError):
            spectra[index]

    def test_a_table_can_be_put_into_another_order(self) -> None:
        table = table_of(utterances_of(("01",)), with_spectra=True).clean

        found = table.at(np.array([4, 0, 4]))

        np.testing.assert_array_equal(found.features, table.features[[4, 0, 4]])
        for spectrum, i in zip(found.spectra, (4, 0, 4), strict=True):
            np.testing.assert_array_equal(spectrum, table.spectra[i])


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

    def test_copies_sound_like_the_recorded_surroundings_if_there_are_any(
        self, utterances: tuple[Utterance, ...]
    ) -> None:
        rng = np.random.default_rng(0)
        noises = {name: rng.normal(scale=0.1, size=32_000).astype(np.float32) for name in ("kitchen", "street")}
        plain = build_dataset(utterances, replace(RECIPE, n_copies=6))
        noisy = build_dataset(utterances, replace(RECIPE, n_copies=6), surroundings=Surroundings(noises=noises))

        np.testing.assert_array_equal(noisy.features[0], plain.features[0])
        assert not np.array_equal(noisy.features[1:], plain.features[1:])


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

    def test_spectra_and_what_is_unusable_are_kept_too(self, tmp_path: Path, utterances: tuple[Utterance, ...]) -> None:
        write_recording(utterances[1].path, np.zeros(16000, np.float32))
        first, again = (build_dataset(utterances, WITH_NETWORK, cache=tmp_path / "cache") for _ in range(2))

        assert again.unusable == first.unusable == utterances[1:2]
        assert again.utterances == first.utterances
        np.testing.assert_array_equal(again.features, first.features)
        for one, two in zip(first.spectra, again.spectra, strict=True):
            np.testing.assert_array_equal(one.frames, two.frames)
            np.testing.assert_array_equal(one.starts, two.starts)

    def test_a_table_without_any_sound_is_made_again(self, tmp_path: Path, utterances: tuple[Utterance, ...]) -> None:
        cache = tmp_path / "cache"
        first, again = (
            extract_table(utterances, RECIPE, change=silence, seed=(0, 1), title="silence", cache=cache)
            for _ in range(2)
        )

        np.testing.assert_array_equal(again.features, first.features)

    def test_a_changed_recording_is_read_again(self, tmp_path: Path, utterances: tuple[Utterance, ...]) -> None:
        first = build_dataset(utterances, RECIPE, cache=tmp_path / "cache")
        write_recording(utterances[0].path, voice(Emotion.HAPPY, "09"))

        again = build_dataset(utterances, RECIPE, cache=tmp_path / "cache")

        assert not np.array_equal(again.features[0, 0], first.features[0, 0])
        np.testing.assert_array_equal(again.features[0, 1:], first.features[0, 1:])

    def test_folders_are_told_apart_whose_recordings_have_the_same_names_sizes_and_times(self, tmp_path: Path) -> None:
        for speaker, folder in (("01", "one"), ("02", "other")):
            for emotion in ("05", "04"):
                y = voice(Emotion.SAD, speaker)[:16000]
                path = write_recording(tmp_path / folder / f"03-01-{emotion}-01-01-01-01.wav", y)
                os.utime(path, ns=(0, 0))
        one, other = (read_ravdess(tmp_path / folder) for folder in ("one", "other"))

        first, second = (build_dataset(each, RECIPE, cache=tmp_path / "cache") for each in (one, other))

        assert [u.path.stat().st_size for u in one] == [u.path.stat().st_size for u in other]
        assert not np.array_equal(first.features[0], second.features[0])

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
        extract_table(utterances, WITH_NETWORK, change=None, seed=(0, 0), cache=cache)

        assert len(self.kept(cache)) == 7

    def test_recorded_surroundings_are_told_apart_by_their_names_and_sound(
        self, tmp_path: Path, utterances: tuple[Utterance, ...]
    ) -> None:
        cache = tmp_path / "cache"
        noise = np.random.default_rng(0).normal(scale=0.1, size=32_000).astype(np.float32)
        bike, room = "exercise_bike", "cardiod-true-stereo-15-8"
        for name, recorded in ((bike, noise), (bike, noise.copy()), (bike, noise[::-1]), (room, noise)):
            noises = {name: recorded, "kitchen-true-stereo": noise}
            change = recorded_conditions(Surroundings(noises=noises))["household noise 20 dB"]
            extract_table(utterances[:1], RECIPE, change=change, seed=(0, 1), title="noise", cache=cache)

        assert len(self.kept(cache)) == 3

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

    @pytest.mark.parametrize(
        ("whole", "damaged"),
        [
            # What zipfile writes of versions differs between releases of Python.
            (rb"(PK\x01\x02.\x03.\x00\x00\x00)\x00\x00", b"\\g<1>\x63\x00"),  # compression
            (rb"(PK\x03\x04.\x00)\x00\x00", b"\\g<1>\x01\x00"),  # a password
            (rb"(PK\x01\x02.\x03).\x00", b"\\g<1>\xff\x00"),  # a version to come
            (b"'fortran_order'", b"'fortran(order'"),
            (b"'fortran_order'", b"'fortran_ordet'"),
        ],
    )
    def test_a_table_with_a_wrong_byte_is_made_again(
        self, tmp_path: Path, utterances: tuple[Utterance, ...], whole: bytes, damaged: bytes
    ) -> None:
        first = build_dataset(utterances, RECIPE, cache=tmp_path / "cache")
        for path in self.kept(tmp_path / "cache"):
            content, n_damaged = re.subn(whole, damaged, path.read_bytes(), flags=re.DOTALL)
            assert n_damaged
            path.write_bytes(content)

        again = build_dataset(utterances, RECIPE, cache=tmp_path / "cache")

        np.testing.assert_array_equal(again.features, first.features)

    def test_only_features_are_kept_never_audio(self, tmp_path: Path, utterances: tuple[Utterance, ...]) -> None:
        build_dataset(utterances, RECIPE, cache=tmp_path / "cache")

        for path in self.kept(tmp_path / "cache"):
            with np.load(path) as table:
                shapes = {name: table[name].shape for name in table.files}
            assert shapes == {"features": (5, 6), "frames": (0, N_VIEWS, N_BANDS), "starts": (6,), "usable": (5,)}


class TestTrouble:
    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_a_recording_that_cannot_be_read_is_left_out_and_listed(
        self, utterances: tuple[Utterance, ...], n_jobs: int
    ) -> None:
        utterances[2].path.write_bytes(b"no sound at all")

        dataset = build_dataset(utterances, RECIPE, n_jobs=n_jobs)

        assert dataset.unusable == (utterances[2],)
        assert dataset.utterances == (*utterances[:2], *utterances[3:])

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_a_recording_that_cannot_be_read_any_more_is_named(
        self, utterances: tuple[Utterance, ...], n_jobs: int
    ) -> None:
        utterances[2].path.write_bytes(b"no sound at all")

        with pytest.raises(CorpusError, match=rf"^{utterances[2].path.name} cannot be used any more\.$"):
            extract_table(utterances, RECIPE, change=silence, seed=(0, 1), n_jobs=n_jobs)

    @pytest.mark.parametrize("n_samples", [16000, 1600], ids=["silent", "too short"])
    def test_a_recording_without_sound_is_left_out_and_listed(
        self, utterances: tuple[Utterance, ...], n_samples: int
    ) -> None:
        y = np.zeros(n_samples, np.float32)
        y[:800] = 0.1 * (n_samples < 16000)
        write_recording(utterances[1].path, y)

        dataset = build_dataset(utterances, WITH_NETWORK)

        assert dataset.unusable == (utterances[1],)
        assert dataset.utterances == (utterances[0], *utterances[2:])
        assert dataset.features.shape == (2, 4, 6)
        rest = build_dataset([utterances[0]], WITH_NETWORK)
        np.testing.assert_array_equal(dataset.features[:, 0], rest.features[:, 0])
        assert [len(spectra) for spectra in dataset.spectra] == [4, 4]

    def test_where_nothing_has_sound_there_is_nothing_to_learn_from(self, utterances: tuple[Utterance, ...]) -> None:
        for utterance in utterances:
            write_recording(utterance.path, np.zeros(16000, np.float32))

        with pytest.raises(TooFewExamplesError, match="no sound in any"):
            build_dataset(utterances, RECIPE)

    def test_a_change_that_leaves_no_sound_counts_as_no_change(self, utterances: tuple[Utterance, ...]) -> None:
        table = extract_table(utterances, WITH_NETWORK, change=silence, seed=(0, 1))
        unchanged = extract_table(utterances, WITH_NETWORK, change=None, seed=(0, 1))

        np.testing.assert_array_equal(table.features, unchanged.features)
        np.testing.assert_array_equal(table.spectra.frames, unchanged.spectra.frames)

    def test_a_copy_that_lost_its_sound_counts_as_the_recording(
        self, utterances: tuple[Utterance, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def lose(y: NDArray[np.float32], rng: np.random.Generator, *, surroundings: Surroundings) -> NDArray[Any]:
            if rng.random() < 0.5:
                raise NoSpeechError
            return y[::-1]

        monkeypatch.setattr(augmentation, "augment", lose)

        dataset = build_dataset(utterances, replace(WITH_NETWORK, n_copies=3))

        same = [
            [np.array_equal(copy[i], dataset.features[0, i]) for i in range(len(utterances))]
            for copy in dataset.features[1:]
        ]
        assert 0 < np.sum(same) < 15
        assert [len(spectra) for spectra in dataset.spectra] == [5] * 4
        assert dataset.unusable == ()

    def test_no_utterance_at_all_is_refused(self, utterances: tuple[Utterance, ...]) -> None:
        sung = [u for u in utterances if u.kind == "song"]

        with pytest.raises(TooFewExamplesError, match="no utterance that the recipe functionals uses"):
            build_dataset(sung, replace(RECIPE, uses_song=False))


def test_progress_is_told_for_each_table(utterances: tuple[Utterance, ...]) -> None:
    told: list[tuple[int, str, int]] = []

    def progress(rows: Rows, total: int, title: str) -> Rows:
        done = list(rows)
        assert all(isinstance(row, Row) for row in done)
        told.append((total, title, len(done)))
        return done

    build_dataset(utterances, RECIPE, progress=progress)

    assert told == [(5, "features", 5), (5, "augmented copy 1", 5)]
