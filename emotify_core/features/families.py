"""Families of features: what a listener would call that which they describe."""

from __future__ import annotations

from functools import cache
from typing import Final

from emotify_core.features.extraction import feature_names

FAMILIES: Final = (
    "pitch level",
    "pitch movement",
    "loudness",
    "loudness movement",
    "brightness",
    "brightness movement",
    "timbre",
    "timbre movement",
    "voice quality",
    "rhythm",
)

_PITCH: Final = ("log2_f0", "f0_")
_LOUDNESS: Final = ("loudness", "rasta_loudness", "energy", "voiced_energy")
_VOICE_QUALITY: Final = ("hnr", "h1_", "harmonicity", "voicing")
_TIMBRE: Final = (
    *("mfcc_", "voiced_mfcc_", "unvoiced_mfcc_", "rasta_", "mel_", "voiced_auditory_", "chroma_"),
    "flux",
)
_LEVEL: Final = ("mean", "p25", "p50", "p75")


@cache
def feature_families() -> tuple[str, ...]:
    """Family of each feature, one of `FAMILIES`, in the order of `feature_names()`."""
    return tuple(_family(name) for name in feature_names())


def _family(name: str) -> str:
    descriptor, _, functional = name.partition("|")
    if not functional:
        return "rhythm"  # durations and shares of voiced and unvoiced stretches
    contour = descriptor.removeprefix("delta_")
    is_level = functional in _LEVEL and contour == descriptor
    if contour.startswith(_PITCH):
        return "pitch level" if is_level and contour == "log2_f0" else "pitch movement"
    if contour.startswith(_VOICE_QUALITY):
        return "voice quality"
    if contour.startswith(_LOUDNESS):
        if functional == "peak_rate":
            return "rhythm"  # how often a voice swells: its syllables
        family = "loudness"
    elif contour.startswith(_TIMBRE):
        family, is_level = "timbre", is_level and "flux" not in contour
    else:
        family = "brightness"
    return family if is_level else f"{family} movement"
