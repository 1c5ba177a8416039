"""Make the tiny network again that tests run where there is no PyTorch, which this needs:

``python -m tests.emotify_core.golden.regenerate_network``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emotify_core.emotions import Emotion
from emotify_core.encoder import N_BANDS, STRIDE
from emotify_core.fitting import columns_of

PATH = Path(__file__).with_name("network.onnx")
LABELS = tuple(sorted(emotion.value for emotion in Emotion))  # as scikit-learn orders them


def tiny_network() -> Any:
    """Build a network that looks at mean spectra only: its scores cannot depend on padding."""
    import torch
    from torch import Tensor, nn
    from torch.nn import functional

    class Tiny(nn.Module):  # type: ignore[misc,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.view = 0
            self.embedding = nn.Linear(N_BANDS, 4)
            self.head = nn.Linear(4, len(Emotion))

        def forward(self, spectrum: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
            steps = functional.avg_pool2d(spectrum, (1, STRIDE)).squeeze(1)
            mean = (steps * mask.unsqueeze(1)).sum(-1) / mask.sum(-1, keepdim=True)
            embedding = self.embedding(mean)
            return self.head(embedding), embedding

    torch.manual_seed(0)
    return Tiny()


if __name__ == "__main__":
    from emotify_core.network.export import to_onnx

    PATH.write_bytes(to_onnx([tiny_network()], columns_of(LABELS)))
