from __future__ import annotations

import asyncio
import errno
import io
import os
import pty
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from rich.console import Console

import bot.__main__
from bot import messages
from bot.config import Settings, SettingsError
from bot.conversation import Conversation, Marked
from bot.cooldown import BURST
from bot.pseudonyms import Pseudonymizer
from bot.records import StoredExample
from bot.store import Store
from bot.trial import Terminal, main
from bot.vault import Vault
from bot.verdicts import Correction, Judgement, Mark
from emotify_core.audio import DecodeLimits, decode
from emotify_core.classifier import EmotionClassifier, Heard
from emotify_core.emotions import Emotion
from emotify_core.errors import ModelNotFoundError
from emotify_core.personal_baseline import PersonalBaseline
from emotify_core.synthesis import demonstration_note
from emotify_core.vectors import NoteVector
from tests.bot.stand_ins import NOON, SAD

T = TypeVar("T")
VECTOR = NoteVector("set-1", *(np.arange(n, dtype=np.float32) for n in (3, 8)))


class SadClassifier:
    """Decodes for real, and finds everything sad."""

    def listen(self, source: bytes, *, limits: DecodeLimits, baseline: PersonalBaseline | None) -> Heard:
        assert baseline is None  # it begins none
        decode(source, limits=limits)
        return Heard(SAD, np.zeros((1, 3), np.float32), VECTOR)


