from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.database import Database, StoreError, _execute_patiently
from bot.migrations import Migration, list_migrations

TABLE = Migration(1, "0001_t.sql", "CREATE TABLE t (x INTEGER PRIMARY KEY);")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "t.db", migrations=[TABLE])
    yield database
    await database.close()


def files_with(text: str, folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if text.encode() in path.read_bytes()]


async def values(database: Database) -> list[int]:
    return [row["x"] for row in await database.fetch_all("SELECT x FROM t ORDER BY x")]


async def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    database = await Database.open(folder / "t.db", migrations=[TABLE])
    await database.write("INSERT INTO t VALUES (1)")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    await database.close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert modes == {"t.db": 0o600, "t.db-wal": 0o600, "t.db-shm": 0o600}


async def test_opening_and_writing_never_block_the_event_loop(tmp_path: Path, no_blocking: object) -> None:
    database = await Database.open(tmp_path / "new" / "t.db")
    await database.write("INSERT INTO settings VALUES ('a', 'b', 'c', 'd')")
    await database.erase_traces()
    await database.close()
    assert (tmp_path / "new" / "t.db").exists()


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("secure_delete", 1), ("busy_timeout", 5000),
     ("temp_store", 2), ("trusted_schema", 0)],
)  # fmt: skip
async def test_pragmas_are_in_force(database: Database, pragma: str, value: object) -> None:
    row = await database.fetch_one(f"PRAGMA {pragma}")
    assert row is not None
    assert row[0] == value


async def test_a_transaction_takes_effect_together_or_not_at_all(database: Database) -> None:
    async def insert_twice() -> None:
        async with database.transaction() as transaction:
            await transaction.write("INSERT INTO t VALUES (1)")
            await transaction.write("INSERT INTO t VALUES (1)")

    with pytest.raises(StoreError, match="UNIQUE"):
        await insert_twice()
    assert await values(database) == []
    await database.write("INSERT INTO t VALUES (2)")
    assert await values(database) == [2]


async def test_a_statement_of_another_coroutine_is_not_rolled_back_along(database: Database) -> None:
    begun, other_tried = asyncio.Event(), asyncio.Event()

    async def fail_slowly() -> None:
        async with database.transaction() as transaction:
            await transaction.write("INSERT INTO t VALUES (1)")
            begun.set()
            await other_tried.wait()
            raise LookupError

    async def write_meanwhile() -> None:
        await begun.wait()
        writing = asyncio.create_task(database.write("INSERT INTO t VALUES (2)"))
        await asyncio.wait([writing], timeout=0)
        other_tried.set()
        await writing

    failed, _ = await asyncio.gather(fail_slowly(), write_meanwhile(), return_exceptions=True)
    assert isinstance(failed, LookupError)
    assert await values(database) == [2]


async def test_a_cancelled_transaction_is_rolled_back_and_blocks_nobody(database: Database) -> None:
    begun = asyncio.Event()

    async def hang() -> None:
        async with database.transaction() as transaction:
            await transaction.write("INSERT INTO t VALUES (1)")
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await database.write("INSERT INTO t VALUES (2)")
    assert await values(database) == [2]


async def test_two_connections_share_the_file(database: Database, tmp_path: Path) -> None:
    other = await Database.open(tmp_path / "t.db", migrations=[TABLE])
    numbers = range(1, 41)
    await asyncio.gather(*((database if x % 2 else other).write("INSERT INTO t VALUES (?)", (x,)) for x in numbers))
    assert await values(other) == await values(database) == list(numbers)
    await other.close()


async def test_two_processes_may_create_the_file_at_once(tmp_path: Path) -> None:
    databases = await asyncio.gather(*(Database.open(tmp_path / "new.db") for _ in range(4)))
    assert [await database.fetch_all("SELECT * FROM notes") for database in databases] == [[]] * 4
    for database in databases:
        await database.close()


class Contended(sqlite3.Connection):
    """A connection to a file that is busy a few times, whatever its busy timeout."""

    n_refusals = 2

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        if self.n_refusals > 0:
            self.n_refusals -= 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        return super().execute(*arguments)


