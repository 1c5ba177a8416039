from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emotify_core import conditions
from emotify_core.augmentation import add_noise, coloured_noise, reverberate, synthetic_room, through_opus
from emotify_core.conditions import CONDITIONS, recorded_conditions
from emotify_core.surroundings import NOTHING_RECORDED, TELEPHONE, Surroundings, read_surroundings
from emotify_core.synthesis import synthesize_voice

VOICE = synthesize_voice(1.2, seed=2)
SR = 16000
DATA = Path(__file__).parents[3] / "shared" / "data"
FORMER = ("opus 32 kbit/s", "pink noise 20 dB", "pink noise 10 dB", "room 0.35 s")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


NOISES = {name: coloured_noise(3 * SR, rng(i), exponent=1) for i, name in enumerate(("exercise_bike", "dude_miaowing"))}
ROOMS = {
    name: synthetic_room(rng(i), rt60=0.3) for i, name in enumerate(("kitchen-true-stereo", "omni-35-10", TELEPHONE))
}
RECORDED = recorded_conditions(Surroundings(NOISES, ROOMS))
ALL = {**CONDITIONS, **RECORDED}


def snr_db(changed: NDArray[np.float32], y: NDArray[np.float32] = VOICE) -> float:
    return float(10 * np.log10(np.mean(y**2) / np.mean((changed - y) ** 2)))


@pytest.mark.parametrize("name", ALL)
def test_every_condition_changes_the_sound_and_not_its_length(name: str) -> None:
    changed = ALL[name](VOICE, rng())

    assert changed.shape == VOICE.shape
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()
    assert not np.allclose(changed, VOICE, atol=1e-4)
    assert np.corrcoef(changed, VOICE)[0, 1] > 0.3


@pytest.mark.parametrize("name", ALL)
def test_the_same_generator_gives_the_same_sound(name: str) -> None:
    first, again = (ALL[name](VOICE, rng(3)) for _ in range(2))

    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("name", ALL)
def test_the_original_is_left_alone(name: str) -> None:
    before = VOICE.copy()

    ALL[name](VOICE, rng())

    np.testing.assert_array_equal(VOICE, before)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pink noise 20 dB", 20),
        ("pink noise 10 dB", 10),
        ("white noise 10 dB", 10),
        ("household noise 20 dB", 20),
        ("household noise 10 dB", 10),
    ],
)
def test_noise_is_as_loud_as_its_name_says(name: str, expected: float) -> None:
    assert snr_db(ALL[name](VOICE, rng())) == pytest.approx(expected, abs=0.05)


def test_the_first_four_are_what_former_figures_were_measured_with() -> None:
    assert tuple(CONDITIONS)[:4] == FORMER
    expected = (
        through_opus(VOICE, bitrate=32_000),
        add_noise(VOICE, rng(1), snr_db=20, exponent=1.0),
        add_noise(VOICE, rng(1), snr_db=10, exponent=1.0),
        reverberate(VOICE, rng(1), rt60=0.35),
    )
    for name, sound in zip(FORMER, expected, strict=True):
        np.testing.assert_array_equal(CONDITIONS[name](VOICE, rng(1)), sound)


def test_a_tenth_of_the_samples_clips() -> None:
    clipped = CONDITIONS["clipped 10 %"](VOICE, rng())

    assert np.mean(np.abs(clipped) >= np.abs(clipped).max()) == pytest.approx(0.1, abs=1e-3)


@pytest.mark.parametrize(("name", "limit_hz"), [("8 kHz", 4200), ("telephone 300-3400 Hz", 4100)])
def test_nothing_is_left_above_the_band(name: str, limit_hz: int) -> None:
    power = np.abs(np.fft.rfft(CONDITIONS[name](coloured_noise(SR, rng(), exponent=0), rng()))) ** 2

    assert power[limit_hz:].sum() < 1e-3 * power.sum()


class TestRecorded:
    def test_the_names_say_what_there_is(self) -> None:
        assert list(RECORDED) == [
            "household noise 20 dB",
            "household noise 10 dB",
            "recorded room",
            "recorded room, noise 20 dB",
            "telephone filter",
        ]

    @pytest.mark.parametrize(
        ("surroundings", "names"),
        [
            (NOTHING_RECORDED, []),
            (Surroundings(NOISES, ROOMS).for_training(), []),
            (Surroundings(noises=NOISES), ["household noise 20 dB", "household noise 10 dB"]),
            (Surroundings(rooms={TELEPHONE: ROOMS[TELEPHONE]}), ["telephone filter"]),
            (Surroundings(rooms=ROOMS), ["recorded room", "telephone filter"]),
        ],
        ids=["nothing", "only for training", "noise", "telephone", "rooms"],
    )
    def test_without_a_recording_there_is_no_condition(self, surroundings: Surroundings, names: list[str]) -> None:
        assert list(recorded_conditions(surroundings)) == names

    @pytest.mark.parametrize("name", RECORDED)
    def test_only_what_is_held_out_is_heard(self, name: str) -> None:
        change = RECORDED[name]

        assert isinstance(change, functools.partial)
        held_out = change.keywords["surroundings"]
        assert held_out.names
        assert held_out.for_testing().names == held_out.names
        assert ("room/" + TELEPHONE in held_out.names) == (name == "telephone filter")

    def test_the_noise_begins_anywhere(self) -> None:
        change = RECORDED["household noise 10 dB"]

        assert len({(change(VOICE, rng(seed)) - VOICE).tobytes() for seed in range(5)}) == 5

    def test_noise_in_a_room_is_measured_against_the_voice_in_that_room(self) -> None:
        in_room = RECORDED["recorded room"](VOICE, rng(4))

        assert snr_db(RECORDED["recorded room, noise 20 dB"](VOICE, rng(4)), in_room) == pytest.approx(20, abs=0.05)

    def test_caches_and_other_processes_can_tell_them_apart_by_name_and_recordings(self) -> None:
        known = set()
        for change in RECORDED.values():
            assert isinstance(change, functools.partial)
            assert getattr(conditions, change.func.__name__) is change.func
            assert list(change.keywords) == ["surroundings"]
            known.add((change.func.__name__, change.keywords["surroundings"].names))

        assert len(known) == len(RECORDED)


@pytest.mark.corpus
@pytest.mark.skipif(not (DATA / "noise").is_dir(), reason="noise does not lie in ../shared/data/noise")
@pytest.mark.skipif(not (DATA / "rooms").is_dir(), reason="rooms do not lie in ../shared/data/rooms")
def test_the_shared_recordings_give_every_condition() -> None:
    recorded = recorded_conditions(read_surroundings(DATA / "noise", DATA / "rooms"))

    assert list(recorded) == list(RECORDED)
    for change in recorded.values():
        changed = change(VOICE, rng())
        assert np.isfinite(changed).all()
        assert changed.shape == VOICE.shape
        assert np.abs(changed).max() > 0.1 * np.abs(VOICE).max()
