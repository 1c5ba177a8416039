"""What sounds without a voice are made of: noise, envelopes, harmonics, resonances and events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

SR: Final = 16_000
Signal = NDArray[np.float64]


def noise(rng: np.random.Generator, n: int, exponent: float = 0.0) -> Signal:
    """Make stationary noise of unit power that falls as 1 / f**exponent: 0 white, 1 pink, 2 brown."""
    return shape(rng.standard_normal(n), lambda f: np.maximum(f, 20.0) ** (-exponent / 2))


def band_noise(rng: np.random.Generator, n: int, centre: float, width: float) -> Signal:
    """Make noise of unit power through one resonance; both arguments in Hz."""
    return shape(rng.standard_normal(n), lambda f: resonance(f, centre, width))


def shape(y: Signal, response: Callable[[Signal], Signal]) -> Signal:
    """Filter by a real response, a function of the frequency in Hz, and scale to unit power."""
    n_fft = scipy.fft.next_fast_len(len(y) + 1024, real=True)
    spectrum = scipy.fft.rfft(y, n_fft) * response(scipy.fft.rfftfreq(n_fft, 1 / SR))
    return unit(scipy.fft.irfft(spectrum, n_fft)[: len(y)])


def resonance(f: Signal, centre: float | Signal, width: float | Signal) -> Signal:
    """Return the gain of a resonance at `centre`, `width` Hz wide 3 dB under its peak; no phase."""
    return np.asarray(1 / np.sqrt(1 + ((f - centre) / (width / 2)) ** 2))


def resonate(y: Signal, centres: Signal, widths: Signal) -> Signal:
    """Send a sound through several resonances of two poles side by side, and scale to unit power."""
    return shape(y, lambda f: (resonance(f, centres[:, None], widths[:, None]) ** 2).sum(axis=0))


def unit(y: Signal) -> Signal:
    """Scale to a root mean square of 1; silence stays."""
    return np.asarray(y / max(float(np.sqrt(np.mean(np.square(y)))), 1e-9))


def wander(rng: np.random.Generator, n: int, rate: float) -> Signal:
    """Make a smooth random contour between 0 and 1 that turns about `rate` times a second."""
    n_points = max(2, int(n / SR * rate) + 2)
    return np.interp(np.linspace(0, n_points - 1, n), np.arange(n_points), rng.random(n_points))


def phase(f0: Signal) -> Signal:
    """Integrate a frequency contour in Hz to a phase in cycles."""
    return np.cumsum(f0) / SR


def harmonic(f0: Signal, amplitudes: Signal, rng: np.random.Generator) -> Signal:
    """Add harmonics of a frequency contour; those beyond 7.8 kHz are left out."""
    cycles = phase(f0)
    y = np.zeros(len(f0))
    for k, amplitude in enumerate(amplitudes, start=1):
        if k * float(f0.max(initial=0)) > 7800:
            break
        y += amplitude * np.sin(2 * np.pi * (k * cycles + rng.random()))
    return y


def decay(n: int, seconds: float, attack: float = 0.002) -> Signal:
    """Make an envelope that rises in `attack` seconds and then falls by 60 dB in `seconds`."""
    t = np.arange(n) / SR
    return np.asarray(np.minimum(t / attack, 1) * np.exp(-6.9 * t / seconds))


def hump(n: int, attack: float = 0.3) -> Signal:
    """Make an envelope that rises for the share `attack` of its length and then falls to 0."""
    x = np.arange(n) / max(n, 1)
    return np.asarray(np.sin(np.pi / 2 * np.minimum(x / attack, np.maximum(1 - x, 0) / (1 - attack))))


def add(y: Signal, event: Signal, start: float) -> None:
    """Add an event to `y`, in place, from `start` seconds on; what does not fit is cut off."""
    first = int(start * SR)
    part = event[: max(0, len(y) - first)]
    y[first : first + len(part)] += part


def poisson_times(rng: np.random.Generator, n: int, rate: float) -> Signal:
    """Draw the times of independent events, `rate` a second, at least one."""
    duration = n / SR
    return rng.uniform(0, duration, max(1, rng.poisson(rate * duration)))


def regular_times(rng: np.random.Generator, n: int, interval: float, jitter: float = 0.1) -> Signal:
    """Draw the times of events in a row, `interval` seconds apart, with relative `jitter`."""
    count = int(n / SR / interval) + 1
    steps = interval * (1 + jitter * rng.uniform(-1, 1, count))
    return np.asarray(np.cumsum(steps) - steps[0] + rng.uniform(0, min(0.1, interval)))


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
