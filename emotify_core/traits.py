"""What can be said of a voice in plain words, and the features that tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

_NOTICEABLE: Final = 0.5  # standard deviations from the average
_STRONG: Final = 2.0
_MUCH: Final = "much "
MELODY: Final = "a {} melody"
RISING_MELODY: Final = "a melody that rises {}"
# Families of hundreds of numbers, no single one of which tells much: what they are about.
CHANGES: Final = MappingProxyType(
    {"timbre movement": "how its timbre changes", "brightness movement": "how its sharpness changes"}
)


@dataclass(frozen=True)
class Trait:
    """A trait in which a voice differs from the average.

    Parameters
    ----------
    family : str
        Family of descriptors that it belongs to.
    noun : str
        What it is a trait of, with a place for the comparative: ``"a {} pitch"``.
    comparative : str
        How it differs from the average: ``"higher"``, ``"much higher"``.
    contribution : float
        Evidence of its telling features.
    """

    family: str
    noun: str
    comparative: str
    contribution: float


@dataclass(frozen=True)
class _Scale:
    noun: str
    more: str
    less: str
    features: tuple[str, ...]  # a minus before a name: less of it is more of the trait


# Which descriptor stands for which impression: Eyben et al. (2016), "The Geneva minimalistic acoustic parameter set",
# IEEE Trans. Affect. Comput. 7(2), and for breathy and pressed voices Hanson (1997), "Glottal characteristics of female
# speakers", J. Acoust. Soc. Am. 101(1). Every note is normalised to one loudness, so that only differences of
# loudness inside it can be named. What tells more of the recording than of the voice has no words: how much the
# spectrum varies, for instance, is a standard deviation above the average in any recording without noise.
_SCALES: Final = (
    _Scale("a {} pitch", "higher", "lower", ("log2_f0|mean",)),
    _Scale("a {} pitch", "more variable", "flatter", ("log2_f0|std", "log2_f0|p75-p25")),
    _Scale(MELODY, "livelier", "steadier", ("f0_abs_change|mean",)),
    _Scale(RISING_MELODY, "more", "less", ("log2_f0|slope",)),
    _Scale(
        "accents that rise {} above the quiet parts",
        *("further", "less far"),
        ("energy|peak_height", "loudness|peak_height"),
    ),
    _Scale("a {} loudness", "more varied", "more even", ("voiced_energy|p75-p25", "loudness|p75-p25")),
    _Scale("a {} voice", "sharper", "softer", ("alpha_ratio|mean", "-hammarberg|mean", "sharpness|mean")),
    _Scale("a {} voice", "breathier", "more pressed", ("h1_h2|mean", "h1_a3|mean")),
    _Scale("a {} voice", "clearer", "rougher", ("hnr|mean", "harmonicity|mean")),
    _Scale("a {} pace", "faster", "slower", ("voiced_segments_per_second",)),
    _Scale("{} pauses", "longer", "shorter", ("unvoiced_mean", "unvoiced_max")),
    _Scale("a {} timbre", "darker", "brighter", ("voiced_mfcc_1|mean",)),
    _Scale("{} overtones", "stronger", "weaker", tuple(f"voiced_auditory_{i}|mean" for i in range(14, 22))),
)

# Each may be measured truly, yet nobody could imagine the two together.
_CONTRADICTIONS: Final = (
    {("a {} voice", "breathier"), ("a {} voice", "clearer")},
    {("a {} pitch", "flatter"), (MELODY, "livelier")},
    {("a {} pitch", "more variable"), (MELODY, "steadier")},
)


def without_contradictions(found: Sequence[Trait]) -> tuple[Trait, ...]:
    """Leave out the traits that would puzzle a reader beside one that comes before them."""
    kept: dict[tuple[str, str], Trait] = {}
    for trait in found:
        word = trait.noun, trait.comparative.removeprefix(_MUCH)
        if not any({word, other} in _CONTRADICTIONS for other in kept):
            kept[word] = trait
    return tuple(kept.values())


def traits(
    z: NDArray[np.float32], contributions: NDArray[np.float64], *, names: Sequence[str], families: Sequence[str]
) -> tuple[Trait, ...]:
    """Put into words where a voice differs noticeably from the average.

    Parameters
    ----------
    z : ndarray of float32, shape=(n_features,)
        Standardised features; 0 is average.
    contributions : ndarray of float64, shape=(n_features,)
        Evidence of each feature for the verdict.
    names, families : sequence of str, length n_features
        Name and family of each feature. Traits whose features are not among them are not told.

    Returns
    -------
    tuple of Trait
        Those with the most evidence, for or against the verdict, first.

    Raises
    ------
    ValueError
        If the arguments do not have one entry a feature.
    """
    if not len(z) == len(contributions) == len(names) == len(families):
        raise ValueError("there must be one value, name and family a feature")
    position = {name: i for i, name in enumerate(names)}
    found = []
    for scale in _SCALES:
        signs = {
            position[f.removeprefix("-")]: -1 if f[0] == "-" else 1
            for f in scale.features
            if f.removeprefix("-") in position
        }
        if not signs:
            continue
        value = float(np.mean([sign * z[i] for i, sign in signs.items()]))
        if abs(value) >= _NOTICEABLE:
            comparative = (_MUCH if abs(value) >= _STRONG else "") + (scale.more if value > 0 else scale.less)
            evidence = float(contributions[list(signs)].sum())
            found.append(Trait(families[next(iter(signs))], scale.noun, comparative, evidence))
    return tuple(sorted(found, key=lambda trait: -abs(trait.contribution)))
