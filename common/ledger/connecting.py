"""Which database the settings name: SQLite, or MySQL and MariaDB."""

from __future__ import annotations

from common.ledger.database import Database, DatabaseSettings
from common.ledger.sqlite_database import SqliteDatabase
from common.settings_types import SqliteSettings


def open_database(settings: DatabaseSettings) -> Database:
    """Connect. LedgerUnavailable or ConfigurationError tell in words what is missing."""
    if isinstance(settings, SqliteSettings):
        return SqliteDatabase(settings.path)
    from common.ledger.mysql_database import MysqlDatabase  # noqa: PLC0415 - slow to import

    return MysqlDatabase(settings)
