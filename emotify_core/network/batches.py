"""Batches of spectra, and how they are changed at random so that the network does not learn them by heart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from emotify_core.encoder import FMIN, HARMONICS, HOP, N_BANDS, PADDING, RANGE_DB, SCALE_DB, SR, STRIDE

MAX_FRAMES = 224  # 3.6 s: longer utterances are cut at random
_SILENCE_DB = -90.0
_LEAST = 1e-9
_BANDS = torch.arange(N_BANDS)


def crop(
    spectra: Sequence[NDArray[np.float32]], rng: np.random.Generator, *, max_frames: int = MAX_FRAMES
) -> tuple[Tensor, Tensor]:
    """Put spectra in decibels into one batch, cut at random to at most `max_frames`.

    Returns
    -------
    batch : Tensor, shape=(n, 1, 64, n_frames)
    lengths : Tensor of int, shape=(n,)
    """
    longest = min(max_frames, max(len(spectrum) for spectrum in spectra))
    n_frames = -(-longest // STRIDE) * STRIDE
    batch = np.full((len(spectra), n_frames, N_BANDS), _SILENCE_DB, dtype=np.float32)
    lengths = np.zeros(len(spectra), dtype=np.int64)
    for i, spectrum in enumerate(spectra):
        start = int(rng.integers(0, max(1, len(spectrum) - n_frames + 1)))
        piece = spectrum[start : start + n_frames]
        batch[i, : len(piece)] = piece
        lengths[i] = len(piece)
    return torch.from_numpy(batch).transpose(1, 2).unsqueeze(1), torch.from_numpy(lengths)


def distort(x: Tensor, lengths: Tensor, generator: torch.Generator, *, view: int = 0) -> tuple[Tensor, Tensor]:
    """Change voice, room, noise, band and equaliser of spectra in decibels, each utterance in its own way.

    Parameters
    ----------
    x : Tensor, shape=(n, 1, 64, n_frames)
    lengths : Tensor of int, shape=(n,)
    generator : torch.Generator
    view : int
        Which spectra they are.

    Returns
    -------
    x : Tensor, shape as before
    lengths : Tensor of int, shape=(n,)
    """
    x, lengths = _warp(x, lengths, generator)
    x = _reverberate(x, generator)
    x = _add_noise(x, generator)
    x = _limit_band(x, generator, _mel if view == 0 else _harmonic)
    return _equalize(x, generator), lengths


def level(x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Scale as `emotify_core.encoder.level` does, and return the network's mask of what is no padding, too."""
    n_frames = x.shape[-1]
    valid = (torch.arange(n_frames) < lengths[:, None])[:, None, None]
    peak = x.masked_fill(~valid, -torch.inf).amax((1, 2, 3), keepdim=True)
    x = torch.maximum(x, peak - RANGE_DB)
    mean = (x * valid).sum((1, 2, 3), keepdim=True) / (valid.sum((1, 2, 3), keepdim=True) * N_BANDS)
    x = torch.where(valid, (x - mean) / SCALE_DB, PADDING)
    steps = ((lengths + STRIDE // 2 - 1) // STRIDE).clamp_min(1)
    return x, (torch.arange(n_frames // STRIDE) < steps[:, None]).float()


def erase(x: Tensor, lengths: Tensor, generator: torch.Generator) -> Tensor:
    """Blank two bands and two stretches of time of each utterance: SpecAugment, Park et al. (2019), Interspeech."""
    n, _, n_bands, n_frames = x.shape
    band, frame = torch.arange(n_bands), torch.arange(n_frames)
    for _ in range(2):
        width = torch.randint(0, 9, (n,), generator=generator)
        x = x.masked_fill(_span(band, width, n_bands - width, generator)[:, None, :, None], 0)
        width = (torch.rand(n, generator=generator) * lengths / 8).long()
        x = x.masked_fill(_span(frame, width, lengths - width, generator)[:, None, None, :], 0)
    return x


def _span(positions: Tensor, width: Tensor, room: Tensor, generator: torch.Generator) -> Tensor:
    start = (torch.rand(len(width), generator=generator) * room).long()
    return (positions >= start[:, None]) & (positions < (start + width)[:, None])


def _uniform(low: float, high: float, *shape: int, generator: torch.Generator) -> Tensor:
    return torch.rand(*shape, generator=generator) * (high - low) + low


def _sometimes(share: float, values: Tensor, otherwise: float, generator: torch.Generator) -> Tensor:
    """Keep a share of the values, and put what changes nothing in place of the others."""
    chosen = torch.rand(len(values), generator=generator) < share
    return torch.where(chosen, values, torch.full_like(values, otherwise))


def _mel(hz: Tensor) -> Tensor:
    """Convert frequencies to places among the bands: the first is at 0, the last at 63."""
    mel = torch.log1p(hz / 700)
    lowest, highest = math.log1p(FMIN / 700), math.log1p(SR / 2 / 700)
    return (mel - lowest) / (highest - lowest) * (N_BANDS + 1) - 1


def _harmonic(hz: Tensor) -> Tensor:
    """Convert frequencies to places among the narrow bands."""
    lowest, highest = HARMONICS
    return torch.log(hz.clamp_min(1e-3) / lowest) / math.log(highest / lowest) * (N_BANDS - 1)


def _warp(x: Tensor, lengths: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Stretch time, shift and stretch frequency: all by one interpolation."""
    n, _, n_bands, n_frames = x.shape
    rate = _sometimes(0.7, _uniform(0.85, 1.18, n, generator=generator), 1.0, generator)
    rate = torch.maximum(rate, lengths / n_frames)  # slower ones must fit into the batch
    shift = _sometimes(0.6, _uniform(-2.5, 2.5, n, generator=generator), 0.0, generator)
    scale = _sometimes(0.5, _uniform(0.94, 1.06, n, generator=generator), 1.0, generator)
    time = torch.arange(n_frames) * rate[:, None]
    band = (torch.arange(n_bands) - n_bands / 2) * scale[:, None] + n_bands / 2 + shift[:, None]
    across = ((2 * time + 1) / n_frames - 1)[:, None, :].expand(n, n_bands, n_frames)
    down = ((2 * band + 1) / n_bands - 1)[:, :, None].expand(n, n_bands, n_frames)
    grid = torch.stack([across, down], -1)
    warped = functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
    return warped, (lengths / rate).round().clamp(16, n_frames).long()


def _add_noise(x: Tensor, generator: torch.Generator) -> Tensor:
    """Add stationary noise, whose spectrum falls, to a seventh of the utterances."""
    n, _, n_bands, n_frames = x.shape
    below_peak = 12 + _uniform(8, 35, n, generator=generator)
    tilt = _uniform(-0.3, 1.5, n, generator=generator)
    height = torch.linspace(0, 1, n_bands)
    noise = (x.amax((1, 2, 3)) - below_peak)[:, None] - 12 * tilt[:, None] * (height - 0.3)
    # The power of noise in a band is distributed exponentially.
    power = -torch.log(torch.rand(n, 1, n_bands, n_frames, generator=generator).clamp(1e-4, 1 - 1e-4))
    noisy = 10 * torch.log10(10 ** (x / 10) + power * 10 ** (noise[:, None, :, None] / 10))
    chosen = torch.rand(n, generator=generator) < 0.15
    return torch.where(chosen[:, None, None, None], noisy, x)


def _reverberate(x: Tensor, generator: torch.Generator) -> Tensor:
    """Let the power of a tenth of the utterances die away exponentially, as in rooms and halls."""
    n, _, _, n_frames = x.shape
    chosen = torch.nonzero(torch.rand(n, generator=generator) < 0.1)[:, 0]
    rt60 = 0.2 * 12.5 ** torch.rand(n, generator=generator)  # seconds, up to 2.5
    direct_db = _uniform(-3, 12, n, generator=generator)
    delay = torch.arange(n_frames) * (HOP / SR)
    tail = 10 ** (-6 * delay / rt60[chosen, None])
    tail[:, 0] = 0
    tail = tail / tail.sum(1, keepdim=True).clamp_min(1e-9) * 10 ** (-direct_db[chosen, None] / 10)
    tail[:, 0] = 1
    lag = torch.arange(n_frames)[None] - torch.arange(n_frames)[:, None]  # from each frame to each later one
    response = torch.where(lag >= 0, tail[:, lag.clamp_min(0)], torch.zeros(()))
    x = x.clone()
    x[chosen, 0] = 10 * torch.log10((10 ** (x[chosen, 0] / 10) @ response).clamp_min(_LEAST))
    return x


def _limit_band(x: Tensor, generator: torch.Generator, place: Callable[[Tensor], Tensor] = _mel) -> Tensor:
    """Cut a tenth of the utterances to the band of a telephone, and some of these from above only."""
    n = len(x)
    low = torch.where(torch.rand(n, generator=generator) < 0.3, 0.0, _uniform(200, 400, n, generator=generator))
    high = _uniform(2800, 4000, n, generator=generator)
    steepness = _uniform(6, 40, n, generator=generator)  # decibels per band
    beyond = (place(low)[:, None] - _BANDS).clamp_min(0) + (_BANDS - place(high)[:, None]).clamp_min(0)
    chosen = (torch.rand(n, generator=generator) < 0.1).float()[:, None]
    return x - (chosen * (steepness[:, None] * beyond).clamp_max(RANGE_DB))[:, None, :, None]


def _equalize(x: Tensor, generator: torch.Generator) -> Tensor:
    """Add a smooth curve of at most 5 dB to the spectra of three fifths of the utterances."""
    gains = _uniform(-5, 5, len(x), 1, 6, generator=generator)
    curve = functional.interpolate(gains, size=x.shape[2], mode="linear", align_corners=True)[:, 0]
    chosen = (torch.rand(len(x), generator=generator) < 0.6).float()
    return x + (chosen[:, None] * curve)[:, None, :, None]
