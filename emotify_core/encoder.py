"""The small network on log-mel spectra: from waveforms to scores and embeddings, by onnxruntime.

What it looks like and how it is trained is in `emotify_core.network`, which needs PyTorch; here it only runs.
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
from emotify_core.mel_scale import mel_filter_bank

SR: Final = 16_000
HOP: Final = 256  # 16 ms
N_MELS: Final = 64
FMIN: Final = 50.0
STRIDE: Final = 8  # frames of the spectrum for one step of the network
MAX_FRAMES: Final = 512  # 8 s; windows are shorter
_FRAME: Final = 400  # 25 ms
_N_FFT: Final = 512
_FLOOR: Final = 1e-9
_SILENCE: Final = 1e-20  # softer signals stay as soft as they are
RANGE_DB: Final = 70.0
SCALE_DB: Final = 20.0
PADDING: Final = -1.0

Spectrum = NDArray[np.float32]


def log_mel(y: NDArray[np.float32]) -> Spectrum:
    """Compute the log-mel spectrum that the network reads.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Signal at 16 kHz and any level, of at least one sample.

    Returns
    -------
    ndarray of float32, shape=(n_frames, 64)
        Power in decibels, a frame every 16 ms; the level of the signal makes no difference.
    """
    rms = np.sqrt(np.einsum("i,i->", y, y, dtype=np.float64) / len(y))
    padded = np.pad(y * np.float32(LOUDNESS / max(float(rms), _SILENCE)), _FRAME // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::HOP]
    spectrum = scipy.fft.rfft(frames * _window(), _N_FFT, axis=1, workers=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    return np.asarray(10 * np.log10(power @ _filters() + np.float32(_FLOOR)), dtype=np.float32)


def prepare(spectra: Sequence[Spectrum]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Put spectra into one batch, each at the same mean level, with a mask of what is no padding.

    Parameters
    ----------
    spectra : sequence of ndarray of float32, shape=(n_frames, 64)
        Of at most `MAX_FRAMES` frames; longer ones are cut.

    Returns
    -------
    batch : ndarray of float32, shape=(n_spectra, 1, 64, n_frames)
    mask : ndarray of float32, shape=(n_spectra, n_frames / 8)
    """
    longest = min(MAX_FRAMES, max(len(spectrum) for spectrum in spectra))
    n_frames = -(-longest // STRIDE) * STRIDE
    batch = np.full((len(spectra), 1, N_MELS, n_frames), PADDING, dtype=np.float32)
    mask = np.zeros((len(spectra), n_frames // STRIDE), dtype=np.float32)
    for i, spectrum in enumerate(spectra):
        kept = np.asarray(spectrum[:MAX_FRAMES], dtype=np.float32)
        batch[i, 0, :, : len(kept)] = level(kept).T
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
        emotion) and ``embedding``.
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

    def run(self, spectra: Sequence[Spectrum]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Score windows.

        Parameters
        ----------
        spectra : sequence of ndarray of float32, shape=(n_frames, 64)
            From `log_mel`, one for each window.

        Returns
        -------
        log_probabilities : ndarray of float64, shape=(n_windows, n_emotions)
        embeddings : ndarray of float32, shape=(n_windows, n_dimensions)
        """
        batch, mask = prepare(spectra)
        scores, embeddings = self._session.run(None, {"spectrum": batch, "mask": mask})
        return np.asarray(scores, dtype=np.float64), embeddings


@cache
def _window() -> NDArray[np.float32]:
    return np.hanning(_FRAME + 1)[:_FRAME].astype(np.float32)


@cache
def _filters() -> NDArray[np.float32]:
    bank = mel_filter_bank(sr=SR, n_fft=_N_FFT, n_mels=N_MELS, fmin=FMIN, fmax=SR / 2, htk=True, norm="slaney")
    return np.ascontiguousarray((bank / bank.sum(axis=1, keepdims=True)).T, dtype=np.float32)
