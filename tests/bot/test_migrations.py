from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from bot.migrations import Migration, NewerDatabaseError, apply_migrations, list_migrations

FIRST = Migration(
    1, "0001_a.sql", "CREATE TABLE a (x); -- a semicolon; in a comment\nINSERT INTO a VALUES ('one; two');"
)
SECOND = Migration(2, "0002_b.sql", "ALTER TABLE a ADD COLUMN y;\nUPDATE a SET y = x;")
BROKEN = Migration(2, "0002_b.sql", "ALTER TABLE a ADD COLUMN y;\nINSERT INTO missing VALUES (1);")


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        yield connection


def schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()


def test_shipped_migrations_are_numbered_without_gaps() -> None:
    assert [migration.version for migration in list_migrations()] == list(range(1, len(list_migrations()) + 1))
    assert all(migration.name.startswith(f"{migration.version:04d}_") for migration in list_migrations())


@pytest.mark.parametrize("start", range(len(list_migrations()) + 1))
def test_shipped_migrations_run_from_every_earlier_version(connection: sqlite3.Connection, start: int) -> None:
    migrations = list_migrations()
    if start:
        assert apply_migrations(connection, migrations[:start]) == start
    assert apply_migrations(connection, migrations) == len(migrations)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        apply_migrations(fresh, migrations)
        assert schema(connection) == schema(fresh)


def test_applying_twice_changes_nothing(connection: sqlite3.Connection) -> None:
    apply_migrations(connection, [FIRST])
    assert apply_migrations(connection, [FIRST]) == 1
    assert connection.execute("SELECT x FROM a").fetchall() == [("one; two",)]


def test_a_later_migration_finds_the_rows_of_the_earlier(connection: sqlite3.Connection) -> None:
    apply_migrations(connection, [FIRST])
    assert apply_migrations(connection, [FIRST, SECOND]) == 2
    assert connection.execute("SELECT y FROM a").fetchall() == [("one; two",)]


def test_a_failing_migration_leaves_the_database_as_it_was(connection: sqlite3.Connection) -> None:
    apply_migrations(connection, [FIRST])
    before = schema(connection)
    with pytest.raises(sqlite3.OperationalError, match="missing"):
        apply_migrations(connection, [FIRST, BROKEN])
    assert schema(connection) == before
    assert apply_migrations(connection, [FIRST]) == 1


def test_a_newer_database_is_refused(connection: sqlite3.Connection) -> None:
    apply_migrations(connection, [FIRST, SECOND])
    with pytest.raises(NewerDatabaseError, match="version 2, and this Emotify knows versions up to 1"):
        apply_migrations(connection, [FIRST])


def test_two_processes_may_migrate_at_once(tmp_path: Path) -> None:
    def migrate(_: int) -> int:
        with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None, timeout=30)) as connection:
            return apply_migrations(connection, [FIRST, SECOND])

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(migrate, range(8))) == [2] * 8
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        assert connection.execute("SELECT count(*) FROM a").fetchone() == (1,)


FIRST_ROWS = """
INSERT INTO people VALUES ('anna', '2026-01-01', '2026-01-01');
INSERT INTO consents VALUES ('anna', 'learning', 1, '2026-01-02');
INSERT INTO settings VALUES ('store', 'key_id', 'one', '2026-01-01');
INSERT INTO notes
  VALUES (7, 'anna', 'discord', 12, 11, 1001, 2001, '2026-01-01', '2026-01-01', 'answered', NULL, 't', 1);
INSERT INTO predictions VALUES (7, 'm', 'sad', 0.75, '{"sad": 1.0}', 2.5, '2026-01-01');
INSERT INTO feedback VALUES (1, 7, 'right', '2026-01-01');
"""


def rows(connection: sqlite3.Connection) -> dict[str, list[dict[str, object]]]:
    connection.row_factory = sqlite3.Row
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE TABLE%'")]
    return {table: [dict(row) for row in connection.execute(f"SELECT * FROM {table}")] for table in tables}


def test_learning_is_added_beside_the_rows_of_the_first_version(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    apply_migrations(connection, list_migrations()[:1])
    connection.executescript(FIRST_ROWS)
    before = rows(connection)
    apply_migrations(connection, list_migrations()[:2])
    after = rows(connection)
    assert after["people"] == [before["people"][0] | {"learning_asked_at": None}]
    assert {name: after[name] for name in before if name != "people"} == {
        name: before[name] for name in before if name != "people"
    }
    assert [after[name] for name in ("examples", "baselines", "nights")] == [[], [], []]


def test_examples_and_baselines_go_with_their_note_and_person(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    apply_migrations(connection, list_migrations()[:1])
    connection.executescript(FIRST_ROWS)
    apply_migrations(connection, list_migrations())
    connection.execute("INSERT INTO examples VALUES (7, 'set', x'00', '2026-01-01')")
    connection.execute("INSERT INTO baselines VALUES ('anna', 'set', x'00', 1, '2026-01-01')")
    connection.execute("DELETE FROM people")
    assert [rows(connection)[name] for name in ("examples", "baselines")] == [[], []]


def test_a_note_in_a_baseline_gets_its_place_there(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    apply_migrations(connection, list_migrations()[:1])
    connection.executescript(FIRST_ROWS)
    apply_migrations(connection, list_migrations()[:4])
    for note in (8, 9, 10, 11):
        person = "bob" if note == 11 else "anna"
        connection.execute("INSERT OR IGNORE INTO people (pseudonym, first_seen) VALUES (?, '2026')", (person,))
        connection.execute(
            "INSERT INTO notes (id, person, origin, received_at, status) VALUES (?, ?, 'try', '2026', 'answered')",
            (note, person),
        )
    for note, is_in in ((7, 0), (8, 1), (9, 0), (10, 1), (11, 1)):  # Bob's baseline did not open and was dropped
        connection.execute("INSERT INTO examples VALUES (?, 'set', x'00', '2026', ?)", (note, is_in))
    connection.execute("INSERT INTO baselines VALUES ('anna', 'set', x'00', 5, '2026')")
    apply_migrations(connection, list_migrations())
    assert places(connection) == [(7, 0), (8, 4), (9, 0), (10, 5), (11, 0)]
    connection.execute("DELETE FROM baselines")
    assert {place for _, place in places(connection)} == {0}


def places(connection: sqlite3.Connection) -> list[tuple[int, int]]:
    return [tuple(row) for row in connection.execute("SELECT id, in_baseline FROM notes ORDER BY id")]
