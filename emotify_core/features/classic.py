"""The features that this project began with: means of MFCC, chroma and mel over the whole recording."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emotify_core.features.vector import FeatureVector
from emotify_core.waveform import Waveform

CLASSIC_FEATURE_SET = "classic-1"


def extract_classic(waveform: Waveform) -> FeatureVector:
    """Average 40 MFCC, 12 chroma and 128 mel bands over time, with librosa's defaults.

    Parameters
    ----------
    waveform : Waveform
        Neither trimmed nor normalised, as in the original recipe.

    Returns
    -------
    FeatureVector
        180 values.

    Notes
    -----
    Chroma are tuned to A440 instead of to an estimate: librosa's estimate compiles with numba, and a numba cache that
    was left by a killed process crashes the interpreter.
    """
    # Here because it compiles for half a minute at the first import, and only this baseline needs it.
    import librosa.feature  # noqa: PLC0415

    y, sr = waveform.y, waveform.sr
    power = np.abs(np.fft.rfft(_frames(y), axis=1)).T ** 2
    mel = librosa.feature.melspectrogram(S=power, sr=sr)
    mel_db = 10 * np.log10(np.maximum(mel, 1e-10))
    parts = [
        librosa.feature.mfcc(S=np.maximum(mel_db, mel_db.max() - 80), sr=sr, n_mfcc=40).mean(axis=1),
        librosa.feature.chroma_stft(S=np.sqrt(power), sr=sr, tuning=0.0).mean(axis=1),
        mel.mean(axis=1),
    ]
    return FeatureVector(np.nan_to_num(np.concatenate(parts)).astype(np.float32), CLASSIC_FEATURE_SET)


def _frames(y: NDArray[np.float32]) -> NDArray[np.float64]:
    padded = np.pad(y, 1024)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2048)[::512]
    return np.asarray(frames * np.hanning(2049)[:2048])
