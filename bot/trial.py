"""`python -m bot try`: the whole conversation without Discord, on the same store."""

from __future__ import annotations

import argparse
import asyncio
import functools
import getpass
import io
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final, TextIO

from rich.console import Console
from rich.text import Text

from bot import messages
from bot.config import Settings, SettingsError, load_settings
from bot.conversation import Conversation
from bot.exchange import Answer, Fetch, IncomingNote, Outcome, Recognition
from bot.hearing import hear
from bot.limits import decode_limits
from bot.log import logging_to
from bot.models import load_classifier
from bot.opening import open_pseudonymizer, open_store
from bot.pseudonyms import PseudonymKeyError
from bot.store import StoreError
from bot.terminal import ask_emotion, ask_verdict, printable, show_answer, show_verdict
from bot.verdicts import Judgement, Mark, Rejection, mark_from_word
from emotify_core.audio import DecodeLimits
from emotify_core.classifier import EmotionClassifier
from emotify_core.cli.arguments import parse
from emotify_core.emotions import Emotion
from emotify_core.errors import ModelError
from emotify_core.synthesis import demonstration_note

_ALL_HEARD: Final = 0
_SOME_NOT_HEARD: Final = 1
_CANNOT_START: Final = 2
_INTERRUPTED: Final = 130  # 128 + SIGINT, as shells have it
_DEMONSTRATION: Final = "demonstration note (made by Emotify itself: a synthetic voice, nobody's recording)"
_EPILOG: Final = """\
examples:
  python -m bot try                          listen to a demonstration note
  python -m bot try note.ogg                 reply, then ask if it was right
  python -m bot try *.wav --verdict right    confirm every guess
  python -m bot try note.m4a --verdict sad   say which emotion it was
  python -m bot try --forget                 delete all that is kept of you

The reply and your feedback are recorded in the same database as the bot's,
under a pseudonym, and with them, encrypted, numbers that describe how the note
sounds: the bot learns from them at night, but not from the demonstration note.
No audio is kept.

exit status: 0 every note was heard; 1 at least one was not; 2 wrong usage,
settings, database or model; 130 interrupted
"""


@dataclass(frozen=True)
class Terminal:
    """Where the conversation is held."""

    out: Console
    err: Console
    stdin: TextIO

    @property
    def can_ask(self) -> bool:
        """Whether there is a person to ask."""
        return self.stdin.isatty() and self.out.is_terminal


class InProcessRecognizer:
    """The classifier in this process: one note at a time, no worker to start; unless `learns`, only predictions."""

    def __init__(self, classifier: EmotionClassifier, limits: DecodeLimits, *, learns: bool) -> None:
        self._classifier = classifier
        self._limits = limits
        self._learns = learns

    async def recognize(self, audio: bytes, *, learn: bool = False, baseline: bytes | None = None) -> Recognition:
        """Recognise the emotion in encoded audio; see `Recognizer.recognize`."""
        # `asyncio.to_thread` would let Ctrl-C wait until a long note was heard to its end.
        future: Future[Recognition] = Future()
        learn, baseline = (learn, baseline) if self._learns else (False, None)
        work = functools.partial(hear, self._classifier, audio, self._limits, learn=learn, baseline=baseline)
        threading.Thread(target=_settle, args=(future, work), daemon=True).start()
        return await asyncio.wrap_future(future)


def _settle(future: Future[Recognition], work: Callable[[], Recognition]) -> None:
    """Do the work in this thread."""
    future.set_running_or_notify_cancel()
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - it is raised where the result is awaited
        future.set_exception(error)


