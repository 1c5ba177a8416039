from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from emotify_core.encoder import Encoder, prepare  # noqa: E402
from emotify_core.fitting import columns_of  # noqa: E402
from emotify_core.network.architecture import N_EMBEDDING, Network  # noqa: E402
from emotify_core.network.export import to_onnx  # noqa: E402
from tests.emotify_core.golden.regenerate_network import LABELS, PATH, tiny_network  # noqa: E402
from tests.emotify_core.network.test_batches import spectra_of  # noqa: E402

SPECTRA = [np.stack([one, one[::-1]], axis=1) for one in spectra_of(30, 61, 188)]
COLUMNS = [4, 1, 6, 5]


def network_of(seed: int, *, view: int = 0) -> Network:
    """Make a network whose statistics are not those that it begins with, so that a wrong one would show."""
    torch.manual_seed(seed)
    network = Network(8, view=view)
    for part in network.modules():
        if isinstance(part, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)):
            part.running_mean.normal_(0, 0.3)
            part.running_var.uniform_(0.5, 2)
    return network


@pytest.fixture(scope="module")
def networks() -> list[Network]:
    return [network_of(seed, view=seed).eval() for seed in (0, 1)]


@pytest.fixture(scope="module")
def encoder(networks: list[Network]) -> Encoder:
    return Encoder(to_onnx(networks, COLUMNS))


def test_the_exported_network_gives_what_torch_gives(networks: list[Network], encoder: Encoder) -> None:
    batch, mask = (torch.from_numpy(part) for part in prepare(SPECTRA))
    with torch.no_grad():
        outputs = [network(batch[:, [network.view]], mask) for network in networks]
        each = [scores[:, COLUMNS].log_softmax(1) for scores, _ in outputs]

    scores, embeddings = encoder.run(SPECTRA)

    np.testing.assert_allclose(scores, torch.stack(each).mean(0).log_softmax(1).numpy(), atol=1e-4)
    np.testing.assert_allclose(embeddings, torch.cat([e for _, e in outputs], 1).numpy(), atol=1e-4)


def test_scores_are_log_probabilities_and_embeddings_stand_side_by_side(encoder: Encoder) -> None:
    scores, embeddings = encoder.run(SPECTRA)

    np.testing.assert_allclose(np.exp(scores).sum(axis=1), 1, atol=1e-5)
    assert scores.shape == (3, len(COLUMNS))
    assert embeddings.shape == (3, 2 * N_EMBEDDING)


def test_a_longer_window_beside_it_hardly_changes_what_a_window_says(encoder: Encoder) -> None:
    together = encoder.run(SPECTRA)[0]
    alone = np.concatenate([encoder.run([spectrum])[0] for spectrum in SPECTRA])

    # The last step of the network sees a few frames of padding, or the edge of the batch.
    np.testing.assert_allclose(np.exp(together), np.exp(alone), atol=0.01)
    np.testing.assert_allclose(together[2], alone[2], atol=1e-4)  # the longest has no padding in either case


def test_networks_that_are_being_trained_are_exported_as_they_are_used() -> None:
    training, used = network_of(3).train(), network_of(3).eval()

    one, two = (Encoder(to_onnx([network], COLUMNS)).run(SPECTRA)[0] for network in (training, used))

    np.testing.assert_allclose(one, two, atol=1e-6)


def test_the_golden_network_is_what_its_script_makes() -> None:
    made = Encoder(to_onnx([tiny_network()], columns_of(LABELS))).run(SPECTRA)
    golden = Encoder(PATH.read_bytes()).run(SPECTRA)

    np.testing.assert_allclose(golden[0], made[0], atol=1e-5)
    np.testing.assert_allclose(golden[1], made[1], atol=1e-5)
