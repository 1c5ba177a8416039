from __future__ import annotations

import errno
import io
import logging
import os
import stat
import threading
from pathlib import Path

import pytest
from blockbuster import BlockBuster

from bot.log import _handlers, logging_to, redact

TOKEN = "MTAyMzQ1Njc4OTAxMjM0NTY3.GabcdE.abcdefghijklmnopqrstuvwxyz0123456789AB"
log = logging.getLogger("bot.something")


class SlowConsole(io.StringIO):
    """A terminal that is stuck until it is told not to be."""

    def __init__(self) -> None:
        super().__init__()
        self.unstuck = threading.Event()

    def write(self, text: str) -> int:
        self.unstuck.wait(10)
        return super().write(text)


class FullDisk(io.StringIO):
    """A file on a disk that is full."""

    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_records_reach_the_console_and_the_file(tmp_path: Path) -> None:
    console = io.StringIO()
    path = tmp_path / "logs" / "bot.log"
    with logging_to(path, console=console):
        log.info("note %d answered", 7)
        log.debug("too fine")
    for text in (console.getvalue(), path.read_text()):
        assert "INFO    bot.something: note 7 answered" in text
        assert "too fine" not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_without_a_console_only_the_file_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to(tmp_path / "try.log", console=None):
        log.warning("beware")
    assert "beware" in (tmp_path / "try.log").read_text()
    assert capsys.readouterr() == ("", "")


def test_secrets_are_redacted_in_messages_arguments_and_tracebacks(tmp_path: Path) -> None:
    console = io.StringIO()
    with logging_to(tmp_path / "bot.log", console=console, secrets=["hunter2", ""]):
        log.info("token is %s", "hunter2")
        try:
            int("hunter2")
        except ValueError:
            log.exception("login failed")
    assert "hunter2" not in console.getvalue() + (tmp_path / "bot.log").read_text()
    assert "invalid literal for int() with base 10: '[redacted]'" in console.getvalue()


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"Bot {TOKEN}!", "Bot [redacted]!"),
        ("POST /interactions/123/aW50ZXJhY3Rpb24/callback", "POST /interactions/123/[redacted]/callback"),
        ("PATCH /webhooks/9/abc-def/messages/@original", "PATCH /webhooks/9/[redacted]/messages/@original"),
        ("GET /voice.ogg?ex=6&is=5&hm=0a1b2c", "GET /voice.ogg?ex=6&is=5&hm=[redacted]"),
        ("a\x1b[31mred\x07\r\x9b", r"a\x1b[31mred\x07\x0d\x9b"),
        ("one\ttab\nand line, version 2.14.3 of example.com", "one\ttab\nand line, version 2.14.3 of example.com"),
    ],
)
def test_what_looks_like_a_secret_is_redacted(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.skipif(os.name != "posix", reason="there are no such rights")
def test_the_owner_alone_can_read_a_log_file_also_after_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "bot.log"
    file = next(iter(_handlers(path, None)))
    file.doRollover()  # type: ignore[attr-defined]
    file.close()
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, tmp_path / "bot.log.1")] == [0o600, 0o600]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is always full")
def test_a_log_file_that_cannot_be_written_costs_one_line_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, console = tmp_path / "bot.log", io.StringIO()
    path.symlink_to("/dev/full")
    with logging_to(path, console=console):
        for number in range(3):
            log.info("note %d answered", number)
    assert console.getvalue().count("answered") == 3
    assert capsys.readouterr().err == f"{path} cannot be written: No space left on device.\n"


def test_a_log_file_that_is_lost_again_is_told_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bot.log"
    file = next(iter(_handlers(path, None)))
    stream, file.stream = file.stream, FullDisk()  # type: ignore[attr-defined]
    record = logging.makeLogRecord({"msg": "lost"})
    file.handle(record)
    file.handle(record)
    file.stream = stream  # type: ignore[attr-defined]
    file.handle(logging.makeLogRecord({"msg": "written"}))
    file.stream = FullDisk()  # type: ignore[attr-defined]
    file.handle(record)
    file.close()
    stream.close()
    assert capsys.readouterr().err.count("No space left on device") == 2
    assert "written" in path.read_text()


def test_afterwards_logging_is_as_it_was(tmp_path: Path) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    with logging_to(tmp_path / "bot.log", console=None, level=logging.DEBUG):
        assert root.level == logging.DEBUG
    assert (root.level, list(root.handlers)) == before


async def test_logging_never_blocks_the_event_loop(tmp_path: Path, no_blocking: BlockBuster) -> None:
    console = SlowConsole()
    no_blocking.deactivate()
    with logging_to(tmp_path / "bot.log", console=console):
        no_blocking.activate()
        log.info("from the event loop")
        no_blocking.deactivate()
        assert console.getvalue() == ""  # the terminal is stuck, and nobody waited for it
        console.unstuck.set()
    assert "from the event loop" in console.getvalue()