class Bench:
    """`try` with its input and output in memory, and its data in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(data_dir=folder / "data")
        self.out = ""
        self.err = ""

    def note(self, name: str = "note.ogg", content: bytes | None = None) -> str:
        path = self.folder / name
        path.write_bytes(demonstration_note(duration=1.5) if content is None else content)
        return str(path)

    def run(self, argv: Sequence[str], *, typed: str = "", person: bool = False) -> int:
        stdin = Keyboard(typed) if person else io.StringIO(typed)
        out = Console(file=io.StringIO(), width=80, highlight=False, force_terminal=person, color_system=None)
        err = Console(file=io.StringIO(), width=80, highlight=False)
        try:
            return main(argv, load=lambda: self.settings, terminal=Terminal(out, err, stdin))
        finally:
            self.out, self.err = written(out), written(err)

    def export(self, user: str) -> dict[str, Any]:
        async def read(store: Store) -> dict[str, Any]:
            return await store.export(Pseudonymizer.open(self.settings.pseudonym_key_path).of("try", user))

        return self.ask_store(read)

    def examples(self) -> list[StoredExample]:
        async def read(store: Store) -> list[StoredExample]:
            return [example async for example in store.examples(origins=("try",))]

        return self.ask_store(read)

    def ask_store(self, question: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
        async def ask() -> T:
            vault = Vault.open(self.settings.examples_key_path)
            store = await Store.open(self.settings.database_path, vault=vault)
            try:
                return await question(store)
            finally:
                await store.close()

        return asyncio.run(ask())


class Keyboard(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(EmotionClassifier, "load", SadClassifier)
    return Bench(tmp_path)


def test_a_note_gets_emotion_probabilities_and_reply(bench: Bench) -> None:
    assert bench.run([bench.note(), "--user", "anna"]) == 0
    assert "😢 sad  75% sure" in bench.out
    assert "😌 calm" in bench.out
    assert messages.NOTICE_TRY[:40] in bench.out
    assert bench.err == ""
    [note] = bench.export("anna")["notes"]
    assert (note["status"], note["origin"], note["message_id"], note["verdict"]) == ("answered", "try", None, None)
    assert note["prediction"]["model"] == "test-1"


@pytest.mark.parametrize("learning", ["off", "opt-in"])
def test_what_one_can_learn_is_always_kept(bench: Bench, learning: str) -> None:
    bench.settings = bench.settings.model_copy(update={"learning": learning})
    assert bench.run([bench.note(), "--user", "anna", "--verdict", "angry"]) == 0
    [example] = bench.examples()
    assert (example.vector, example.vector_set) == (VECTOR.to_bytes(), VECTOR.vector_set)
    assert (example.predicted, example.verdict) == (Emotion.SAD, Correction(Emotion.ANGRY))
    assert bench.export("anna")["notes"][0]["vector_kept"]
    assert "numbers that describe how your voice sounds" in " ".join(bench.out.split())


def test_without_a_person_nothing_is_asked(bench: Bench) -> None:
    assert bench.run([bench.note()], typed="y\n") == 0
    assert "Was I right?" not in bench.out


@pytest.mark.parametrize(
    ("verdict", "recorded", "said"),
    [
        ("right", "right", "was right"),
        ("wrong", "wrong", "was wrong"),
        ("angry", "angry", "angry"),
        ("😢", "right", "right"),
    ],
)
def test_a_verdict_given_by_flag_is_recorded_for_every_file(
    bench: Bench, verdict: str, recorded: str, said: str
) -> None:
    files = [bench.note("a.ogg"), bench.note("b.ogg")]
    assert bench.run([*files, "--user", "anna", "--verdict", verdict]) == 0
    assert [note["verdict"] for note in bench.export("anna")["notes"]] == [recorded, recorded]
    assert bench.out.count(said) >= 2
    assert "Which one" not in bench.out


@pytest.mark.parametrize(
    ("typed", "recorded"),
    [
        ("y\n", "right"),
        ("n\nangry\n", "angry"),
        ("n\n\n", "wrong"),
        ("n\n", "wrong"),
        ("calm\n", "calm"),
        ("\n", None),
        ("", None),
    ],
)
def test_a_person_is_asked(bench: Bench, typed: str, recorded: str | None) -> None:
    assert bench.run([bench.note(), "--user", "anna"], typed=typed, person=True) == 0
    assert "Was I right?" in bench.out
    assert bench.export("anna")["notes"][0]["verdict"] == recorded


def test_without_a_file_there_is_a_demonstration_that_says_so(bench: Bench) -> None:
    assert bench.run([]) == 0
    assert "demonstration note (made by Emotify itself" in bench.out


def test_the_same_note_may_be_tried_again_at_once(bench: Bench) -> None:
    note = bench.note()
    assert bench.run([note, note, "--user", "anna"]) == 0
    assert len(bench.export("anna")["notes"]) == 2
    assert bench.out.count(messages.NOTICE_TRY[:40]) == 1


def test_as_many_notes_as_are_named_are_heard_at_once(bench: Bench) -> None:
    names = [bench.note(f"{i}.wav") for i in range(BURST + 2)]
    assert bench.run([*names, "--user", "anna"]) == 0
    assert len(bench.export("anna")["notes"]) == len(names)


def test_the_name_defaults_to_the_login_name(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "berta")
    bench.run([bench.note()])
    assert len(bench.export("berta")["notes"]) == 1


def test_a_login_without_a_name_is_somebody(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert bench.run([bench.note()]) == 0
    assert len(bench.export("somebody")["notes"]) == 1


def test_a_bad_file_is_one_sentence_and_the_rest_go_on(bench: Bench) -> None:
    good = bench.note()
    bad = [bench.note("empty.ogg", b""), bench.note("random.wav", os.urandom(3000)), str(bench.folder / "missing.ogg")]
    assert bench.run([bad[0], good, *bad[1:]]) == 1
    assert "😢 sad" in bench.out
    lines = bench.err.splitlines()
    assert [line.partition(": ")[0] for line in lines] == bad
    assert lines[2].endswith("There is no such file.")
    assert "Traceback" not in bench.err


def test_a_refusal_is_recorded(bench: Bench) -> None:
    assert bench.run([bench.note("empty.ogg", b""), "--user", "anna"]) == 1
    [note] = bench.export("anna")["notes"]
    assert (note["status"], note["reason"]) == ("refused", "undecodable")


def test_folders_devices_and_pipes_are_refused(bench: Bench) -> None:
    pipe = bench.folder / "pipe"
    os.mkfifo(pipe)
    assert bench.run([str(bench.folder), "/dev/zero", str(pipe)]) == 1
    assert bench.err.count("That is a folder or a device") == 3


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, ""])
def test_impossible_names_are_refused(bench: Bench, name: str) -> None:
    assert bench.run([name]) == 1
    assert len(bench.err.splitlines()) == 1


def test_file_names_cannot_steer_the_terminal(bench: Bench) -> None:
    note = bench.note("\x1b[31m\x07[bold]\n\udcff.ogg")
    assert bench.run([note, note + "-missing"]) == 1
    assert r"\x1b[31m\x07[bold]\n\udcff.ogg" in bench.out
    assert r"\udcff.ogg-missing" in bench.err
    assert "\x1b" not in bench.out + bench.err


def test_a_file_over_the_limit_is_refused_by_its_size(bench: Bench) -> None:
    bench.settings = bench.settings.model_copy(update={"max_note_bytes": 100})
    assert bench.run([bench.note()]) == 1
    assert "too large" in bench.err


def test_whoever_opted_out_is_told(bench: Bench) -> None:
    async def opt_out() -> None:
        store = await Store.open(bench.settings.database_path)
        person = Pseudonymizer.open(bench.settings.pseudonym_key_path).of("try", "anna")
        await store.set_consent(person, "listening", answer=False, at=NOON)
        await store.close()

    asyncio.run(opt_out())
    assert bench.run([bench.note(), "--user", "anna"]) == 1
    assert "You asked me not to listen" in bench.err


def test_files_may_stand_on_both_sides_of_an_option(bench: Bench) -> None:
    assert bench.run([bench.note("one.ogg"), "--user", "anna", bench.note("two.ogg")]) == 0
    assert len(bench.export("anna")["notes"]) == 2


@pytest.mark.parametrize("argv", [["--verdict", "perhaps"], ["--verdict", "\x1b[31m"], ["--user", " "], ["--unknown"]])
def test_wrong_usage_exits_2(bench: Bench, argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        bench.run(argv)
    assert exit_.value.code == 2
    assert "usage: python -m bot try" in capsys.readouterr().err


def test_help_teaches(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        bench.run(["--help"])
    assert exit_.value.code == 0
    text = capsys.readouterr().out
    for word in ("examples:", "exit status:", "--user", "--verdict", "demonstration note"):
        assert word in text


@pytest.mark.parametrize("command", [[], ["try"], ["retrain"]], ids=["bot", "try", "retrain"])
def test_help_fits_into_eighty_columns(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        bot.__main__.main([*command, "--help"])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_wrong_settings_exit_2_in_one_line_each(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    def load() -> Settings:
        raise SettingsError(["EMOTIFY_WORKERS must be positive.", "EMOTIFY_LISTEN must be auto or mention."])

    assert main([], load=load) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_missing_model_exits_2(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ModelNotFoundError("There is no model here.")

    monkeypatch.setattr(EmotionClassifier, "load", missing)
    assert bench.run([]) == 2
    assert bench.err == "There is no model here.\n"


@pytest.mark.parametrize("name", ["emotify.db", "pseudonym.key", "examples.key"])
def test_a_damaged_data_folder_exits_2_in_one_sentence(bench: Bench, name: str) -> None:
    bench.settings.data_dir.mkdir()
    (bench.settings.data_dir / name).write_bytes(b"damaged " * 1000)
    assert bench.run([]) == 2
    assert name in bench.err
    assert "Traceback" not in bench.err


def test_a_data_folder_that_cannot_be_made_exits_2(bench: Bench) -> None:
    bench.settings.data_dir.write_text("a file")
    assert bench.run([]) == 2
    assert str(bench.settings.data_dir.name) in bench.err


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device.\n"),
        (OSError(errno.EROFS, "Read-only file system", "data/x.log"), "Read-only file system: data/x.log\n"),
    ],
)
def test_trouble_with_the_disk_exits_2_in_one_sentence(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: OSError, sentence: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("bot.trial.show_answer", fail)
    assert bench.run([bench.note()]) == 2
    assert bench.err == sentence


class Interrupting(Keyboard):
    def readline(self, *_: object) -> str:  # type: ignore[override]
        raise KeyboardInterrupt


def test_an_interrupt_exits_130_and_keeps_what_was_recorded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.bot.test_trial.Keyboard", Interrupting)
    assert bench.run([bench.note(), "--user", "anna"], person=True) == 130
    assert bench.export("anna")["notes"][0]["status"] == "answered"


class Absorbed(SadClassifier):
    """Listens to a note without end, while somebody presses Ctrl-C."""

    may_end = threading.Event()

    def listen(self, source: bytes, *, limits: DecodeLimits, baseline: PersonalBaseline | None) -> Heard:
        os.kill(os.getpid(), signal.SIGINT)
        self.may_end.wait()
        return super().listen(source, limits=limits, baseline=baseline)


@pytest.fixture
def _heeding_interrupts() -> Iterator[None]:
    """Heed Ctrl-C even where a shell started the tests in the background, with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_heeding_interrupts")
