"""The small networks on spectra: from waveforms to scores and embeddings, by onnxruntime.

What they look like and how they are trained is in `emotify_core.network`, which needs PyTorch; here they only run.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from emotify_core.conditioning import LOUDNESS
from emotify_core.errors import UntrustedModelError
from emotify_core.halving import halve_rate, sharp_weights
from emotify_core.mel_scale import mel_filter_bank

SR: Final = 16_000
HOP: Final = 256  # 16 ms
N_BANDS: Final = 64
FMIN: Final = 50.0  # of the mel bands, which go up to half the rate
HARMONICS: Final = (65.0, 1600.0)  # Hz: the first and the last of the narrow bands
N_VIEWS: Final = 2  # of a recording: wide bands of short frames, and narrow ones of long frames
STRIDE: Final = 8  # frames of the spectrum for one step of the network
MAX_FRAMES: Final = 512  # 8 s; windows are shorter
_MEL_FRAME: Final = 400  # 25 ms
_MEL_N_FFT: Final = 512
_HARMONICS_FRAME: Final = 1024  # 64 ms, which tells the harmonics of a deep voice apart
_HARMONICS_N_FFT: Final = 2048
_QUARTER: Final = 4  # of the rate is enough for the narrow bands
# Filters that pass 1.7 kHz, and take away 85 dB of what would come to lie below it, over 6.3 and 2.3 kHz.
_HALVES: Final = (sharp_weights(5, 8.0), sharp_weights(20, 8.5))
_FLOOR: Final = 1e-9
_SILENCE: Final = 1e-20  # softer signals stay as soft as they are
RANGE_DB: Final = 70.0
SCALE_DB: Final = 20.0
PADDING: Final = -1.0

Spectrum = NDArray[np.float32]


def views(y: NDArray[np.float32]) -> Spectrum:
    """Compute the spectra that the networks read.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Signal at 16 kHz and any level, of at least one sample.

    Returns
    -------
    ndarray of float32, shape=(n_frames, 2, 64)
        Those of `log_mel` and of `log_harmonics`.
    """
    return np.stack([log_mel(y), log_harmonics(y)], axis=1)


def log_mel(y: NDArray[np.float32]) -> Spectrum:
    """Compute the log-mel spectrum of a signal, which shows its timbre.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        As for `views`.

    Returns
    -------
    ndarray of float32, shape=(n_frames, 64)
        Power in decibels, a frame every 16 ms; the level of the signal makes no difference.
    """
    return _decibels(np.pad(_levelled(y), _MEL_FRAME // 2), _MEL_FRAME, HOP, _MEL_N_FFT, _mel_filters())


def log_harmonics(y: NDArray[np.float32]) -> Spectrum:
    """Compute the spectrum of a signal in 64 narrow bands, each 5 % higher than the one before: it shows the melody.

    Where a voice rises, all its harmonics move up by the same number of bands. Parameters and result are as those of
    `log_mel`, frames included.

    References
    ----------
    Brown (1991), "Calculation of a constant Q spectral transform", JASA 89(1); here all bands have one resolution in
    time.
    """
    low, n_frames = np.pad(_levelled(y), _HARMONICS_FRAME // 2), 1 + len(y) // HOP  # filters ring into the silence
    for weights in _HALVES:
        low = halve_rate(low, weights)
    low *= np.float32(_QUARTER)  # the frames have fewer samples
    frame, hop, n_fft = (n // _QUARTER for n in (_HARMONICS_FRAME, HOP, _HARMONICS_N_FFT))
    return _decibels(low, frame, hop, n_fft, _harmonics_filters())[:n_frames]


def _levelled(y: NDArray[np.float32]) -> NDArray[np.float32]:
    rms = np.sqrt(np.einsum("i,i->", y, y, dtype=np.float64) / len(y))
    return np.asarray(y * np.float32(LOUDNESS / max(float(rms), _SILENCE)))


def _decibels(y: NDArray[np.float32], length: int, hop: int, n_fft: int, filters: NDArray[np.float32]) -> Spectrum:
    """Compute the power of a padded signal in bands, of filters of shape (n_bins, n_bands) for the lowest bins."""
    frames = np.lib.stride_tricks.sliding_window_view(y, length)[::hop]
    spectrum = scipy.fft.rfft(frames * _window(length), n_fft, axis=1, workers=1)[:, : len(filters)]
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    return np.asarray(10 * np.log10(power @ filters + np.float32(_FLOOR)), dtype=np.float32)


def prepare(spectra: Sequence[Spectrum]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Put spectra into one batch, each view at the same mean level, with a mask of what is no padding.

    Parameters
    ----------
    spectra : sequence of ndarray of float32, shape=(n_frames, n_views, 64)
        Of at most `MAX_FRAMES` frames; longer ones are cut.

    Returns
    -------
    batch : ndarray of float32, shape=(n_spectra, n_views, 64, n_frames)
    mask : ndarray of float32, shape=(n_spectra, n_frames / 8)
    """
    longest = min(MAX_FRAMES, max(len(spectrum) for spectrum in spectra))
    n_frames, n_views = -(-longest // STRIDE) * STRIDE, spectra[0].shape[1]
    batch = np.full((len(spectra), n_views, N_BANDS, n_frames), PADDING, dtype=np.float32)
    mask = np.zeros((len(spectra), n_frames // STRIDE), dtype=np.float32)
    for i, spectrum in enumerate(spectra):
        kept = np.asarray(spectrum[:MAX_FRAMES], dtype=np.float32)
        for view in range(n_views):
            batch[i, view, :, : len(kept)] = level(kept[:, view]).T
        mask[i, : n_steps(len(kept))] = 1
    return batch, mask


def level(spectrum: Spectrum) -> Spectrum:
    """Scale a spectrum in decibels to what the network reads: 70 dB of range, a mean of 0, 20 dB for 1."""
    floored = np.maximum(spectrum, spectrum.max() - np.float32(RANGE_DB))
    return np.asarray((floored - floored.mean()) / np.float32(SCALE_DB), dtype=np.float32)


def n_steps(n_frames: int) -> int:
    """Count the steps of the network that `n_frames` fill, rounded, at least one."""
    return max(1, (n_frames + STRIDE // 2 - 1) // STRIDE)


class Encoder:
    """A trained network.

    Parameters
    ----------
    onnx : bytes
        As `emotify_core.network` exports it: inputs ``spectrum`` and ``mask``, outputs ``scores`` (one for each
        emotion) and ``embedding``. Models that were published before there were two views read the first one.
    n_threads : int, default=1
        A note needs a millisecond; more threads cost more than they give.

    Raises
    ------
    UntrustedModelError
        If it is no such network.
    """

    def __init__(self, onnx: bytes, *, n_threads: int = 1) -> None:
        # From 1.29 on it reports to its makers and leaves an identifier at home, unless told not to before the import.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime  # noqa: PLC0415 (a tenth of a second, which models without a network do not need)

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has no common class for what may be wrong with a file
            raise UntrustedModelError(f"The network cannot be loaded: {error}") from error
        names = [port.name for port in (*self._session.get_inputs(), *self._session.get_outputs())]
        if names != ["spectrum", "mask", "scores", "embedding"]:
            raise UntrustedModelError(f"The network is none of ours: its ports are {', '.join(names)}.")
        self._n_views = int(self._session.get_inputs()[0].shape[1])

    def run(self, spectra: Sequence[Spectrum]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Score windows.

        Parameters
        ----------
        spectra : sequence of ndarray of float32, shape=(n_frames, 2, 64)
            From `views`, one for each window.

        Returns
        -------
        log_probabilities : ndarray of float64, shape=(n_windows, n_emotions)
        embeddings : ndarray of float32, shape=(n_windows, n_dimensions)
        """
        batch, mask = prepare([spectrum[:, : self._n_views] for spectrum in spectra])
        scores, embeddings = self._session.run(None, {"spectrum": batch, "mask": mask})
        return np.asarray(scores, dtype=np.float64), embeddings


@cache
def _window(n_samples: int) -> NDArray[np.float32]:
    return np.hanning(n_samples + 1)[:n_samples].astype(np.float32)


@cache
def _mel_filters() -> NDArray[np.float32]:
    bank = mel_filter_bank(sr=SR, n_fft=_MEL_N_FFT, n_mels=N_BANDS, fmin=FMIN, fmax=SR / 2, htk=True, norm="slaney")
    return np.ascontiguousarray((bank / bank.sum(axis=1, keepdims=True)).T, dtype=np.float32)


@cache
def _harmonics_filters() -> NDArray[np.float32]:
    """Triangles around frequencies at equal ratios, no narrower than the window lets them be."""
    lowest, highest = HARMONICS
    ratio = (highest / lowest) ** (1 / (N_BANDS - 1))
    centres, width = lowest * ratio ** np.arange(N_BANDS), SR / _HARMONICS_N_FFT
    half = np.maximum(centres * (ratio - 1), 1.5 * width)[:, None]
    bins = np.arange(np.ceil((centres + half[:, 0])[-1] / width)) * width
    bank = np.maximum(0, 1 - np.abs(bins - centres[:, None]) / half)
    return np.ascontiguousarray((bank / bank.sum(axis=1, keepdims=True)).T, dtype=np.float32)
