"""Pieces of Markdown, as wide as a terminal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Final

_WIDTH: Final = 80  # of the prose, which `emotify models show` prints as it is
_MARKS: Final = re.compile(r"[\\`*_\[\]<>|#]")


def escaped(text: str) -> str:
    r"""Let words that somebody else chose stand for nothing but themselves.

    Examples
    --------
    >>> print(escaped("free | *almost*"))
    free \| \*almost\*
    """
    return _MARKS.sub(r"\\\g<0>", text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table."""
    lines = [f"| {' | '.join(head)} |".replace("|  |", "| |"), "|---" * len(head) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def wrapped(text: str) -> str:
    """Break a paragraph into lines, but no word."""
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def item(text: str) -> str:
    """Write an item of a list."""
    return textwrap.fill(
        text, _WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
