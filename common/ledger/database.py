"""One small interface over both databases, and what their errors mean.

Statements use `?` for bound parameters and may end in ` FOR UPDATE`; decimals and times travel as
text in both directions of a parameter, so that neither database ever sees a float.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from decimal import Decimal
from enum import Enum
from typing import Protocol

from common.errors import LedgerUnavailable
from common.settings_types import MysqlSettings, SqliteSettings

_TIME_LENGTH = len("2026-01-31 23:59:59.123456")
Value = int | str | Decimal | datetime | None
Parameter = int | str | None
DatabaseSettings = SqliteSettings | MysqlSettings


class Dialect(str, Enum):
    """Which SQL a database speaks."""

    SQLITE = "sqlite"
    MYSQL = "mysql"  # MariaDB too


class DuplicateKey(Exception):
    """A row with this primary key exists."""


class DataRefused(Exception):
    """The database refuses the values of a row: range, length, characters."""


class LockConflict(LedgerUnavailable):
    """The transaction lost against another one; it may be tried again at once."""


class Database(Protocol):
    """A connection. It belongs to the thread that opened it."""

    dialect: Dialect
    name: str  # for messages, without credentials

    def begin(self) -> None:
        """Start a transaction that may write."""

    def execute(self, sql: str, parameters: Sequence[Parameter] = ()) -> int:
        """Run a statement and return the number of rows it concerned."""

    def execute_many(self, sql: str, rows: Sequence[Sequence[Parameter]]) -> None:
        """Run an INSERT for each row."""

    def query(self, sql: str, parameters: Sequence[Parameter] = ()) -> list[tuple[Value, ...]]:
        """Return the rows of a SELECT."""

    def commit(self) -> None:
        """Make the transaction durable. LedgerUnavailable: the outcome is unknown."""

    def rollback(self) -> None:
        """Undo the transaction; never raises, a connection that fails here is gone anyway."""

    def table_exists(self, table: str) -> bool:
        """Return whether the database has this table."""

    def ping(self) -> None:
        """LedgerUnavailable when the database does not answer."""

    def close(self) -> None:
        """Close the connection; never raises."""


@contextmanager
def transaction(database: Database) -> Iterator[None]:
    """Commit at the end, and undo everything where something is raised."""
    database.begin()
    try:
        yield
        database.commit()
    except BaseException:
        database.rollback()
        raise


def time_text(at: datetime) -> str:
    """Return an aware time as text that sorts like the time: `2026-01-31 23:59:59.123456`."""
    utc = at if at.tzinfo is timezone.utc else at.astimezone(timezone.utc)
    return utc.isoformat(" ", "microseconds")[:_TIME_LENGTH]  # without the offset


def to_time(value: Value) -> datetime:
    """Return a time column as aware UTC."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=timezone.utc)
    return datetime.fromisoformat(str(value)).replace(tzinfo=timezone.utc)


def decimal_text(number: Decimal | None) -> str | None:
    """Return a decimal without exponent."""
    return None if number is None else format(number, "f")


def to_decimal(value: Value) -> Decimal | None:
    """Return a decimal column, without the zeros that a database pads it with."""
    if value is None:
        return None
    text = format(Decimal(str(value)), "f")
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)


def to_int(value: Value) -> int:
    """Return an integer column or sum (which MySQL gives as Decimal); NULL is 0."""
    if value is None:
        return 0
    if isinstance(value, (int, Decimal)):
        return int(value)
    return int(str(value))


def to_text(value: Value) -> str:
    """Return a text column; NULL is empty."""
    return "" if value is None else str(value)
