from __future__ import annotations

import os
from pathlib import Path
from typing import IO

import pytest

from emotify_core.files import write_atomically


def broken(file: IO[bytes]) -> None:
    file.write(b"half of what")
    raise OSError("no space left on device")


def test_the_file_holds_what_was_written_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file.json"

    write_atomically(path, lambda file: file.write(b"first"))
    write_atomically(path, lambda file: file.write(b"second"))

    assert path.read_bytes() == b"second"
    assert [p.name for p in path.parent.iterdir()] == ["file.json"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"old")

    with pytest.raises(OSError, match="no space"):
        write_atomically(path, broken)

    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.json"]


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"old")
    seen: list[bytes] = []

    def write(file: IO[bytes]) -> None:
        file.write(b"new")
        file.flush()
        seen.append(path.read_bytes())

    write_atomically(path, write)

    assert seen == [b"old"]
    assert path.read_bytes() == b"new"


def test_the_new_file_is_on_the_disk_before_it_has_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, synced = tmp_path / "file.json", list[tuple[int, bool]]()
    monkeypatch.setattr(os, "fsync", lambda number: synced.append((os.fstat(number).st_size, path.exists())))

    write_atomically(path, lambda file: file.write(b"new"))

    assert synced == [(3, False)]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_others_may_read_the_file_as_any_other_file(tmp_path: Path) -> None:
    ordinary = tmp_path / "ordinary"
    ordinary.touch()

    write_atomically(tmp_path / "file", lambda file: file.write(b""))

    assert (tmp_path / "file").stat().st_mode == ordinary.stat().st_mode
