"""What all pictures share: colours, letters, and how they become files.

The same figures give the same bytes. matplotlib is imported when something is drawn.

References
----------
Okabe M, Ito K (2008), "Color Universal Design": the colours, which colour-blind readers tell apart.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI: Final = 110
_N_COLOURS: Final = 96
BLUE, ORANGE, GREY, PALE, INK = "#0072B2", "#D55E00", "#767676", "#B8B8B8", "#1A1A1A"
_STYLE: Final[Mapping[Any, Any]] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, hence the same letters everywhere
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.facecolor": "white",  # opaque: GitHub's dark theme shows through otherwise
}


@dataclass(frozen=True)
class Picture:
    """A picture for the card.

    Attributes
    ----------
    file : str
        Name of its file, beside the card.
    alt : str
        What it shows, for those who cannot see it.
    png : bytes
    """

    file: str
    alt: str
    png: bytes


def draw_grid(axes: Axes, which: Literal["both", "x", "y"] = "both") -> None:
    """Draw a pale grid behind everything else."""
    axes.grid(axis=which, color="#E4E4E4", linewidth=0.8)
    axes.set_axisbelow(True)


@contextmanager
def canvas(width: float, height: float) -> Iterator[Figure]:
    """Give an empty figure, in inches, that no setting of the user's own changes."""
    import matplotlib as mpl  # noqa: PLC0415  (a heavy import, and not always there)
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield Figure(figsize=(width, height), dpi=_DPI, layout="constrained")


def to_png(figure: Figure) -> bytes:
    """Render with a palette, in a quarter of the bytes that matplotlib's own PNG has, and without its metadata."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415  (which matplotlib brings along)

    full, small = io.BytesIO(), io.BytesIO()
    FigureCanvasAgg(figure).print_figure(full, format="png", metadata={"Software": None})
    with Image.open(full) as image:
        palette = image.convert("RGB").quantize(_N_COLOURS, dither=Image.Dither.NONE)
    palette.save(small, format="PNG", optimize=True)
    return small.getvalue()
