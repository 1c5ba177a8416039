from __future__ import annotations

import pytest

from emotify_core.emotions import Emotion
from responses import Band, ResponsesError, TemplateError, UnknownLanguageError, languages
from responses.catalogue import load_catalogue, parse_catalogue

POOL = '1 = "One."\n2 = "Two."'


def _toml(pools: dict[str, str] | None = None, *, head: str = "") -> str:
    """Write a small, correct template file, with the given pools ("sad.high") in place of the usual ones."""
    tables = {f"{emotion}.{band}": POOL for emotion in Emotion for band in Band} | (pools or {})
    return head + "\n" + "\n".join(f"[{name}]\n{body}" for name, body in tables.items())


def test_english_is_there() -> None:
    assert "en" in languages()


def test_languages_are_sorted_and_named_once() -> None:
    assert list(languages()) == sorted(set(languages()))


def test_a_catalogue_is_read_once() -> None:
    assert load_catalogue("en") is load_catalogue("en")


@pytest.mark.parametrize("language", ["xx", "", "EN", "en.toml", "../templates/en", "/etc/passwd"])
def test_an_unknown_language_is_refused_with_the_known_ones(language: str) -> None:
    with pytest.raises(UnknownLanguageError, match=r"there are some in: .*en") as caught:
        load_catalogue(language)
    assert isinstance(caught.value, ResponsesError)
    assert (caught.value.language, caught.value.available) == (language, languages())


def test_ids_come_from_the_keys_not_from_the_order() -> None:
    pool = parse_catalogue(_toml({"sad.high": 'b = "Bee."\na = "Ay."'}), language="xx").pools[Emotion.SAD, Band.HIGH]
    assert {t.id: t.text for t in pool} == {"xx/sad/high/b": "Bee.", "xx/sad/high/a": "Ay."}


def test_second_words_may_be_missing() -> None:
    catalogue = parse_catalogue(_toml(head='[second]\nsad = "blue"'), language="xx")
    assert catalogue.second_words == {Emotion.SAD: "blue"}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('1 = "One."\n2 = 2', "'2' is not text"),
        ('1 = "One."\n2 = ""', "'2' is not text, empty"),
        ('1 = "One."\n2 = " Two."', "blank end"),
        ('1 = "One."', "at least 2 templates without {second}"),
        ("", "at least 2 templates without {second}"),
        ('1 = "One."\n2 = "Two, {second}."', "at least 2 templates without {second}"),
        (POOL + '\n3 = "Hello {name}."', "'3' has braces that are not {second}"),
        (POOL + '\n3 = "Hello {second!r}."', "'3' has braces that are not {second}"),
        (POOL + '\n3 = "Hello {{second}}."', "'3' has braces that are not {second}"),
        (POOL + '\n3 = "Hello {."', "'3' has braces that are not {second}"),
    ],
)
def test_a_bad_template_is_named_with_file_emotion_and_band(body: str, problem: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse_catalogue(_toml({"sad.high": body}), language="xx")
    assert str(caught.value).startswith("xx.toml, [sad.high]: ")
    assert problem in str(caught.value)
    assert (caught.value.file, caught.value.emotion, caught.value.band) == ("xx.toml", Emotion.SAD, Band.HIGH)


def test_the_lowest_band_may_not_name_a_second_emotion() -> None:
    with pytest.raises(TemplateError, match=r"\[sad.low\]: '3' names an emotion"):
        parse_catalogue(_toml({"sad.low": POOL + '\n3 = "Or {second}?"'}), language="xx")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("this = is = not", "xx.toml: this is not TOML"),
        ('[neutral.low]\n1 = "a"\n1 = "b"', "xx.toml: this is not TOML"),
        ("", "xx.toml, [neutral]: there are no templates for this emotion"),
        (_toml({"bored.low": POOL}), "xx.toml: 'bored' is not one of"),
        (_toml({"sad.huge": POOL}), "xx.toml, [sad]: 'huge' is not one of high, low, medium"),
        (_toml().replace("[calm.high]\n" + POOL, ""), "xx.toml, [calm.high]: there is no such table"),
        (_toml(head='[second]\nbored = "bored"'), "xx.toml, [second]: 'bored' is not one of"),
        (_toml(head="[second]\nsad = 1"), "xx.toml, [second]: 'sad' is not text"),
        (_toml(head="second = 1"), "xx.toml, [second]: there is no such table"),
    ],
)
def test_a_bad_file_is_refused_in_one_readable_line(text: str, sentence: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse_catalogue(text, language="xx")
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)
