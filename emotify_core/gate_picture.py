"""The picture of a night: what the challenger did better or worse than the champion, and what was demanded.

matplotlib, of the extras ``bot`` and ``train``, is imported when something is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from emotify_core.drawing import BLUE, INK, ORANGE, PALE, Picture, canvas, draw_grid, to_png

NIGHT_PICTURE: Final = "night.png"
_FALLS_SHORT: Final = "D"
_LOWER_IS_BETTER: Final = "calibration error"


def draw_gate(rows: Sequence[Mapping[str, Any]], *, title: str) -> Picture | None:
    """Draw the differences between challenger and champion with their intervals, what went wrong in orange.

    Parameters
    ----------
    rows : sequence of mapping
        The gate's table: ``what``, ``champion``, ``challenger``, ``difference``, ``low``, ``high``, ``passed`` of each.
    title : str
        What came of it.

    Returns
    -------
    Picture or None
        None if the gate compared nothing.
    """
    rows = [row for row in rows if None not in row.values()]  # None: could not be measured
    if not rows:
        return None
    with canvas(7.6, 1.5 + 0.36 * len(rows)) as figure:
        axes = figure.add_subplot()
        axes.axvline(0, color=INK, linewidth=1, zorder=1)
        for i, row in enumerate(rows):
            low, middle, high = (100 * row[key] for key in ("low", "difference", "high"))
            colour, marker = (BLUE, "o") if row["passed"] else (ORANGE, _FALLS_SHORT)
            axes.plot([low, high], [-i, -i], color=colour, linewidth=1.8)
            axes.plot(middle, -i, marker=marker, color=colour, markersize=6.5)
        axes.set_yticks([-i for i in range(len(rows))], [_label(row) for row in rows])
        axes.tick_params(axis="y", length=0)
        figures = [f"{100 * row['champion']:.1f} → {100 * row['challenger']:.1f}" for row in rows]
        for i, text in enumerate(figures):
            axes.annotate(
                text, (1.02, -i), xycoords=("axes fraction", "data"), va="center", fontsize=8.5, annotation_clip=False
            )
        axes.set(xlabel="challenger less champion, in points, with 90 % interval", ylim=(0.6 - len(rows), 0.6))
        axes.set_title(title, wrap=True)
        axes.margins(x=0.08)
        _frame_best_side(axes, rows)
        draw_grid(axes, "x")
        png = to_png(figure)
    n_failed = sum(not row["passed"] for row in rows)
    named = ", ".join(f"{row['what']} {100 * row['difference']:+.1f}" for row in rows)
    alt = f"{title} {len(rows) - n_failed} of {len(rows)} checks passed. Differences in points: {named}."
    return Picture(NIGHT_PICTURE, alt, png)


def _label(row: Mapping[str, Any]) -> str:
    """Name a check, and say where less is better."""
    return f"{row['what']} (less is better)" if row["what"].startswith(_LOWER_IS_BETTER) else str(row["what"])


def _frame_best_side(axes: Any, rows: Sequence[Mapping[str, Any]]) -> None:  # noqa: ANN401  (as in matplotlib)
    """Shade the rows in which less is better, so that nobody reads them the wrong way round."""
    for i, row in enumerate(rows):
        if row["what"].startswith(_LOWER_IS_BETTER):
            axes.axhspan(-i - 0.5, -i + 0.5, color=PALE, alpha=0.22, linewidth=0, zorder=0)
