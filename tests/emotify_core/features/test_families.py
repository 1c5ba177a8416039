from __future__ import annotations

from collections import Counter

import pytest

from emotify_core.features import FAMILIES, feature_families, feature_names

FAMILY_OF = dict(zip(feature_names(), feature_families(), strict=True))


def test_every_family_has_features_and_every_feature_a_family() -> None:
    counts = Counter(feature_families())

    assert set(counts) == set(FAMILIES)
    assert min(counts.values()) >= 4


@pytest.mark.parametrize(
    ("feature", "family"),
    [
        ("log2_f0|mean", "pitch level"),
        ("log2_f0|p50", "pitch level"),
        ("log2_f0|std", "pitch movement"),
        ("log2_f0|slope", "pitch movement"),
        ("f0_abs_change|mean", "pitch movement"),
        ("chroma_3|mean", "timbre"),
        ("energy|mean", "loudness"),
        ("voiced_energy|p75-p25", "loudness movement"),
        ("delta_energy|mean", "loudness movement"),
        ("loudness|peak_rate", "rhythm"),
        ("alpha_ratio|mean", "brightness"),
        ("centroid|std", "brightness movement"),
        ("band_1k_4k|p50", "brightness"),
        ("mfcc_4|p75", "timbre"),
        ("voiced_mfcc_1|mean", "timbre"),
        ("mel_5|std", "timbre movement"),
        ("flux|mean", "timbre movement"),
        ("mel_flux|mean", "timbre movement"),
        ("delta_rasta_3|mean", "timbre movement"),
        ("hnr|mean", "voice quality"),
        ("h1_h2|mean", "voice quality"),
        ("voicing|std", "voice quality"),
        ("voiced_segments_per_second", "rhythm"),
        ("duration", "rhythm"),
    ],
)
def test_features_belong_where_a_listener_would_look_for_them(feature: str, family: str) -> None:
    assert FAMILY_OF[feature] == family
