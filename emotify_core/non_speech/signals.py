"""Beeps, rings, sirens, electronic effects, and animals."""

from __future__ import annotations

import numpy as np

from emotify_core.non_speech.building_blocks import (
    SR,
    Signal,
    add,
    harmonic,
    hump,
    log_uniform,
    noise,
    phase,
    poisson_times,
    regular_times,
    resonate,
    wander,
)


def beeps(rng: np.random.Generator, n: int) -> Signal:
    """Beeps, alarms, dialled digits, ringing tones: one or two steady tones, switched on and off."""
    y = rng.uniform(0, 0.05) * noise(rng, n, 1)
    interval = log_uniform(rng, 0.08, 1.5)
    pitches = np.exp(rng.uniform(np.log(200), np.log(4000), (rng.integers(1, 5), rng.integers(1, 3))))
    overtones = np.array([1, *(rng.uniform(0, 0.6) * rng.random(6))])
    for i, start in enumerate(regular_times(rng, n, interval, 0.02)):
        m = int(interval * rng.uniform(0.3, 1) * SR)
        for f in pitches[i % len(pitches)]:
            add(y, harmonic(np.full(m, f), overtones, rng) * np.minimum(1, 40 * hump(m, 0.5)), start)
    return y


def siren(rng: np.random.Generator, n: int) -> Signal:
    """Sirens and car alarms: a tone that glides or jumps between two pitches, again and again."""
    cycle = np.arange(n) / SR * log_uniform(rng, 0.15, 6) + rng.random()
    saw = cycle % 1
    shapes = (0.5 + 0.5 * np.sin(2 * np.pi * cycle), saw, (saw > 0.5).astype(float), np.abs(2 * saw - 1))
    low = log_uniform(rng, 250, 1200)
    f0 = low * rng.uniform(1.2, 3) ** shapes[rng.integers(len(shapes))]
    tone = harmonic(f0, 1 / np.arange(1, 12) ** rng.uniform(0.7, 4), rng)
    return tone + rng.uniform(0, 0.3) * noise(rng, n, 1)


def effects(rng: np.random.Generator, n: int) -> Signal:
    """Electronic effects: fast sweeps, frequency modulation, ring modulation, as in games and toys."""
    y = 0.01 * noise(rng, n, 1)
    for start in poisson_times(rng, n, rng.uniform(0.5, 4)):
        m = int(rng.uniform(0.05, 1.0) * SR)
        f0 = np.geomspace(log_uniform(rng, 100, 4000), log_uniform(rng, 100, 4000), m)
        wobble = rng.uniform(0, 6) * np.sin(2 * np.pi * phase(f0 * rng.uniform(0.05, 2.5)))
        add(y, np.sin(2 * np.pi * phase(f0) + wobble) * hump(m, rng.uniform(0.02, 0.9)), start)
    return y


def birds(rng: np.random.Generator, n: int) -> Signal:
    """Chirps, trills and crickets between 1.5 and 7 kHz."""
    y = rng.uniform(0.01, 0.1) * noise(rng, n, 1)
    base, length = log_uniform(rng, 1200, 5500), log_uniform(rng, 0.02, 0.3)
    for start in regular_times(rng, n, length * rng.uniform(1.2, 4), 0.5):
        m = int(length * rng.uniform(0.6, 1.4) * SR)
        f0 = np.minimum(base * 2 ** (rng.uniform(0, 0.8) * (wander(rng, m, rng.uniform(5, 40)) - 0.5)), 7500)
        trill = 1 + rng.uniform(0, 1) * np.sin(2 * np.pi * rng.uniform(20, 80) * np.arange(m) / SR)
        add(y, rng.uniform(0.2, 1) * np.sin(2 * np.pi * phase(f0)) * trill * hump(m, 0.3), start)
    return y


def dogs(rng: np.random.Generator, n: int) -> Signal:
    """Barks and other short, rough calls, each like the one before.

    Pitches and lengths after Yin & McCowan (2004), "Barking in domestic dogs", Animal Behaviour 68(2).
    """
    y = rng.uniform(0.003, 0.05) * noise(rng, n, 1)
    top, length = log_uniform(rng, 200, 1200), rng.uniform(0.06, 0.25)
    centres, widths = np.array([1, 2.3, 4.1]) * rng.uniform(500, 1100), rng.uniform(200, 600, 3)
    for start in regular_times(rng, n, rng.uniform(0.25, 1.0), 0.3):
        m = int(length * rng.uniform(0.8, 1.2) * SR)
        f0 = top * rng.uniform(0.9, 1.1) * 2 ** (-0.7 * np.linspace(-0.5, 1, m) ** 2)
        roughness = rng.uniform(0.05, 0.5)
        pulses = phase(f0 * (1 + 0.1 * roughness * rng.standard_normal(m))) % 1 - 0.5
        source = pulses + roughness * rng.standard_normal(m)
        bark = resonate(source, centres, widths) * hump(m, 0.15)
        add(y, rng.uniform(0.6, 1) * bark, start)
    return y


def cats(rng: np.random.Generator, n: int) -> Signal:
    """Miaows: a pitch of 300 to 1100 Hz that rises and falls while the mouth opens and closes.

    Schötz & van de Weijer (2014), "A study of human perception of intonation in domestic cat meows", Speech Prosody.
    """
    y = rng.uniform(0.003, 0.1) * noise(rng, n, 1)
    base = log_uniform(rng, 300, 900)
    for start in regular_times(rng, n, rng.uniform(0.7, 2.0), 0.4):
        m = int(rng.uniform(0.3, 1.3) * SR)
        arch = hump(m, rng.uniform(0.2, 0.7))
        f0 = base * 2 ** (rng.uniform(-0.2, 0.6) * arch + 0.03 * np.sin(2 * np.pi * 6 * np.arange(m) / SR))
        k = np.arange(1, int(7500 / f0.max()) + 1)[:, None]
        formant = 700 + rng.uniform(300, 1500) * arch
        gains = np.exp(-(((k * f0 - formant) / 900) ** 2)) + 0.2 / k
        call = (gains * np.sin(2 * np.pi * (k * phase(f0) + rng.random((len(k), 1))))).sum(axis=0)
        add(y, call * arch ** rng.uniform(0.3, 1), start)
    return y
