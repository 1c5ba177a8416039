"""Numbered SQL files that bring a database of any earlier version to the present one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

__all__ = ["Migration", "NewerDatabaseError", "apply_migrations", "list_migrations"]


class NewerDatabaseError(Exception):
    """The database was written by a newer version of Emotify than this one."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(f"it has version {found}, and this Emotify knows versions up to {known}")
        self.found = found
        self.known = known


@dataclass(frozen=True)
class Migration:
    """One step: the version that it leads to, and its SQL."""

    version: int
    name: str
    script: str


def list_migrations() -> tuple[Migration, ...]:
    """Read the SQL files that ship with the bot, oldest first."""
    paths = [path for path in files(__name__).iterdir() if path.name.endswith(".sql")]
    return tuple(
        Migration(int(path.name.partition("_")[0]), path.name, path.read_text(encoding="utf-8"))
        for path in sorted(paths, key=lambda path: path.name)
    )


def apply_migrations(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> int:
    """Apply the migrations that a database lacks, each in a transaction of its own.

    Parameters
    ----------
    connection : sqlite3.Connection
        In autocommit mode (``isolation_level=None``).
    migrations : sequence of Migration
        All of them, oldest first.

    Returns
    -------
    int
        The version that the database has now.

    Raises
    ------
    NewerDatabaseError
        If the database has a version that is not among `migrations`.
    """
    known = migrations[-1].version
    if (found := _version(connection)) > known:
        raise NewerDatabaseError(found, known)
    for migration in migrations:
        _apply(connection, migration)
    return _version(connection)


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    """Apply one migration, unless the database has it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Asked inside the transaction: another process may have migrated while this one waited for its turn.
        if _version(connection) < migration.version:
            for statement in _split(migration.script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {migration.version}")
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _version(connection: sqlite3.Connection) -> int:
    """Return the version written in the database, 0 for a new one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _split(script: str) -> Iterator[str]:
    """Split a script into statements; `executescript` would commit the transaction that it runs in."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
