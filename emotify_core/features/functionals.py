"""Functionals: what is kept of a contour over time.

The set follows Eyben (2016), *Real-time Speech and Music Classification by Large Audio Feature Space Extraction*, 2.4.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from emotify_core.features.spectra import HOP, SR

NAMES = (
    *("mean", "std", "skewness", "kurtosis"),
    *("p25", "p50", "p75", "p75-p25", "p99-p1"),
    *("slope", "curvature", "dct1", "dct2", "dct3", "dct4", "dct5"),
    *("up25", "up75", "up90"),
    *("rising", "rise_slope", "fall_slope", "mean_change"),
    *("peak_rate", "peak_height", "peak_std"),
    *("argmax", "argmin"),
)
_PERCENTILES = (0.01, 0.25, 0.5, 0.75, 0.99)
_LEVELS = (0.25, 0.75, 0.9)  # shares of the way from the first to the 99th percentile
_EPS = np.float32(1e-9)

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]


def functionals(contours: Matrix) -> Matrix:
    """Summarise contours.

    Parameters
    ----------
    contours : ndarray of float32, shape=(n_contours, n_frames)
        One row a low-level descriptor, one column a frame of 10 ms; at least two frames.

    Returns
    -------
    ndarray of float32, shape=(n_contours, len(NAMES))
    """
    n_frames = contours.shape[1]
    mean = contours.mean(axis=1)
    centred = contours - mean[:, None]
    std, skewness, kurtosis = _moments(centred)
    ordered = np.sort(contours, axis=1)
    p1, p25, p50, p75, p99 = ordered[:, _positions(n_frames)].T
    rows = [
        *(mean, std, skewness, kurtosis),
        *(p25, p50, p75, p75 - p25, p99 - p1),
        *(_shapes(n_frames) @ centred.T),
        *_shares_above(ordered, p1, p99 - p1),
        *_changes(contours),
        *_peaks(centred, std),
        *(contours.argmax(axis=1) / np.float32(n_frames), contours.argmin(axis=1) / np.float32(n_frames)),
    ]
    return np.stack(rows, axis=1, dtype=np.float32)


def delta(contours: Matrix) -> Matrix:
    """Change over time: the regression slope over five frames, shape as `contours`.

    References
    ----------
    Young et al., *The HTK Book*, eq. 5.16 (delta window of 2).
    """
    padded = _held(contours, 2)
    change = padded[:, 4:] - padded[:, :-4]
    change *= 2
    change += padded[:, 3:-1]
    change -= padded[:, 1:-3]
    change *= np.float32(0.1)
    return change


def _moments(centred: Matrix) -> tuple[Vector, Vector, Vector]:
    squared = centred * centred
    std = np.sqrt(squared.mean(axis=1)) + _EPS
    n_frames = np.float32(centred.shape[1])
    skewness = np.einsum("ij,ij->i", squared, centred) / n_frames / std**3
    kurtosis = np.einsum("ij,ij->i", squared, squared) / n_frames / std**4
    return std, skewness, kurtosis


@lru_cache(maxsize=8)
def _positions(n_frames: int) -> NDArray[np.intp]:
    return np.round(np.array(_PERCENTILES) * (n_frames - 1)).astype(np.intp)


@lru_cache(maxsize=8)
def _shapes(n_frames: int) -> Matrix:
    """Weights of a centred contour: slope and curvature over a time from -1 to 1, and five cosines."""
    time = np.linspace(-1, 1, n_frames)
    squared = time * time - (time * time).mean()
    position = np.pi * (2 * np.arange(n_frames) + 1) / (2 * n_frames)
    cosines = np.cos(np.arange(1, 6)[:, None] * position) * 2 / n_frames
    regressions = [time / (time @ time), squared / (squared @ squared + _EPS)]
    return np.vstack([*regressions, cosines]).astype(np.float32)


def _shares_above(ordered: Matrix, low: Vector, spread: Vector) -> list[Vector]:
    """Share of frames above each of `_LEVELS`, found by bisection in sorted contours."""
    n_contours, n_frames = ordered.shape
    levels = low[:, None] + (spread + _EPS)[:, None] * np.array(_LEVELS, dtype=np.float32)
    flat, starts = ordered.ravel(), np.arange(n_contours)[:, None] * n_frames
    n_below = np.zeros(levels.shape, dtype=np.intp)  # frames that are known to be at most at the level
    step = 1 << (n_frames.bit_length() - 1)
    while step:
        tried = n_below + step
        is_below = flat[starts + np.minimum(tried, n_frames) - 1] <= levels
        n_below += step * (is_below & (tried <= n_frames))
        step //= 2
    return list((1 - n_below / np.float32(n_frames)).T)


def _changes(contours: Matrix) -> list[Vector]:
    """Share of frames that rise, mean rise, mean fall and mean change without its sign."""
    change = contours[:, 1:] - contours[:, :-1]
    n = np.float32(change.shape[1])
    n_rising = _count(change > 0)
    n_falling = _count(change < 0)
    size = np.abs(change)
    whole = size.sum(axis=1)
    net = contours[:, -1] - contours[:, 0]
    rise, fall = np.maximum(whole + net, 0) / 2, np.minimum(net - whole, 0) / 2
    return [n_rising / n, rise / np.maximum(n_rising, 1), fall / np.maximum(n_falling, 1), whole / n]


def _peaks(centred: Matrix, std: Vector) -> list[Vector]:
    """Count peaks of the smoothed contour that are highest within 40 ms on both sides; their height and its spread."""
    n_frames = centred.shape[1]
    padded = _held(centred, 1)
    smooth = padded[:, 1:-1] + padded[:, :-2]
    smooth += padded[:, 2:]
    is_peak = smooth == _highest_within_four(smooth)
    is_peak &= smooth > (np.float32(0.3) * std)[:, None]
    n_peaks = _count(is_peak)
    peaks = centred * is_peak
    some = np.maximum(n_peaks, 1)
    height = peaks.sum(axis=1) / some
    variance = np.einsum("ij,ij->i", peaks, peaks) / some - height**2
    return [n_peaks / np.float32(n_frames * HOP / SR), height, np.sqrt(np.maximum(variance, 0))]


def _highest_within_four(rows: Matrix) -> Matrix:
    """Take the running maximum over four frames on both sides, by doubling."""
    padded = _held(rows, 4)
    two = np.maximum(padded[:, 1:], padded[:, :-1])
    four = np.maximum(two[:, 2:], two[:, :-2])
    eight = np.maximum(four[:, 4:], four[:, :-4])
    return np.maximum(eight[:, :-1], padded[:, 8:])


def _held(rows: Matrix, n: int) -> Matrix:
    """Hold the first and the last frame for `n` frames more; `numpy.pad` takes thrice as long."""
    padded = np.empty((len(rows), rows.shape[1] + 2 * n), dtype=rows.dtype)
    padded[:, n:-n] = rows
    padded[:, :n] = rows[:, :1]
    padded[:, -n:] = rows[:, -1:]
    return padded


def _count(mask: NDArray[np.bool_]) -> Vector:
    return np.asarray(mask.view(np.int8).sum(axis=1, dtype=np.int32), dtype=np.float32)
