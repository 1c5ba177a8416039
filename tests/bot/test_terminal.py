from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from bot.exchange import Answer
from bot.terminal import ask_emotion, ask_verdict, printable, show_answer, show_verdict
from bot.verdicts import Confirmation, Correction, Judgement, Mark, Rejection, Verdict
from emotify_core.emotions import Emotion
from emotify_core.prediction import Prediction
from responses.bands import MEDIUM_FROM

EVEN = Prediction(dict.fromkeys(Emotion, 1 / len(Emotion)), duration=3.0, model="m")
CERTAIN = Prediction({Emotion.SAD: 0.9, Emotion.CALM: 0.1, Emotion.HAPPY: 0.0}, 1.0, "m")


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=80, highlight=False)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def lines(text: str) -> Callable[[], str]:
    return io.StringIO(text).readline


@given(st.text())
def test_what_is_printable_cannot_steer_a_terminal(text: str) -> None:
    assert printable(text).isprintable()


def test_names_in_any_language_stay_as_they_are() -> None:
    assert printable("Sprachnachricht für Zoë 音声.ogg") == "Sprachnachricht für Zoë 音声.ogg"


def test_an_answer_shows_emotion_confidence_all_probabilities_reply_and_notice(console: Console) -> None:
    show_answer(console, "no\x1bte [red].ogg", Answer(1, "You sound neutral.", EVEN, notice="I am a machine."))
    text = printed(console)
    assert r"no\x1bte [red].ogg" in text
    assert "unsure; most likely 😐 neutral, 12%" in text
    assert all(f"{emotion.emoji} {emotion}" in text for emotion in Emotion)
    assert "You sound neutral." in text
    assert "I am a machine." in text
    assert max(cell_len(line) for line in text.splitlines()) <= 80


@pytest.mark.parametrize("width", [27, 40, 55])
def test_a_narrow_terminal_has_shorter_bars_and_all_emotions(width: int) -> None:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    show_answer(console, "a", Answer(1, "b", EVEN))
    bars = [line for line in printed(console).splitlines() if "12%" in line and "unsure" not in line]
    assert [line.split()[:2] for line in bars[-8:]] == [[emotion.emoji, emotion.value] for emotion in Emotion]
    assert max(map(cell_len, bars)) <= width


def test_a_sure_guess_is_named_as_one(console: Console) -> None:
    show_answer(console, "a", Answer(1, "b", CERTAIN))
    assert "😢 sad  90% sure" in printed(console)


@pytest.mark.parametrize(("confidence", "is_named"), [(MEDIUM_FROM, True), (MEDIUM_FROM - 0.01, False)])
def test_a_guess_is_sure_of_no_emotion_that_the_reply_would_not_name(
    console: Console, confidence: float, is_named: bool
) -> None:
    rest = (1 - confidence) / (len(Emotion) - 1)
    unsure = Prediction({each: confidence if each is Emotion.CALM else rest for each in Emotion}, 1.0, "m")
    show_answer(console, "a", Answer(1, "b", unsure))
    headline = printed(console).splitlines()[1].strip()
    assert headline == ("😌 calm  35% sure" if is_named else "unsure; most likely 😌 calm, 34%")


def test_bars_grow_with_probability(console: Console) -> None:
    show_answer(console, "a", Answer(1, "b", CERTAIN))
    bars = [line.count("█") for line in printed(console).splitlines() if line.rstrip().endswith("%")]
    assert bars == [27, 3, 0]


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Confirmation(Emotion.SAD), "sad 😢 was right"),
        (Correction(Emotion.ANGRY), "it was angry 😠"),
        (Rejection(), "that was wrong"),
    ],
)
def test_a_verdict_is_repeated(console: Console, verdict: Verdict, said: str) -> None:
    show_verdict(console, verdict)
    assert said in printed(console)


@pytest.mark.parametrize(
    ("typed", "mark"),
    [("y\n", Judgement.RIGHT), ("n\n", Judgement.WRONG), ("sad\n", Emotion.SAD), ("😠\n", Emotion.ANGRY), ("\n", None),
     ("", None), ("perhaps\nsad\n", Emotion.SAD), ("perhaps\n", None)],
)  # fmt: skip
def test_a_verdict_is_asked_for_until_it_is_understood(console: Console, typed: str, mark: Mark | None) -> None:
    assert ask_verdict(console, lines(typed)) is mark
    assert printed(console).count("Was I right?") == 1 + typed.count("perhaps")


@pytest.mark.parametrize(("typed", "emotion"), [("calm\n", Emotion.CALM), ("y\n", None), ("\n", None)])
def test_an_emotion_is_asked_for(console: Console, typed: str, emotion: Emotion | None) -> None:
    assert ask_emotion(console, lines(typed)) is emotion


@pytest.mark.parametrize("typed", ["right\n", "n\n", "✅\n"])
def test_a_word_that_names_no_emotion_is_not_taken_for_a_skipped_question(console: Console, typed: str) -> None:
    assert ask_emotion(console, lines(typed * 2 + "perhaps\n" + "calm\n")) is Emotion.CALM
    assert printed(console).count("That is no emotion. Which one was it?") == 3
