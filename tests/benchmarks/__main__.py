"""Print the figures of speed and memory as a table: `python -m tests.benchmarks`.

It takes some minutes, and measures on one core; `tests.benchmarks.nights`, `.learning`, `.strangers` and `.voices`
are apart.
"""

from __future__ import annotations

import argparse
import asyncio

from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from tests.benchmarks import conversation, recognition


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__).parse_args()
    console = Console()
    table = Table("figure", "median", "middle half", "aim", box=None)
    with console.status("measuring"):
        results = asyncio.run(conversation.measure())
        with threadpool_limits(limits=1):
            results += recognition.measure()
    for result in results:
        table.add_row(result.what, result.value, result.spread, result.aim)
    console.print(table)


if __name__ == "__main__":
    main()
