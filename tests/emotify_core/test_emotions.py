from __future__ import annotations

import pytest

from emotify_core.emotions import Emotion


def test_the_eight_emotions_of_ravdess_have_these_names_and_emoji() -> None:
    assert {emotion.value: emotion.emoji for emotion in Emotion} == {
        "neutral": "😐",
        "calm": "😌",
        "happy": "😄",
        "sad": "😢",
        "angry": "😠",
        "fearful": "😨",
        "disgust": "🤢",
        "surprised": "😲",
    }


@pytest.mark.parametrize("emotion", Emotion)
def test_an_emoji_leads_back_to_its_emotion(emotion: Emotion) -> None:
    assert Emotion.from_emoji(emotion.emoji) is emotion


def test_a_variation_selector_changes_nothing() -> None:
    assert Emotion.from_emoji("😢\N{VARIATION SELECTOR-16}") is Emotion.SAD


@pytest.mark.parametrize("emoji", ["", "✅", "❌", "🙂", "sad", "😢😢", "<:sad:1234>"])
def test_other_emoji_stand_for_no_emotion(emoji: str) -> None:
    assert Emotion.from_emoji(emoji) is None


@pytest.mark.parametrize("emotion", Emotion)
def test_valence_and_arousal_lie_on_the_circumplex(emotion: Emotion) -> None:
    assert -1 <= emotion.valence <= 1
    assert -1 <= emotion.arousal <= 1


def test_emotions_lie_on_the_sides_of_the_circumplex_that_everybody_expects() -> None:
    pleasant = {emotion for emotion in Emotion if emotion.valence > 0}
    calm = {emotion for emotion in Emotion if emotion.arousal < 0}

    assert pleasant == {Emotion.CALM, Emotion.HAPPY, Emotion.SURPRISED}
    assert calm == {Emotion.CALM, Emotion.SAD}
    assert (Emotion.NEUTRAL.valence, Emotion.NEUTRAL.arousal) == (0, 0)


def test_no_two_emotions_lie_at_the_same_place() -> None:
    assert len({(emotion.valence, emotion.arousal) for emotion in Emotion}) == len(Emotion)
