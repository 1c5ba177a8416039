from __future__ import annotations

import io
import subprocess
import sys

from PIL import Image

from emotify_core.gate_picture import draw_gate
from tests.emotify_core.gates import gate_row, gate_rows


def test_each_check_is_drawn_and_told() -> None:
    picture = draw_gate(gate_rows(), title="The champion stays.")

    assert picture is not None
    assert picture.file == "night.png"
    assert picture.alt == (
        "The champion stays. 2 of 3 checks passed. Differences in points: UAR, clean +1.2, "
        "recall of surprised, pink noise 20 dB -6.5, calibration error, clean -0.2."
    )
    with Image.open(io.BytesIO(picture.png)) as image:
        assert image.format == "PNG"
        assert image.width > image.height > 150


def test_what_falls_short_has_a_colour_of_its_own() -> None:
    def colours(*, passed: bool) -> set[object]:
        picture = draw_gate([gate_row(passed=passed)], title="")
        assert picture is not None
        with Image.open(io.BytesIO(picture.png)) as image:
            return {colour for _, colour in image.convert("RGB").getcolors(10_000) or []}

    assert (213, 94, 0) in colours(passed=False)
    assert (213, 94, 0) not in colours(passed=True)


def test_the_same_table_gives_the_same_bytes() -> None:
    assert draw_gate(gate_rows(), title="A night") == draw_gate(gate_rows(), title="A night")


def test_nothing_compared_nothing_drawn() -> None:
    assert draw_gate([], title="A night") is None
    assert draw_gate([gate_row() | {"low": None}], title="A night") is None


def test_matplotlib_is_imported_only_when_something_is_drawn() -> None:
    code = "import sys, emotify_core.gate_picture; print('matplotlib' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
