"""What people say about a guess: marks, and the verdict that follows from the marks that stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from emotify_core.emotions import Emotion


class Judgement(StrEnum):
    """A mark that says whether the guess was right, and names no emotion."""

    RIGHT = "right"
    WRONG = "wrong"


Mark: TypeAlias = Judgement | Emotion
"""What one reaction says; its value is what the store keeps."""

RIGHT_EMOJI: Final = "✅"
WRONG_EMOJI: Final = "❌"
FIRST_EMOJI: Final = (RIGHT_EMOJI, WRONG_EMOJI)
"""The reactions that stand ready under every guess."""
EMOTION_EMOJI: Final = tuple(emotion.emoji for emotion in Emotion)
"""The reactions that are offered after ❌."""


@dataclass(frozen=True)
class Confirmation:
    """The person said that the guessed emotion is right."""

    emotion: Emotion


@dataclass(frozen=True)
class Rejection:
    """The person said that the guess is wrong, and not (yet) what would be right."""


@dataclass(frozen=True)
class Correction:
    """The person named another emotion than the guessed one."""

    emotion: Emotion


Verdict: TypeAlias = Confirmation | Rejection | Correction


def mark_from_emoji(emoji: str) -> Mark | None:
    """Find what a reaction says, None if it is none of ours.

    Examples
    --------
    >>> mark_from_emoji("✅"), mark_from_emoji("😢"), mark_from_emoji("🍕")
    (<Judgement.RIGHT: 'right'>, <Emotion.SAD: 'sad'>, None)
    """
    plain = emoji.replace("\N{VARIATION SELECTOR-16}", "")
    if plain in FIRST_EMOJI:
        return Judgement.RIGHT if plain == RIGHT_EMOJI else Judgement.WRONG
    return Emotion.from_emoji(plain)


def mark_from_value(value: str) -> Mark:
    """Read a mark as the store keeps it.

    Raises
    ------
    ValueError
        If it is neither a judgement nor an emotion.
    """
    return Judgement(value) if value in tuple(Judgement) else Emotion(value)


def mark_from_word(word: str) -> Mark | None:
    """Read what a person typed: right, wrong, yes, no, an emotion, or an emoji; None if it is none of these.

    Examples
    --------
    >>> mark_from_word(" Y "), mark_from_word("sad"), mark_from_word("perhaps")
    (<Judgement.RIGHT: 'right'>, <Emotion.SAD: 'sad'>, None)
    """
    word = word.strip().casefold()
    if word in _WORDS:
        return _WORDS[word]
    return Emotion(word) if word in tuple(Emotion) else mark_from_emoji(word)


_WORDS: Final = {
    "right": Judgement.RIGHT,
    "yes": Judgement.RIGHT,
    "y": Judgement.RIGHT,
    "wrong": Judgement.WRONG,
    "no": Judgement.WRONG,
    "n": Judgement.WRONG,
}


def verdict_of(predicted: Emotion, marks: Sequence[Mark]) -> Verdict | None:
    """Conclude what the person thinks of a guess.

    Parameters
    ----------
    predicted : Emotion
        The emotion that was guessed.
    marks : sequence of Mark
        The marks that stand, in the order in which they were made: the last word counts.

    Returns
    -------
    Confirmation, Rejection, Correction or None
        None if no mark stands. Naming the guessed emotion confirms it.
    """
    if not marks:
        return None
    last = marks[-1]
    if last is Judgement.WRONG:
        return Rejection()
    if last is Judgement.RIGHT or last is predicted:
        return Confirmation(predicted)
    return Correction(Emotion(last))
