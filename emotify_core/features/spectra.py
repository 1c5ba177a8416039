"""Short-time spectra and filter banks.

Only mel filters and scales are used: they compile nothing, whereas `librosa.feature` and `librosa.util` compile with
numba for half a minute in a fresh environment, and a damaged numba cache crashes the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from emotify_core.mel_scale import hz_to_octs, mel_filter_bank, mel_frequencies

SR = 16_000
HOP = 160  # 10 ms
FRAME = 400  # 25 ms
N_FFT = 512
N_MELS = 64
N_BARKS = 26
_POWER_FLOOR = 1e-10

Matrix = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Spectra:
    """Short-time spectra of one utterance.

    Attributes
    ----------
    power : ndarray of float32, shape=(n_frames, 257)
        Power spectrum.
    power_log : ndarray of float32, shape=(n_frames, 257)
        Its natural logarithm.
    mel_db : ndarray of float32, shape=(64, n_frames)
        Mel spectrum in decibels, at most 80 dB under its maximum.
    auditory_log : ndarray of float32, shape=(26, n_frames)
        Natural logarithm of 26 auditory bands, weighted by equal loudness.
    chroma : ndarray of float32, shape=(12, n_frames)
        Pitch classes from C, each frame relative to its greatest.
    zero_crossings : ndarray of float32, shape=(n_frames,)
        Share of sign changes in each frame.
    """

    power: Matrix
    power_log: Matrix
    mel_db: Matrix
    auditory_log: Matrix
    chroma: Matrix
    zero_crossings: NDArray[np.float32]

    @property
    def n_frames(self) -> int:
        """How many frames there are."""
        return len(self.power)


@cache
def bin_frequencies() -> NDArray[np.float32]:
    """Centre frequencies in Hz of the power spectrum's bins, shape=(257,)."""
    return np.fft.rfftfreq(N_FFT, 1 / SR).astype(np.float32)


