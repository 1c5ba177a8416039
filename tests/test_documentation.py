"""What README says is so: commands, permissions, and the two lines that a newcomer runs."""

from __future__ import annotations

import argparse
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.discord_app.access import required_permissions
from emotify_core.cli.main import build_parser

_ROOT = Path(__file__).parent.parent
_README = (_ROOT / "README.md").read_text(encoding="utf-8")


def _commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices


def test_the_invite_link_asks_for_exactly_the_permissions_that_the_bot_needs() -> None:
    found = re.search(r"scope=bot\+applications\.commands&permissions=(\d+)", _README)
    assert found is not None
    assert int(found[1]) == required_permissions().value


@pytest.mark.parametrize("command", list(_commands(build_parser())))
def test_every_command_of_emotify_is_documented(command: str) -> None:
    assert f"`emotify {command}" in _README


@pytest.mark.parametrize("benchmark", sorted(set(re.findall(r"python -m (tests\.benchmarks[.\w]*)", _README))))
def test_every_benchmark_explains_itself_rather_than_starting(
    benchmark: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", [benchmark, "--help"])
    monkeypatch.delitem(sys.modules, benchmark, raising=False)  # other tests may have imported it
    with pytest.raises(SystemExit) as exit_:
        runpy.run_module(benchmark, run_name="__main__", alter_sys=True)
    assert exit_.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m {benchmark} [-h]")


def test_every_slash_command_is_documented() -> None:
    cogs = [path.read_text(encoding="utf-8") for path in (_ROOT / "bot" / "discord_app" / "cogs").glob("*.py")]
    declared = re.findall(r'(?:command|Group|ContextMenu)\(name="([^"]+)"', "\n".join(cogs))
    assert {"listen", "privacy", "forget-me", "help", "settings", "How does this sound?"} <= set(declared)
    assert [name for name in declared if f"/{name}" not in _README and f"*Apps → {name}*" not in _README] == []


@pytest.mark.parametrize("marker", ["try", "test"])
def test_the_first_screen_holds_the_two_commands_each_in_one_line(marker: str) -> None:
    found = re.search(rf"<!-- {marker} -->\n```sh\n(.+)\n```", _README)
    assert found is not None
    assert _README[: found.start()].count("\n") < 30


def test_every_relative_link_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", _README)
    assert links
    assert [link for link in links if not (_ROOT / link).exists()] == []
