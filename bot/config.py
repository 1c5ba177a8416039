"""Settings of the bot, from environment variables and a `.env` file."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from datetime import time
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

import responses
from bot.key_files import KEY_BYTES
from bot.records import Origin

PREFIX: Final = "EMOTIFY_"
DISCORD_API: Final = "https://discord.com/api/v10"
_ENV_FILE: Final = Path(".env")
_LEARNING_NEEDS_PERMISSION: Final = (
    "EMOTIFY_LEARNING is opt-in: learning from Discord's voice messages needs Discord's express permission. Read the "
    "policy beside the setting in .env.example, and set it to off if you do not have that permission."
)


class SettingsError(Exception):
    """Some settings are wrong; ``str(error)`` has one line for each, `problems` holds them."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Settings(BaseSettings):
    """Everything that an operator can set. Each field is the environment variable `EMOTIFY_<FIELD>`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        extra="ignore",
        frozen=True,
        validate_by_name=True,
        validate_by_alias=True,
    )

    discord_token: Annotated[
        SecretStr | None,
        Field(
            validation_alias=AliasChoices("EMOTIFY_DISCORD_TOKEN", "DISCORD_TOKEN"),
            description="The bot's token, from https://discord.com/developers/applications; DISCORD_TOKEN works too.",
        ),
    ] = None
    discord_api: Annotated[
        str,
        Field(description="REST base of Discord, or of a compatible server or proxy; attachments may come from it."),
    ] = DISCORD_API
    data_dir: Annotated[
        Path, Field(description="Folder of the database, its two keys, models and logs; the only one written to.")
    ] = Path("data")
    listen: Annotated[
        Literal["auto", "mention"],
        Field(description="auto: every voice message is answered; mention: only in DMs, on a mention or on request."),
    ] = "auto"
    learning: Annotated[
        Literal["off", "opt-in"],
        Field(description="off: nothing is learned from Discord audio; opt-in: from users who said yes."),
    ] = "off"
    examples_key: Annotated[
        SecretStr | None,
        Field(
            description="Key of what is kept to learn from, 64 hexadecimal digits; else examples.key in the data dir."
        ),
    ] = None
    retrain_at: Annotated[time, Field(description="Local time of the nightly retraining, as HH:MM.")] = time(3, 30)
    keep_models: Annotated[
        int, Field(ge=1, le=1000, description="Retrained model versions that are kept, for rolling back.")
    ] = 5
    operator_channel: Annotated[
        int | None, Field(ge=1, lt=2**63, description="Id of the Discord channel that gets a picture of each night.")
    ] = None
    language: Annotated[str, Field(description="Default language of replies.")] = "en"
    max_note_seconds: Annotated[
        float, Field(gt=0, le=3600, allow_inf_nan=False, description="Longer notes are refused before any download.")
    ] = 1200.0
    max_note_bytes: Annotated[
        int, Field(ge=1024, le=500 * 2**20, description="Larger notes are refused before any download.")
    ] = 25 * 2**20
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, le=256, description="Recognitions that run in parallel."
    )
    note_timeout: Annotated[
        float,
        Field(gt=0, le=600, allow_inf_nan=False, description="Seconds that one note may take, decoding included."),
    ] = 30.0
    queue_size: Annotated[
        int, Field(ge=1, le=10_000, description="Notes that may wait for a worker; more get a polite answer.")
    ] = 32
    cooldown: Annotated[
        float,
        Field(
            ge=0,
            le=3600,
            allow_inf_nan=False,
            description="Seconds between two notes of one person, after a burst of five.",
        ),
    ] = 3.0

    @field_validator("discord_token")
    @classmethod
    def _token_without_blanks(cls, token: SecretStr | None) -> SecretStr | None:
        """Strip the blanks that copying brings along; nothing left means no token."""
        plain = "" if token is None else token.get_secret_value().strip()
        if not plain.isprintable():  # no request can carry it
            raise ValueError("must be the token alone, without line breaks in it")
        return SecretStr(plain) if plain else None

    @field_validator("examples_key")
    @classmethod
    def _key_is_hexadecimal(cls, key: SecretStr | None) -> SecretStr | None:
        """Accept a key of the right length; nothing but blanks means that there is none."""
        plain = "" if key is None else key.get_secret_value().strip()
        if plain and not re.fullmatch(rf"[0-9a-fA-F]{{{2 * KEY_BYTES}}}", plain):
            raise ValueError(
                f"must be {2 * KEY_BYTES} hexadecimal digits, as `openssl rand -hex {KEY_BYTES}` prints them"
            )
        return SecretStr(plain) if plain else None

    @field_validator("discord_api")
    @classmethod
    def _api_is_a_web_address(cls, api: str) -> str:
        """Accept http(s) addresses only, without the slash at the end."""
        api = api.strip().rstrip("/")
        if not _is_web_address(api):
            raise ValueError(f"must be an address like {DISCORD_API}, without name and password")
        return api

    @field_validator("data_dir")
    @classmethod
    def _home_is_expanded(cls, data_dir: Path) -> Path:
        """Read `~` as the home folder."""
        try:
            return data_dir.expanduser()
        except RuntimeError as error:  # pydantic reports no other than a ValueError
            raise ValueError("must be a folder, and the user named after ~ has none here") from error

    @field_validator("retrain_at", mode="before")
    @classmethod
    def _time_of_day(cls, value: object) -> object:
        """Accept HH:MM only; pydantic would read a bare number as seconds since midnight."""
        if not isinstance(value, str):
            return value
        if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", value.strip()):
            raise ValueError("must be a time of day like 03:30")
        hour, minute = value.split(":")
        return time(int(hour), int(minute))

    @field_validator("language")
    @classmethod
    def _language_has_templates(cls, language: str) -> str:
        """Accept languages that have reply templates."""
        if language not in responses.languages():
            raise ValueError(f"must be one of {', '.join(responses.languages())}")
        return language

    @classmethod
    def settings_customise_sources(  # noqa: D102 - as pydantic-settings calls it
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        for source in (env_settings, dotenv_settings):  # an empty line copied from .env.example means: not set
            if isinstance(source, EnvSettingsSource):  # what is blank hides neither another name nor the file
                source.env_vars = {name: value for name, value in source.env_vars.items() if value and value.strip()}
        return init_settings, env_settings, dotenv_settings, file_secret_settings

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        return self.data_dir / "emotify.db"

    @property
    def pseudonym_key_path(self) -> Path:
        """The key of the pseudonyms, beside the database and not in it."""
        return self.data_dir / "pseudonym.key"

    @property
    def examples_key_path(self) -> Path:
        """The key of what is kept to learn from, unless `examples_key` is set."""
        return self.data_dir / "examples.key"

    @property
    def learns_from(self) -> tuple[Origin, ...]:
        """The front ends whose notes may be learned from: a terminal always, for its user can only mean themself."""
        return ("discord", "try") if self.learning == "opt-in" else ("try",)

    @property
    def log_dir(self) -> Path:
        """The folder of the log files."""
        return self.data_dir / "logs"


def load_settings(env_file: Path | None = _ENV_FILE) -> Settings:
    """Read the settings from the environment and, where that is silent, from a `.env` file.

    Raises
    ------
    SettingsError
        If a value is wrong, or the file cannot be read.
    """
    try:
        return Settings(_env_file=env_file, _env_file_encoding="utf-8")  # type: ignore[call-arg]  # unknown to mypy
    except ValidationError as error:
        raise SettingsError(_problem(details) for details in error.errors(include_url=False)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{env_file} cannot be read: {error}."]) from error


def setting_warnings(
    settings: Settings, environ: Mapping[str, str], env_file: Path | None = _ENV_FILE
) -> tuple[str, ...]:
    """List what an operator should know about settings that are valid.

    Parameters
    ----------
    settings : Settings
        The settings as loaded.
    environ : Mapping[str, str]
        The environment variables.
    env_file : Path, optional
        The `.env` file; it may be missing.

    Returns
    -------
    tuple of str
        One line for each variable with our prefix that means nothing, with the nearest name, and one for a
        setting that needs a permission.
    """
    set_names = {name.upper() for name in [*environ, *(dotenv_values(env_file) if env_file else ())]}
    unknown = sorted(name for name in set_names if name.startswith(PREFIX) and name not in variable_names())
    lines = [_unknown_line(name) for name in unknown]
    return (*lines, _LEARNING_NEEDS_PERMISSION) if settings.learning == "opt-in" else tuple(lines)


def variable_names() -> tuple[str, ...]:
    """List the environment variables that are read, in the order of the documentation."""
    return tuple(PREFIX + field.upper() for field in Settings.model_fields)


def _is_web_address(text: str) -> bool:
    """Tell whether a text is an http(s) address without query, and without a password, which no request could carry."""
    try:
        parts = urlsplit(text)
        is_bare = not (parts.query or parts.fragment or parts.port == 0)  # a port out of range is a ValueError
        is_clean = "@" not in parts.netloc and " " not in text and text.isprintable()
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and is_bare and is_clean
    except ValueError:
        return False


def _unknown_line(name: str) -> str:
    """Say that a variable means nothing, and which one may be meant."""
    known = {variable.removeprefix(PREFIX): variable for variable in variable_names()}
    nearest = difflib.get_close_matches(name.removeprefix(PREFIX), known, n=1)
    return f"{name} is not a setting and is ignored." + (f" Did you mean {known[nearest[0]]}?" if nearest else "")


def _problem(details: ErrorDetails) -> str:
    """Say in one line what is wrong with one value; that of a secret is never repeated."""
    location = str(details["loc"][0])
    name = location if location.isupper() else PREFIX + location.upper()
    said = details["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    may_be_secret = "TOKEN" in name or "KEY" in name or "@" in str(details["input"])  # a password in an address
    shown = "" if may_be_secret else f", not {_shorten(details['input'])!r}"
    return f"{name} {said}{shown}."


def _shorten(value: object) -> str:
    """Keep a wrong value on one line."""
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
