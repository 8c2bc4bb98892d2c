"""The ledger's tests run on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.ledger.database import DatabaseSettings
from common.settings_types import MysqlSettings, Secret, SqliteSettings
from tests.support.database import MariaDB


def mysql_settings(server: MariaDB, database: str) -> MysqlSettings:
    return MysqlSettings(server.host, server.port, server.user, Secret(server.password), database)


@pytest.fixture
def sqlite(tmp_path: Path) -> SqliteSettings:
    """Return the settings of a database file that does not exist yet."""
    return SqliteSettings(tmp_path / "tmatic.db")


@pytest.fixture(params=["sqlite", "mariadb"])
def settings(request: pytest.FixtureRequest) -> DatabaseSettings:
    """Return the settings of an empty database, once for each kind."""
    if request.param == "sqlite":
        file: SqliteSettings = request.getfixturevalue("sqlite")
        return file
    server: MariaDB = request.getfixturevalue("mariadb")
    return mysql_settings(server, server.create_database())
