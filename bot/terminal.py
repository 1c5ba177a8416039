"""How the conversation looks on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bot.exchange import Answer
from bot.verdicts import Confirmation, Correction, Judgement, Mark, Verdict, mark_from_word
from emotify_core.emotions import Emotion
from emotify_core.prediction import Prediction
from responses.bands import Band, confidence_band

_BAR_WIDTH: Final = 30
_BESIDE_BAR: Final = 26  # columns that margins, emotion and percentage take
_QUESTION: Final = "Was I right? [y]es, [n]o, an emotion or its emoji, Enter to skip: "
_WHICH: Final = f"Which one was it? {', '.join(Emotion)}; Enter to skip: "
_AGAIN: Final = "I don't know that word. "
_NO_EMOTION: Final = "That is no emotion. "


def printable(text: str) -> str:
    r"""Write out what a terminal might obey or could not show, such as escape sequences in a file name.

    Examples
    --------
    >>> print(printable("a\x1b[31mb\nc"))
    a\x1b[31mb\nc
    """
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def show_answer(console: Console, name: str, answer: Answer) -> None:
    """Print what was heard in a note, and the reply."""
    console.print(Text(printable(name), style="bold"), soft_wrap=True)
    parts: list[Text | Table] = []
    if answer.prediction is not None:
        parts += [_headline(answer.prediction), Text(), _bars(answer.prediction, console.width), Text()]
    parts.append(Text(answer.text, style="italic"))
    if answer.notice:
        parts += [Text(), Text(answer.notice, style="dim")]
    console.print(Padding(Group(*parts), (0, 2), expand=False))
    console.print()


def show_verdict(console: Console, verdict: Verdict | None) -> None:
    """Print what was recorded."""
    if isinstance(verdict, Confirmation):
        said = f"Noted: {verdict.emotion} {verdict.emotion.emoji} was right."
    elif isinstance(verdict, Correction):
        said = f"Noted: it was {verdict.emotion} {verdict.emotion.emoji}."
    else:
        said = "Noted: that was wrong."
    console.print(Padding(Text(said), (0, 2), expand=False))
    console.print()


def ask_verdict(console: Console, read_line: Callable[[], str]) -> Mark | None:
    """Ask whether the guess was right; None if the person skips the question."""
    return _ask(console, read_line, _QUESTION)


def ask_emotion(console: Console, read_line: Callable[[], str]) -> Emotion | None:
    """Ask which emotion it was; None if the person skips the question."""
    mark = _ask(console, read_line, _WHICH)
    while isinstance(mark, Judgement):
        mark = _ask(console, read_line, _NO_EMOTION + _WHICH)
    return mark


def _ask(console: Console, read_line: Callable[[], str], question: str) -> Mark | None:
    """Ask until there is an answer, an empty line, or the end of the input."""
    console.print(Text(question), end="")
    while line := read_line():
        if not line.strip():
            return None
        if (mark := mark_from_word(line)) is not None:
            return mark
        console.print(Text(_AGAIN + question), end="")
    console.print()  # the end of the input leaves the cursor behind the question
    return None


def _headline(prediction: Prediction) -> Text:
    """Name the most probable emotion, as no more than that where it is so unsure that the reply names none."""
    emotion = prediction.emotion
    if confidence_band(prediction.confidence) is Band.LOW:
        return Text.assemble(f"unsure; most likely {emotion.emoji} ", emotion.value, f", {prediction.confidence:.0%}")
    return Text.assemble(f"{emotion.emoji} ", (emotion.value, "bold"), f"  {prediction.confidence:.0%} sure")


def _bars(prediction: Prediction, width: int) -> Table:
    """Draw all probabilities, most probable first; on a narrow terminal the bars get shorter."""
    table = Table.grid(padding=(0, 2, 0, 0))
    bar_width = max(1, min(_BAR_WIDTH, width - _BESIDE_BAR))
    table.add_column()
    table.add_column(width=bar_width)
    table.add_column(justify="right")
    for rank, emotion in enumerate(prediction.ranked):
        p = prediction.probabilities[emotion]
        style = "cyan" if rank == 0 else "bright_black"
        table.add_row(f"{emotion.emoji} {emotion}", Text("█" * round(p * bar_width), style=style), f"{p:.0%}")
    return table
