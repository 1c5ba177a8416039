"""The eight emotions, their emoji and their place on the circumplex."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Emotion(StrEnum):
    """An emotion of RAVDESS; the value is the name used in files, tables and JSON.

    Examples
    --------
    >>> Emotion("sad").emoji
    '😢'
    >>> Emotion.from_emoji("😠")
    <Emotion.ANGRY: 'angry'>
    """

    NEUTRAL = "neutral"
    CALM = "calm"
    HAPPY = "happy"
    SAD = "sad"
    ANGRY = "angry"
    FEARFUL = "fearful"
    DISGUST = "disgust"
    SURPRISED = "surprised"

    @property
    def emoji(self) -> str:
        """The one emoji that stands for the emotion, in reactions too."""
        return _EMOJI[self]

    @property
    def valence(self) -> float:
        """How pleasant the emotion is, from -1 to 1."""
        return _CIRCUMPLEX[self][0]

    @property
    def arousal(self) -> float:
        """How activated the emotion is, from -1 to 1."""
        return _CIRCUMPLEX[self][1]

    @classmethod
    def from_emoji(cls, emoji: str) -> Emotion | None:
        """Find the emotion that an emoji stands for, with or without a variation selector; None if for none."""
        return _BY_EMOJI.get(emoji.replace("\N{VARIATION SELECTOR-16}", ""))


_EMOJI: Final = MappingProxyType(
    {
        Emotion.NEUTRAL: "😐",
        Emotion.CALM: "😌",
        Emotion.HAPPY: "😄",
        Emotion.SAD: "😢",
        Emotion.ANGRY: "😠",
        Emotion.FEARFUL: "😨",
        Emotion.DISGUST: "🤢",
        Emotion.SURPRISED: "😲",
    }
)
_BY_EMOJI: Final = MappingProxyType({emoji: emotion for emotion, emoji in _EMOJI.items()})

# (valence, arousal). A convention, not a measurement: rough positions after the circular order in Russell (1980), "A
# circumplex model of affect", J. Pers. Soc. Psychol. 39(6); disgust and surprise after Scherer (2005), "What are
# emotions?", Social Science Information 44(4).
_CIRCUMPLEX: Final = MappingProxyType(
    {
        Emotion.NEUTRAL: (0.0, 0.0),
        Emotion.CALM: (0.7, -0.7),
        Emotion.HAPPY: (0.9, 0.3),
        Emotion.SAD: (-0.8, -0.4),
        Emotion.ANGRY: (-0.6, 0.8),
        Emotion.FEARFUL: (-0.6, 0.7),
        Emotion.DISGUST: (-0.7, 0.2),
        Emotion.SURPRISED: (0.3, 0.8),
    }
)
