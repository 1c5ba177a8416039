from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from emotify_core.encoder import N_BANDS, STRIDE  # noqa: E402
from emotify_core.network.architecture import N_EMBEDDING, Network  # noqa: E402


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    network = Network(8)
    network.eval()
    return network


@pytest.mark.parametrize("n_steps", [1, 2, 28, 64])
def test_every_length_gives_scores_and_an_embedding(network: Network, n_steps: int) -> None:
    scores, embedding = network(torch.randn(3, 1, N_BANDS, n_steps * STRIDE), torch.ones(3, n_steps))

    assert scores.shape == (3, 8)
    assert embedding.shape == (3, N_EMBEDDING)
    assert torch.isfinite(scores).all()


def test_the_network_takes_one_step_for_eight_frames(network: Network) -> None:
    spectrum = torch.zeros(1, 1, N_BANDS, 10 * STRIDE)

    assert network.frontend(spectrum).shape[-1] == 10
    assert network.frontend(spectrum).shape[1] * network.frontend(spectrum).shape[2] == network.squeeze[0].in_channels


def test_what_the_mask_hides_far_away_changes_nothing(network: Network) -> None:
    spectrum, mask = torch.randn(2, 1, N_BANDS, 20 * STRIDE), torch.zeros(2, 20)
    mask[:, :8] = 1
    other = spectrum.clone()
    other[..., 14 * STRIDE :] += 100  # further than the convolutions reach

    with torch.no_grad():
        torch.testing.assert_close(network(other, mask), network(spectrum, mask))


def test_utterances_of_a_batch_do_not_know_of_each_other(network: Network) -> None:
    spectrum, mask = torch.randn(4, 1, N_BANDS, 6 * STRIDE), torch.ones(4, 6)

    with torch.no_grad():
        alone = torch.cat([network(spectrum[i : i + 1], mask[i : i + 1])[0] for i in range(4)])
        torch.testing.assert_close(network(spectrum, mask)[0], alone, atol=1e-5, rtol=1e-4)


def test_it_is_small(network: Network) -> None:
    assert sum(parameter.numel() for parameter in network.parameters()) < 250_000
