"""The books on a MySQL or MariaDB server."""

from __future__ import annotations

import contextlib
import queue
import re
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pymysql
from pymysql.constants import CLIENT

from common.errors import ConfigurationError, LedgerUnavailable
from common.ledger.database import (
    DataRefused,
    Dialect,
    DuplicateKey,
    LockConflict,
    Parameter,
    Value,
)
from common.settings_types import MysqlSettings

CONNECT_SECONDS = 5
ANSWER_SECONDS = 30
SESSION = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',"
    " time_zone = '+00:00', innodb_lock_wait_timeout = 5,"
    # A repeatable snapshot would hide what another process has committed since.
    " transaction_isolation = 'READ-COMMITTED'"
)
# MariaDB before 11.1 knows the variable by its old name only.
SESSION_OLD = SESSION.replace("transaction_isolation", "tx_isolation")
UNKNOWN_VARIABLE = 1193
NO_DATABASE = frozenset({1044, 1049})  # without rights on it, 1044 also hides that it is missing
ACCESS_DENIED = frozenset({1044, 1045, 1142, 1227})
DUPLICATE = frozenset({1062, 1586})
LOCKED = frozenset({1205, 1213})
REFUSED_DATA = frozenset({1048, 1264, 1265, 1292, 1364, 1366, 1406, 3140, 4025})
NAME = re.compile(r"[A-Za-z0-9_$]{1,64}")


BEHIND = 20_000  # characters from which on a statement is worth a thread
PACKET = 1_000_000  # characters of a statement; servers take 16 MB and more, old ones 1 MB


class _Null:
    """Spells itself as SQL does."""

    def __repr__(self) -> str:
        return "NULL"


_NULL = _Null()
_PLAIN = frozenset({int, str, _Null})
# What may be spelled otherwise in SQL: escapes, None, members of enumerations, truth values.
_CAREFUL = ("\\", "None", "<", "True", "False")


