"""Short, tentative replies to a voice note, chosen from templates."""

from __future__ import annotations

from responses.bands import Band, confidence_band
from responses.catalogue import languages
from responses.errors import ResponsesError, TemplateError, UnknownLanguageError
from responses.replies import Reply, compose

__all__ = [
    "Band",
    "Reply",
    "ResponsesError",
    "TemplateError",
    "UnknownLanguageError",
    "compose",
    "confidence_band",
    "languages",
]
