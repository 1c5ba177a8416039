"""One SQLite file, opened safely: PRAGMAs, migrations, transactions, and errors in plain words."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import aiosqlite

from bot.migrations import Migration, NewerDatabaseError, apply_migrations, list_migrations

Row: TypeAlias = sqlite3.Row
Parameters: TypeAlias = Sequence[Any]

_APPLICATION_ID: Final = 0x456D6F74  # "Emot", set by the first migration: tells our files from any other SQLite file
_SETTLE: Final = (
    # First of all, because the next lines may meet another process: wait for its lock instead of failing at once.
    "PRAGMA busy_timeout = 5000",
    # Readers never wait for the writer, so `try` and the bot can share the file; a killed process leaves it whole.
    "PRAGMA journal_mode = WAL",
    # Each commit reaches the disk before it is acknowledged. NORMAL would survive a killed process too, but a power cut
    # could take back the last commits, and then a note would be answered twice. It costs a few milliseconds a note.
    "PRAGMA synchronous = FULL",
    # Off by default in SQLite; forgetting a person relies on it.
    "PRAGMA foreign_keys = ON",
    # Deleted rows are overwritten with zeros, so that what was forgotten cannot be read from the file.
    "PRAGMA secure_delete = ON",
    # Sorting never spills people's rows into a temporary file.
    "PRAGMA temp_store = MEMORY",
    # A file that somebody tampered with cannot call functions through its schema.
    "PRAGMA trusted_schema = OFF",
)


class StoreError(Exception):
    """The store cannot be used; ``str(error)`` is one sentence that tells the operator why and what to do."""


class Database:
    """A connection to one SQLite file, safe to share between the coroutines of one event loop.

    Every statement takes its turn under one lock. Without it, a statement of one coroutine would slip into the open
    transaction of another, and be rolled back with it.
    """

    def __init__(self, path: Path, connection: aiosqlite.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path, *, migrations: Sequence[Migration] | None = None) -> Database:
        """Create or open the file, check it, and bring it to the present version.

        Parameters
        ----------
        path : Path
            The file; its folder is created too. Both are for the owner's eyes only.
        migrations : sequence of Migration, optional
            Those that ship with the bot by default.

        Raises
        ------
        StoreError
            If the file is damaged, locked, read-only, of a newer version, or no database of Emotify.
        """
        with _in_plain_words(path):
            await asyncio.to_thread(_prepare, path, migrations)
            connection = await aiosqlite.connect(path, isolation_level=None)
            try:
                connection.row_factory = sqlite3.Row
                connection.text_factory = _text  # one damaged row must not hide all others
                for pragma in _SETTLE:
                    await connection.execute_fetchall(pragma)
            except BaseException:
                await connection.close()
                raise
        return cls(path, connection)

    async def close(self) -> None:
        """Let the running transaction finish, then close the file; closing twice is harmless."""
        async with self._lock:
            await self._connection.close()

    async def fetch_all(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Run one statement and return its rows."""
        async with self._lock:
            with _in_plain_words(self.path):
                return list(await self._connection.execute_fetchall(sql, parameters))

    async def fetch_one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """Run one statement and return its first row, None if there is none."""
        rows = await self.fetch_all(sql, parameters)
        return rows[0] if rows else None

    async def write(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one statement that writes, and return how many rows it changed."""
        async with self.transaction() as transaction:
            return await transaction.write(sql, parameters)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Run several statements that take effect together or not at all."""
        async with self._lock:
            with _in_plain_words(self.path):
                try:
                    await self._connection.execute_fetchall("BEGIN IMMEDIATE")
                    yield Transaction(self._connection)
                    await self._connection.commit()
                except BaseException:
                    await self._connection.rollback()
                    raise

    async def erase_traces(self) -> bool:
        """Move the write-ahead log into the file and cut it off, so that it holds no deleted row either.

        Returns
        -------
        bool
            False if another process was reading just then; the log is cut off when it next can be.
        """
        row = await self.fetch_one("PRAGMA wal_checkpoint(TRUNCATE)")
        return row is not None and row[0] == 0


class Transaction:
    """The statements of an open transaction."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def fetch_all(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Run one statement and return its rows."""
        return list(await self._connection.execute_fetchall(sql, parameters))

    async def write(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one statement that writes, and return how many rows it changed."""
        async with self._connection.execute(sql, parameters) as cursor:
            return cursor.rowcount


def _text(data: bytes) -> str:
    """Read text, also where it is damaged."""
    return data.decode("utf-8", "replace")


def _prepare(path: Path, migrations: Sequence[Migration] | None) -> None:
    """Create the file if need be, check it, and migrate it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its -wal and -shm files the same mode
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in _SETTLE:
            _execute_patiently(connection, pragma)
        _check(path, connection)
        apply_migrations(connection, list_migrations() if migrations is None else migrations)


def _execute_patiently(connection: sqlite3.Connection, sql: str, *, patience: float = 5.0) -> None:
    """Run a statement, again and again while the file is busy.

    Two processes that switch a new file to WAL at once would wait for each other for ever, so SQLite refuses one of
    them whatever its busy timeout.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute(sql)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _check(path: Path, connection: sqlite3.Connection) -> None:
    """Refuse a damaged file, and one that belongs to another program."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    n_tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application not in {0, _APPLICATION_ID} or (application == 0 and version == 0 and n_tables > 0):
        raise StoreError(
            f"{path} is a database of another program: move it away, or set EMOTIFY_DATA_DIR to another folder."
        )
    if (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(" ".join(found.split()))  # it comes in several lines


@contextmanager
def _in_plain_words(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system say into one sentence for the operator."""
    try:
        yield
    except NewerDatabaseError as error:
        raise StoreError(f"{path} was written by a newer Emotify ({error}): update Emotify.") from error
    except sqlite3.Error as error:
        raise StoreError(_sentence(path, error)) from error
    except OSError as error:
        raise StoreError(f"{path} cannot be opened: {error.strerror or error}.") from error
    except ValueError as error:
        # aiosqlite says so when the connection is closed, and paths when they hold a NUL.
        raise StoreError(f"{path} cannot be used: {error}.") from error


def _sentence(path: Path, error: sqlite3.Error) -> str:
    """Say what a SQLite error means for the operator."""
    said = str(error)
    if "locked" in said:
        return f"{path} is locked by another process: stop that process, or wait until it is done."
    if "readonly" in said:
        return f"{path} cannot be written to: give the user that runs Emotify write access to it and to its folder."
    if "full" in said:
        return f"{path} cannot grow because the disk is full: free some space."
    if "unable to open" in said or "I/O" in said:
        return f"{path} cannot be opened or read ({said}): check the folder and the disk."
    if isinstance(error, sqlite3.OperationalError | sqlite3.IntegrityError | sqlite3.ProgrammingError):
        return f"{path} refused a statement: {said}."
    return f"{path} is damaged or not a database ({said}): move it away, or restore it from a backup."
