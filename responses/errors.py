"""Every error that `responses` raises on purpose.

::

    ResponsesError
    ├── UnknownLanguageError    there are no templates in that language
    └── TemplateError           a template file is not as it has to be

Errors carry data; the sentence in ``str(error)`` is one line that a person can read.
"""

from __future__ import annotations

from emotify_core.emotions import Emotion
from responses.bands import Band


class ResponsesError(Exception):
    """Any error that `responses` raises on purpose."""


class UnknownLanguageError(ResponsesError):
    """There are no templates in the language.

    Parameters
    ----------
    language : str
        The language that was asked for.
    available : tuple of str
        The languages that there are.
    """

    def __init__(self, language: str, available: tuple[str, ...]) -> None:
        super().__init__(f"There are no replies in {language!r}; there are some in: {', '.join(available)}.")
        self.language = language
        self.available = available


class TemplateError(ResponsesError):
    """A template file is not as it has to be.

    Parameters
    ----------
    file : str
        Name of the file.
    problem : str
        What is wrong, as the end of a sentence ("'3' is empty").
    emotion, band : optional
        The pool that it is wrong in, where it is in one.
    """

    def __init__(
        self, file: str, problem: str, *, emotion: Emotion | str | None = None, band: Band | str | None = None
    ) -> None:
        where = ".".join(str(part) for part in (emotion, band) if part is not None)
        super().__init__(f"{file}, [{where}]: {problem}" if where else f"{file}: {problem}")
        self.file = file
        self.problem = problem
        self.emotion = emotion
        self.band = band
