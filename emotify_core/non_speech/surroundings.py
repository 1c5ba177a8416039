"""Weather, machines, things that fall, hit or creak, and the noises that people make without a voice."""

from __future__ import annotations

import numpy as np

from emotify_core.non_speech.building_blocks import (
    SR,
    Signal,
    add,
    band_noise,
    decay,
    harmonic,
    hump,
    log_uniform,
    noise,
    phase,
    poisson_times,
    regular_times,
    resonate,
    unit,
    wander,
)


def coloured_noise(rng: np.random.Generator, n: int) -> Signal:
    """Hiss and rumble: stationary noise of any colour, its level drifting a little."""
    return noise(rng, n, rng.uniform(-0.5, 2.5)) * (1 + rng.uniform(0, 0.6) * wander(rng, n, rng.uniform(0.3, 3)))


def wind(rng: np.random.Generator, n: int) -> Signal:
    """Gusts in a microphone, mostly below 500 Hz, and howling whose pitch follows their strength."""
    gusts = wander(rng, n, rng.uniform(0.5, 6)) ** rng.uniform(1, 3)
    y = noise(rng, n, rng.uniform(1.5, 3)) * gusts
    low = log_uniform(rng, 200, 600)
    centres = low * np.geomspace(1, rng.uniform(1.5, 4), 6)
    where = gusts * (len(centres) - 1)
    howl = np.zeros(n)
    for i, centre in enumerate(centres):
        howl += band_noise(rng, n, centre, centre * rng.uniform(0.05, 0.3)) * np.maximum(0, 1 - np.abs(where - i))
    return y + rng.uniform(0, 1.5) * howl * gusts


def rain(rng: np.random.Generator, n: int) -> Signal:
    """Hiss of many drops, and single drops of 1 to 6 kHz; a tap or a brook sounds alike."""
    y = noise(rng, n, rng.uniform(-0.5, 1)) * (0.3 + 0.2 * wander(rng, n, 2))
    for start in poisson_times(rng, n, log_uniform(rng, 2, 60)):
        f = log_uniform(rng, 500, 6000)
        t = np.arange(int(rng.uniform(0.01, 0.06) * SR)) / SR
        # A bubble rings a little higher while it rises: van den Doel (2005), "Physically based models for
        # liquid sounds".
        add(y, rng.exponential(2) * np.sin(2 * np.pi * f * t * (1 + rng.uniform(0, 4) * t)) * hump(len(t), 0.05), start)
    return y


def sea(rng: np.random.Generator, n: int) -> Signal:
    """Waves, traffic passing, a far crowd: noise that swells and ebbs, brighter where it is loud."""
    swell = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(n) / SR * rng.uniform(0.1, 0.6) + rng.random()))
    bright = noise(rng, n, rng.uniform(0, 1)) * swell ** rng.uniform(1, 4)
    return noise(rng, n, rng.uniform(1, 2)) * (0.2 + swell) + rng.uniform(0.2, 1) * bright


def hum(rng: np.random.Generator, n: int) -> Signal:
    """Mains hum, a fan, a refrigerator: harmonics of 50 or 60 Hz or of a blade's rate, and noise."""
    f0 = np.full(n, rng.choice([50, 60, 100, 120, log_uniform(rng, 40, 500)]))
    tone = harmonic(f0, rng.exponential(1, 30) / np.arange(1, 31) ** rng.uniform(0.3, 1.5), rng)
    return unit(tone) + rng.uniform(0.03, 1.5) * noise(rng, n, rng.uniform(0.5, 2))


def engine(rng: np.random.Generator, n: int) -> Signal:
    """Pulses at the firing rate of an engine or a motor, through a pipe, while its speed changes."""
    f0 = log_uniform(rng, 18, 250) * 2 ** (rng.uniform(0, 0.8) * wander(rng, n, rng.uniform(0.3, 2)))
    pulses = np.exp(-((phase(f0) % 1) ** 2) / rng.uniform(0.002, 0.05)) * (1 + 0.2 * rng.standard_normal(n))
    pulses -= pulses.mean()
    centres, widths = rng.uniform(80, 3000, 4), rng.uniform(100, 700, 4)
    y = resonate(pulses, centres, widths)
    beat = 1 + rng.uniform(0, 0.5) * np.sin(2 * np.pi * phase(f0 / rng.integers(2, 9)))
    return y * beat + rng.uniform(0.05, 1) * noise(rng, n, rng.uniform(0.5, 2)) * beat