def main(argv: Sequence[str], *, load: Callable[[], Settings] = load_settings, terminal: Terminal | None = None) -> int:
    """Run `python -m bot try`.

    Parameters
    ----------
    argv : sequence of str
        The arguments after `try`.
    load : callable
        Reads the settings.
    terminal : Terminal, optional
        Standard input, output and error by default.

    Returns
    -------
    int
        Exit status: 0 if every note was heard, 1 if at least one was not, 2 if it could not start, 130 if interrupted.
    """
    arguments = _arguments(argv)
    terminal = terminal or _standard_terminal()
    try:
        settings = load()
        if arguments.forget:
            _forget(settings, terminal, arguments.user or _login_name())
            return _ALL_HEARD
        learns = bool(arguments.files)  # nobody speaks in the demonstration note
        with asyncio.Runner() as runner, _conversation(runner, settings, terminal, learns=learns) as conversation:
            trial = _Trial(runner, conversation, terminal, arguments.user or _login_name(), arguments.verdict)
            heard = [trial.hold(path) for path in arguments.files] if arguments.files else [trial.demonstrate()]
    except (SettingsError, PseudonymKeyError, StoreError, ModelError, OSError) as error:
        for line in _sentences(error):
            terminal.err.print(Text(printable(line), style="red"), soft_wrap=True)
        return _CANNOT_START
    except KeyboardInterrupt:
        return _INTERRUPTED
    return _ALL_HEARD if all(heard) else _SOME_NOT_HEARD


def _sentences(error: Exception) -> list[str]:
    """Say why it could not start, or go on."""
    if isinstance(error, OSError) and error.strerror is not None:
        return [f"{error.strerror}: {error.filename}" if error.filename else f"{error.strerror}."]
    return str(error).splitlines()


@dataclass(frozen=True)
class _Trial:
    """The conversation with one person about some files.

    Questions are asked between two runs of the event loop, so that Ctrl-C ends them as anywhere else.
    """

    runner: asyncio.Runner
    conversation: Conversation
    terminal: Terminal
    user: str
    verdict: Mark | None

    def hold(self, path: str) -> bool:
        """Listen to a file, show the reply and take feedback; False if the file was not heard."""
        try:
            with _open_note(path) as file:
                note = IncomingNote(self.user, origin="try", n_bytes=os.fstat(file.fileno()).st_size)
                outcome = self._hear(note, lambda: asyncio.to_thread(file.read))
        except _FileError as error:
            return self._complain(path, str(error))
        return self._continue(path, outcome)

    def demonstrate(self) -> bool:
        """Listen to the demonstration note."""
        outcome = self._hear(IncomingNote(self.user, origin="try"), lambda: asyncio.to_thread(demonstration_note))
        return self._continue(_DEMONSTRATION, outcome)

    def _hear(self, note: IncomingNote, fetch: Fetch) -> Outcome:
        """Let the conversation listen."""
        with self.terminal.out.status("Listening…"):
            return self.runner.run(self.conversation.hear(note, fetch))

    def _continue(self, name: str, outcome: Outcome) -> bool:
        """Show the reply and take feedback; False if there is none."""
        if not isinstance(outcome, Answer) or outcome.prediction is None or outcome.note_id is None:
            if isinstance(outcome, Answer):
                self.runner.run(self.conversation.answered(outcome.note_id))
            return self._complain(name, outcome.text)
        show_answer(self.terminal.out, name, outcome)
        self.runner.run(self.conversation.answered(outcome.note_id))
        if mark := self.verdict or self._ask():
            self._judge(outcome.note_id, mark)
        return True

    def _ask(self) -> Mark | None:
        """Ask whether the guess was right, if there is somebody to ask."""
        return ask_verdict(self.terminal.out, self.terminal.stdin.readline) if self.terminal.can_ask else None

    def _judge(self, note_id: int, mark: Mark) -> None:
        """Record the feedback; after "wrong" ask which emotion it was."""
        marked = self.runner.run(self.conversation.judge(note_id, mark))
        if marked is not None and isinstance(marked.verdict, Rejection) and self.verdict is None:
            emotion = ask_emotion(self.terminal.out, self.terminal.stdin.readline)
            marked = self.runner.run(self.conversation.judge(note_id, emotion)) if emotion else marked
        if marked is not None:  # otherwise somebody made the bot forget this person meanwhile
            show_verdict(self.terminal.out, marked.verdict)

    def _complain(self, name: str, sentence: str) -> bool:
        """Say why a file was not heard."""
        self.terminal.err.print(Text.assemble((printable(name), "bold"), f": {sentence}"), soft_wrap=True)
        return False


