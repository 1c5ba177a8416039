from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emotify_core.augmentation import (
    add_noise,
    add_offset,
    at_distance,
    augment,
    bursts,
    change_gain,
    change_speed,
    clip,
    coloured_noise,
    equalize,
    excerpt,
    gusts,
    hum,
    limit_band,
    lower_rate,
    mix,
    mixture,
    reverberate,
    shift_pitch,
    synthetic_room,
    throbbing,
    through_opus,
    through_room,
)
from emotify_core.surroundings import Surroundings
from emotify_core.synthesis import synthesize_voice
from tests.emotify_core.encoding import similarity

VOICE = synthesize_voice(1.5, f0=160, seed=1)
SR = 16000


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def tone(hz: float, duration: float = 1.0) -> NDArray[np.float32]:
    return np.sin(2 * np.pi * hz * np.arange(round(duration * SR)) / SR).astype(np.float32)


def loudest_hz(y: NDArray[np.float32]) -> float:
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y)), 8 * SR))
    return float(spectrum.argmax() / 8)


def level_db(y: NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.mean(np.square(y, dtype=np.float64))))


def band_power(y: NDArray[np.float32], low_hz: float, high_hz: float) -> float:
    power = np.abs(np.fft.rfft(y)) ** 2
    frequency = np.fft.rfftfreq(len(y), 1 / SR)
    return float(power[(frequency >= low_hz) & (frequency < high_hz)].sum())


# "omni-35-10" and "doing_the_dishes" may be trained on, the others are held out.
RECORDED = Surroundings(
    {"doing_the_dishes": tone(1000, 3), "exercise_bike": tone(3000, 3)},
    {"omni-35-10": synthetic_room(rng(1), rt60=1.0), "kitchen-true-stereo": synthetic_room(rng(2), rt60=1.0)},
)


