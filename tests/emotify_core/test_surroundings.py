from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emotify_core.augmentation import synthetic_room
from emotify_core.errors import CorpusError
from emotify_core.surroundings import (
    NOTHING_RECORDED,
    TELEPHONE,
    Surroundings,
    any_of,
    is_held_out,
    read_surroundings,
    room_response,
)

DATA = Path(__file__).parents[3] / "shared" / "data"
SR = 16000


def noise(n: int = SR, seed: int = 0) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(seed).standard_normal(n)).astype(np.float32)


def named(*names: str) -> dict[str, NDArray[np.float32]]:
    return {name: noise(100, seed) for seed, name in enumerate(names)}


class TestReading:
    def test_recordings_of_any_format_and_rate_come_as_mono_at_16_khz(self, tmp_path: Path) -> None:
        soundfile.write(tmp_path / "fan.flac", noise(), SR)
        soundfile.write(tmp_path / "street.WAV", np.column_stack([noise(48000), noise(48000)]), 48000)
        soundfile.write(tmp_path / "rain.ogg", noise(22050), 22050)
        (tmp_path / "README.md").write_text("who recorded it")
        (tmp_path / "._fan.flac").write_bytes(b"\0\5\x16\7")  # left there by macOS

        noises = read_surroundings(tmp_path, None).noises

        assert {name: len(y) for name, y in noises.items()} == {"fan": SR, "rain": SR, "street": SR}
        assert all(y.dtype == np.float32 and y.ndim == 1 for y in noises.values())
        np.testing.assert_allclose(noises["fan"], noise(), atol=1e-4)

    def test_without_folders_nothing_is_recorded(self) -> None:
        assert read_surroundings(None, None).names == NOTHING_RECORDED.names == ()

    def test_names_tell_noise_from_rooms(self, tmp_path: Path) -> None:
        soundfile.write(tmp_path / "hall.wav", noise(), SR)

        assert read_surroundings(tmp_path, tmp_path).names == ("noise/hall", "room/hall")

    def test_rooms_of_less_than_a_fifth_of_a_second_are_read(self, tmp_path: Path) -> None:
        soundfile.write(tmp_path / "cupboard.wav", synthetic_room(np.random.default_rng(0), rt60=0.1), SR, "FLOAT")

        assert 0.01 * SR < len(read_surroundings(None, tmp_path).rooms["cupboard"]) <= 0.1 * SR

    @pytest.mark.parametrize("content", [b"", b"not a sound", b"RIFF\x00\x00\x00\x00WAVE"])
    def test_a_file_that_cannot_be_read_is_named_in_a_sentence(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "broken.wav").write_bytes(content)

        with pytest.raises(CorpusError, match=r"^broken\.wav cannot be used: .*\.$"):
            read_surroundings(tmp_path, None)

    @pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
    def test_silence_and_what_is_not_finite_are_refused(self, tmp_path: Path, value: float) -> None:
        soundfile.write(tmp_path / "odd.wav", np.full(SR, value, np.float32), SR, "FLOAT")

        with pytest.raises(CorpusError, match=r"odd\.wav cannot be used"):
            read_surroundings(None, tmp_path)

    def test_a_missing_or_empty_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(CorpusError, match="folder of noise is missing"):
            read_surroundings(tmp_path / "nowhere", None)
        with pytest.raises(CorpusError, match="No recording of rooms"):
            read_surroundings(None, tmp_path)


class TestRoomResponse:
    @given(delay=st.integers(0, 500), scale=st.floats(1e-3, 1e3), seed=st.integers(0, 99))
    def test_it_begins_with_the_direct_sound_and_has_an_energy_of_one(
        self, delay: int, scale: float, seed: int
    ) -> None:
        room = synthetic_room(np.random.default_rng(seed), rt60=0.3)

        response = room_response((scale * np.pad(room, (delay, 4000))).astype(np.float32))

        assert response.dtype == np.float32
        assert np.sum(np.square(response, dtype=np.float64)) == pytest.approx(1, abs=1e-4)
        assert len(response) <= len(room)
        np.testing.assert_allclose(response / response[0], room[: len(response)], rtol=1e-3, atol=1e-4)

    def test_a_direct_sound_that_is_softer_than_an_echo_is_found(self) -> None:
        y = np.zeros(1000, np.float32)
        y[[100, 300]] = 0.3, -1

        assert room_response(y).shape == (201,)


class TestHoldingOut:
    @given(st.sets(st.text(max_size=8), max_size=20), st.sets(st.text(max_size=8), max_size=20))
    def test_no_recording_is_on_both_sides_and_none_is_lost(self, noises: set[str], rooms: set[str]) -> None:
        everything = Surroundings(named(*noises), named(*rooms))

        training, testing = everything.for_training(), everything.for_testing()

        assert not set(training.names) & set(testing.names)
        assert sorted(training.names + testing.names) == sorted(everything.names)
        assert training.for_training().names == training.names
        assert training.for_testing().names == ()

    def test_about_a_third_of_unknown_recordings_is_held_out(self) -> None:
        assert 0.28 < np.mean([is_held_out(f"recording {i}") for i in range(1000)]) < 0.39

    def test_the_recordings_of_the_figures_are_split_as_written(self) -> None:
        assert {name for name in ("exercise_bike", "doing_the_dishes", "dude_miaowing") if is_held_out(name)} == {
            "exercise_bike"
        }
        assert is_held_out("kitchen-true-stereo")
        assert is_held_out("cardiod-true-stereo-15-8")
        assert is_held_out(TELEPHONE)
        assert not is_held_out("omni-35-10")


def test_a_choice_does_not_depend_on_the_order_of_the_recordings() -> None:
    recordings = named("a", "b", "c")
    backwards = dict(reversed(recordings.items()))

    choices = [any_of(recordings, np.random.default_rng(seed)) for seed in range(20)]

    assert len({choice.tobytes() for choice in choices}) == 3
    for seed, choice in enumerate(choices):
        np.testing.assert_array_equal(any_of(backwards, np.random.default_rng(seed)), choice)


def test_they_can_be_copied_as_for_other_processes() -> None:
    sent = copy.deepcopy(Surroundings(named("a"), named("b")))

    assert sent.names == ("noise/a", "room/b")
    np.testing.assert_array_equal(sent.noises["a"], named("a")["a"])


@pytest.mark.corpus
@pytest.mark.skipif(not (DATA / "noise").is_dir(), reason="noise does not lie in ../shared/data/noise")
@pytest.mark.skipif(not (DATA / "rooms").is_dir(), reason="rooms do not lie in ../shared/data/rooms")
def test_the_shared_recordings_are_read_and_split() -> None:
    everything = read_surroundings(DATA / "noise", DATA / "rooms")

    assert everything.for_training().noises.keys() >= {"doing_the_dishes", "dude_miaowing"}
    assert everything.for_training().rooms.keys() == {"cardiod-35-10-spread", "cardiod-rear-35-10", "omni-35-10"}
    assert everything.for_testing().noises.keys() == {"exercise_bike"}
    assert everything.for_testing().rooms.keys() == {"kitchen-true-stereo", "cardiod-true-stereo-15-8", TELEPHONE}
    for response in everything.rooms.values():
        assert np.sum(np.square(response, dtype=np.float64)) == pytest.approx(1, abs=1e-4)
        assert np.abs(response[:16]).max() > 0.09 * np.abs(response).max()
