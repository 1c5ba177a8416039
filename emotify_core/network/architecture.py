"""What the network looks like."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from emotify_core.encoder import N_BANDS, STRIDE

_CHANNELS = (16, 32, 48, 64)
_HIDDEN = 128
_HAS_BFLOAT16 = any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16"))
N_EMBEDDING = 128


class Network(nn.Module):
    """Four blocks of convolutions over time and frequency, statistics over time, and a linear head.

    Parameters
    ----------
    n_classes : int
    view : int, default=0
        Which of the spectra of `emotify_core.encoder.views` it reads.

    Notes
    -----
    Pooling over time by attentive mean and deviation follows Okabe et al. (2018), "Attentive statistics pooling for
    deep speaker embedding", Interspeech; the maximum is added to them. Padding is masked.

    While it is trained, convolutions over time and frequency are computed in bfloat16 where the processor can do so: it
    takes half the time. Weights, statistics and what is published are of full precision everywhere.
    """

    def __init__(self, n_classes: int, *, view: int = 0) -> None:
        super().__init__()
        self.view = view
        first, second, third, last = _CHANNELS
        self.frontend = nn.Sequential(
            *_convolution(1, first, kernel=5, stride=2),
            *_convolution(first, second),
            nn.MaxPool2d(2),
            *_convolution(second, third),
            nn.MaxPool2d(2),
            *_convolution(third, last),
        ).to(memory_format=torch.channels_last)
        self.squeeze = nn.Sequential(
            nn.Conv1d(last * N_BANDS // STRIDE, _HIDDEN, 1, bias=False),
            nn.BatchNorm1d(_HIDDEN),
            nn.ReLU(),
            nn.Dropout(0.1),
        )
        self.context = nn.Sequential(
            nn.Conv1d(_HIDDEN, _HIDDEN, 3, padding=1, bias=False), nn.BatchNorm1d(_HIDDEN), nn.ReLU()
        )
        self.attention = nn.Sequential(nn.Conv1d(_HIDDEN, 32, 1), nn.Tanh(), nn.Conv1d(32, _HIDDEN, 1))
        self.embedding = nn.Sequential(nn.Linear(3 * _HIDDEN, N_EMBEDDING), nn.BatchNorm1d(N_EMBEDDING), nn.ReLU())
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(N_EMBEDDING, n_classes)

    def embed(self, spectrum: Tensor, mask: Tensor) -> Tensor:
        """Describe spectra, shape=(n, 1, 64, n_frames) with masks of shape (n, n_frames / 8), by (n, 128) numbers."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.training and _HAS_BFLOAT16):
            x = self.frontend(spectrum)
        x = self.squeeze(x.float().flatten(1, 2))
        x = x + self.context(x)
        is_padding = (mask < 0.5).unsqueeze(1)
        weight = self.attention(x).masked_fill(is_padding, -1e4).softmax(-1)
        mean = (weight * x).sum(-1)
        deviation = ((weight * x * x).sum(-1) - mean * mean).clamp_min(1e-5).sqrt()
        peak = x.masked_fill(is_padding, -1e4).amax(-1)
        return self.embedding(torch.cat([mean, deviation, peak], 1))

    def forward(self, spectrum: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores before the softmax, shape=(n, n_classes), and embeddings, shape=(n, 128)."""
        embedding = self.embed(spectrum, mask)
        return self.head(self.dropout(embedding)), embedding


def _convolution(n_in: int, n_out: int, *, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU(),
    ]
