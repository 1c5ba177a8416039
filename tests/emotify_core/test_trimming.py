from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from emotify_core.synthesis import synthesize_voice
from emotify_core.trimming import find_sound, without_bangs

SR = 16000
SPEECH = synthesize_voice(2.0, seed=3)
NOTE = np.pad(SPEECH, SR)  # a second of silence at both ends
RAVDESS = Path(__file__).parents[3] / "shared" / "data" / "ravdess" / "speech"


def noise(n: int, exponent: float, seed: int = 0) -> NDArray[np.float32]:
    """Make noise whose power falls with frequency to `exponent`: white for 0, pink for 1."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(n))
    y = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 1) ** (exponent / 2), n)
    return np.asarray(y / y.std(), np.float32)


def noisy(y: NDArray[np.float32], snr_db: float, exponent: float, seed: int = 0) -> NDArray[np.float32]:
    return y + noise(len(y), exponent, seed) * np.float32(np.sqrt(np.mean(y**2)) * 10 ** (-snr_db / 20))


def test_silence_at_both_ends_is_outside() -> None:
    span = find_sound(NOTE, SR)

    assert span.start == pytest.approx(1.1, abs=0.1)
    assert span.stop == pytest.approx(3.0, abs=0.1)


def test_a_sound_is_cut_where_it_begins_and_ends() -> None:
    y = 1e-4 * noise(3 * SR, 0)
    y[SR : 2 * SR] += np.sin(0.1 * np.arange(SR)).astype(np.float32)

    span = find_sound(y, SR)

    assert (span.start, span.stop) == pytest.approx((1.0, 2.0), abs=0.02)


def test_noise_that_swells_a_little_is_no_sound() -> None:
    swell = 10 ** (5 * np.sin(np.pi * np.arange(4 * SR) / SR) / 20)

    span = find_sound((0.02 * swell * noise(4 * SR, 0)).astype(np.float32), SR)

    assert (span.start, span.stop, span.pauses) == (0.0, 4.0, ())


@pytest.mark.parametrize("snr_db", [20, 10])
@pytest.mark.parametrize("exponent", [0, 1, 1.5])
def test_steady_noise_hardly_moves_the_cuts(snr_db: float, exponent: float) -> None:
    clean, dirty = find_sound(NOTE, SR), find_sound(noisy(NOTE, snr_db, exponent), SR)

    assert dirty.start == pytest.approx(clean.start, abs=0.1)
    assert dirty.stop == pytest.approx(clean.stop, abs=0.15)


@pytest.mark.parametrize("n_samples", [1, 16, 160])
@pytest.mark.parametrize("snr_db", [100, 20])
def test_a_click_is_no_sound(n_samples: int, snr_db: float) -> None:
    note = noisy(NOTE, snr_db, 1)
    clicked = note.copy()
    clicked[3000 : 3000 + n_samples] += 0.9
    clicked[-3000 : -3000 + n_samples] -= 0.9

    assert find_sound(clicked, SR) == find_sound(note, SR)


def test_a_knock_much_louder_than_the_voice_does_not_hide_it() -> None:
    knocked = NOTE.copy()
    knocked[3000:6000] += 10 * SPEECH.std() * noise(3000, 1)

    assert find_sound(knocked, SR).stop == pytest.approx(find_sound(NOTE, SR).stop, abs=0.1)


@pytest.mark.parametrize(
    "steady",
    [noise(2 * SR, 0), noise(2 * SR, 1), np.sin(0.1 * np.arange(2 * SR)).astype(np.float32)],
    ids=["white noise", "pink noise", "held note"],
)
def test_what_never_pauses_is_kept_whole(steady: NDArray[np.float32]) -> None:
    span = find_sound(steady, SR)

    assert (span.start, span.stop) == (0.0, 2.0)


@pytest.mark.parametrize("seconds", [0.2, 0.25, 0.3, 0.45])
def test_of_a_syllable_that_rises_and_fades_nothing_is_a_noise_floor(seconds: float) -> None:
    n = round(seconds * SR)
    fading = 10 ** (-1.2 * np.abs(np.linspace(-1, 1, n)))

    span = find_sound((SPEECH[SR : SR + n] * fading).astype(np.float32), SR)

    assert span.duration == pytest.approx(seconds, abs=0.02)


def test_silence_around_a_blip_is_no_sound_however_short_the_recording() -> None:
    blip = np.pad(SPEECH[SR // 2 : SR // 2 + SR // 10], SR // 8)

    assert find_sound(blip, SR).duration == pytest.approx(0.1, abs=0.06)


def test_what_was_cut_out_is_not_cut_again() -> None:
    span = find_sound(NOTE, SR)
    cut = NOTE[round((span.start - 0.05) * SR) : round((span.stop + 0.05) * SR)]

    again = find_sound(cut, SR)

    assert again.start <= 0.1
    assert again.stop >= len(cut) / SR - 0.15


def test_a_bang_is_turned_down_where_it_is_and_nothing_else() -> None:
    bang = 10 * noise(SR // 4, 0) * np.exp(-np.arange(SR // 4) / 800).astype(np.float32)
    y = noisy(NOTE, 40, 0)
    y[-SR : -SR + len(bang)] += bang

    quietened = without_bangs(y, SR)

    assert quietened is not None
    np.testing.assert_array_equal(quietened[: -SR - 1600], y[: -SR - 1600])
    assert np.abs(quietened[-SR:]).max() < 0.2 * np.abs(SPEECH).max()


@pytest.mark.parametrize("gain_db", [-40, -20, 20])
def test_the_level_makes_no_difference_to_what_a_bang_is(gain_db: float) -> None:
    murmur = noise(2 * SR, 1) * np.float32(2e-4)  # behind silence of zeros, as codecs leave it
    y, gain = np.concatenate([murmur, 100 * murmur, np.zeros(SR, np.float32)]), np.float32(10 ** (gain_db / 20))
    y[3 * SR : 3 * SR + 1600] *= 100

    quietened, louder = without_bangs(y, SR), without_bangs(y * gain, SR)

    assert quietened is not None
    assert louder is not None
    np.testing.assert_allclose(louder, quietened * gain, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("n_samples", [100, 1600, len(NOTE)])
def test_where_nothing_bangs_nothing_is_turned_down(n_samples: int) -> None:
    assert without_bangs(NOTE[:n_samples], SR) is None
    assert without_bangs(noise(n_samples, 1), SR) is None
    assert without_bangs(np.zeros(n_samples, np.float32), SR) is None


@pytest.mark.parametrize("sr", [8000, 11025, 22050, 44100, 48000])
def test_the_rate_changes_little(sr: int) -> None:
    note = np.pad(synthesize_voice(2.0, sr=sr, seed=3), sr)

    assert find_sound(note, sr).start == pytest.approx(find_sound(NOTE, SR).start, abs=0.05)


def test_level_is_that_of_the_loudest_stretch() -> None:
    sine = np.sin(0.1 * np.arange(SR)).astype(np.float32)

    assert find_sound(sine, SR).level_db == pytest.approx(-3.01, abs=0.05)
    assert find_sound(sine / 10, SR).level_db == pytest.approx(-23.01, abs=0.05)


@pytest.mark.corpus
@pytest.mark.skipif(not RAVDESS.is_dir(), reason=f"RAVDESS is not in {RAVDESS}")
@pytest.mark.parametrize("snr_db", [20, 10])
def test_real_voices_are_cut_alike_with_and_without_noise(snr_db: float) -> None:
    clips = [soundfile.read(path, dtype="float32")[0] for path in sorted(RAVDESS.glob("*/*.flac"))[::60]]
    clean = np.array([(span.start, span.stop) for span in (find_sound(y, SR) for y in clips)])
    dirty = np.array(
        [(span.start, span.stop) for span in (find_sound(noisy(y, snr_db, 1, i), SR) for i, y in enumerate(clips))]
    )

    assert np.median(clean[:, 0]) > 0.8  # RAVDESS begins with a second of silence
    assert np.median(np.abs(dirty - clean)) < 0.025
    assert np.percentile(np.abs(dirty - clean), 90) <= 0.12
