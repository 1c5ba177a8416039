"""Waveform to feature vector."""

from emotify_core.features.extraction import describe_window, extract, feature_names
from emotify_core.features.families import FAMILIES, feature_families
from emotify_core.features.vector import FeatureVector
from emotify_core.header import FEATURE_SET

__all__ = [
    "FAMILIES",
    "FEATURE_SET",
    "FeatureVector",
    "describe_window",
    "extract",
    "feature_families",
    "feature_names",
]
