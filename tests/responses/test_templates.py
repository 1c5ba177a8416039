"""What holds for the templates of every language."""

from __future__ import annotations

import unicodedata
from collections import Counter

import pytest

from emotify_core.emotions import Emotion
from responses import Band, languages
from responses.catalogue import Template, load_catalogue

MAX_LENGTH = 200
MIN_TEMPLATES = 8
UNCHEERFUL = {Emotion.SAD, Emotion.FEARFUL, Emotion.ANGRY, Emotion.DISGUST}
MARKDOWN = set("*_~`|<>#[]\\@")  # Discord would format, link or mention

pytestmark = pytest.mark.parametrize("language", languages())


def _templates(language: str) -> list[tuple[Emotion, Band, Template]]:
    pools = load_catalogue(language).pools
    return [(emotion, band, template) for (emotion, band), pool in pools.items() for template in pool]


def _texts(language: str) -> list[str]:
    """Every text that a person may read, with every second emotion filled in."""
    words = load_catalogue(language).second_words.values()
    return [
        template.text.format(second=word)
        for _, _, template in _templates(language)
        for word in (words if template.needs_second else [""])
    ]


@pytest.mark.parametrize("emotion", Emotion)
@pytest.mark.parametrize("band", Band)
def test_every_pool_has_replies_enough_even_without_a_second_emotion(
    language: str, emotion: Emotion, band: Band
) -> None:
    pool = load_catalogue(language).pools[emotion, band]
    assert sum(not template.needs_second for template in pool) >= MIN_TEMPLATES


def test_second_words_are_there_for_all_but_neutral(language: str) -> None:
    assert set(load_catalogue(language).second_words) == set(Emotion) - {Emotion.NEUTRAL}


def test_medium_band_can_name_two_emotions(language: str) -> None:
    pools = load_catalogue(language).pools
    assert all(any(t.needs_second for t in pools[emotion, Band.MEDIUM]) for emotion in Emotion)


def test_no_text_is_there_twice(language: str) -> None:
    texts = Counter(template.text.casefold() for _, _, template in _templates(language))
    assert [text for text, n in texts.items() if n > 1] == []


def test_replies_are_short(language: str) -> None:
    assert [text for text in _texts(language) if len(text) > MAX_LENGTH] == []


def test_replies_start_like_sentences_and_end_like_them(language: str) -> None:
    assert [text for text in _texts(language) if text[0].islower() or text[-1] not in ".?!。？！؟।"] == []


def test_at_most_one_question_is_asked(language: str) -> None:
    assert [text for text in _texts(language) if sum(text.count(mark) for mark in "?？؟") > 1] == []


def test_nothing_is_exclaimed_at_an_uncertain_or_unhappy_voice(language: str) -> None:
    loud = [(e, b, t) for e, b, t in _templates(language) if set("!！") & set(t.text)]
    assert [t.text for e, b, t in loud if b is Band.LOW or e in UNCHEERFUL] == []
    assert len(loud) <= 3


def test_there_is_no_emoji_and_nothing_that_discord_formats(language: str) -> None:
    symbols = {"So", "Sk", "Cs", "Co", "Cn", "Cc"}
    texts = _texts(language)
    assert [t for t in texts if MARKDOWN & set(t) or any(unicodedata.category(c) in symbols for c in t)] == []
    assert [t for t in texts if t[0] in "-+" or t[0].isdigit()] == []
