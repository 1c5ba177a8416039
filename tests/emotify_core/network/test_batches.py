from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from librosa import mel_frequencies  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from emotify_core.encoder import FMIN, N_BANDS, SR, STRIDE, prepare  # noqa: E402
from emotify_core.network.batches import (  # noqa: E402
    MAX_FRAMES,
    _limit_band,
    _reverberate,
    crop,
    distort,
    erase,
    level,
)

LENGTHS = st.lists(st.integers(16, MAX_FRAMES), min_size=1, max_size=4)


def spectra_of(*lengths: int) -> list[NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    return [rng.uniform(-90, 0, size=(n, N_BANDS)).astype(np.float32) for n in lengths]


class TestCrop:
    @given(LENGTHS)
    def test_short_spectra_are_kept_whole(self, lengths: list[int]) -> None:
        spectra = spectra_of(*lengths)

        batch, found = crop(spectra, np.random.default_rng(0))

        assert found.tolist() == lengths
        assert batch.shape[-1] % STRIDE == 0
        for spectrum, image in zip(spectra, batch[:, 0].numpy(), strict=True):
            np.testing.assert_array_equal(image[:, : len(spectrum)].T, spectrum)
            assert (image[:, len(spectrum) :] == -90).all()

    def test_long_ones_are_cut_anywhere(self) -> None:
        spectra, rng = spectra_of(400), np.random.default_rng(0)
        starts = set()

        for _ in range(20):
            batch, lengths = crop(spectra, rng)
            assert (batch.shape, lengths.tolist()) == ((1, 1, N_BANDS, MAX_FRAMES), [MAX_FRAMES])
            starts |= {i for i in range(400) if np.array_equal(batch[0, 0, :, 0].numpy(), spectra[0][i])}

        assert len(starts) > 10
        assert max(starts) <= 400 - MAX_FRAMES


class TestLevel:
    @given(LENGTHS)
    def test_it_is_what_the_encoder_does(self, lengths: list[int]) -> None:
        spectra = spectra_of(*lengths)
        expected, expected_mask = prepare([spectrum[:, None] for spectrum in spectra])

        batch, mask = level(*crop(spectra, np.random.default_rng(0)))

        np.testing.assert_allclose(batch.numpy(), expected, atol=1e-4)
        np.testing.assert_array_equal(mask.numpy(), expected_mask)


class TestDistort:
    @settings(max_examples=20)
    @given(LENGTHS, st.integers(0, 1000))
    def test_the_batch_keeps_its_shape_and_stays_finite(self, lengths: list[int], seed: int) -> None:
        batch, before = crop(spectra_of(*lengths), np.random.default_rng(0))

        changed, after = distort(batch, before, torch.Generator().manual_seed(seed))

        assert changed.shape == batch.shape
        assert torch.isfinite(changed).all()
        assert (after >= min(16, batch.shape[-1])).all()
        assert (after <= batch.shape[-1]).all()
        assert (after / before).min() > 0.8
        assert (after / before).max() < 1.2

    def test_every_utterance_is_changed_in_its_own_way_the_same_for_a_seed(self) -> None:
        batch, lengths = crop(spectra_of(80) * 6, np.random.default_rng(0))

        first, again, other = (distort(batch, lengths, torch.Generator().manual_seed(seed))[0] for seed in (1, 1, 2))

        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        assert len({image.numpy().tobytes() for image in first}) > 3

    def test_a_faster_voice_is_shorter(self) -> None:
        batch, lengths = crop(spectra_of(*[160] * 64), np.random.default_rng(0))

        found = distort(batch, lengths, torch.Generator().manual_seed(0))[1]

        assert found.min() < 150
        assert found.max() == 160  # slower ones must fit into the batch


class TestRoomsAndBands:
    def test_some_utterances_ring_on_after_a_click(self) -> None:
        click = torch.full((256, 1, N_BANDS, 96), -90.0)
        click[..., 20] = 0

        heard = _reverberate(click, torch.Generator().manual_seed(0))[:, 0]

        rings = heard[:, 0, 30] > -80
        assert 10 <= rings.sum() <= 50
        assert torch.equal(heard[~rings], click[~rings, 0])
        torch.testing.assert_close(heard[..., 20], click[:, 0, :, 20])  # what comes straight keeps its level
        assert (heard[..., :20] < -85).all()  # and nothing is heard before it
        tails = heard[rings][:, 0, 21:]
        assert (tails.diff(dim=1) < 1e-3).all()  # dying away
        energy = (10 ** (tails / 10)).sum(1)
        assert energy.max() < 10**0.31  # 3 dB over the direct sound at most

    def test_some_lose_what_a_telephone_does_not_carry(self) -> None:
        flat = torch.zeros(256, 1, N_BANDS, 8)

        heard = _limit_band(flat, torch.Generator().manual_seed(0))[:, 0, :, 0]

        centres = mel_frequencies(N_BANDS + 2, fmin=FMIN, fmax=SR / 2, htk=True)[1:-1]
        cut = heard.amin(1) < 0
        assert 10 <= cut.sum() <= 50
        assert (heard[:, (centres > 400) & (centres < 2800)] == 0).all()
        assert (heard[cut][:, centres > 5000] < -20).all()
        without_low = heard[cut][:, 0] < 0
        assert 0 < without_low.sum() < cut.sum()
        assert heard.min() >= -70


class TestErase:
    def test_bands_and_stretches_are_blanked_but_little_is_lost(self) -> None:
        batch = torch.ones(32, 1, N_BANDS, 96)
        lengths = torch.full((32,), 96)

        erased = erase(batch, lengths, torch.Generator().manual_seed(0))

        assert set(erased.unique().tolist()) == {0.0, 1.0}
        assert 0.02 < 1 - erased.mean().item() < 0.25
        assert torch.equal(batch, torch.ones_like(batch))
        for image in erased[:, 0]:
            bands, frames = image.amax(1), image.amax(0)
            torch.testing.assert_close(image, bands[:, None] * frames[None])  # whole bands and frames only
            assert (bands == 0).sum() <= 16
            assert (frames == 0).sum() <= 24