def test_a_switch_that_is_refused_at_once_is_tried_again() -> None:
    with closing(sqlite3.connect(":memory:", factory=Contended)) as connection:
        _execute_patiently(connection, "PRAGMA user_version = 7")
        assert connection.execute("PRAGMA user_version").fetchone() == (7,)


def test_patience_with_a_busy_file_ends() -> None:
    with closing(sqlite3.connect(":memory:", factory=Contended)) as connection:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            _execute_patiently(connection, "PRAGMA user_version = 7", patience=0)
        connection.n_refusals = 0


async def test_closing_twice_is_harmless_and_using_it_after_is_a_clear_error(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "t.db", migrations=[TABLE])
    await database.close()
    await database.close()
    with pytest.raises(StoreError, match="cannot be used"):
        await database.fetch_all("SELECT 1")


async def refusal(path: Path) -> str:
    with pytest.raises(StoreError) as error:
        await Database.open(path)
    assert "\n" not in str(error.value)
    return str(error.value)


async def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    path.write_bytes(b"no database, but long enough to look at" * 100)
    before = path.read_bytes()
    assert "damaged or not a database" in await refusal(path)
    assert path.read_bytes() == before


async def test_a_truncated_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    await (await Database.open(path)).close()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "damaged" in await refusal(path)


async def test_a_database_with_overwritten_pages_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    await (await Database.open(path)).close()
    with path.open("r+b") as file:
        file.seek(4096 * 2)
        file.write(os.urandom(4096))
    assert "damaged" in await refusal(path)


async def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    newer = Migration(len(list_migrations()) + 1, "later", "CREATE TABLE later (x);")
    await (await Database.open(path, migrations=[*list_migrations(), newer])).close()
    assert "newer Emotify" in await refusal(path)


@pytest.mark.parametrize("sql", ["CREATE TABLE foreign_things (x)", "PRAGMA application_id = 7"])
async def test_a_database_of_another_program_is_refused_and_kept(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "t.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(sql)
        connection.execute("PRAGMA user_version")
    assert "another program" in await refusal(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'notes'").fetchone() == (0,)


async def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    assert "cannot be opened: Is a directory" in await refusal(tmp_path)


async def test_a_log_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    await (await Database.open(path)).close()
    (tmp_path / "t.db-wal").mkdir()
    assert "check the folder and the disk" in await refusal(path)


async def test_an_impossible_path_is_refused() -> None:
    assert "cannot be used" in await refusal(Path("nul\0byte"))


async def test_a_locked_database_is_named(database: Database, tmp_path: Path) -> None:
    await database.fetch_all("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(tmp_path / "t.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another process"):
            await database.write("INSERT INTO t VALUES (1)")
    await database.write("INSERT INTO t VALUES (1)")
    assert await values(database) == [1]


async def test_a_read_only_database_is_named(database: Database) -> None:
    await database.fetch_all("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="cannot be written to"):
        await database.write("INSERT INTO t VALUES (1)")


async def test_a_full_disk_is_named(database: Database) -> None:
    row = await database.fetch_one("PRAGMA page_count")
    assert row is not None
    await database.fetch_all(f"PRAGMA max_page_count = {row[0]}")
    with pytest.raises(StoreError, match="disk is full"):
        await database.write("CREATE TABLE large (x)")


async def test_a_wrong_statement_is_named(database: Database) -> None:
    with pytest.raises(StoreError, match="refused a statement: no such table"):
        await database.fetch_all("SELECT * FROM missing")


async def test_erasing_traces_leaves_no_deleted_row_in_any_file(database: Database, tmp_path: Path) -> None:
    await database.write("CREATE TABLE words (word TEXT)")
    await database.write("INSERT INTO words VALUES ('unmistakable')")
    await database.write("DELETE FROM words")
    assert await database.erase_traces()
    assert files_with("unmistakable", tmp_path) == []


async def test_erasing_traces_waits_for_no_reader_for_ever(database: Database, tmp_path: Path) -> None:
    await database.fetch_all("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(tmp_path / "t.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM t").fetchall()
        await database.write("INSERT INTO t VALUES (1)")
        assert not await database.erase_traces()
