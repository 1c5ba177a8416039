"""Instruments that hold their notes and glide between them, as voices do: bowed, blown and electronic ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from emotify_core.non_speech.building_blocks import SR, Signal, log_uniform, noise, phase, resonance, unit, wander
from emotify_core.non_speech.music import SCALES, semitones

Voice = Callable[[Signal, Signal], Signal]  # pitch in Hz and loudness over time -> sound
_N_HARMONICS = 40


def legato(rng: np.random.Generator, n: int) -> Signal:
    """One instrument sings a melody: notes that swell, tremble, and run into one another."""
    return _draw_voice(rng)(*_line(rng, n, log_uniform(rng, 70, 900), beat=rng.uniform(0.12, 1.2)))


def ensemble(rng: np.random.Generator, n: int) -> Signal:
    """Several of one kind play together: strings, horns, pads."""
    voice, beat, root = _draw_voice(rng), rng.uniform(0.3, 2.5), log_uniform(rng, 70, 350)
    intervals = rng.choice([3, 4, 5, 7, 8, 9, 12, 16, 19], int(rng.integers(1, 4)), replace=False)
    pitch, loudness = _line(rng, n, root, beat=beat)
    return np.asarray(sum(unit(voice(pitch * 2 ** (i / 12), loudness)) for i in (0, *intervals)))


def glide(rng: np.random.Generator, n: int) -> Signal:
    """Glide without rest, as theremin, musical saw, slide guitar and slide whistle do."""
    steps = rng.uniform(4, 30) * (wander(rng, n, log_uniform(rng, 0.4, 4)) - 0.5)
    pitch = log_uniform(rng, 120, 1200) * 2 ** ((_smooth(steps, 0.05) + _vibrato(rng, n)) / 12)
    return _draw_voice(rng)(pitch, 0.15 + wander(rng, n, log_uniform(rng, 0.5, 4)))


def _draw_voice(rng: np.random.Generator) -> Voice:
    """Draw a timbre: a source whose harmonics fall, a body that rings at some pitches, and how many play together."""
    k = np.arange(1, _N_HARMONICS + 1)
    amplitudes = k ** -rng.uniform(0.5, 3.0) * rng.uniform(0.4, 1, _N_HARMONICS)
    amplitudes *= np.where(k % 2 == 0, rng.choice([1.0, 1.0, 1.0, 0.3, 0.02]), 1)
    n_resonances = int(rng.integers(0, 6))
    centres = np.exp(rng.uniform(np.log(150), np.log(5000), n_resonances))
    widths, ring = centres * rng.uniform(0.05, 0.6, n_resonances), rng.uniform(0.5, 8)
    n_players, spread = int(rng.choice([1, 1, 2, 3, 5])), rng.uniform(0.0005, 0.008)
    brightness, breath = rng.uniform(0, 1.5), rng.choice([0.0, 0.02, 0.1])

    def play(pitch: Signal, loudness: Signal) -> Signal:
        y = np.zeros(len(pitch))
        louder = loudness / max(float(loudness.max()), 1e-9)
        for _ in range(n_players):
            own = pitch * (1 + spread * (wander(rng, len(pitch), 3) - 0.5)) * (1 + spread * rng.standard_normal())
            cycles = phase(own)
            for i, amplitude in enumerate(amplitudes, start=1):
                f = i * own
                if float(f.min(initial=np.inf)) > 7800:
                    break
                gain = 1 + ring * sum(resonance(f, c, w) for c, w in zip(centres, widths, strict=True))
                # Loud notes are brighter.
                gain = gain * louder ** (brightness * np.log2(i) / 4) * (f < 7800)
                y += amplitude * gain * np.sin(2 * np.pi * (i * cycles + rng.random()))
        return np.asarray((unit(y * louder) + breath * noise(rng, len(pitch), 1)) * np.minimum(1, 10 * louder))

    return play


def _line(rng: np.random.Generator, n: int, centre: float, *, beat: float) -> tuple[Signal, Signal]:
    """Walk up and down a scale; return pitch in Hz and loudness, both over time."""
    scale, degree = SCALES[rng.integers(3)], 0
    steps, loudness = np.zeros(n), np.zeros(n)
    attack, release = log_uniform(rng, 0.01, 0.3), log_uniform(rng, 0.02, 0.4)
    held, rests, swell = rng.uniform(0.7, 1.0), rng.choice([0.0, 0.1, 0.2]), rng.uniform(0, 0.8)
    start = 0
    while start < n:
        length = max(1, int(beat * rng.choice([0.5, 1, 1, 2]) * SR))
        degree = int(np.clip(degree + rng.integers(-3, 4), -7, 8))
        note = slice(start, min(n, start + length))
        steps[note] = semitones(scale, degree)
        if start == 0 or rng.random() >= rests:
            t = np.arange(note.stop - note.start)
            arch = 1 - swell * np.abs(t / length - rng.uniform(0.2, 0.8))
            loudness[note] = rng.uniform(0.4, 1) * arch * (t < held * length)
        start += length
    steps = _smooth(steps, rng.choice([0.002, 0.02, 0.06, 0.12])) + _vibrato(rng, n)
    return centre * 2 ** (steps / 12), _smooth(_smooth(loudness, attack), release)


def _vibrato(rng: np.random.Generator, n: int) -> Signal:
    """Draw semitones around a pitch: none, or a vibrato that comes and goes."""
    rate = rng.uniform(4, 7.5) * (1 + 0.2 * (wander(rng, n, 2) - 0.5))
    return np.asarray(rng.choice([0.0, 0.3, 1.0]) * wander(rng, n, 1.5) * np.sin(2 * np.pi * phase(rate)))


def _smooth(contour: Signal, seconds: float) -> Signal:
    """Average a contour over some seconds, as long at its ends.

    Where it is not negative, its mean is not, either: scipy's running sum falls a little under 0.
    """
    width = max(1, int(seconds * SR))
    padded = np.pad(contour, (width // 2, width - width // 2), mode="edge")
    sums = np.cumsum(np.concatenate([[0.0], padded]))
    return np.asarray((sums[width:] - sums[:-width])[: len(contour)] / width)
