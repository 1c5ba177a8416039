"""The reply templates of a language, read from `templates/<language>.toml` and checked."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Final

from emotify_core.emotions import Emotion
from responses.bands import Band
from responses.errors import TemplateError, UnknownLanguageError

PLACEHOLDER: Final = "{second}"
SECOND_WORDS: Final = "second"  # the table of words that {second} stands for
MIN_PLAIN: Final = 2  # with fewer templates that always fit, the same reply would come twice in a row


@dataclass(frozen=True)
class Template:
    """One reply, perhaps with a gap for the second emotion.

    Parameters
    ----------
    id : str
        Stable name, such as "en/sad/high/3".
    text : str
        The reply; `{second}` stands for the second emotion.
    """

    id: str
    text: str

    @property
    def needs_second(self) -> bool:
        """Whether the reply can be given only when there is a second emotion."""
        return PLACEHOLDER in self.text


@dataclass(frozen=True)
class Catalogue:
    """All templates of one language.

    Parameters
    ----------
    language : str
        Code of the language.
    second_words : Mapping[Emotion, str]
        What `{second}` becomes; an emotion that is missing here is never named second.
    pools : Mapping[tuple[Emotion, Band], tuple[Template, ...]]
        Templates of each emotion and band.
    """

    language: str
    second_words: Mapping[Emotion, str]
    pools: Mapping[tuple[Emotion, Band], tuple[Template, ...]]


@cache
def languages() -> tuple[str, ...]:
    """List the languages that there are templates in.

    Returns
    -------
    tuple of str
        Codes of the languages, sorted.

    Examples
    --------
    >>> "en" in languages()
    True
    """
    names = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


@cache
def load_catalogue(language: str) -> Catalogue:
    """Read the templates of a language; they are read and checked once.

    Parameters
    ----------
    language : str
        One of `languages()`.

    Returns
    -------
    Catalogue
        The templates.

    Raises
    ------
    UnknownLanguageError
        If there are none in that language.
    TemplateError
        If the file is not as it has to be.
    """
    # Looking the name up, not trying to open it, keeps "../" out of the path.
    if language not in languages():
        raise UnknownLanguageError(language, languages())
    return parse_catalogue((_folder() / f"{language}.toml").read_text(encoding="utf-8"), language=language)


def parse_catalogue(text: str, *, language: str) -> Catalogue:
    """Turn the text of a template file into a catalogue.

    Parameters
    ----------
    text : str
        TOML: a table `[second]` with the word for each emotion, and a table for each emotion and band, such as
        `[sad.high]`, with the stable key of each template and its text.
    language : str
        Code of the language, which the template ids begin with.

    Returns
    -------
    Catalogue
        The templates.

    Raises
    ------
    TemplateError
        If something is missing, unknown or not text; it names the file, the emotion and the band.
    """
    file = f"{language}.toml"
    try:
        tables: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TemplateError(file, f"this is not TOML: {error}") from error
    _check_keys(file, tables, {SECOND_WORDS, *Emotion})
    words = _strings(file, tables.get(SECOND_WORDS, {}), emotion=SECOND_WORDS)
    _check_keys(file, words, set(Emotion), emotion=SECOND_WORDS)
    return Catalogue(
        language=language,
        second_words=MappingProxyType({Emotion(name): word for name, word in words.items()}),
        pools=MappingProxyType(dict(_pools(file, tables, language))),
    )


def _folder() -> Traversable:
    """Find the folder with the template files."""
    return files("responses") / "templates"


def _pools(
    file: str, tables: Mapping[str, object], language: str
) -> Iterator[tuple[tuple[Emotion, Band], tuple[Template, ...]]]:
    """Check and yield the pool of every emotion and band."""
    for emotion in Emotion:
        bands = tables.get(emotion)
        if not isinstance(bands, dict):
            raise TemplateError(file, "there are no templates for this emotion", emotion=emotion)
        _check_keys(file, bands, set(Band), emotion=emotion)
        for band in Band:
            texts = _strings(file, bands.get(band), emotion=emotion, band=band)
            pool = tuple(Template(f"{language}/{emotion}/{band}/{key}", text) for key, text in texts.items())
            _check_pool(file, pool, emotion=emotion, band=band)
            yield (emotion, band), pool


def _check_keys(
    file: str, table: Mapping[str, object], known: set[str], *, emotion: Emotion | str | None = None
) -> None:
    """Refuse names that mean nothing here, which are mostly typing errors."""
    unknown = sorted(set(table) - known)
    if unknown:
        raise TemplateError(file, f"{unknown[0]!r} is not one of {', '.join(sorted(known))}", emotion=emotion)


def _strings(file: str, table: object, *, emotion: Emotion | str, band: Band | None = None) -> dict[str, str]:
    """Check that a table is there and holds nothing but text without blank ends."""
    if not isinstance(table, dict):
        raise TemplateError(file, "there is no such table", emotion=emotion, band=band)
    for key, text in table.items():
        if not isinstance(text, str) or not text or text != text.strip():
            raise TemplateError(file, f"{key!r} is not text, empty, or has a blank end", emotion=emotion, band=band)
    return table


def _check_pool(file: str, pool: tuple[Template, ...], *, emotion: Emotion, band: Band) -> None:
    """Check what the choice of a reply relies on: gaps that can be filled, and templates enough to alternate."""
    for template in pool:
        problem = _placeholder_problem(template.text, band)
        if problem:
            raise TemplateError(file, f"{template.id.rpartition('/')[2]!r} {problem}", emotion=emotion, band=band)
    if sum(not template.needs_second for template in pool) < MIN_PLAIN:
        raise TemplateError(
            file, f"at least {MIN_PLAIN} templates without {PLACEHOLDER} are needed", emotion=emotion, band=band
        )


def _placeholder_problem(text: str, band: Band) -> str | None:
    """Say what is wrong with the placeholders of a template, None if nothing is."""
    if set("{}") & set(text.replace(PLACEHOLDER, "")):
        return f"has braces that are not {PLACEHOLDER}"
    if band is Band.LOW and PLACEHOLDER in text:
        return "names an emotion, and the lowest band names none"
    return None
