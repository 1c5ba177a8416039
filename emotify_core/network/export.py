"""Export of a trained network for onnxruntime."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence

import onnx  # noqa: F401  (the exporter needs it, and says so after an hour of training only)
import torch
from torch import Tensor, nn

from emotify_core.encoder import N_BANDS, N_VIEWS, STRIDE
from emotify_core.network.architecture import Network


class _Exported(nn.Module):
    """Networks that read a view each, whose log-probabilities are averaged and whose embeddings stand side by side."""

    def __init__(self, networks: Sequence[Network], columns: Sequence[int]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.columns = list(columns)

    def forward(self, spectrum: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        outputs = [network(spectrum[:, network.view : network.view + 1], mask) for network in self.networks]
        scores = torch.stack([scores[:, self.columns].log_softmax(1) for scores, _ in outputs]).mean(0).log_softmax(1)
        return scores, torch.cat([embedding for _, embedding in outputs], 1)


def to_onnx(networks: Sequence[Network], columns: Sequence[int]) -> bytes:
    """Export networks of one kind as one: inputs ``spectrum`` and ``mask``, outputs ``scores`` and ``embedding``.

    Parameters
    ----------
    networks : sequence of Network
    columns : sequence of int
        Of the networks' classes, those that were trained, in the order that the scores shall have.

    Returns
    -------
    bytes
        Its scores are the mean of the networks' log-probabilities, again scaled to probabilities.
    """
    module = _Exported(networks, columns).eval()
    example = (torch.zeros(2, N_VIEWS, N_BANDS, 10 * STRIDE), torch.ones(2, 10))
    file = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter that is not called legacy needs two more packages, and gives a slower network.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            example,
            file,
            dynamo=False,
            opset_version=17,
            input_names=["spectrum", "mask"],
            output_names=["scores", "embedding"],
            dynamic_axes={
                "spectrum": {0: "n", 3: "frames"},
                "mask": {0: "n", 1: "steps"},
                "scores": {0: "n"},
                "embedding": {0: "n"},
            },
        )
    return file.getvalue()
