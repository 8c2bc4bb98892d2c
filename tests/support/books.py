"""Where books are kept, as other processes are told: settings of a profile, a line of JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.ledger.database import DatabaseSettings
from common.settings_types import MysqlSettings, Secret, SqliteSettings


def as_json(books: DatabaseSettings) -> list[str | int]:
    """Return how to reach the books: a path, or how to log in."""
    if isinstance(books, SqliteSettings):
        return [str(books.path)]
    return [books.host, books.port, books.user, books.password.reveal(), books.database]


def settings_of(values: Sequence[Any]) -> DatabaseSettings:
    """Return what `as_json` wrote down."""
    if len(values) == 1:
        return SqliteSettings(Path(values[0]))
    host, port, user, password, database = values
    return MysqlSettings(host, port, user, Secret(password), database)


def access(books: MysqlSettings) -> Mapping[str, str]:
    """Return the settings of a profile that name a server's database."""
    return {
        "MYSQL_HOST": books.host,
        "MYSQL_PORT": str(books.port),
        "MYSQL_USER": books.user,
        "MYSQL_PASSWORD": books.password.reveal(),
        "MYSQL_DATABASE": books.database,
    }
