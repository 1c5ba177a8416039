from __future__ import annotations

import os
import re
from datetime import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.config import Settings, SettingsError, load_settings, setting_warnings, variable_names

ROOT = Path(__file__).parents[2]
TOKEN = "MTAyMzQ1Njc4OTAxMjM0NTY3.GabcdE.abcdefghijklmnopqrstuvwxyz0123456789AB"
KEY = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def problems_with(monkeypatch: pytest.MonkeyPatch, **variables: str) -> tuple[str, ...]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert str(error.value).splitlines() == list(error.value.problems)
    return error.value.problems


def test_defaults_are_those_of_the_design() -> None:
    settings = load_settings()
    assert settings.discord_token is None
    assert settings.discord_api == "https://discord.com/api/v10"
    assert (settings.data_dir, settings.listen, settings.learning) == (Path("data"), "auto", "off")
    assert (settings.retrain_at, settings.language) == (time(3, 30), "en")
    assert (settings.max_note_seconds, settings.max_note_bytes) == (1200, 25 * 2**20)
    assert (settings.examples_key, settings.keep_models, settings.operator_channel) == (None, 5, None)
    assert settings.workers == os.cpu_count()
    assert (settings.note_timeout, settings.queue_size, settings.cooldown) == (30, 32, 3)


def test_everything_written_to_lies_in_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTIFY_DATA_DIR", "~/emotify")
    settings = load_settings()
    folder = Path("~/emotify").expanduser()
    assert settings.database_path == folder / "emotify.db"
    assert settings.pseudonym_key_path == folder / "pseudonym.key"
    assert settings.examples_key_path == folder / "examples.key"
    assert settings.log_dir == folder / "logs"


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("EMOTIFY_WORKERS=2\nEMOTIFY_COOLDOWN=7\nOTHER=1\n")
    monkeypatch.setenv("EMOTIFY_WORKERS", "3")
    settings = load_settings()
    assert (settings.workers, settings.cooldown) == (3, 7)


@pytest.mark.parametrize("name", ["EMOTIFY_DISCORD_TOKEN", "DISCORD_TOKEN"])
def test_the_token_has_two_names_and_is_stripped(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, f" {TOKEN}\n")
    token = load_settings().discord_token
    assert token is not None
    assert token.get_secret_value() == TOKEN


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_token_is_none(monkeypatch: pytest.MonkeyPatch, empty: str) -> None:
    monkeypatch.setenv("EMOTIFY_DISCORD_TOKEN", empty)
    assert load_settings().discord_token is None


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_first_name_leaves_the_token_to_the_second(monkeypatch: pytest.MonkeyPatch, empty: str) -> None:
    monkeypatch.setenv("EMOTIFY_DISCORD_TOKEN", empty)
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    assert load_settings().discord_token is not None


def test_a_blank_variable_leaves_the_setting_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text(f"EMOTIFY_DISCORD_TOKEN=' '\nDISCORD_TOKEN={TOKEN}\nEMOTIFY_WORKERS=2\n")
    for name in ("EMOTIFY_DISCORD_TOKEN", "EMOTIFY_WORKERS", "EMOTIFY_DATA_DIR"):
        monkeypatch.setenv(name, " ")
    settings = load_settings()
    assert settings.discord_token is not None
    assert (settings.workers, settings.data_dir) == (2, Path("data"))


def test_the_token_shows_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    settings = load_settings()
    assert TOKEN not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.parametrize("name", ["EMOTIFY_DISCORD_TOKEN", "DISCORD_TOKEN"])
