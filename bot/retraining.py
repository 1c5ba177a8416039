"""`python -m bot retrain`: the nightly job, now, in this process, at low priority."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from rich.console import Console
from rich.text import Text

from bot.config import Settings, load_settings
from bot.log import logging_to
from bot.models import open_registry
from bot.night import Learn, Night
from bot.night_lock import LOCK_FILE, LockedError, locked
from bot.night_outcome import Outcome, UntidyNightError
from bot.opening import open_pseudonymizer, open_store
from bot.pseudonyms import PseudonymKeyError
from bot.store import Store, StoreError
from bot.terminal import printable
from emotify_core.cli.night import show_night
from emotify_core.cli.terminal import PlainConsole
from emotify_core.errors import EmotifyError, sentence_of
from emotify_core.gate_picture import NIGHT_PICTURE

_log = logging.getLogger(__name__)

PROMOTED: Final = 0
FAILED: Final = 1
CANNOT_START: Final = 2
KEPT: Final = 3
_INTERRUPTED: Final = 130  # 128 + SIGINT, as shells have it
_TERMINATED: Final = 143
_LOWEST_PRIORITY: Final = 19
_BUSY: Final = "Another retraining is running: wait until it is done."
_NO_NIGHT: Final = "No night is recorded yet."
_NOTHING_NEW: Final = "Nothing is new since the last night, so nothing was learned and nothing has changed."
_EPILOG: Final = """\
exit status: 0 the new model was promoted; 3 the champion was kept, or there
was nothing to learn; 1 it failed, and the champion serves on; 2 wrong usage,
settings or database; 130 interrupted

Model versions: emotify models list|show|promote|rollback --registry DATA_DIR
"""


@dataclass(frozen=True)
class _Screen:
    """Where the outcome is shown."""

    out: Console
    err: Console

    def complain(self, text: str, status: int) -> int:
        """Say what went wrong in one line, and pass the exit status on."""
        self.err.print(Text(printable(text), style="red"), soft_wrap=True)
        return status


def main(
    argv: Sequence[str],
    *,
    load: Callable[[], Settings] = load_settings,
    learn: Learn | None = None,
    out: Console | None = None,
    err: Console | None = None,
) -> int:
    """Run `python -m bot retrain`.

    Parameters
    ----------
    argv : sequence of str
        What stands behind `retrain`.
    load : callable
        Gives the settings.
    learn : callable, optional
        `emotify_core.learning.learn` if left out.
    out, err : Console, optional
        Standard output and error if left out.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    SettingsError
        If a setting is wrong.
    """
    arguments = _parser().parse_args(argv)
    screen = _Screen(out or PlainConsole(), err or PlainConsole(stderr=True))
    settings = load()
    try:
        with _stopped_by_sigterm():
            return _show_last(settings, screen) if arguments.last else _retrain(settings, arguments, screen, learn)
    except LockedError:
        return screen.complain(_BUSY, FAILED)
    except (PseudonymKeyError, StoreError, OSError) as error:
        return screen.complain(sentence_of(error), CANNOT_START)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _retrain(settings: Settings, arguments: argparse.Namespace, screen: _Screen, learn: Learn | None) -> int:
    """Do the night's work, and show what came of it."""
    with locked(settings.data_dir / LOCK_FILE), _opened(settings) as (runner, store):
        _lower_priority()
        night = Night(
            store=store,
            runner=runner,
            registry=open_registry(settings),
            learn=learn or _core_learn(),
            clock=lambda: datetime.now(UTC),
            keep_models=settings.keep_models,
            origins=settings.learns_from,
            picture=settings.data_dir / NIGHT_PICTURE,
        )
        try:
            with (
                screen.out.status("Learning, for some minutes…") if screen.out.is_terminal else contextlib.nullcontext()
            ):
                outcome = night.run(only_if_new=arguments.if_new)
        except UntidyNightError as error:
            _log.exception("The night could not be put in order")
            _show(error.outcome, screen)
            return screen.complain(f"What is left to record and delete, the next night will: {error}", FAILED)
        except Exception as error:  # noqa: BLE001 - whatever it is, the operator gets one line, and the log everything
            _log.exception("The night failed")
            return screen.complain(_failure(error, settings), FAILED)
    return _show(outcome, screen)


def _failure(error: Exception, settings: Settings) -> str:
    """Say in one line why a night failed; what nobody foresaw is in the log."""
    foreseen = isinstance(error, EmotifyError | StoreError | OSError)
    reason = sentence_of(error) if foreseen else f"{error!r}; see {settings.log_dir / 'retrain.log'}."
    return f"The night failed, and the champion serves on: {reason}"


def _show(outcome: Outcome | None, screen: _Screen) -> int:
    """Print what came of the night."""
    if outcome is None:
        screen.out.print(_NOTHING_NEW)
        return KEPT
    show_night(screen.out, outcome.facts())
    return PROMOTED if outcome.decision == "promoted" else KEPT


def _show_last(settings: Settings, screen: _Screen) -> int:
    """Print what came of the last night."""
    with _opened(settings) as (runner, store):
        nights = runner.run(store.nights(1))
    if not nights:
        screen.out.print(_NO_NIGHT)
        return PROMOTED
    night = nights[0]
    facts: dict[str, Any] = {
        "decision": night.decision,
        "reason": night.reason or "it has not ended, or was cut short.",
        "champion": night.champion,
        "challenger": night.challenger,
        "decided_at": (night.finished_at or night.started_at).astimezone(UTC).isoformat(),
    }
    show_night(screen.out, {**(night.report or {}), **facts})
    return PROMOTED


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[asyncio.Runner, Store]]:
    """Open log and store, and close them in the end."""
    secrets = [each.get_secret_value() for each in (settings.discord_token, settings.examples_key) if each]
    with logging_to(settings.log_dir / "retrain.log", console=None, secrets=secrets), asyncio.Runner() as runner:
        pseudonymizer = runner.run(open_pseudonymizer(settings))
        store = runner.run(open_store(settings, key_id=pseudonymizer.key_id))
        try:
            yield runner, store
        finally:
            runner.run(store.close())


def _core_learn() -> Learn:
    """Import what learns: scikit-learn takes a second, which `--last` need not wait for."""
    from emotify_core.learning import learn  # noqa: PLC0415

    return learn


def _lower_priority() -> None:
    """Let everybody else go first, at the processor and, on Linux, at the disk."""
    if hasattr(os, "nice"):
        os.nice(_LOWEST_PRIORITY)
    if (ionice := shutil.which("ionice")) is not None:
        subprocess.run([ionice, "-c", "3", "-p", str(os.getpid())], check=False, capture_output=True)  # noqa: S603


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the job as Ctrl-C does: what is half done is undone, and the night is recorded as failed."""

    def stop(*_: object) -> NoReturn:
        raise SystemExit(_TERMINATED)

    former = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _parser() -> argparse.ArgumentParser:
    """Describe the arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m bot retrain",
        description="Learn from feedback now, as the bot does every night: a challenger is trained on\n"
        "the base and on what people said of their notes, and becomes champion only if it\n"
        "is not worse.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--if-new", action="store_true", help="only if something is new since the last night")
    parser.add_argument("--last", action="store_true", help="learn nothing, show what came of the last night")
    return parser
