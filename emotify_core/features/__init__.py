"""Waveform to feature vector."""

from emotify_core.features.extraction import FEATURE_SET, extract, feature_names, has_voice
from emotify_core.features.vector import FeatureVector

__all__ = ["FEATURE_SET", "FeatureVector", "extract", "feature_names", "has_voice"]