@contextmanager
def _conversation(
    runner: asyncio.Runner, settings: Settings, terminal: Terminal, *, learns: bool
) -> Iterator[Conversation]:
    """Open the store and the model, and close the store in the end."""
    pseudonymizer = runner.run(open_pseudonymizer(settings))
    token = settings.discord_token.get_secret_value() if settings.discord_token else ""
    with logging_to(settings.log_dir / "try.log", console=None, secrets=[token]):
        with terminal.out.status("Warming up…"):
            classifier = load_classifier(settings)
        store = runner.run(open_store(settings, key_id=pseudonymizer.key_id))
        try:
            yield Conversation(
                store=store,
                recognizer=InProcessRecognizer(classifier, decode_limits(settings), learns=learns),
                pseudonymizer=pseudonymizer,
                settings=settings.model_copy(update={"cooldown": 0.0}),
            )
        finally:
            runner.run(store.close())


def _forget(settings: Settings, terminal: Terminal, user: str) -> None:
    """Delete everything that is kept about a person who used `try`."""
    with asyncio.Runner() as runner:
        pseudonymizer = runner.run(open_pseudonymizer(settings))
        store = runner.run(open_store(settings, key_id=pseudonymizer.key_id))
        try:
            n_notes = runner.run(store.forget(pseudonymizer.of("try", user)))
        finally:
            runner.run(store.close())
    terminal.out.print(Text(messages.forgotten(n_notes, had_opted_out=False, origin="try")))


class _FileError(Exception):
    """A file cannot be opened as a note; the text is one sentence."""


def _open_note(path: str) -> BinaryIO:
    """Open a regular file; anything else could block for ever or never end."""
    try:
        # Without O_NONBLOCK, opening a named pipe waits for somebody to write into it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError as error:
        raise _FileError(messages.NO_SUCH_FILE) from error
    except (OSError, ValueError) as error:
        raise _FileError(messages.UNREADABLE_FILE) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _FileError(messages.NO_REGULAR_FILE)
    return os.fdopen(descriptor, "rb")


def _standard_terminal() -> Terminal:
    """Use standard input, output and error."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")  # a terminal that knows no emoji gets question marks, not a traceback
    stdin = sys.stdin or io.StringIO()  # there is none behind `<&-`
    return Terminal(Console(highlight=False), Console(stderr=True, highlight=False), stdin)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Read the arguments."""
    parser = _parser()
    arguments = parse(parser, argv)
    if arguments.forget and (arguments.files or arguments.verdict):
        parser.error("--forget stands without files and --verdict")
    return arguments


def _parser() -> argparse.ArgumentParser:
    """Describe the arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m bot try",
        description="Hold the conversation without Discord: hear a note, reply, take feedback.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="voice notes in any format; a demonstration note if none"
    )
    parser.add_argument(
        "--user", type=_user, default=None, metavar="NAME", help="whose notes these are (default: your login name)"
    )
    parser.add_argument(
        "--verdict",
        type=_mark,
        metavar="VERDICT",
        help=f"right, wrong, or the emotion that it was: {', '.join(Emotion)}",
    )
    parser.add_argument(
        "--forget", action="store_true", help="delete everything that is kept about the user, instead of listening"
    )
    return parser


def _user(name: str) -> str:
    """Accept any name that is not empty."""
    if not name.strip():
        raise argparse.ArgumentTypeError("the name is empty")
    return name.strip()


def _mark(word: str) -> Mark:
    """Read a verdict."""
    if (mark := mark_from_word(word)) is None:
        raise argparse.ArgumentTypeError(f"{printable(word)} is none of {', '.join([*Judgement, *Emotion])}")
    return mark


def _login_name() -> str:
    """Find the login name; in a container the user may have none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "somebody"
