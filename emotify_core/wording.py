"""Numbers with their nouns, and lists, as sentences write them."""

from __future__ import annotations

from collections.abc import Sequence


def counted(n: object, one: str, many: str | None = None) -> str:
    """Write a number with its noun.

    Examples
    --------
    >>> counted(1, "note"), counted(0, "note"), counted(2, "guess", "guesses")
    ('1 note', '0 notes', '2 guesses')
    """
    return f"{n} {one}" if n == 1 else f"{n} {many or one + 's'}"


def listed(names: Sequence[str]) -> str:
    """Write names as a sentence does.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(names[:-1]), *names[-1:]] if len(names) > 1 else names)
