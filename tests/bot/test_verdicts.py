from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.verdicts import (
    EMOTION_EMOJI,
    FIRST_EMOJI,
    Confirmation,
    Correction,
    Judgement,
    Mark,
    Rejection,
    mark_from_emoji,
    mark_from_value,
    mark_from_word,
    verdict_of,
)
from emotify_core.emotions import Emotion

MARKS: list[Mark] = [*Judgement, *Emotion]


def test_no_mark_is_no_verdict() -> None:
    assert verdict_of(Emotion.SAD, []) is None


def test_the_last_word_counts() -> None:
    assert verdict_of(Emotion.SAD, [Judgement.RIGHT, Judgement.WRONG]) == Rejection()
    assert verdict_of(Emotion.SAD, [Judgement.WRONG, Judgement.RIGHT]) == Confirmation(Emotion.SAD)
    assert verdict_of(Emotion.SAD, [Judgement.WRONG, Emotion.ANGRY]) == Correction(Emotion.ANGRY)
    assert verdict_of(Emotion.SAD, [Emotion.ANGRY, Judgement.WRONG]) == Rejection()


def test_naming_the_guessed_emotion_confirms_it() -> None:
    assert verdict_of(Emotion.SAD, [Judgement.WRONG, Emotion.SAD]) == Confirmation(Emotion.SAD)


def test_every_offered_emoji_is_a_mark_and_they_differ() -> None:
    assert [mark_from_emoji(emoji) for emoji in (*FIRST_EMOJI, *EMOTION_EMOJI)] == MARKS


def test_a_variation_selector_makes_no_difference() -> None:
    assert mark_from_emoji("✅\N{VARIATION SELECTOR-16}") is Judgement.RIGHT
    assert mark_from_emoji("😢\N{VARIATION SELECTOR-16}") is Emotion.SAD


@pytest.mark.parametrize("emoji", ["", "🍕", "right", "sad", "✔", "❤️", "<:custom:123>", "✅✅"])
def test_other_emoji_are_no_marks(emoji: str) -> None:
    assert mark_from_emoji(emoji) is None


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_survives_the_store(mark: Mark) -> None:
    assert mark_from_value(mark.value) is mark


def test_an_unknown_stored_mark_is_an_error() -> None:
    with pytest.raises(ValueError, match="perhaps"):
        mark_from_value("perhaps")


@pytest.mark.parametrize(
    ("word", "mark"),
    [("y", Judgement.RIGHT), ("YES\n", Judgement.RIGHT), ("n", Judgement.WRONG), (" Sad ", Emotion.SAD),
     ("😠", Emotion.ANGRY), ("❌", Judgement.WRONG), ("wrong", Judgement.WRONG)],
)  # fmt: skip
def test_typed_words_are_understood(word: str, mark: Mark) -> None:
    assert mark_from_word(word) is mark


@given(st.text())
def test_any_typed_text_is_a_mark_or_none(text: str) -> None:
    assert mark_from_word(text) in [None, *MARKS]
