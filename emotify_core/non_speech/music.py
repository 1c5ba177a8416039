"""Instruments, beats and little songs, by additive synthesis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from emotify_core.non_speech.building_blocks import (
    SR,
    Signal,
    add,
    band_noise,
    decay,
    harmonic,
    log_uniform,
    noise,
    unit,
)

Instrument = Callable[[float, float], Signal]  # pitch in Hz and seconds -> one note
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9))  # major, minor, pentatonic; semitones


def melody(rng: np.random.Generator, n: int) -> Signal:
    """One instrument plays one note after the other."""
    return _line(rng, n, draw_instrument(rng), centre=log_uniform(rng, 110, 900), beat=rng.uniform(0.15, 0.7))


def chords(rng: np.random.Generator, n: int) -> Signal:
    """Several notes at once, held, repeated or broken."""
    y, instrument, root = np.zeros(n), draw_instrument(rng), log_uniform(rng, 80, 350)
    length, broken, scale = rng.uniform(0.3, 2.5), rng.choice([0.0, 0.0, 0.12]), SCALES[rng.integers(2)]
    for start in np.arange(0, n / SR, length):
        degree = int(rng.integers(7))
        for i in range(int(rng.integers(3, 5))):
            add(y, instrument(root * 2 ** (semitones(scale, degree + 2 * i) / 12), length), start + broken * i)
    return y


def drone(rng: np.random.Generator, n: int) -> Signal:
    """One held note or interval, with vibrato or tremolo."""
    instrument, pitch = draw_instrument(rng), log_uniform(rng, 60, 900)
    y = instrument(pitch, n / SR)
    if rng.random() < 0.5:
        y = y + instrument(pitch * rng.choice([1.5, 1.26, 1.003, 2.0]), n / SR)
    t = np.arange(n) / SR
    return np.resize(y, n) * (1 + rng.uniform(0, 0.5) * np.sin(2 * np.pi * rng.uniform(0.5, 8) * t))


def drums(rng: np.random.Generator, n: int) -> Signal:
    """Kick, snare, hi-hat and tom, or some of them, in time."""
    y, step = rng.uniform(0, 0.02) * noise(rng, n), rng.uniform(0.09, 0.25)
    kinds = (_kick(rng), _snare(rng), _hat(rng), _tom(rng))
    pattern = rng.random((4, 8)) < np.array([[0.3], [0.2], [0.6], [0.15]]) * rng.integers(0, 2, (4, 1))
    pattern[rng.integers(4), 0] = True
    for i, start in enumerate(np.arange(0, n / SR, step)):
        for hit, is_on in zip(kinds, pattern[:, i % 8], strict=True):
            if is_on:
                add(y, rng.uniform(0.6, 1) * hit, start)
    return y


def song(rng: np.random.Generator, n: int) -> Signal:
    """Melody, chords, bass and beat together."""
    beat = rng.uniform(0.2, 0.6)
    bass = _line(rng, n, draw_instrument(rng), centre=rng.uniform(45, 110), beat=beat)
    parts = (melody(rng, n), chords(rng, n), bass, drums(rng, n))
    return np.asarray(sum(rng.uniform(0.1, 1) * unit(part) for part in parts))


def draw_instrument(rng: np.random.Generator) -> Instrument:
    """Draw a timbre: plucked or struck, blown, bowed, organ-like, or bell-like."""
    kind = rng.choice(["struck", "bowed", "blown", "organ", "bell"])
    slope, vibrato, ring = rng.uniform(0.6, 2.5), rng.uniform(0, 0.012), log_uniform(rng, 0.15, 3)
    amplitudes = np.arange(1, 25) ** -slope * rng.uniform(0.3, 1, 24)
    stretch = rng.uniform(1.3, 3.5)

    def play(pitch: float, seconds: float) -> Signal:
        m = max(64, int(seconds * SR))
        t = np.arange(m) / SR
        release = np.minimum(1, (m - np.arange(m)) / (0.03 * SR))
        if kind == "bell":
            y = np.sin(2 * np.pi * pitch * t + 4 * decay(m, ring / 2) * np.sin(2 * np.pi * stretch * pitch * t))
            return np.asarray(y * decay(m, ring) * release)
        f0 = pitch * (1 + (vibrato if kind in ("bowed", "blown") else 0) * np.sin(2 * np.pi * 5.5 * t))
        y = harmonic(f0, amplitudes, rng)
        if kind == "struck":
            return np.asarray(y * decay(m, ring, 0.004) * release)
        if kind == "organ":
            return np.asarray(y * np.minimum(1, t / 0.02) * release)
        breath = 0.05 if kind == "bowed" else 0.15
        return np.asarray((y + breath * noise(rng, m, 1)) * np.minimum(1, t / 0.07) * release)

    return play


def semitones(scale: Sequence[int], degree: int) -> int:
    """Return how far a degree of a scale lies above its root, through all octaves."""
    return scale[degree % len(scale)] + 12 * (degree // len(scale))


def _line(rng: np.random.Generator, n: int, instrument: Instrument, *, centre: float, beat: float) -> Signal:
    """Walk up and down a scale, with rests."""
    y, start, degree, scale = np.zeros(n), 0.0, 0, SCALES[rng.integers(3)]
    while start < n / SR:
        length = beat * rng.choice([0.5, 1, 1, 2])
        degree = int(np.clip(degree + rng.integers(-3, 4), -7, 8))
        if start == 0 or rng.random() > 0.1:
            add(y, rng.uniform(0.6, 1) * instrument(centre * 2 ** (semitones(scale, degree) / 12), length), start)
        start += length
    return y


def _kick(rng: np.random.Generator) -> Signal:
    t = np.arange(int(0.25 * SR)) / SR
    return np.asarray(np.sin(2 * np.pi * (rng.uniform(40, 70) * t + 3 * (1 - np.exp(-40 * t)))) * decay(len(t), 0.25))


def _snare(rng: np.random.Generator) -> Signal:
    m = int(0.2 * SR)
    tone = np.sin(2 * np.pi * rng.uniform(150, 280) * np.arange(m) / SR)
    return np.asarray((0.5 * noise(rng, m, 0.3) + 0.5 * tone) * decay(m, rng.uniform(0.1, 0.2)))


def _hat(rng: np.random.Generator) -> Signal:
    m = int(0.3 * SR)
    return np.asarray(0.5 * band_noise(rng, m, 7000, rng.uniform(1500, 5000)) * decay(m, rng.uniform(0.03, 0.3)))


def _tom(rng: np.random.Generator) -> Signal:
    m = int(0.5 * SR)
    f0 = rng.uniform(80, 400) * (1 + 0.4 * decay(m, 0.15))
    return np.asarray(harmonic(f0, np.array([1, 0.3, 0.15]), rng) * decay(m, rng.uniform(0.15, 0.5)))
