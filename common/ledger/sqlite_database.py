"""The books in one SQLite file."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from common.errors import LedgerUnavailable
from common.ledger.database import DataRefused, Dialect, DuplicateKey, Parameter, Value

BUSY_SECONDS = 5.0  # how long a statement waits for another process that writes


class SqliteDatabase:
    """Satisfies `Database`. Write-ahead log, every commit on disk before it returns."""

    dialect = Dialect.SQLITE

    def __init__(self, path: Path, one_thread: bool = True) -> None:
        """not one_thread: others may use it too, one at a time."""
        self.name = str(path)
        with _translated(self.name):
            path.parent.mkdir(parents=True, exist_ok=True)
            _keep_private(path)
            # isolation_level None: transactions begin and end where the store says.
            self._connection = sqlite3.connect(
                path,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=one_thread,
            )
        try:
            with _translated(self.name):
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            self.close()
            raise

    def begin(self) -> None:
        """Take the write lock at once, so that what is read cannot change before the commit."""
        with _translated(self.name):
            self._connection.execute("BEGIN IMMEDIATE")

    def execute(self, sql: str, parameters: Sequence[Parameter] = ()) -> int:
        """Run a statement and return the number of rows it concerned."""
        with _translated(self.name):
            return self._connection.execute(_own(sql), parameters).rowcount

    def execute_many(self, sql: str, rows: Sequence[Sequence[Parameter]]) -> None:
        """Run an INSERT for each row."""
        with _translated(self.name):
            self._connection.executemany(sql, rows)

    def query(self, sql: str, parameters: Sequence[Parameter] = ()) -> list[tuple[Value, ...]]:
        """Return the rows of a SELECT."""
        with _translated(self.name):
            return self._connection.execute(_own(sql), parameters).fetchall()

    def commit(self) -> None:
        """Make the transaction durable."""
        with _translated(self.name):
            self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the transaction, if one is open."""
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def table_exists(self, table: str) -> bool:
        """Return whether the file has this table."""
        sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE"
        return bool(self.query(sql, (table,)))

    def ping(self) -> None:
        """Read a page of the file."""
        self.query("SELECT COUNT(*) FROM sqlite_master")

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()


def _keep_private(path: Path) -> None:
    """Let only the owner read the books; the write-ahead log gets the same rights from SQLite."""
    if os.name == "posix" and not path.is_dir():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with contextlib.suppress(PermissionError):  # another user's file that we may write
            path.chmod(0o600)


def _own(sql: str) -> str:
    return sql.removesuffix(" FOR UPDATE")  # BEGIN IMMEDIATE holds the lock already


@contextlib.contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as error:
        if str(error).startswith("UNIQUE constraint failed"):
            raise DuplicateKey(str(error)) from error
        raise DataRefused(str(error)) from error
    except (sqlite3.DataError, OverflowError, UnicodeEncodeError) as error:
        raise DataRefused(str(error)) from error
    except (sqlite3.Error, OSError) as error:
        raise LedgerUnavailable(f"The database file {name} cannot be used: {error}") from error