class TestAugment:
    @settings(max_examples=40)
    @given(seed=st.integers(0, 2**32 - 1), duration=st.floats(0.2, 1.5), recorded=st.booleans())
    def test_any_copy_is_sound_of_about_the_same_length(self, seed: int, duration: float, recorded: bool) -> None:
        y = VOICE[: round(duration * SR)]

        changed = augment(y, rng(seed), RECORDED) if recorded else augment(y, rng(seed))

        assert changed.dtype == np.float32
        assert changed.ndim == 1
        assert np.isfinite(changed).all()
        assert 0.84 * len(y) < len(changed) < 1.2 * len(y)
        assert level_db(changed) > level_db(y) - 32  # 12 dB of them are gain

    def test_the_same_generator_gives_the_same_copy(self) -> None:
        np.testing.assert_array_equal(augment(VOICE, rng(5)), augment(VOICE, rng(5)))
        np.testing.assert_array_equal(augment(VOICE, rng(5), RECORDED), augment(VOICE, rng(5), RECORDED))

    def test_copies_differ(self) -> None:
        copies = {augment(VOICE, rng(seed)).tobytes() for seed in range(6)}

        assert len(copies) == 6

    def test_the_original_is_left_alone(self) -> None:
        before = VOICE.copy()

        for seed in range(6):
            augment(VOICE, rng(seed))

        np.testing.assert_array_equal(VOICE, before)

    def test_what_is_held_out_is_never_heard(self) -> None:
        testing_only = Surroundings(
            {"exercise_bike": np.full(SR, np.nan, np.float32)}, {"kitchen-true-stereo": np.full(SR, np.nan, np.float32)}
        )

        for seed in range(30):
            np.testing.assert_array_equal(augment(VOICE, rng(seed), testing_only), augment(VOICE, rng(seed)))

    def test_recordings_that_may_be_trained_on_are_heard_in_some_copies(self) -> None:
        n_different = sum(
            not np.array_equal(augment(VOICE, rng(seed), RECORDED), augment(VOICE, rng(seed))) for seed in range(20)
        )

        assert 8 <= n_different <= 20

    def test_every_kind_of_noise_is_made_sooner_or_later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made: set[str] = set()
        for name in ("coloured_noise", "gusts", "throbbing", "hum", "bursts"):
            monkeypatch.setattr(mixture, name, self.noting(made, name, getattr(mixture, name)))

        for seed in range(150):
            mixture.augment(VOICE[: SR // 4], rng(seed))

        assert made == {"coloured_noise", "gusts", "throbbing", "hum", "bursts"}

    @staticmethod
    def noting(made: set[str], name: str, make: Callable[..., NDArray[np.float32]]) -> Callable[..., Any]:
        def noted(*args: Any, **options: Any) -> NDArray[np.float32]:
            made.add(name)
            return make(*args, **options)

        return noted


class TestSpeedAndPitch:
    @pytest.mark.parametrize("rate", [0.92, 1.0, 1.08])
    def test_speed_changes_length_and_pitch_together(self, rate: float) -> None:
        changed = change_speed(tone(440), rate)

        assert len(changed) == pytest.approx(SR / rate, abs=2)
        assert loudest_hz(changed) == pytest.approx(440 * rate, rel=0.002)

    @pytest.mark.parametrize("semitones", [-1.5, 0.7, 1.5])
    def test_pitch_changes_and_length_hardly(self, semitones: float) -> None:
        changed = shift_pitch(tone(440), semitones)

        assert loudest_hz(changed) == pytest.approx(440 * 2 ** (semitones / 12), rel=0.01)
        assert len(changed) == pytest.approx(SR, rel=0.003)

    @pytest.mark.parametrize("semitones", [-1.5, 0.0, 1.5])
    def test_pitch_keeps_the_level_from_the_first_to_the_last_moment(self, semitones: float) -> None:
        changed = shift_pitch(tone(440), semitones)

        levels = [level_db(changed[start : start + 400]) for start in (400, 8000, len(changed) - 800)]
        np.testing.assert_allclose(levels, level_db(tone(440)), atol=1.5)

    @pytest.mark.parametrize("semitones", [-1.5, 0.0, 1.5])
    def test_syllables_stay_in_time_when_the_pitch_is_shifted(self, semitones: float) -> None:
        loudness = [
            np.sqrt(np.square(y[: 58 * 400]).reshape(-1, 400).mean(axis=1))
            for y in (VOICE, shift_pitch(VOICE, semitones))
        ]

        assert np.corrcoef(loudness)[0, 1] > 0.9

    def test_a_note_that_is_too_short_to_stretch_still_gets_another_pitch(self) -> None:
        changed = shift_pitch(tone(440, 0.1), 1.0)

        assert len(changed) == pytest.approx(1600, rel=0.1)


class TestEqualizer:
    def test_every_frequency_stays_within_the_depth(self) -> None:
        click = np.zeros(8192, np.float32)
        click[4096] = 1

        gain_db = 20 * np.log10(np.abs(np.fft.rfft(equalize(click, rng(), depth_db=6))))

        assert np.abs(gain_db).max() <= 6.01
        assert np.ptp(gain_db) > 1

    def test_no_depth_changes_nothing(self) -> None:
        np.testing.assert_allclose(equalize(VOICE, rng(), depth_db=0), VOICE, atol=1e-6)


class TestNoise:
    @pytest.mark.parametrize("snr_db", [0, 10, 25])
    @pytest.mark.parametrize("exponent", [0, 1, 1.5])
    def test_it_has_the_ratio_that_was_asked_for(self, snr_db: float, exponent: float) -> None:
        noise = add_noise(VOICE, rng(), snr_db=snr_db, exponent=exponent) - VOICE

        assert level_db(VOICE) - level_db(noise) == pytest.approx(snr_db, abs=0.05)

    def test_pink_noise_falls_by_three_decibels_an_octave(self) -> None:
        voice = np.full(8 * SR, 0.1, np.float32)

        power = np.abs(np.fft.rfft(add_noise(voice, rng(), snr_db=0, exponent=1.0) - voice)) ** 2

        octaves = [power[low * 8 : 2 * low * 8].mean() for low in (250, 500, 1000, 2000)]
        np.testing.assert_allclose(10 * np.log10(np.divide(octaves[1:], octaves[:-1])), -3, atol=0.5)

    def test_silence_stays_silent(self) -> None:
        silence = np.zeros(1600, np.float32)

        np.testing.assert_array_equal(mix(silence, tone(440, 0.1), snr_db=10), silence)

    @pytest.mark.parametrize(("low_hz", "high_hz"), [(30, 8000), (500, 2000), (100, 200)])
    def test_noise_of_a_band_stays_in_it(self, low_hz: float, high_hz: float) -> None:
        noise = coloured_noise(SR, rng(), exponent=1, low_hz=low_hz, high_hz=high_hz)

        assert band_power(noise, low_hz - 1, high_hz + 1) > 0.999 * band_power(noise, 0, SR)

    def test_a_band_of_no_width_is_silent_rather_than_wrong(self) -> None:
        assert np.isfinite(coloured_noise(100, rng(), exponent=0, low_hz=7999, high_hz=9000)).all()

    def test_gusts_change_the_level_within_their_depth(self) -> None:
        level = gusts(np.ones(4 * SR, np.float32), rng(), rate_hz=2, depth_db=20)

        assert -10.01 <= 20 * np.log10(level.min()) < -3
        assert 3 < 20 * np.log10(level.max()) <= 10.01
        assert np.abs(np.diff(level)).max() < 0.01

    def test_an_engine_throbs_at_its_rate_and_depth(self) -> None:
        envelope = throbbing(np.ones(SR, np.float32), rate_hz=10, depth=0.6)

        assert envelope.min() == pytest.approx(0.4, abs=1e-3)
        assert envelope.max() == pytest.approx(1, abs=1e-3)
        assert loudest_hz(envelope - envelope.mean()) == pytest.approx(10, abs=0.3)

    @pytest.mark.parametrize("mains_hz", [50, 60])
    @pytest.mark.parametrize("n", [3200, 16000, 40001])
    def test_hum_sounds_at_harmonics_of_the_mains_only(self, mains_hz: float, n: int) -> None:
        y = hum(n, rng(), mains_hz=mains_hz, n_harmonics=8)

        assert y.shape == (n,)
        assert 0.1 < np.abs(y).max() < 8
        assert band_power(y, mains_hz - 8, 8 * mains_hz + 8) > 0.98 * band_power(y, 0, SR)
        assert loudest_hz(y) % mains_hz == pytest.approx(0, abs=2) or loudest_hz(y) % mains_hz > mains_hz - 2

    @pytest.mark.parametrize("n", [3200, 64000])
    def test_impacts_come_and_die_away(self, n: int) -> None:
        y = bursts(n, rng(3), per_second=2)

        assert y.shape == (n,)
        assert np.abs(y).max() > 0.05
        levels = np.sort(np.square(y).reshape(-1, 100).mean(axis=1))
        assert levels[-1] > 4 * np.median(levels)  # something stands out

    def test_bursts_happen_even_when_they_are_rare(self) -> None:
        assert all(np.any(bursts(3200, rng(seed), per_second=0)) for seed in range(20))

    @given(n=st.integers(1, 300), length=st.integers(1, 100), seed=st.integers(0, 99))
    def test_an_excerpt_goes_round_where_the_recording_ends(self, n: int, length: int, seed: int) -> None:
        cut = excerpt(np.arange(length, dtype=np.float32), n, rng(seed))

        assert len(cut) == n
        assert (np.diff(cut) % length == (1 if length > 1 else 0)).all()


class TestRoom:
    def test_the_direct_sound_comes_first_and_a_tail_follows(self) -> None:
        click = np.zeros(SR, np.float32)
        click[100] = 1

        response = reverberate(click, rng(), rt60=0.4)

        assert np.abs(response[:100]).max() < 1e-6
        assert response[100] == pytest.approx(1, abs=0.01)
        tail = [level_db(response[100 + start : 100 + start + 800]) for start in (800, 1600, 3200, 4800)]
        assert tail == sorted(tail, reverse=True)
        assert tail[0] - tail[3] > 20
        assert np.abs(response[100 + 6500 :]).max() < 1e-3

    def test_the_length_stays(self) -> None:
        assert len(reverberate(VOICE, rng(), rt60=0.5)) == len(VOICE)

    @pytest.mark.parametrize("drr_db", [-4, 0, 12])
    def test_the_distance_sets_the_ratio_of_direct_sound_to_reverberation(self, drr_db: float) -> None:
        response = at_distance(synthetic_room(rng(), rt60=0.5), drr_db=drr_db)

        assert level_db(response[:40]) + 10 * np.log10(40 / (len(response) - 40)) - level_db(
            response[40:]
        ) == pytest.approx(drr_db, abs=0.05)
        assert response[0] == 1

    def test_a_close_speaker_is_heard_almost_as_without_the_room(self) -> None:
        room = synthetic_room(rng(), rt60=0.5)
        close, far = (
            np.corrcoef(through_room(VOICE, at_distance(room, drr_db=drr_db)), VOICE)[0, 1] for drr_db in (20, -5)
        )

        assert close > 0.97
        assert far < 0.9

    def test_a_response_without_reverberation_is_left_as_it_is(self) -> None:
        click = np.eye(1, 60, dtype=np.float32)[0]

        np.testing.assert_array_equal(at_distance(click, drr_db=0), click)

    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize("rt60", [0.15, 0.7])
    def test_the_tail_falls_by_sixty_decibels_in_its_time(self, rt60: float, seed: int) -> None:
        response = synthetic_room(rng(seed), rt60=rt60).astype(np.float64)

        late = response[int(0.03 * SR) :]
        left_db = 10 * np.log10(np.cumsum(np.square(late[::-1]))[::-1])  # Schroeder's backward integration
        fall = np.flatnonzero(left_db < left_db[0] - 20)[0] / SR
        assert 3 * fall == pytest.approx(rt60, rel=0.2)

    def test_a_click_through_a_room_is_its_response(self) -> None:
        response, click = synthetic_room(rng(), rt60=0.2), np.eye(1, 8000, dtype=np.float32)[0]

        np.testing.assert_allclose(through_room(click, response)[: len(response)], response, atol=1e-6)


class TestChannels:
    @pytest.mark.parametrize(("low_hz", "high_hz"), [(300, 3400), (200, 2800), (400, 3800)])
    def test_a_telephone_lets_its_band_through_and_nothing_else(self, low_hz: float, high_hz: float) -> None:
        noise = coloured_noise(4 * SR, rng(), exponent=0)

        heard = limit_band(noise, low_hz=low_hz, high_hz=high_hz)

        def gain_db(low: float, high: float) -> float:
            return float(10 * np.log10(band_power(heard, low, high) / band_power(noise, low, high)))

        assert gain_db(1.1 * low_hz, 0.9 * high_hz) == pytest.approx(0, abs=0.1)
        assert gain_db(0.99 * low_hz, 1.01 * low_hz) == pytest.approx(-6, abs=0.5)
        assert gain_db(0.99 * high_hz, 1.01 * high_hz) == pytest.approx(-6, abs=0.5)
        assert gain_db(20, 0.8 * low_hz) < -35
        assert gain_db(1.2 * high_hz, 8000) < -35

    def test_the_band_of_a_telephone_does_not_shift_the_voice(self) -> None:
        assert loudest_hz(limit_band(tone(1000), low_hz=300, high_hz=3400)) == pytest.approx(1000, abs=1)
        np.testing.assert_allclose(
            limit_band(tone(1000), low_hz=300, high_hz=3400)[1000:-1000], tone(1000)[1000:-1000], atol=0.01
        )

    @pytest.mark.parametrize("sr", [8000, 11025])
    @pytest.mark.parametrize("n", [3200, 24001])
    def test_a_low_rate_leaves_nothing_above_its_half(self, sr: int, n: int) -> None:
        noise = coloured_noise(n, rng(), exponent=0)

        low = lower_rate(noise, sr=sr)

        assert low.shape == noise.shape
        assert low.dtype == np.float32
        assert band_power(low, 0.53 * sr, 8000) < 1e-3 * band_power(noise, 0.53 * sr, 8000)
        assert band_power(low, 100, 0.4 * sr) == pytest.approx(band_power(noise, 100, 0.4 * sr), rel=0.02)

    @pytest.mark.parametrize("share", [0.001, 0.05, 0.1])
    def test_hard_clipping_clips_the_share_that_was_asked_for(self, share: float) -> None:
        clipped = clip(VOICE, share=share)

        assert np.mean(np.abs(clipped) >= clipped.max()) == pytest.approx(share, abs=2e-4)
        untouched = np.abs(VOICE) < clipped.max()
        np.testing.assert_array_equal(clipped[untouched], VOICE[untouched])

    def test_soft_clipping_bends_and_keeps_the_order(self) -> None:
        clipped = clip(VOICE, share=0.05, soft=True)

        order = np.argsort(VOICE)
        assert (np.diff(clipped[order]) >= 0).all()
        assert np.abs(clipped).max() < np.abs(clip(VOICE, share=0.05)).max() * 1.0001
        quiet = np.abs(VOICE) < 0.02 * np.abs(clipped).max()
        np.testing.assert_allclose(clipped[quiet], VOICE[quiet], rtol=0.001)

    @pytest.mark.parametrize("y", [np.zeros(100, np.float32), np.eye(1, 100, dtype=np.float32)[0], np.zeros(0, "f4")])
    def test_clipping_leaves_silence_and_single_clicks_alone(self, y: NDArray[np.float32]) -> None:
        np.testing.assert_array_equal(clip(y, share=0.1), y)

    def test_gain_and_offset_are_in_decibels_and_full_scale(self) -> None:
        assert level_db(change_gain(VOICE, gain_db=-12)) - level_db(VOICE) == pytest.approx(-12, abs=0.01)
        assert np.mean(add_offset(VOICE, offset=0.02) - VOICE) == pytest.approx(0.02, abs=1e-5)
        assert add_offset(VOICE, offset=0.02).dtype == change_gain(VOICE, gain_db=3).dtype == np.float32


class TestOpus:
    @pytest.mark.parametrize("bitrate", [16_000, 24_000, 32_000])
    def test_the_voice_stays_itself_and_in_time(self, bitrate: int) -> None:
        decoded = through_opus(VOICE, bitrate=bitrate)

        assert len(decoded) == len(VOICE)
        assert np.corrcoef(decoded, VOICE)[0, 1] > 0.9
        assert similarity(decoded, VOICE) > 0.9

    @pytest.mark.parametrize("n_samples", [3200, 3359, 3412, 15793, 15886, 16000, 20000])
    def test_short_notes_of_any_length_come_back(self, n_samples: int) -> None:
        decoded = through_opus(VOICE[:n_samples], bitrate=24_000)

        assert len(decoded) == n_samples
        assert similarity(decoded, VOICE[:n_samples]) > 0.8

    def test_what_exceeds_full_scale_keeps_its_level(self) -> None:
        decoded = through_opus(40 * VOICE, bitrate=32_000)

        assert level_db(decoded) == pytest.approx(level_db(40 * VOICE), abs=1)
