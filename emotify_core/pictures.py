"""Pictures of a model's figures, for its card.

Each function draws one picture from the figures of a version, or returns None where these lack what it shows. The same
figures give the same bytes. matplotlib, of the extra ``train``, is imported when something is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from statistics import median
from typing import TYPE_CHECKING, Any, Final, Literal

from emotify_core.drawing import BLUE, GREY, INK, ORANGE, PALE, Picture, canvas, draw_grid, to_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Metrics = Mapping[str, Any]
Gender = Literal["female", "male"]

_FEWEST_IN_A_BIN: Final = 10  # the share of right ones among fewer says nothing


def draw_pictures(metrics: Metrics) -> tuple[Picture, ...]:
    """Draw whatever the figures allow.

    Parameters
    ----------
    metrics : mapping
        The ``metrics.json`` of a version.

    Raises
    ------
    ImportError
        If there is something to draw, and matplotlib is not installed.
    """
    drawn = (draw(metrics) for draw in _DRAWERS)
    return tuple(picture for picture in drawn if picture is not None)


def draw_confusion(metrics: Metrics) -> Picture | None:
    """Draw what was heard for each emotion that was expressed: shares of the row, and counts."""
    clean = _clean(metrics)
    if not (clean.get("confusion") and clean.get("labels")):
        return None
    labels, counts = clean["labels"], clean["confusion"]
    shares = [[n / max(sum(row), 1) for n in row] for row in counts]
    with canvas(6.4, 5.8) as figure:
        axes = figure.add_subplot()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for i, row in enumerate(counts):
            for j, n in enumerate(row):
                colour, weight = ("white" if shares[i][j] > 0.55 else INK), ("bold" if i == j else "normal")
                axes.text(
                    j, i - 0.1, f"{100 * shares[i][j]:.0f}", ha="center", va="center", color=colour, weight=weight
                )
                axes.text(j, i + 0.26, str(n), ha="center", va="center", color=colour, fontsize=7)
        axes.set_xticks(range(len(labels)), labels, rotation=35, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(labels)), labels)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set(xlabel="heard", ylabel="expressed", title="Share of each expressed emotion (%), and utterances")
        png = to_png(figure)
    named = ", ".join(f"{label} {shares[i][i]:.0%}" for i, label in enumerate(labels) if sum(counts[i]))
    return Picture("confusion.png", f"Confusion matrix, clean recordings. Recognised: {named}.", png)


def draw_reliability(metrics: Metrics) -> Picture | None:
    """Draw how often the model is right at each confidence, and how often it is that confident."""
    clean = _clean(metrics)
    bins = clean.get("reliability")
    if not bins:
        return None
    with canvas(6.2, 6.0) as figure:
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(3.4, 1))
        axes.plot([0, 100], [0, 100], color=GREY, linestyle=":", label="as right as it is sure")
        others = [f["reliability"] for name, f in _conditions(metrics) if name != "clean" and f.get("reliability")]
        for i, other in enumerate(others):
            axes.plot(
                *_bin_points(other), color=PALE, linewidth=1, label="" if i else "other conditions, one line each"
            )
        axes.plot(*_bin_points(bins), color=BLUE, linewidth=2.2, marker="o", label="clean")
        axes.set(
            ylabel="right (%)",
            xlim=(0, 100),
            ylim=(0, 100),
            title=f"How often it is right, where {_FEWEST_IN_A_BIN} or more were so sure",
        )
        axes.annotate("too modest", (4, 90), color=GREY, fontsize=8.5)
        axes.annotate("too sure of itself", (96, 6), color=GREY, fontsize=8.5, ha="right")
        draw_grid(axes)
        axes.legend(loc="upper left", bbox_to_anchor=(0, 0.88))
        below.bar(
            [100 * b["from"] for b in bins],
            [b["n"] for b in bins],
            width=[100 * (b["to"] - b["from"]) for b in bins],
            align="edge",
            color=BLUE,
            edgecolor="white",
        )
        below.set(xlabel="confidence (%)", ylabel="utterances")
        png = to_png(figure)
    error = f" Expected calibration error: {clean['ece']:.3f}." if clean.get("ece") is not None else ""
    surest = bins[-1]
    alt = (
        f"Reliability diagram.{error} In the highest bin it is {surest['confidence']:.0%} sure and "
        f"{surest['accuracy']:.0%} right, on {surest['n']} utterances."
    )
    return Picture("reliability.png", alt, png)


def draw_coverage(metrics: Metrics) -> Picture | None:
    """Draw the UAR of the utterances that are left when the least certain are refused."""
    curve = _clean(metrics).get("coverage")
    if not curve:
        return None
    with canvas(6.6, 4.2) as figure:
        axes = figure.add_subplot()
        others = [f["coverage"] for name, f in _conditions(metrics) if name != "clean" and f.get("coverage")]
        for i, other in enumerate(others):
            axes.plot(*_percent(other), color=PALE, linewidth=1, label="" if i else "other conditions, one line each")
        axes.plot(*_percent(curve), color=BLUE, linewidth=2.2, marker="o", markersize=4, label="clean")
        axes.set(
            xlabel="utterances that it answers, the surest of them (%)",
            ylabel="UAR of these (%)",
            title="What it gains by refusing the least certain",
            xlim=(102, 0),
        )
        draw_grid(axes)
        axes.legend(loc="lower right")
        png = to_png(figure)
    named = ", ".join(f"{uar:.2f} of {share:.0%}" for share, uar in (curve[0], curve[len(curve) // 2], curve[-1]))
    return Picture("coverage.png", f"Coverage curve, clean recordings. UAR of the surest utterances: {named}.", png)


def draw_conditions(metrics: Metrics) -> Picture | None:
    """Draw the UAR and its 95 % interval under each condition, the best above."""
    found = [(name, f) for name, f in _conditions(metrics) if f.get("uar") is not None and f.get("uar_interval")]
    if len(found) < 2:
        return None
    found.sort(key=lambda pair: pair[1]["uar"])
    with canvas(6.8, 1.1 + 0.38 * len(found)) as figure:
        axes = figure.add_subplot()
        for i, (name, f) in enumerate(found):
            colour, marker = (ORANGE, "D") if name == "clean" else (BLUE, "o")
            uar = 100 * f["uar"]
            axes.plot([100 * limit for limit in f["uar_interval"]], [i, i], color=colour, linewidth=1.6)
            axes.plot(uar, i, marker=marker, color=colour, markersize=6)
            _note(axes, f"{uar:.1f}", (uar, i + 0.34))
            if name == "clean":
                axes.axvline(uar, color=ORANGE, linestyle=":", linewidth=1, zorder=0)
        axes.set_yticks(range(len(found)), [name for name, _ in found])
        axes.tick_params(axis="y", length=0)
        axes.set(xlabel="UAR (%), with 95 % interval", ylim=(-0.6, len(found) - 0.3))
        axes.set_title("Conditions, the best above")
        draw_grid(axes, "x")
        png = to_png(figure)
    named = ", ".join(f"{name} {f['uar']:.2f}" for name, f in reversed(found))
    return Picture("conditions.png", f"UAR by condition, from best to worst: {named}.", png)


def draw_speakers(metrics: Metrics) -> Picture | None:
    """Draw one mark for the UAR of each speaker, women and men apart, with the names of the best and the worst."""
    by_speaker = _clean(metrics).get("uar_by_speaker")
    if not by_speaker:
        return None
    rows: dict[Gender | None, list[float]] = {"female": [], "male": [], None: []}
    for speaker, uar in by_speaker.items():
        rows[gender_of(speaker)].append(100 * uar)
    shown = [(*_GENDERS[gender], values) for gender, values in rows.items() if values]
    middle, low, high = (100 * f(by_speaker.values()) for f in (median, min, max))
    with canvas(6.8, 1.4 + 0.85 * len(shown)) as figure:
        axes = figure.add_subplot()
        axes.axvline(middle, color=ORANGE, linewidth=1.6, zorder=0, label=f"median of all ({middle:.1f})")
        for i, (_, marker, values) in enumerate(shown):
            axes.scatter(values, [h - i for h in _stack(values)], marker=marker, s=44, color=BLUE, edgecolors="white")
            axes.plot([median(values)] * 2, [-i - 0.4, -i + 0.4], color=INK, zorder=0, label="" if i else "of the row")
        for i, (title, _, _) in enumerate(shown):
            for extreme in sorted({low, high}):
                same = [name for name, uar in by_speaker.items() if 100 * uar == extreme]
                named = [name for name in same if _GENDERS[gender_of(name)][0] == title]
                text = "\n".join(named) if len(named) < 3 else f"{len(named)} speakers"
                if named:
                    _note(axes, text, (extreme, -i - 0.26))
        axes.set_yticks([-i for i in range(len(shown))], [f"{title} ({len(values)})" for title, _, values in shown])
        axes.tick_params(axis="y", length=0)
        axes.set(xlabel="UAR of one speaker (%)", ylim=(0.45 - len(shown), 0.55))
        axes.margins(x=0.09)  # for the names
        axes.set_title("Speakers, one mark each")
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)
        draw_grid(axes, "x")
        png = to_png(figure)
    alt = (
        f"UAR of each of {len(by_speaker)} speakers: from {low / 100:.2f} to {high / 100:.2f}, median "
        f"{middle / 100:.2f}."
    )
    return Picture("speakers.png", alt, png)


def draw_earlier(metrics: Metrics) -> Picture | None:
    """Draw what earlier notes of the same person gain, a line for each mood of theirs."""
    rows = metrics.get("earlier")
    start = _clean(metrics).get("uar")
    if not rows or start is None:
        return None
    numbers = [0, *sorted({row["n_notes"] for row in rows})]
    told = []
    with canvas(6.8, 4.9) as figure:
        axes = figure.add_subplot()
        axes.axhline(100 * start, color=GREY, linestyle=":", linewidth=1, zorder=0)
        for i, (mood, (title, colour, marker)) in enumerate(_MOODS.items()):
            nudge = 0.06 * (i - len(_MOODS) // 2)
            own = sorted((row for row in rows if row["mood"] == mood), key=lambda row: row["n_notes"])
            if own:
                places = [numbers.index(row["n_notes"]) + nudge for row in own]
                low, high = ([100 * (start + row[limit]) for row in own] for limit in ("low", "high"))
                axes.vlines(places, low, high, color=colour, linewidth=1)
                heights = [100 * start, *(100 * row["uar"] for row in own)]
                line = "--" if mood.endswith("told") else "-"
                axes.plot([nudge, *places], heights, color=colour, marker=marker, label=title, linestyle=line)
                told.append(f"{title} {own[-1]['uar']:.2f} after {own[-1]['n_notes']}")
        axes.set_xticks(range(len(numbers)), [str(n) for n in numbers])
        axes.set(xlabel="earlier notes of the same person", ylabel="UAR (%)")
        axes.set_title("What it gains by knowing a voice, with 95 % intervals of the gain")
        draw_grid(axes, "y")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
        png = to_png(figure)
    return Picture("earlier.png", f"UAR by earlier notes: {start:.2f} after none; {', '.join(told)}.", png)


def gender_of(speaker: str) -> Gender | None:
    """Say whether a speaker, such as ``ravdess/01``, is a woman or a man: odd actors of RAVDESS are men.

    Returns
    -------
    {"female", "male"} or None
        None where nothing tells.
    """
    corpus, _, number = speaker.partition("/")
    if corpus == "ravdess" and number.isascii() and number.isdigit():
        return "male" if int(number) % 2 else "female"
    return None


_GENDERS: Final[Mapping[Gender | None, tuple[str, str]]] = {
    "female": ("women", "o"),
    "male": ("men", "^"),
    None: ("not stated", "s"),
}
_MOODS: Final[Mapping[str, tuple[str, str, str]]] = {
    "mixed": ("mixed moods", BLUE, "o"),
    "same": ("all in the mood of now", ORANGE, "^"),
    "other": ("all in another mood", INK, "s"),
    "mixed, told": ("mixed moods, half of them told", BLUE, "D"),
    "same, told": ("all in the mood of now, half of them told", ORANGE, "v"),
}
_DRAWERS: Final[tuple[Callable[[Metrics], Picture | None], ...]] = (
    draw_confusion,
    draw_reliability,
    draw_coverage,
    draw_conditions,
    draw_speakers,
    draw_earlier,
)


def _conditions(metrics: Metrics) -> list[tuple[str, Metrics]]:
    return list((metrics.get("figures") or {}).items())


def _clean(metrics: Metrics) -> Metrics:
    clean: Metrics = (metrics.get("figures") or {}).get("clean") or {}
    return clean


def _bin_points(bins: list[Metrics]) -> tuple[list[float], list[float]]:
    enough = [b for b in bins if b["n"] >= _FEWEST_IN_A_BIN]
    return [100 * b["confidence"] for b in enough], [100 * b["accuracy"] for b in enough]


def _percent(points: list[list[float]]) -> tuple[list[float], list[float]]:
    return [100 * share for share, _ in points], [100 * uar for _, uar in points]


def _stack(values: list[float], *, width: float = 1.7, step: float = 0.16, reach: float = 0.4) -> list[float]:
    """Move marks that would hide each other up and down in turns; values in percent."""
    taken: dict[int, int] = {}
    heights = []
    for value in values:
        n = taken.get(round(value / width), 0)
        taken[round(value / width)] = n + 1
        heights.append(step * math.ceil(n / 2) * (1 if n % 2 else -1))
    highest = max(map(abs, heights))
    return [height * min(1, reach / highest) for height in heights] if highest else heights


def _note(axes: Axes, text: str, place: tuple[float, float]) -> None:
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    axes.text(*place, text, fontsize=8, ha="center", va="center", bbox=box, parse_math=False)  # $ is no formula
