"""Choosing the reply to a note in a language that the person reads."""

from __future__ import annotations

from collections.abc import Sequence

import responses
from emotify_core.prediction import Prediction


def compose_in(languages: Sequence[str], prediction: Prediction, *, seed: int, used: Sequence[str]) -> responses.Reply:
    """Choose the reply in the first language that has templates; reads files, so it belongs in a thread."""
    known = responses.languages()
    language = next((language for language in languages if language in known), languages[-1])
    return responses.compose(prediction, language=language, seed=seed, used=used)
