"""`python -m bot`: the Discord bot; with `try` the same conversation on a terminal, with `retrain` the nightly job."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.config import Settings

_INDENT = " " * 6
_WRONG_SETUP = 2
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for, and return the exit code."""
    _leave_no_core_dump()
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:
        return _INTERRUPTED


def _leave_no_core_dump() -> None:
    """Keep the memory of a process that crashes off the disk: there are notes in it, keys, and the token.

    Workers and nights inherit this.
    """
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - POSIX only

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _run(words: list[str]) -> int:
    """Run a command, or the bot."""
    if words[:1] == ["try"]:
        from bot import trial  # noqa: PLC0415 - it loads the classifier, which this process does not need

        return trial.main(words[1:])
    if words[:1] == ["retrain"]:
        from bot import retraining  # noqa: PLC0415 - it learns, for which this process has no use

        return retraining.main(words[1:])
    from bot.config import SettingsError, load_settings  # noqa: PLC0415 - Ctrl-C is heard while it loads

    _parser().parse_args(words)
    try:
        return _run_bot(load_settings())
    except SettingsError as error:
        return _complain(str(error), _WRONG_SETUP)


def _run_bot(settings: Settings) -> int:
    """Run the Discord bot until it is stopped."""
    import asyncio  # noqa: PLC0415 - Ctrl-C is heard while it loads

    from bot.config import setting_warnings  # noqa: PLC0415
    from bot.discord_app import failures, lifecycle  # noqa: PLC0415 - `--help` and wrong settings need no discord.py
    from bot.log import logging_to  # noqa: PLC0415

    if settings.discord_token is None:
        return _complain(failures.NO_TOKEN, failures.WRONG_SETUP)
    for line in setting_warnings(settings, os.environ):
        _complain(line, 0)
    try:
        secrets = [settings.discord_token.get_secret_value()]
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with logging_to(settings.log_dir / "bot.log", console=sys.stderr, secrets=secrets):
            asyncio.run(lifecycle.run(settings))
    except failures.CannotRunError as error:
        return _complain(str(error), error.exit_code)
    except OSError as error:
        return _complain(f"{settings.data_dir} cannot be used: {error.strerror or error}.", _WRONG_SETUP)
    return 0


def _complain(text: str, exit_code: int) -> int:
    """Tell the operator something, and pass the exit code on."""
    sys.stderr.write(text + "\n")
    return exit_code


def _parser() -> argparse.ArgumentParser:
    """Describe the command line; `try` and `retrain` have parsers of their own."""
    parser = argparse.ArgumentParser(
        prog="python -m bot",
        usage="python -m bot [-h] [--version] [try … | retrain …]",
        description="Emotify on Discord: hears how a voice note sounds, answers with empathy, and\ntakes feedback.",
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"Emotify {_version()}")
    return parser


def _epilog() -> str:
    """List the commands and every setting."""
    from bot.config import Settings  # noqa: PLC0415

    settings = "\n".join(
        f"  EMOTIFY_{name.upper()}{_default(field.get_default(call_default_factory=True, validated_data={}))}\n"
        f"{textwrap.fill(field.description or '', 79, initial_indent=_INDENT, subsequent_indent=_INDENT)}"
        for name, field in Settings.model_fields.items()
    )
    return (
        "commands:\n"
        "  python -m bot              run the Discord bot; stop it with Ctrl+C or SIGTERM\n"
        "  python -m bot try [FILE…]  hold the same conversation here, without Discord\n"
        "  python -m bot retrain      learn from feedback now, as every night\n"
        "  try and retrain explain more with --help\n\n"
        f"settings, from the environment or a file named .env:\n{settings}\n\n"
        "exit codes: 0 stopped as asked, 1 Discord or the network failed, 2 a setting,\n"
        "the token or a file is wrong, 130 interrupted before it ran\n"
    )


def _default(value: object) -> str:
    """Show a default, if there is one."""
    from datetime import time  # noqa: PLC0415

    shown = value.isoformat("minutes") if isinstance(value, time) else value
    return "" if value is None else f" (default: {shown})"


def _version() -> str:
    """Find the installed version; a bare checkout has none."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("emotify")
    except PackageNotFoundError:
        return "from a checkout"


if __name__ == "__main__":
    sys.exit(main())
