from __future__ import annotations

import errno
import os
import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import key_files
from bot.pseudonyms import Pseudonymizer, PseudonymKeyError

KEY = bytes(range(32))


def test_the_same_person_keeps_the_pseudonym_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "new" / "pseudonym.key"
    first, second = Pseudonymizer.open(path), Pseudonymizer.open(path)
    assert first.of("discord", 80351110224678912) == second.of("discord", "80351110224678912")
    assert first.key_id == second.key_id


def test_pseudonyms_differ_between_people_kinds_and_keys() -> None:
    names = {
        Pseudonymizer(KEY).of("discord", 1),
        Pseudonymizer(KEY).of("discord", 2),
        Pseudonymizer(KEY).of("try", 1),
        Pseudonymizer(bytes(32)).of("discord", 1),
    }
    assert len(names) == 4


def test_pseudonym_is_hmac_sha256_of_kind_and_identifier() -> None:
    # printf discord:1 | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102...1f
    expected = "d726d2416f020898ba19f254ebd65536f71104b18b72731c2a9fa9a273f35405"
    assert Pseudonymizer(KEY).of("discord", 1) == expected


@given(st.text())
def test_any_name_has_a_pseudonym(name: str) -> None:
    assert len(Pseudonymizer(KEY).of("try", name)) == 64


def test_a_name_of_broken_unicode_has_a_pseudonym() -> None:
    assert len(Pseudonymizer(KEY).of("try", "\udcff")) == 64


def test_only_the_owner_can_read_the_key(tmp_path: Path) -> None:
    path = tmp_path / "data" / "pseudonym.key"
    Pseudonymizer.open(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_a_key_that_others_could_read_is_hidden_from_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "pseudonym.key"
    first = Pseudonymizer.open(path)
    path.chmod(0o644)

    assert Pseudonymizer.open(path).key_id == first.key_id

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "Others on this machine could read" in caplog.text


@pytest.mark.parametrize("has_links", [True, False])
def test_processes_that_start_together_agree_on_one_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    if not has_links:
        refuse_links(monkeypatch)
    monkeypatch.setattr(key_files, "_hide", lambda path: keys.add(path.read_text()))  # right after it was made
    keys: set[str] = set()
    for _ in range(20):
        path = Path(tempfile.mkdtemp(dir=tmp_path)) / "pseudonym.key"
        with ThreadPoolExecutor(8) as pool:
            ids = {each.key_id for each in pool.map(Pseudonymizer.open, [path] * 8)}
        assert len(ids) == len(keys) == 1
        assert list(path.parent.iterdir()) == [path]
        keys.clear()


def test_where_a_file_system_knows_no_links_a_key_is_made_that_only_the_owner_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_links(monkeypatch)
    path = tmp_path / "data" / "pseudonym.key"
    assert Pseudonymizer.open(path).key_id == Pseudonymizer.open(path).key_id
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def refuse_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")  # what Linux says of exFAT

    monkeypatch.setattr(os, "link", link)


@pytest.mark.parametrize("content", ["", "not hexadecimal", "00" * 31])
def test_a_damaged_key_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "pseudonym.key"
    path.write_text(content)
    with pytest.raises(PseudonymKeyError, match="restore it from the backup"):
        Pseudonymizer.open(path)
    assert path.read_text() == content


def test_an_unusable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PseudonymKeyError, match="file"):
        Pseudonymizer.open(tmp_path / "file" / "pseudonym.key")
