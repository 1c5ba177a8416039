"""From encoded audio to what the rest of the bot needs of it: in a worker, or in the process of `try`."""

from __future__ import annotations

import logging

from bot.exchange import Recognition
from emotify_core.audio import DecodeLimits
from emotify_core.classifier import EmotionClassifier
from emotify_core.personal_baseline import PersonalBaseline

_log = logging.getLogger(__name__)


def hear(
    classifier: EmotionClassifier, audio: bytes, limits: DecodeLimits, *, learn: bool, baseline: bytes | None
) -> Recognition:
    """Hear a note, against its speaker's baseline if there is one; raises `AudioError`.

    See `bot.exchange.Recognizer.recognize`. A baseline that cannot be read counts as none.
    """
    heard = classifier.listen(audio, limits=limits, baseline=_read(baseline))
    if not learn:
        return Recognition(heard.prediction)
    return Recognition(
        heard.prediction,
        vector=heard.vector.to_bytes(),
        vector_set=heard.vector.vector_set,
        baseline=None if heard.baseline is None else heard.baseline.to_bytes(),
    )


def _read(baseline: bytes | None) -> PersonalBaseline | None:
    if baseline is None:
        return None
    try:
        return PersonalBaseline.from_bytes(baseline)
    except ValueError as error:
        _log.warning("A baseline is left aside: %s", error)
        return None
