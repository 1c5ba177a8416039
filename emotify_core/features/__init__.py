"""Waveform to feature vector."""

from emotify_core.features.extraction import FEATURE_SET, describe_window, extract, feature_names
from emotify_core.features.families import FAMILIES, feature_families
from emotify_core.features.vector import FeatureVector

__all__ = [
    "FAMILIES",
    "FEATURE_SET",
    "FeatureVector",
    "describe_window",
    "extract",
    "feature_families",
    "feature_names",
]
