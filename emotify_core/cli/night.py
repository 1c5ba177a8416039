"""What came of a night, on a terminal: what was learned from, the gate's table, the decision and its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from emotify_core.cli.terminal import printable
from emotify_core.said import what_was_said

_CALIBRATED: Final = "Both are calibrated as they serve, so a card may differ by a point."
_DECISIONS: Final = {
    "promoted": ("The challenger is the champion now", "green"),
    "kept": ("The champion stays", "yellow"),
    "skipped": ("Nothing was learned", "yellow"),
    "failed": ("The night failed, and the champion stays", "red"),
}


def show_night(console: Console, night: Mapping[str, Any]) -> None:
    """Print a night.

    Parameters
    ----------
    console : rich.console.Console
    night : mapping
        ``decision`` and ``reason``; where they are known ``champion``, ``challenger``, ``decided_at``, ``examples``
        (counts) and ``gate`` (the rows of the table).
    """
    if models := _models(night):
        console.print(Text(printable(models)))
    if examples := night.get("examples"):
        console.print(Text(printable(what_was_said(examples))))
    if gate := night.get("gate"):
        console.print()
        console.print(_table(gate))
        console.print()
        for demand in _demands(gate):
            console.print(Text(printable(demand), style="dim"))
        console.print(Text(_CALIBRATED, style="dim"))
    sentence, style = _DECISIONS.get(str(night.get("decision")), ("No decision is known", "red"))
    reason = str(night.get("reason") or "no reason was given.").removeprefix(f"{sentence}: ")
    console.print(Text.assemble((sentence, f"bold {style}"), f": {printable(reason)}"))


def _models(night: Mapping[str, Any]) -> str:
    """Name the two models, and when they were compared."""
    named = [f"{what} {night[what]}" for what in ("champion", "challenger") if night.get(what)]
    when = f"{str(night['decided_at'])[:16].replace('T', ' ')} UTC, " if night.get("decided_at") else ""
    return f"{when}{' against '.join(named)}" if named else ""


def _table(gate: Sequence[Mapping[str, Any]]) -> Table:
    """Lay the gate's rows out; all figures in percent, differences in points."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("")
    table.add_column("on speakers never met, %")
    for title in ("champion", "challenger", "diff."):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("90 %", justify="center", no_wrap=True)
    for row in gate:
        mark = Text("✓", style="green") if row["passed"] else Text("✗", style="bold red")
        before, after = (_percent(row[key]) for key in ("champion", "challenger"))
        difference, low, high = (_percent(row[key], "+") for key in ("difference", "low", "high"))
        table.add_row(mark, Text(printable(str(row["what"]))), before, after, difference, f"{low} to {high}")
    return table


def _percent(share: float | None, sign: str = "") -> str:
    return "?" if share is None else f"{100 * share:{sign}.1f}"


def _demands(gate: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say once for each kind of check what is demanded."""
    by_limit: dict[str, str] = {}
    for row in gate:
        kind = str(row["what"]).partition(",")[0].partition(" of ")[0]
        by_limit.setdefault(str(row["limit"]), kind)
    return [f"{kind}: {limit}" for limit, kind in by_limit.items()]
