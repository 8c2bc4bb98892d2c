"""The lock that lets one terminal at a time write the books of an account.

It lives as long as its process: a file lock beside a SQLite file, a named lock of a connection of
its own on a server. Whoever kills the process, or pulls its plug, frees it.
"""

from __future__ import annotations

import os
import re
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Protocol

from common.domain.books import AccountKey
from common.errors import LedgerUnavailable
from common.file_lock import lock_file
from common.ledger.connecting import open_database
from common.ledger.database import Database, DatabaseSettings, to_int
from common.settings_types import MysqlSettings, SqliteSettings

LONGEST_NAME = 64  # characters of a named lock
SILENT_SECONDS = 60  # a holder that is not heard of for so long is gone: power, network


class AccountLock(Protocol):
    """A lock that was taken."""

    def holds(self) -> bool:
        """Tell whether it still is; keeps it alive."""

    def release(self) -> None:
        """Give it back; never raises."""


def take_lock(settings: DatabaseSettings, key: AccountKey) -> AccountLock | None:
    """Take the lock of an account; None: another terminal holds it. LedgerUnavailable."""
    if isinstance(settings, SqliteSettings):
        return _take_file(settings.path, key)
    return _take_name(settings, key)


class _FileLock:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def holds(self) -> bool:
        return not self._file.closed

    def release(self) -> None:
        """Give it back. The file stays: removing it would open a race."""
        self._file.close()


def _take_file(database: Path, key: AccountKey) -> AccountLock | None:
    who = re.sub(r"\W", "_", f"{key.market}-{key.network.value}-{key.account}", flags=re.ASCII)
    path = database.resolve()  # of two links to one file
    path = path.with_name(f"{path.name}.{who}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = lock_at(path)
    except OSError as error:
        raise LedgerUnavailable(f"{path} cannot be locked: {error.strerror}") from error
    return None if file is None else _FileLock(file)


def lock_at(path: Path) -> BinaryIO | None:
    """Open and lock a file, which is made where it is missing; None: another one holds it. OSError.

    The lock ends with the file object, or with the process.
    """
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    try:
        lock_file(file)
    except BlockingIOError:
        file.close()
        return None
    except BaseException:
        file.close()
        raise
    return file


class _NamedLock:
    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name

    def holds(self) -> bool:
        try:
            mine = self._database.query("SELECT IS_USED_LOCK(?) = CONNECTION_ID()", (self._name,))
        except LedgerUnavailable:
            return False
        return to_int(mine[0][0]) == 1

    def release(self) -> None:
        self._database.close()  # the server frees the locks of a connection that ends


def _take_name(settings: MysqlSettings, key: AccountKey) -> _NamedLock | None:
    database = open_database(settings)
    name = lock_name(settings, key)
    try:
        database.execute(f"SET SESSION wait_timeout = {SILENT_SECONDS}")
        taken = to_int(database.query("SELECT GET_LOCK(?, 0)", (name,))[0][0]) == 1
    except BaseException:
        database.close()
        raise
    if not taken:
        database.close()
        return None
    return _NamedLock(database, name)


def lock_name(settings: MysqlSettings, key: AccountKey) -> str:
    """Return the name on the server: names are the server's, so the database is part of it."""
    name = f"tmatic:{settings.database}:{key.market}:{key.network.value}:{key.account}"
    if len(name) <= LONGEST_NAME:
        return name
    return f"tmatic:{sha256(name.encode()).hexdigest()[:48]}"
