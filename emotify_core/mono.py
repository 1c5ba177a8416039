"""Blocks of decoded sound, of any rate and number of channels, to one mono signal."""

from __future__ import annotations

import io
import itertools
import os
import warnings
import wave
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from emotify_core.decoders import PcmBlock
from emotify_core.errors import UndecodableAudioError


@contextmanager
def _search_path() -> Iterator[None]:
    """Lend the environment a PATH if it has none: pydub looks for programs while it is imported."""
    is_missing = "PATH" not in os.environ
    if is_missing:
        os.environ["PATH"] = os.defpath
    try:
        yield
    finally:
        if is_missing:
            del os.environ["PATH"]


with warnings.catch_warnings(), _search_path():
    # It misses an ffmpeg program, which is not needed here; has old escape sequences; imports the deprecated audioop.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment

_FULL_SCALE: Final = 2**30  # in 32 bits, with room for the sum of two channels
_MAX_LEVEL: Final = 1e12  # some files hold floats that are scaled like integers, none holds such
_MIN_LEVEL: Final = 1e-20
_CANCELLED: Final = 0.1  # a mix with less than this share of its loudest channel's power has lost something


def mono_signal(blocks: Iterable[PcmBlock], sr: int) -> Iterator[NDArray[np.float32]]:
    """Mix blocks down and resample them, each going on where the one before it ended.

    Parameters
    ----------
    blocks : iterable of PcmBlock
        Sound; rate and number of channels may change on the way.
    sr : int
        Sampling rate of the result in Hz.

    Yields
    ------
    ndarray of float32, shape=(n_samples,)
        Mono signal, for a note of one rate free of the constant offset that it began with.

    Raises
    ------
    UndecodableAudioError
        If a block holds numbers that are not finite, or absurdly large ones.
    """
    for (block_sr, _), section in itertools.groupby(blocks, key=lambda block: block.form):
        mono = (_through_pydub(samples, block_sr) for samples in _mixed(block.samples for block in section))
        yield from _resampled(_without_offset(mono), block_sr, sr)


def _mixed(blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """Mix more than two channels down; where mixing would cancel the sound or bury it, keep only the loudest."""
    channel_powers, mix_power = 0.0, 0.0
    for samples in blocks:
        _check_numbers(samples)
        if samples.shape[1] == 1:
            yield samples
            continue
        mix = samples.mean(axis=1, keepdims=True)
        channel_powers = channel_powers + len(samples) * samples.var(axis=0, dtype=np.float64)
        mix_power += len(samples) * float(mix.var(dtype=np.float64))
        loudest = int(np.argmax(channel_powers))
        if mix_power < _CANCELLED * channel_powers[loudest]:
            yield samples[:, loudest : loudest + 1]
        else:
            yield samples if samples.shape[1] == 2 else mix


def _check_numbers(samples: NDArray[np.float32]) -> None:
    """Refuse what is no sound pressure: NaN, infinity, and floats beyond any scale."""
    level = float(np.abs(samples).max())
    if not level <= _MAX_LEVEL:
        raise UndecodableAudioError("its sound holds numbers that are not finite, or absurdly large")


def _through_pydub(samples: NDArray[np.float32], sr: int) -> NDArray[np.float32]:
    """Make the block a mono WAV, the pipeline's form, at its own rate, and return what that holds.

    The block is scaled by its own peak, so that nothing clips and quiet notes keep all their bits.
    """
    scale = max(float(np.abs(samples).max()), _MIN_LEVEL) / _FULL_SCALE
    pcm = (samples * np.float32(1 / scale)).astype("<i4")
    segment = AudioSegment(pcm.tobytes(), frame_rate=sr, sample_width=4, channels=pcm.shape[1])
    with wave.open(segment.set_channels(1).export(io.BytesIO(), format="wav")) as file:
        mono = np.frombuffer(file.readframes(file.getnframes()), "<i4")
    return mono.astype(np.float32) * np.float32(scale)


def _without_offset(blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """Subtract the first block's mean from all, so that an offset does not ring at the ends when it is resampled."""
    offset = None
    for y in blocks:
        if offset is None:
            offset = np.float32(y.mean(dtype=np.float64))
        yield y - offset


def _resampled(blocks: Iterable[NDArray[np.float32]], from_sr: int, to_sr: int) -> Iterator[NDArray[np.float32]]:
    """Resample a signal that comes in blocks."""
    if from_sr == to_sr:
        yield from blocks
        return
    stream = soxr.ResampleStream(from_sr, to_sr, 1, dtype="float32")
    for y in blocks:
        yield stream.resample_chunk(y)
    yield stream.resample_chunk(np.empty(0, np.float32), last=True)