def test_an_interrupt_does_not_wait_until_a_long_note_was_heard(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EmotionClassifier, "load", Absorbed)
    assert bench.run([bench.note()]) == 130
    assert not Absorbed.may_end.is_set()
    Absorbed.may_end.set()


def test_an_interrupt_while_it_starts_exits_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(argv: Sequence[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("bot.trial.main", interrupted)
    assert bot.__main__.main(["try"]) == 130


def test_a_person_forgotten_before_the_verdict_gets_no_confirmation(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forgotten(*_: object) -> None:
        return None

    monkeypatch.setattr("bot.trial.Conversation.judge", forgotten)
    assert bench.run([bench.note(), "--verdict", "right"]) == 0
    assert "Noted" not in bench.out


def test_a_person_forgotten_while_they_are_asked_which_emotion_it_was_gets_none_either(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Conversation.judge

    async def forgotten_after_the_first(conversation: Conversation, note_id: int, mark: Mark) -> Marked | None:
        return await judge(conversation, note_id, mark) if mark is Judgement.WRONG else None

    monkeypatch.setattr("bot.trial.Conversation.judge", forgotten_after_the_first)
    assert bench.run([bench.note()], typed="no\nhappy\n", person=True) == 0
    assert "Which one was it?" in bench.out
    assert "Noted" not in bench.out


def test_a_terminal_that_knows_no_emoji_gets_question_marks(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stdout)
    assert main([bench.note()], load=lambda: bench.settings) == 0
    stdout.flush()
    assert b"sad" in stdout.buffer.getvalue()


def test_without_standard_input_nothing_is_asked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main([bench.note()], load=lambda: bench.settings) == 0


def test_questions_work_on_a_real_terminal(bench: Bench) -> None:
    primary, secondary = pty.openpty()
    os.write(primary, b"n\nsurprised\n")
    with os.fdopen(secondary, "r") as stdin:
        out = Console(file=io.StringIO(), width=80, force_terminal=True)
        err = Console(file=io.StringIO())
        terminal = Terminal(out, err, stdin)
        assert main([bench.note(), "--user", "anna"], load=lambda: bench.settings, terminal=terminal) == 0
    os.close(primary)
    assert bench.export("anna")["notes"][0]["verdict"] == "surprised"


def test_nothing_is_learned_from_the_demonstration_note(bench: Bench) -> None:
    bench.run(["--user", "anna", "--verdict", "happy"])
    export = bench.export("anna")
    assert [(note["verdict"], note["vector_kept"]) for note in export["notes"]] == [("happy", False)]
    assert export["baseline"] is None
    assert bench.examples() == []


def test_a_person_is_forgotten_and_nobody_else(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for user in ("anna", "bob"):
        assert bench.run([bench.note(), "--user", user, "--verdict", "angry"]) == 0
    monkeypatch.delattr(EmotionClassifier, "load")  # nothing is listened to

    assert bench.run(["--forget", "--user", "anna"]) == 0

    assert "everything about you is deleted, 1 recording with all that belonged to it." in " ".join(bench.out.split())
    assert bench.export("anna")["notes"] == []
    assert len(bench.export("bob")["notes"]) == len(bench.examples()) == 1
    assert bench.run(["--forget", "--user", "anna"]) == 0
    assert "no recording of yours" in bench.out


@pytest.mark.parametrize("words", [["note.ogg"], ["--verdict", "sad"]])
def test_forgetting_takes_no_files_and_no_verdict(
    bench: Bench, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        bench.run([*words, "--forget"])

    assert stopped.value.code == 2
    assert "--forget stands without files and --verdict" in capsys.readouterr().err


def test_the_real_classifier_hears_a_note(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.run([bench.note(content=demonstration_note()), "--user", "anna"]) == 0
    [note] = bench.export("anna")["notes"]
    assert sum(note["prediction"]["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert note["prediction"]["model"] == EmotionClassifier.load().version
    assert note["vector_kept"]
