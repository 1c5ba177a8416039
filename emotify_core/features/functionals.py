"""Functionals: what is kept of a contour over time.

The set follows Eyben (2016), *Real-time Speech and Music Classification by Large Audio Feature Space Extraction*, 2.4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from emotify_core.features.spectra import HOP, SR

NAMES = (
    *("mean", "std", "skewness", "kurtosis"),
    *("p1", "p25", "p50", "p75", "p99", "p50-p25", "p75-p50", "p75-p25", "p99-p1"),
    *("slope", "slope_error", "curvature", "curvature_error", "centroid", "dct1", "dct2", "dct3", "dct4", "dct5"),
    *(
        "up25",
        "up50",
        "up75",
        "up90",
        "rising",
        "peak_rate",
        "peak_distance",
        "peak_distance_std",
        "peak_height",
        "peak_std",
    ),
    *("argmax", "argmin", "rise_slope", "fall_slope", "mean_change"),
)
_EPS = np.float32(1e-9)

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
    mean = contours.mean(axis=1)
    centred = contours - mean[:, None]
    std = centred.std(axis=1) + _EPS
    percentiles = _percentiles(contours)
    low, spread = percentiles[:, 0], percentiles[:, 4] - percentiles[:, 0] + _EPS
    scaled = (contours - low[:, None]) / spread[:, None]
    columns = [
        np.column_stack([mean, std, *_standard_moments(centred / std[:, None])]),
        percentiles,
        np.column_stack([percentiles[:, b] - percentiles[:, a] for a, b in ((1, 2), (2, 3), (1, 3), (0, 4))]),
        _regressions(centred),
        _temporal_centroid(scaled)[:, None],
        contours @ _cosines(contours.shape[1]).T,
        np.column_stack([(scaled > level).mean(axis=1) for level in (0.25, 0.5, 0.75, 0.9)]),
        *_peaks_and_slopes(contours, mean, std),
    ]
    return np.hstack(columns).astype(np.float32)


def delta(contours: Matrix) -> Matrix:
    """Change over time: the regression slope over five frames, shape as `contours`.

    References
    ----------
    Young et al., *The HTK Book*, eq. 5.16 (delta window of 2).
    """
    padded = np.pad(contours, ((0, 0), (2, 2)), mode="edge")
    return (2 * (padded[:, 4:] - padded[:, :-4]) + padded[:, 3:-1] - padded[:, 1:-3]) / np.float32(10)


def _percentiles(contours: Matrix) -> Matrix:
    n_frames = contours.shape[1]
    positions = np.round(np.array([0.01, 0.25, 0.5, 0.75, 0.99]) * (n_frames - 1)).astype(int)
    return np.sort(contours, axis=1)[:, positions]


def _standard_moments(z: Matrix) -> tuple[Matrix, Matrix]:
    squared = z * z
    return (squared * z).mean(axis=1), (squared * squared).mean(axis=1)


def _regressions(centred: Matrix) -> Matrix:
    time = np.linspace(-1, 1, centred.shape[1], dtype=np.float32)
    time -= time.mean()
    squared = time * time - (time * time).mean()
    slope = centred @ time / (time @ time)
    curvature = centred @ squared / (squared @ squared + _EPS)
    residual = centred - slope[:, None] * time
    slope_error = (residual**2).mean(axis=1)
    curvature_error = ((residual - curvature[:, None] * squared) ** 2).mean(axis=1)
    return np.column_stack([slope, slope_error, curvature, curvature_error])


def _temporal_centroid(scaled: Matrix) -> Matrix:
    weights = np.clip(scaled, 0, 1)
    n_frames = scaled.shape[1]
    return np.asarray(weights @ np.arange(n_frames, dtype=np.float32) / (weights.sum(axis=1) + _EPS) / n_frames)


def _cosines(n_frames: int) -> Matrix:
    position = np.pi * (2 * np.arange(n_frames) + 1) / (2 * n_frames)
    return (np.cos(np.arange(1, 6)[:, None] * position) * 2 / n_frames).astype(np.float32)


def _peaks_and_slopes(contours: Matrix, mean: Matrix, std: Matrix) -> list[Matrix]:
    n_contours, n_frames = contours.shape
    change = np.diff(contours, axis=1)
    rising, falling = change > 0, change < 0
    smooth = uniform_filter1d(contours, 3, axis=1)
    is_peak = (smooth == maximum_filter1d(smooth, 9, axis=1)) & (smooth > (mean + np.float32(0.1) * std)[:, None])
    n_peaks = is_peak.sum(axis=1)
    some = np.maximum(n_peaks, 1)
    height = (contours * is_peak).sum(axis=1) / some
    deviation = np.sqrt(np.maximum(0, (contours**2 * is_peak).sum(axis=1) / some - height**2))
    return [
        np.column_stack([rising.mean(axis=1), n_peaks / (n_frames * HOP / SR)]),
        _peak_distances(is_peak, n_contours),
        np.column_stack([np.where(n_peaks > 0, height - mean, 0), deviation]),
        np.column_stack([contours.argmax(axis=1) / n_frames, contours.argmin(axis=1) / n_frames]),
        np.column_stack([_mean_where(change, rising), _mean_where(change, falling), np.abs(change).mean(axis=1)]),
    ]


def _peak_distances(is_peak: NDArray[np.bool_], n_contours: int) -> Matrix:
    rows, columns = np.nonzero(is_peak)
    same_row = np.diff(rows) == 0
    rows, distances = rows[1:][same_row], np.diff(columns)[same_row].astype(np.float64)
    count = np.maximum(np.bincount(rows, minlength=n_contours), 1)
    mean = np.bincount(rows, distances, minlength=n_contours) / count
    variance = np.bincount(rows, distances**2, minlength=n_contours) / count - mean**2
    return np.column_stack([mean, np.sqrt(np.maximum(0, variance))]).astype(np.float32)


def _mean_where(values: Matrix, mask: NDArray[np.bool_]) -> Matrix:
    return np.asarray(np.where(mask, values, 0).sum(axis=1) / np.maximum(mask.sum(axis=1), 1))