def crackle(rng: np.random.Generator, n: int) -> Signal:
    """Fire, paper, a bad cable, an old record: clicks of any strength over faint noise."""
    y = rng.uniform(0.01, 0.3) * noise(rng, n, rng.uniform(0, 2))
    for start in poisson_times(rng, n, log_uniform(rng, 5, 150)):
        click = noise(rng, 400, rng.uniform(0, 1.5)) * decay(400, rng.uniform(0.002, 0.03), 1e-4)
        add(y, rng.pareto(1.5) * click, start)
    return np.clip(y, -30, 30)


def applause(rng: np.random.Generator, n: int) -> Signal:
    """Hands clapping, alone, together or in time: Repp (1987), "The sound of two hands clapping", JASA 81(4)."""
    y = np.zeros(n)
    if rng.random() < 0.4:
        times = regular_times(rng, n, rng.uniform(0.18, 0.7))
    else:
        times = poisson_times(rng, n, log_uniform(rng, 5, 120))
    for start in times:
        clap = band_noise(rng, 1600, log_uniform(rng, 500, 3000), rng.uniform(400, 2500))
        add(y, rng.uniform(0.3, 1) * clap * decay(1600, rng.uniform(0.02, 0.09), 5e-4), start)
    return y + 0.02 * noise(rng, n, 1)


def dishes(rng: np.random.Generator, n: int) -> Signal:
    """Things of metal, glass, wood that hit each other: van den Doel & Pai (1998), "The sounds of physical shapes"."""
    y = 0.01 * noise(rng, n, 1)
    base, ring = log_uniform(rng, 150, 3000), log_uniform(rng, 0.03, 1.2)
    for start in poisson_times(rng, n, log_uniform(rng, 0.7, 9)):
        modes = np.minimum(base * rng.uniform(0.8, 1.25) * np.sort(rng.uniform(1, 12, 8)), 7500)
        m = int(min(n, 1.2 * ring * SR))
        t = np.arange(m) / SR
        hit = sum(rng.exponential() * np.sin(2 * np.pi * f * t) * decay(m, ring * rng.uniform(0.2, 1)) for f in modes)
        add(y, rng.exponential() * (hit + 2 * noise(rng, m) * decay(m, 0.01)), start)
    return y


def keyboard(rng: np.random.Generator, n: int) -> Signal:
    """Keys pressed and released, or a clock: short clicks with a low thump."""
    y = rng.uniform(0.003, 0.1) * noise(rng, n, 1)
    for start in regular_times(rng, n, rng.uniform(0.08, 0.5), rng.choice([0.02, 0.6])):
        strength = rng.uniform(0.3, 1)
        for delay, gain in ((0.0, 1.0), (rng.uniform(0.05, 0.12), 0.5)):
            click = band_noise(rng, 800, log_uniform(rng, 1000, 6000), 2000) * decay(800, rng.uniform(0.01, 0.04), 3e-4)
            thump = band_noise(rng, 800, rng.uniform(100, 400), 150) * decay(800, 0.06)
            add(y, gain * strength * (click + rng.uniform(0, 0.7) * thump), max(0.0, start + delay))
    return y


def knocks(rng: np.random.Generator, n: int) -> Signal:
    """Footsteps, knocks on a door, bumps against the microphone: dull thuds."""
    y = rng.uniform(0.003, 0.1) * noise(rng, n, 1.5)
    centre, length = log_uniform(rng, 60, 900), rng.uniform(0.04, 0.25)
    for start in regular_times(rng, n, rng.uniform(0.15, 0.9), rng.choice([0.05, 0.5])):
        m = int(1.2 * length * SR)
        thud = band_noise(rng, m, centre * rng.uniform(0.8, 1.25), centre * rng.uniform(0.3, 1.5)) * decay(m, length)
        add(y, rng.uniform(0.3, 1) * thud, start)
    return y


def creak(rng: np.random.Generator, n: int) -> Signal:
    """Doors, chairs, brakes, rubbed glass: friction that sticks and slips, faster and slower, through a body."""
    y = 0.01 * noise(rng, n, 1)
    for start in poisson_times(rng, n, rng.uniform(0.5, 2)):
        m = int(rng.uniform(0.1, 1.2) * SR)
        f0 = log_uniform(rng, 30, 1200) * 2 ** (rng.uniform(0, 2) * wander(rng, m, rng.uniform(2, 12)))
        slips = (phase(f0 * (1 + 0.1 * rng.standard_normal(m))) % 1) - 0.5
        centres, widths = np.exp(rng.uniform(np.log(300), np.log(6000), 5)), rng.uniform(30, 300, 5)
        add(y, resonate(slips, centres, widths) * hump(m, rng.uniform(0.1, 0.9)), start)
    return y


