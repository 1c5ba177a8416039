"""What the command shows: progress, tables, and names that cannot harm a terminal."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterable, Iterator
from io import TextIOWrapper
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Item = TypeVar("Item")
_SPELLED: Final = "emotify-spelled"
_BLOCKS: Final = dict(zip("▁▂▃▄▅▆▇█", "1234567#", strict=True))


class PlainConsole(Console):
    """A console that prints what it is given: names of files may look like markup or emoji codes.

    Parameters
    ----------
    stderr : bool
        Whether it writes to standard error rather than standard output.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        stream = sys.stderr if stderr else sys.stdout
        if isinstance(stream, TextIOWrapper):
            codecs.register_error(_SPELLED, _spell)
            stream.reconfigure(errors=_SPELLED)  # not every terminal has emoji
        super().__init__(file=stream, markup=False, emoji=False, highlight=False)

    def on_broken_pipe(self) -> None:
        """Leave it to the command, which knows that this is no failure."""
        raise  # noqa: PLE0704  (rich calls this where it has caught the error)


def _spell(error: UnicodeError) -> tuple[str, int]:
    """Write bars and curves in digits, and all else that an encoding lacks, as emoji, by its number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    spelled = (_BLOCKS.get(c) or c.encode("ascii", "backslashreplace").decode() for c in lacking)
    return "".join(spelled), error.end


def printable(name: str | os.PathLike[str]) -> str:
    """Escape what would steer a terminal, or cannot be printed at all, in a file's name."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in os.fspath(name))


class Bars:
    """Progress bars on standard error: they appear only on a terminal.

    Parameters
    ----------
    console : rich.console.Console
        Of standard error.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, items: Iterable[Item], total: int, title: str) -> Iterator[Item]:
        """Pass items on and show how many came."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console, disable=not self._console.is_terminal) as progress:
            yield from progress.track(items, total=total, description=title)
