"""A SQLite file on which many transactions share one commit."""

from __future__ import annotations

from pathlib import Path

from common.ledger.sqlite_database import SqliteDatabase

JOBS_A_COMMIT = 2000


class SharedCommit(SqliteDatabase):
    """Each transaction is a savepoint of a larger one: it can be undone, but lasts only later.

    For books that can be made again from what made them. Whoever reads the file meanwhile sees
    the last commit.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, one_thread=False)
        self._done = 0  # transactions since the last commit
        self._open = False
        self.execute("PRAGMA synchronous = OFF")

    def begin(self) -> None:
        """Start a transaction inside the shared one."""
        if not self._open:
            super().begin()
            self._open = True
        self.execute("SAVEPOINT job")

    def commit(self) -> None:
        """End a transaction; every `JOBS_A_COMMIT` of them reach the file together."""
        self.execute("RELEASE job")
        self._done += 1
        if self._done >= JOBS_A_COMMIT:
            self.flush()

    def rollback(self) -> None:
        """Undo the present transaction alone."""
        if self._open:
            self.execute("ROLLBACK TO job")
            self.execute("RELEASE job")

    def flush(self) -> None:
        """Write everything to the file."""
        if self._open:
            self._open, self._done = False, 0
            super().commit()

    def close(self) -> None:
        """Write what is left and close the file."""
        self.flush()
        super().close()
