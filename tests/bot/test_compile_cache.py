from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.compile_cache import CompileCache


@pytest.fixture
def cache(tmp_path: Path) -> CompileCache:
    return CompileCache(tmp_path / "cache" / "numba")


def compile_into(folder: Path, *names: str) -> None:
    (folder / "util").mkdir(exist_ok=True)
    for name in names:
        (folder / "util" / f"{name}.nbc").write_bytes(b"machine code")


def compiled(folder: Path) -> set[str]:
    return {path.stem for path in folder.rglob("*.nbc")}


def test_the_first_worker_starts_with_nothing_and_the_next_with_what_it_compiled(cache: CompileCache) -> None:
    first = cache.lend()
    assert compiled(first) == set()
    compile_into(first, "f", "g")
    cache.take_back(first)
    assert compiled(cache.lend()) == {"f", "g"}


def test_no_two_workers_share_a_folder(cache: CompileCache) -> None:
    one, other = cache.lend(), cache.lend()
    compile_into(one, "f")
    assert compiled(other) == set()


def test_nothing_of_a_worker_that_did_not_come_up_is_read_again(cache: CompileCache) -> None:
    killed = cache.lend()
    compile_into(killed, "half_written")
    cache.discard(killed)
    assert not killed.exists()
    assert compiled(cache.lend()) == set()


def test_a_worker_that_compiled_nothing_new_leaves_the_finished_folder_alone(cache: CompileCache) -> None:
    first, second = cache.lend(), cache.lend()
    compile_into(first, "f", "g")
    compile_into(second, "f", "h")
    cache.take_back(first)
    cache.take_back(second)
    assert compiled(cache.finished) == {"f", "g"}
    assert sorted(cache.root.iterdir()) == [cache.finished]


def test_a_worker_that_compiled_more_leaves_it_to_the_next(cache: CompileCache) -> None:
    first = cache.lend()
    compile_into(first, "f")
    cache.take_back(first)
    second = cache.lend()
    compile_into(second, "g")
    cache.take_back(second)
    assert compiled(cache.finished) == {"f", "g"}
    assert sorted(cache.root.iterdir()) == [cache.finished]


def test_a_damaged_cache_can_be_forgotten(cache: CompileCache) -> None:
    first = cache.lend()
    compile_into(first, "f")
    cache.take_back(first)
    cache.forget()
    assert compiled(cache.lend()) == set()


def test_forgetting_what_is_not_there_does_nothing(cache: CompileCache) -> None:
    cache.lend()
    cache.forget()
    assert not cache.finished.exists()


def test_sweeping_deletes_what_killed_pools_left_but_not_what_is_in_use(cache: CompileCache) -> None:
    first = cache.lend()
    compile_into(first, "f")
    cache.take_back(first)
    os.utime(cache.finished, (0, 0))
    stale, lent = cache.lend(), cache.lend()
    os.utime(stale, (0, 0))
    cache.sweep()
    assert not stale.exists()
    assert lent.exists()
    assert cache.finished.exists()


def test_sweeping_before_anything_was_written_does_nothing(cache: CompileCache) -> None:
    cache.sweep()
    assert not cache.root.exists()
