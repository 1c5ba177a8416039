from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from emotify_core.conditioning import condition
from emotify_core.features import extract, feature_families, feature_names
from emotify_core.synthesis import synthesize_voice
from emotify_core.traits import _SCALES, CHANGES, Trait, traits, without_contradictions
from emotify_core.waveform import Waveform

NAMES = feature_names()
FAMILIES = ("voice",) * len(NAMES)


def vector(
    *,
    breath: float = 0.0,
    f0: float = 170,
    pitch_range: float = 4,
    tempo: float = 4.5,
    loudness: float = 0.05,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Extract the features of a synthetic voice."""
    y = synthesize_voice(3.0, f0=f0, pitch_range=pitch_range, tempo=tempo, loudness=loudness, seed=seed)
    y = y + breath * np.random.default_rng(seed).standard_normal(len(y)).astype(np.float32)
    return extract(Waveform(condition(y, 16000), 16000, 3.0)).values


@cache
def average() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation over some voices between the extremes."""
    voices = [
        vector(f0=f0, pitch_range=pitch_range, loudness=loudness, seed=seed)
        for seed, (f0, pitch_range, loudness) in enumerate(
            [(130, 3, 0.04), (150, 5, 0.06), (170, 4, 0.05), (190, 3, 0.06), (210, 5, 0.04), (170, 4, 0.07)]
        )
    ]
    return np.mean(voices, axis=0), np.std(voices, axis=0) + np.float32(1e-6)


def words(values: NDArray[np.float32]) -> set[str]:
    mean, std = average()
    z = np.clip((values - mean) / std, -5, 5)
    found = traits(z, np.ones(len(NAMES)), names=NAMES, families=FAMILIES)
    return {trait.noun.format(trait.comparative.removeprefix("much ")) for trait in found}


def of(values: dict[str, float], evidence: dict[str, float] | None = None) -> tuple[Trait, ...]:
    """Describe a voice that is average but for some features."""
    z, contributions = np.zeros(len(NAMES), dtype=np.float32), np.zeros(len(NAMES))
    for name, value in values.items():
        z[NAMES.index(name)] = value
    for name, value in (evidence or {}).items():
        contributions[NAMES.index(name)] = value
    return traits(z, contributions, names=NAMES, families=FAMILIES)


def test_every_telling_feature_exists() -> None:
    told = {feature.removeprefix("-") for scale in _SCALES for feature in scale.features}

    assert told <= set(NAMES)


def test_families_whose_changes_alone_are_told_have_no_traits() -> None:
    family = dict(zip(NAMES, feature_families(), strict=True))
    told = {family[feature.removeprefix("-")] for scale in _SCALES for feature in scale.features}

    assert set(CHANGES) <= set(feature_families()) - told


def test_an_average_voice_has_no_traits() -> None:
    assert of({}) == ()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_high_and_lively_voice_is_told_from_a_low_and_monotonous_one(seed: int) -> None:
    high = words(vector(f0=300, pitch_range=8, seed=seed))
    low = words(vector(f0=100, pitch_range=1, seed=seed))

    assert {"a higher pitch", "a more variable pitch"} <= high
    assert {"a lower pitch", "a flatter pitch"} <= low


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_a_voice_with_effort_is_sharp_and_pressed_and_one_without_is_breathy(seed: int) -> None:
    loud, soft = words(vector(loudness=0.3, seed=seed)), words(vector(loudness=0.008, seed=seed))

    assert {"a sharper voice", "a more pressed voice"} <= loud
    assert "a breathier voice" in soft
    assert "a sharper voice" not in soft


def test_noise_in_the_voice_makes_it_rougher() -> None:
    assert "a rougher voice" in words(vector(breath=0.02, seed=4))


def test_small_differences_are_not_told_and_great_ones_with_emphasis() -> None:
    assert of({"log2_f0|mean": 0.4}) == ()
    assert [trait.comparative for trait in of({"log2_f0|mean": 1.0})] == ["higher"]
    assert [trait.comparative for trait in of({"log2_f0|mean": -2.5})] == ["much lower"]


def test_less_of_what_stands_against_a_trait_is_more_of_it() -> None:
    (trait,) = of({"hammarberg|mean": -3.0})

    assert trait.noun.format(trait.comparative) == "a sharper voice"


def test_traits_with_the_most_evidence_come_first_for_or_against() -> None:
    found = of({"log2_f0|mean": 1.0, "h1_h2|mean": -2.0}, {"log2_f0|mean": 0.1, "h1_h2|mean": -0.3})

    assert [(trait.comparative, trait.contribution) for trait in found] == [("more pressed", -0.3), ("higher", 0.1)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"h1_h2|mean": 1.0}, {"hnr|mean": 1.0}),
        ({"log2_f0|std": -2.5}, {"f0_abs_change|mean": 1.0}),
        ({"log2_f0|std": 1.0}, {"f0_abs_change|mean": -2.5}),
    ],
)
def test_of_two_that_nobody_could_imagine_together_the_first_is_told(
    first: dict[str, float], second: dict[str, float]
) -> None:
    strong, weak = (dict.fromkeys(each, weight) for each, weight in ((first, 0.3), (second, 0.1)))
    found = of(first | second, strong | weak)
    opposite = of(first | {name: -value for name, value in second.items()}, strong | weak)

    assert len(found) == 2
    assert without_contradictions(found) == found[:1]
    assert without_contradictions(opposite) == opposite


def test_features_that_a_set_lacks_are_passed_over() -> None:
    names, families = ("centroid|mean", "log2_f0|std"), ("brightness", "pitch")

    (trait,) = traits(np.array([3.0, 1.0], np.float32), np.zeros(2), names=names, families=families)

    assert (trait.family, trait.comparative) == ("pitch", "more variable")


def test_arguments_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="a feature"):
        traits(np.zeros(3, np.float32), np.zeros(3), names=NAMES, families=FAMILIES)
