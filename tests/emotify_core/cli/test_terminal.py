from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from emotify_core.cli.terminal import Bars, PlainConsole, printable


class TestPrintable:
    @given(st.text(st.characters(categories=None)))
    def test_whatever_the_name_it_can_be_printed_on_one_line(self, name: str) -> None:
        shown = printable(name)

        assert shown.isprintable()
        assert shown.encode().decode() == shown

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("a note.ogg", "a note.ogg"),
            ("größe 😢.wav", "größe 😢.wav"),
            ("\x1b[2J\n", r"\x1b[2J\n"),
            ("caf\udce9", r"caf\udce9"),
            ("a\N{RIGHT-TO-LEFT OVERRIDE}b", r"a\u202eb"),
        ],
    )
    def test_only_what_does_harm_is_escaped(self, name: str, shown: str) -> None:
        assert printable(name) == shown


class TestBars:
    def shown(self, *, terminal: bool) -> str:
        file = io.StringIO()
        bars = Bars(Console(file=file, force_terminal=terminal, width=80))
        assert list(bars(iter("abc"), 3, "listening")) == ["a", "b", "c"]
        return file.getvalue()

    def test_a_terminal_sees_how_far_it_is(self) -> None:
        assert "listening" in self.shown(terminal=True)
        assert "3/3" in self.shown(terminal=True)

    def test_a_file_gets_nothing(self) -> None:
        assert self.shown(terminal=False) == ""


def test_a_plain_console_prints_what_it_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    text = ":smile: [bold]a[/] [/nonsense] 1.5 'quoted' caf\udce9"

    PlainConsole().print(text, soft_wrap=True)
    PlainConsole(stderr=True).print("to the other stream")

    assert capsys.readouterr() == (f"{text[:-1]}\\udce9\n", "to the other stream\n")