def test_a_token_that_no_request_can_carry_is_one_line_that_does_not_repeat_it(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    [problem] = problems_with(monkeypatch, **{name: f"{TOKEN}\n# the bot's"})
    assert problem == "EMOTIFY_DISCORD_TOKEN must be the token alone, without line breaks in it."


def test_a_password_in_an_address_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    [problem] = problems_with(monkeypatch, EMOTIFY_DISCORD_API="https://bot:pass-of-the-proxy@proxy.example/api/v10")
    assert (
        problem == "EMOTIFY_DISCORD_API must be an address like https://discord.com/api/v10, without name and password."
    )


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().workers = 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EMOTIFY_WORKERS", "0"), ("EMOTIFY_WORKERS", "many"), ("EMOTIFY_WORKERS", "1.5"), ("EMOTIFY_LISTEN", "always"),
        ("EMOTIFY_LEARNING", "on"), ("EMOTIFY_RETRAIN_AT", "25:00"), ("EMOTIFY_RETRAIN_AT", "330"),
        ("EMOTIFY_RETRAIN_AT", "soon"), ("EMOTIFY_LANGUAGE", "tlh"), ("EMOTIFY_MAX_NOTE_SECONDS", "-1"),
        ("EMOTIFY_MAX_NOTE_SECONDS", "nan"), ("EMOTIFY_MAX_NOTE_SECONDS", "inf"), ("EMOTIFY_MAX_NOTE_BYTES", "0"),
        ("EMOTIFY_KEEP_MODELS", "0"), ("EMOTIFY_OPERATOR_CHANNEL", "general"), ("EMOTIFY_OPERATOR_CHANNEL", "0"),
        ("EMOTIFY_NOTE_TIMEOUT", "0"), ("EMOTIFY_QUEUE_SIZE", "0"), ("EMOTIFY_COOLDOWN", "-0.1"),
        ("EMOTIFY_DISCORD_API", "discord.com/api/v10"), ("EMOTIFY_DISCORD_API", "ftp://discord.com"),
        ("EMOTIFY_DISCORD_API", "https://"), ("EMOTIFY_DISCORD_API", "https://discord.com/api?v=10"),
        ("EMOTIFY_DISCORD_API", "http://[broken"), ("EMOTIFY_DISCORD_API", "http://127.0.0.1:99999"),
        ("EMOTIFY_DISCORD_API", "http://127.0.0.1:http"), ("EMOTIFY_DISCORD_API", "http://127.0.0.1:0"),
        ("EMOTIFY_DISCORD_API", "https://proxy.example/a b"),
        ("EMOTIFY_DISCORD_API", "https://pro xy.example"), ("EMOTIFY_DISCORD_API", "https://proxy.example/\x01"),
        ("EMOTIFY_DATA_DIR", "~nobody-has-this-name/data"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    [problem] = problems_with(monkeypatch, **{name: value})
    assert problem.startswith(f"{name} ")
    assert repr(value) in problem
    assert re.search(r"\bmust\b", problem), problem
    assert problem.endswith(".")


def test_every_wrong_value_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = problems_with(monkeypatch, EMOTIFY_WORKERS="x" * 500, EMOTIFY_LISTEN="no\nyes")
    assert sorted(problem.split()[0] for problem in problems) == ["EMOTIFY_LISTEN", "EMOTIFY_WORKERS"]
    assert all(len(problem) < 200 and "\n" not in problem for problem in problems)


@pytest.mark.parametrize(
    ("api", "read"),
    [
        ("http://127.0.0.1:8080/api/v10/", "http://127.0.0.1:8080/api/v10"),
        (" https://proxy.example ", "https://proxy.example"),
    ],
)
def test_an_api_address_loses_its_last_slash(monkeypatch: pytest.MonkeyPatch, api: str, read: str) -> None:
    monkeypatch.setenv("EMOTIFY_DISCORD_API", api)
    assert load_settings().discord_api == read


def test_a_time_of_day_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTIFY_RETRAIN_AT", " 4:05")
    assert load_settings().retrain_at == time(4, 5)
    assert Settings(retrain_at=time(1, 2)).retrain_at == time(1, 2)


def test_an_unreadable_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"EMOTIFY_LISTEN=\xff\xfe")
    with pytest.raises(SettingsError, match=r"\.env cannot be read"):
        load_settings()


def test_an_unknown_variable_is_a_warning_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("EMOTIFY_COOLDWON=3\nEMOTIFY_LANGUAGE=en\nUNRELATED=1\n")
    environ = {"EMOTIFY_WORKER": "2", "EMOTIFY_DISCORD_TOKEN": "", "PATH": "/bin", "EMOTIFY_ZZZZ": "1"}
    assert setting_warnings(load_settings(), environ) == (
        "EMOTIFY_COOLDWON is not a setting and is ignored. Did you mean EMOTIFY_COOLDOWN?",
        "EMOTIFY_WORKER is not a setting and is ignored. Did you mean EMOTIFY_WORKERS?",
        "EMOTIFY_ZZZZ is not a setting and is ignored.",
    )


def test_learning_points_to_the_policy_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTIFY_LEARNING", "opt-in")
    [warning] = setting_warnings(load_settings(), {}, None)
    assert "policy beside the setting in .env.example" in warning
    assert "permission" in warning


def test_a_terminal_may_always_be_learned_from_and_discord_by_choice_only() -> None:
    assert Settings().learns_from == ("try",)
    assert set(Settings(learning="opt-in").learns_from) == {"discord", "try"}


def test_the_key_of_the_examples_is_read_and_shows_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTIFY_EXAMPLES_KEY", f" {KEY} ")
    settings = load_settings()
    assert settings.examples_key is not None
    assert settings.examples_key.get_secret_value() == KEY
    assert KEY not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.parametrize("key", [KEY[1:], KEY + "0", "g" * 64])
def test_a_wrong_key_of_the_examples_is_one_line_that_does_not_repeat_it(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    [problem] = problems_with(monkeypatch, EMOTIFY_EXAMPLES_KEY=key)
    assert problem.startswith("EMOTIFY_EXAMPLES_KEY must be 64 hexadecimal digits")
    assert key not in problem


def test_every_setting_has_a_description() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("page", ["README.md", ".env.example"])
@pytest.mark.parametrize("name", variable_names())
def test_every_setting_is_documented(page: str, name: str) -> None:
    assert re.search(rf"\b{name}\b", (ROOT / page).read_text(encoding="utf-8"))


def test_the_example_file_is_valid_and_holds_the_defaults(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text((ROOT / ".env.example").read_text(encoding="utf-8"), encoding="utf-8")
    settings = load_settings()
    assert settings == Settings()
    assert setting_warnings(settings, {}) == ()


def test_the_example_file_quotes_the_policy_beside_learning() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8").replace("\n#  ", "")
    quote = "Do not use message content obtained through the APIs to train machine learning or AI models"
    assert 0 < text.index("EMOTIFY_LEARNING=") - text.index(quote) < 600