def breathing(rng: np.random.Generator, n: int) -> Signal:
    """Breath in and out, sniffs, panting, a puff on the microphone: noise through an open tract, no voice."""
    y = rng.uniform(0.005, 0.05) * noise(rng, n, 1)
    for start in regular_times(rng, n, rng.uniform(0.25, 2.2), 0.3):
        m = int(rng.uniform(0.15, 1.4) * SR)
        centres = np.array([rng.uniform(300, 1000), rng.uniform(1000, 2200), rng.uniform(2200, 5000)])
        widths = rng.uniform(200, 1200, 3)
        breath = resonate(noise(rng, m, rng.uniform(0, 1.5)), centres, widths)
        add(y, rng.uniform(0.4, 1) * breath * hump(m, rng.uniform(0.2, 0.8)), start)
    return y


def cough(rng: np.random.Generator, n: int) -> Signal:
    """Coughs and cleared throats: a burst, a noisy phase, and often a voiced one.

    After Korpas, Sadlonova & Vrabec (1996), "Analysis of the cough sound: an overview", Pulmonary Pharmacology 9.
    """
    y = rng.uniform(0.002, 0.03) * noise(rng, n, 1)
    has_voice, interval = rng.random() < 0.7, rng.uniform(0.25, 1.2)
    for start in regular_times(rng, n, interval, 0.3):
        m = int(rng.uniform(0.15, 0.5) * SR)
        phases = decay(m, 0.12, 0.003) + 0.4 * decay(m, rng.uniform(0.3, 0.6), 0.02)
        source = noise(rng, m, rng.uniform(0, 1)) * phases
        voice = _rough_voice(rng, m) * np.roll(hump(m, rng.uniform(0.2, 0.5)), int(rng.uniform(0.05, 0.3) * m))
        explosion = _closing_throat(rng, source + has_voice * rng.uniform(0.1, 2) * voice) * hump(m, 0.05)
        add(y, rng.uniform(0.3, 1) * explosion, start)
    return y


def sneeze(rng: np.random.Generator, n: int) -> Signal:
    """Gasp, sometimes with voice, then a burst of hiss that dies away; blowing a nose and spraying sound alike."""
    y = rng.uniform(0.002, 0.03) * noise(rng, n, 1)
    has_voice = rng.random() < 0.6
    for start in regular_times(rng, n, rng.uniform(0.8, 2.5), 0.4):
        m = int(rng.uniform(0.15, 0.5) * SR)
        gasp = _closing_throat(rng, noise(rng, m) + has_voice * rng.uniform(1, 6) * _rough_voice(rng, m)[::-1])
        add(y, rng.uniform(0.1, 1) * gasp * hump(m, 0.8), start)
        m = int(rng.uniform(0.2, 0.6) * SR)
        burst = band_noise(rng, m, rng.uniform(1500, 6000), rng.uniform(1500, 4000))
        burst += rng.uniform(0, 0.5) * band_noise(rng, m, 700, 400)
        burst += has_voice * rng.uniform(0, 1.5) * _closing_throat(rng, _rough_voice(rng, m))
        add(y, burst * decay(m, rng.uniform(0.2, 0.7), 0.01), start + len(gasp) / SR)
    return y


def _rough_voice(rng: np.random.Generator, n: int) -> Signal:
    """Make the pulses of a throat that nobody controls: irregular, and falling."""
    f0 = np.geomspace(log_uniform(rng, 150, 700), log_uniform(rng, 90, 450), n)
    return np.asarray(phase(f0 * (1 + rng.uniform(0.005, 0.3) * rng.standard_normal(n))) % 1 - 0.5)


def _closing_throat(rng: np.random.Generator, y: Signal) -> Signal:
    """Send a sound through formants that move to others meanwhile."""
    first, last = (rng.uniform((300, 1000, 2200), (900, 2000, 3600)) for _ in range(2))
    widths = rng.uniform(60, 500, 3)
    x = np.linspace(0, 1, len(y))
    return np.asarray((1 - x) * resonate(y, first, widths) + x * resonate(y, last, widths))
