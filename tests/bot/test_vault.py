from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.store import StoreError
from bot.vault import SealError, Vault, VaultError

KEY = bytes(range(32))
PLACE = ("note", "7", "a" * 64, "functionals-3")


@given(st.binary(max_size=9000), st.lists(st.text(max_size=20), max_size=4))
def test_what_was_sealed_opens_at_its_place(plain: bytes, place: list[str]) -> None:
    vault = Vault(KEY)
    assert vault.unseal(vault.seal(plain, *place), *place) == plain


def test_the_seal_hides_the_content_and_is_never_twice_the_same() -> None:
    first, second = Vault(KEY).seal(b"plain" * 100, *PLACE), Vault(KEY).seal(b"plain" * 100, *PLACE)
    assert b"plain" not in first
    assert first != second
    assert len(first) == 500 + 29


@pytest.mark.parametrize(
    "place",
    [
        ("note", "8", "a" * 64, "functionals-3"),
        ("note", "7", "b" * 64, "functionals-3"),
        ("note", "7", "a" * 64, "functionals-4"),
        ("baseline", "7", "a" * 64, "functionals-3"),
        ("note", "7" + "a" * 64, "functionals-3"),
        ("note7", "", "a" * 64, "functionals-3"),
        (),
    ],
)
def test_moved_to_another_place_it_does_not_open(place: tuple[str, ...]) -> None:
    with pytest.raises(SealError, match="moved"):
        Vault(KEY).unseal(Vault(KEY).seal(b"numbers", *PLACE), *place)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(SealError):
        Vault(bytes(32)).unseal(Vault(KEY).seal(b"numbers", *PLACE), *PLACE)


@given(st.integers(0, 35), st.integers(1, 255))
def test_a_single_changed_byte_is_noticed(position: int, change: int) -> None:
    sealed = bytearray(Vault(KEY).seal(b"numbers", *PLACE))
    sealed[position] ^= change
    with pytest.raises(SealError):
        Vault(KEY).unseal(bytes(sealed), *PLACE)


@given(st.binary(max_size=60))
def test_anything_else_is_refused(garbage: bytes) -> None:
    with pytest.raises(SealError):
        Vault(KEY).unseal(garbage, *PLACE)


def test_the_key_is_made_once_for_the_owners_eyes_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "examples.key"
    sealed = Vault.open(path).seal(b"numbers", *PLACE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]
    assert Vault.open(path).unseal(sealed, *PLACE) == b"numbers"


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: Vault.open(tmp_path / "examples.key").key_id, range(32)))
    assert len(ids) == 1


def test_a_given_key_is_taken_and_no_file_is_made(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path / "examples.key", key=SecretStr(f" {KEY.hex().upper()}\n"))
    assert vault.key_id == Vault(KEY).key_id
    assert list(tmp_path.iterdir()) == []


def test_the_fingerprint_tells_keys_apart_and_nothing_of_them() -> None:
    assert Vault(KEY).key_id != Vault(bytes(32)).key_id
    assert Vault(KEY).key_id not in KEY.hex()


@pytest.mark.parametrize("content", ["", "not hexadecimal", "00" * 31, "ü"])
def test_a_file_that_is_no_key_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "examples.key"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(VaultError, match="restore it from the backup") as error:
        Vault.open(path)
    assert isinstance(error.value, StoreError)
    assert path.read_text(encoding="utf-8") == content


def test_a_wrong_given_key_is_not_repeated() -> None:
    with pytest.raises(VaultError, match=r"^EMOTIFY_EXAMPLES_KEY must be 64 hexadecimal digits\.$") as error:
        Vault.open(Path("unused"), key=SecretStr("secret"))
    assert error.value.__cause__ is None


def test_an_unusable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(VaultError, match="file"):
        Vault.open(tmp_path / "file" / "examples.key")


def test_a_key_of_another_length_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(b"short")
