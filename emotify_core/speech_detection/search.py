"""Look for speech in a recording that is longer than one window."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotify_core.speech_detection.detector import SpeechDetector

_WINDOW_SECONDS: Final = 6.0
_MOST: Final = 0.95  # needed of recordings of any length: a few words in long noise must be enough


class SpeechSearch:
    """Looks for speech in the windows of one recording, one after the other.

    The more windows there are, the surer the detector must be of one of them: of many windows of music, some resemble
    speech by chance. Where it expects one window in n to do so, the odds that are needed are n to 1.

    Parameters
    ----------
    detector : SpeechDetector, optional
        Without one, everything counts as speech.
    seconds : float
        Length of the recording, without its pauses: in silence nothing resembles speech.
    """

    def __init__(self, detector: SpeechDetector | None, *, seconds: float) -> None:
        self._detector = detector
        self._needed, self._surest = 0.0, 0.0
        if detector is not None:
            n_windows = max(1.0, seconds / _WINDOW_SECONDS)
            self._needed = max(detector.threshold, min(n_windows / (n_windows + 1), _MOST))

    @property
    def is_sure(self) -> bool:
        """Whether somebody speaks in one of the windows so far."""
        return self._surest >= self._needed

    def has_speech(self, window: NDArray[np.float32]) -> bool:
        """Tell whether somebody seems to speak in a window; see `SpeechDetector.has_speech`."""
        if self._detector is None:
            return True
        threshold = self._detector.threshold
        certainty = self._detector.certainty(window, enough=threshold if self.is_sure else self._needed)
        self._surest = max(self._surest, certainty)
        return certainty >= threshold