def frame(y: NDArray[np.float32], length: int, n_frames: int) -> Matrix:
    """Cut `y` into centred frames, one every hop.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
    length : int
        Samples of one frame.
    n_frames : int
        How many frames at most.

    Returns
    -------
    ndarray of float32, shape=(n_frames, length)
        A read-only view.
    """
    padded = np.pad(y, (length // 2, length // 2 + HOP))
    return np.lib.stride_tricks.sliding_window_view(padded, length)[::HOP][:n_frames]


def count_frames(y: NDArray[np.float32]) -> int:
    """How many frames an utterance gets; never fewer than 20, so that functionals are defined."""
    return max(20, len(y) // HOP)


def spectra(y: NDArray[np.float32]) -> Spectra:
    """Compute the short-time spectra of an utterance.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Signal at 16 kHz.

    Returns
    -------
    Spectra
    """
    if len(y) < 20 * HOP:
        y = np.pad(y, (0, 20 * HOP - len(y)))
    n_frames = count_frames(y)
    power = power_spectrum(frame(y, FRAME, n_frames), N_FFT)
    power += np.float32(_POWER_FLOOR)
    bands = _filters() @ power.T
    mel_db = to_db(bands[:N_MELS])
    auditory = bands[N_MELS : N_MELS + N_BARKS]
    chroma = bands[N_MELS + N_BARKS :]
    return Spectra(
        power=power,
        power_log=np.log(power),
        mel_db=np.maximum(mel_db, mel_db.max() - 80),
        auditory_log=np.log(np.maximum(auditory, auditory.max() * np.float32(1e-8))),
        chroma=chroma / np.maximum(chroma.max(axis=0), np.float32(1e-9)),
        zero_crossings=_zero_crossings(y, n_frames),
    )


def power_spectrum(frames: Matrix, n_fft: int) -> Matrix:
    """Power spectrum of frames under a Hann window, shape=(n_frames, n_fft // 2 + 1)."""
    length = frames.shape[1]
    windowed = np.empty((len(frames), n_fft), dtype=np.float32)
    np.multiply(frames, hann(length), out=windowed[:, :length])
    windowed[:, length:] = 0  # scipy would fill up a copy
    parts = scipy.fft.rfft(windowed, axis=1, workers=1, overwrite_x=True).view(np.float32)
    np.square(parts, out=parts)
    return np.asarray(parts[:, ::2] + parts[:, 1::2])


def to_db(power: Matrix) -> Matrix:
    """Power in decibels; nothing is clipped."""
    return np.float32(10) * np.log10(power)


def _zero_crossings(y: NDArray[np.float32], n_frames: int) -> NDArray[np.float32]:
    n_blocks = 2 * (n_frames - 1) + 2 * FRAME // HOP  # of half a hop: a frame holds five
    negative = np.zeros(n_blocks * HOP // 2 + 1, dtype=np.bool_)
    signs = np.signbit(y[: len(negative) - FRAME // 2])
    negative[FRAME // 2 : FRAME // 2 + len(signs)] = signs
    crosses = (negative[1:] != negative[:-1]).reshape(n_blocks, HOP // 2)
    counts = crosses.view(np.int8).sum(axis=1, dtype=np.int32)
    sums = sum(counts[i : i + 2 * n_frames - 1 : 2] for i in range(2 * FRAME // HOP))
    return np.asarray(sums / np.float32(FRAME), dtype=np.float32)


@cache
def _filters() -> Matrix:
    """All filter banks on top of each other: one product is faster than three."""
    return np.vstack([mel_filters(N_MELS), mel_filters(N_BARKS) * _equal_loudness()[:, None], chroma_filters()])


@cache
def mel_filters(n_mels: int) -> Matrix:
    """Triangular filters from 20 Hz to 8 kHz, each summing to one, shape=(n_mels, 257)."""
    # With norm=None librosa would import what compiles; the norm itself makes no difference here.
    bank = mel_filter_bank(sr=SR, n_fft=N_FFT, n_mels=n_mels, fmin=20, fmax=SR / 2, htk=True, norm="slaney")
    return np.asarray(bank / np.maximum(bank.sum(axis=1, keepdims=True), 1e-9), dtype=np.float32)


@cache
def chroma_filters() -> Matrix:
    """Pitch-class filters for 12 semitones from C, tuned to A440, shape=(12, 257).

    The bank is that of `librosa.filters.chroma`, which compiles with numba: Ellis (2007), "Chroma feature analysis and
    synthesis", LabROSA. A Gaussian around each semitone, and one around the fifth octave.
    """
    semitones = 12 * hz_to_octs(bin_frequencies()[1:], tuning=0.0, bins_per_octave=12)
    semitones = np.concatenate(
        [[semitones[0] - 18], semitones]
    )  # the bin of 0 Hz: an octave and a half below the first
    widths = np.append(np.maximum(np.diff(semitones), 1), 1)
    distances = np.remainder(semitones - np.arange(12)[:, None] + 6, 12) - 6
    bank = np.exp(-0.5 * (2 * distances / widths) ** 2)
    bank = bank / np.sqrt((bank**2).sum(axis=0))
    bank *= np.exp(-0.5 * ((semitones / 12 - 5) / 2) ** 2)
    return np.asarray(np.roll(bank, -3, axis=0), dtype=np.float32)  # from A to C


@cache
def hann(length: int) -> NDArray[np.float32]:
    """Periodic Hann window, shape=(length,)."""
    return np.hanning(length + 1)[:length].astype(np.float32)


@cache
def _equal_loudness() -> NDArray[np.float32]:
    # Hermansky (1990), "Perceptual linear predictive (PLP) analysis of speech", J. Acoust. Soc. Am. 87(4), eq. 6.
    edges = mel_frequencies(n_mels=N_BARKS + 2, fmin=20, fmax=SR / 2, htk=True)[1:-1]
    w2 = (2 * np.pi * edges) ** 2
    return ((w2 + 56.8e6) * w2**2 / ((w2 + 6.3e6) ** 2 * (w2 + 0.38e9))).astype(np.float32)
