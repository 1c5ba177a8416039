"""Command lines on which files stand on both sides of an option."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def parse(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse a command line; of the files on both sides of an option argparse takes the first of them only."""
    arguments, rest = parser.parse_known_args(argv)
    if "files" in arguments and not any(word.startswith("-") for word in rest):
        arguments.files += rest
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return arguments