class _Behind:
    """Statements under way on a thread of their own; the connection is theirs until `settle`."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="ledger-insert", daemon=True)
        self._thread.start()

    def add(self, work: Callable[[], None]) -> None:
        """Run one more after those before; none after one that failed."""
        self._work.put(work)

    def settle(self) -> None:
        """Wait for the end of all and raise what one of them raised."""
        self._work.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                if self._error is None:
                    work()
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                self._error = error


class MysqlDatabase:
    """Satisfies `Database`. Strict mode, UTC, utf8mb4, explicit transactions."""

    dialect = Dialect.MYSQL

    def __init__(self, settings: MysqlSettings) -> None:
        if not NAME.fullmatch(settings.database):
            raise ConfigurationError(
                f"MYSQL_DATABASE is {settings.database!r}; a name has 1 to 64 of the characters "
                "A-Z, a-z, 0-9, _ and $"
            )
        self.name = f"{settings.database} on {settings.host}:{settings.port}"
        self._behind: _Behind | None = None
        self._connection = _connect(settings, self.name)
        try:
            with _translated(self.name), self._connection.cursor() as cursor:
                try:
                    cursor.execute(SESSION)
                except pymysql.err.OperationalError as error:
                    if error.args[0] != UNKNOWN_VARIABLE:
                        raise
                    cursor.execute(SESSION_OLD)
        except BaseException:
            self.close()
            raise

    def begin(self) -> None:
        """Start a transaction."""
        self._settle()
        with _translated(self.name):
            self._connection.begin()

    def execute(self, sql: str, parameters: Sequence[Parameter] = ()) -> int:
        """Run a statement and return the number of rows it concerned."""
        self._settle()
        with _translated(self.name), self._connection.cursor() as cursor:
            return cursor.execute(_own(sql), tuple(parameters) or None)

    def execute_many(self, sql: str, rows: Sequence[Sequence[Parameter]]) -> None:
        """Insert all rows with as few statements as the packet size allows.

        A large one runs while the caller goes on; what it raises is raised by the next call.
        """
        head = sql[: sql.rindex("(")]  # up to VALUES
        for values in _packets([self._literals(row) for row in rows]):
            if self._behind is None and len(values) < BEHIND:
                self._execute_now(head + values)
                continue
            if self._behind is None:
                self._behind = _Behind()
            self._behind.add(partial(self._execute_now, head + values))

    def _execute_now(self, statement: str) -> None:
        with _translated(self.name), self._connection.cursor() as cursor:
            cursor.execute(statement)

    def _settle(self) -> None:
        """Wait for the statement that runs behind; what it raised is raised here."""
        behind, self._behind = self._behind, None
        if behind is not None:
            behind.settle()

    def _literals(self, row: Sequence[Parameter]) -> str:
        """Return a row as SQL.

        Python spells integers, and texts that need no escapes, as MySQL does, and much faster than
        values are escaped one by one. A text with an apostrophe stands in double quotes, which the
        session's sql_mode takes as those of a text. What needs a backslash is escaped properly.
        """
        text = repr(row if type(row) is tuple else tuple(row))
        if not any(map(text.__contains__, _CAREFUL)):
            return text
        shown = tuple(_NULL if value is None else value for value in row)
        text = repr(shown)
        if "\\" not in text and _PLAIN.issuperset(map(type, shown)):
            return text
        return f"({', '.join(self._connection.escape(value) for value in row)})"

    def query(self, sql: str, parameters: Sequence[Parameter] = ()) -> list[tuple[Value, ...]]:
        """Return the rows of a SELECT."""
        self._settle()
        with _translated(self.name), self._connection.cursor() as cursor:
            cursor.execute(_own(sql), tuple(parameters) or None)
            return list(cursor.fetchall())

    def commit(self) -> None:
        """Make the transaction durable."""
        self._settle()
        with _translated(self.name):
            self._connection.commit()

    def rollback(self) -> None:
        """Undo the transaction, if one is open."""
        with contextlib.suppress(DuplicateKey, DataRefused, LedgerUnavailable):
            self._settle()
        with contextlib.suppress(pymysql.err.Error, OSError):
            self._connection.rollback()

    def table_exists(self, table: str) -> bool:
        """Return whether the selected database has this table."""
        sql = (
            "SELECT 1 FROM information_schema.tables"
            " WHERE table_schema = DATABASE() AND LOWER(table_name) = LOWER(?)"
        )
        return bool(self.query(sql, (table,)))

    def ping(self) -> None:
        """Ask the server for an answer; does not reconnect."""
        self._settle()
        with _translated(self.name):
            self._connection.ping(reconnect=False)

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(DuplicateKey, DataRefused, LedgerUnavailable):
            self._settle()
        with contextlib.suppress(pymysql.err.Error, OSError):
            self._connection.close()


def _connect(
    settings: MysqlSettings, name: str
) -> pymysql.connections.Connection[pymysql.cursors.Cursor]:
    with _translated(name):
        try:
            return _dial(settings, settings.database)
        except pymysql.err.OperationalError as error:
            if error.args[0] not in NO_DATABASE:
                raise
        _create_database(settings)
        return _dial(settings, settings.database)


def _dial(
    settings: MysqlSettings, database: str | None
) -> pymysql.connections.Connection[pymysql.cursors.Cursor]:
    return pymysql.connect(
        host=settings.host,
        port=settings.port,
        user=settings.user,
        password=settings.password.reveal(),
        database=database,
        charset="utf8mb4",
        autocommit=False,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        write_timeout=ANSWER_SECONDS,
        client_flag=CLIENT.FOUND_ROWS,  # an UPDATE tells the rows it found, changed or not
    )


def _create_database(settings: MysqlSettings) -> None:
    statement = (
        f"CREATE DATABASE IF NOT EXISTS `{settings.database}`"
        " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    )
    connection = _dial(settings, None)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT CURRENT_USER()")
            account = str((cursor.fetchone() or (f"{settings.user}@%",))[0])
            cursor.execute(statement)
    except pymysql.err.OperationalError as error:
        if error.args[0] not in ACCESS_DENIED:
            raise
        raise LedgerUnavailable(
            f"The user {settings.user} may not use the database {settings.database} "
            f"(MYSQL_DATABASE) nor create it. Let an administrator run: {statement}; "
            f"GRANT ALL PRIVILEGES ON `{settings.database}`.* TO {_quoted(account)}"
        ) from error
    finally:
        connection.close()


def _quoted(account: str) -> str:
    """Return user@host as a statement has to write it; a name may contain an @, a host may not."""
    user, _, host = account.rpartition("@")
    return "@".join("'" + part.replace("'", "''") + "'" for part in (user, host))


def _packets(rows: Sequence[str]) -> Iterator[str]:
    """Join rows into pieces that fit a statement."""
    start = size = 0
    for number, row in enumerate(rows):
        if size and size + len(row) > PACKET:
            yield ",".join(rows[start:number])
            start, size = number, 0
        size += len(row) + 1
    if start < len(rows):
        yield ",".join(rows[start:])


def _own(sql: str) -> str:
    return sql.replace("?", "%s")


@contextlib.contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except pymysql.err.MySQLError as error:
        code = error.args[0] if error.args else 0
        text = error.args[1] if len(error.args) > 1 and error.args[1] else repr(error)
        if code in DUPLICATE:
            raise DuplicateKey(text) from error
        if code in REFUSED_DATA or isinstance(error, pymysql.err.DataError):
            raise DataRefused(text) from error
        if code in LOCKED:
            raise LockConflict(f"The database {name} is busy: {text}") from error
        raise LedgerUnavailable(f"The database {name} cannot be used: {text}") from error
    except UnicodeEncodeError as error:
        raise DataRefused(str(error)) from error
    # PyMySQL lets some of these out when the server dies in the middle of a packet.
    except (OSError, struct.error, IndexError, AttributeError) as error:
        raise LedgerUnavailable(f"The connection to the database {name} broke: {error}") from error
