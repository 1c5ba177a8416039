"""Tell sounds in which somebody speaks from those in which nobody does."""

from emotify_core.speech_detection.descriptors import speech_descriptor_names, speech_descriptors
from emotify_core.speech_detection.detector import SpeechDetector, fit_speech_detector
from emotify_core.speech_detection.search import SpeechSearch

__all__ = ["SpeechDetector", "SpeechSearch", "fit_speech_detector", "speech_descriptor_names", "speech_descriptors"]
