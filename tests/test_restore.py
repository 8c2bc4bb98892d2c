"""Restoring deleted rows through the whole terminal, as its user does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest

from common.ledger.connecting import open_database
from common.ledger.database import DatabaseSettings, Value
from common.settings_types import MysqlSettings, Secret, SqliteSettings
from tests.api.simulator.trader import Trader
from tests.support.database import MariaDB
from tests.support.processes import end
from tests.support.profiles import demo_access, write_profile
from tests.support.program import start_program
from tests.support.venue import ExchangeProcess
from tests.support.waiting import wait_until

ROWS = "SELECT EXECID, EMI, QTY, SUMREAL_I, COMMISS_I FROM coins ORDER BY EXECID, EMI"
START_UP = 60.0  # seconds


@contextmanager
def terminal(profile: Path) -> Iterator[Callable[[str], None]]:
    """Run the terminal without a window; yields a wait for a word in its output."""
    process = start_program(profile, "--headless", stderr=None)
    said = process.stdout
    assert said is not None

    def wait_for(word: str) -> None:
        watchdog = Timer(START_UP, process.kill)  # a silent terminal ends, and with it the loop
        watchdog.start()
        found = any(word in line for line in said)
        watchdog.cancel()
        assert found, f"the terminal ended without {word!r}"

    try:
        yield wait_for
    finally:
        end(process, START_UP)


def prepared(
    kind: str, folder: Path, exchange: ExchangeProcess, request: pytest.FixtureRequest
) -> DatabaseSettings:
    changes: dict[str, str | None] = {
        **demo_access(exchange.rest, exchange.ws, exchange.key, exchange.secret)
    }
    database: DatabaseSettings = SqliteSettings(folder / "tmatic.db")
    if kind == "mariadb":
        server: MariaDB = request.getfixturevalue("mariadb")
        name = server.create_database()
        database = MysqlSettings(
            server.host, server.port, server.user, Secret(server.password), name
        )
        changes |= {
            "MYSQL_HOST": server.host,
            "MYSQL_PORT": str(server.port),
            "MYSQL_USER": server.user,
            "MYSQL_PASSWORD": server.password,
            "MYSQL_DATABASE": name,
        }
    write_profile(folder, changes)
    return database


def look(settings: DatabaseSettings, sql: str) -> list[tuple[Value, ...]]:
    """Return the rows of a SELECT in a connection of its own."""
    database = open_database(settings)
    try:
        return database.query(sql)
    finally:
        database.close()


def change(settings: DatabaseSettings, sql: str) -> None:
    database = open_database(settings)
    try:
        database.begin()
        database.execute(sql)
        database.commit()
    finally:
        database.close()


@pytest.mark.parametrize("kind", ["sqlite", "mariadb"])
def test_deleted_rows_and_an_earlier_date_bring_everything_back_once(
    kind: str,
    tmp_path: Path,
    exchange: Callable[..., ExchangeProcess],
    request: pytest.FixtureRequest,
) -> None:
    venue = exchange(seed=3)
    settings = prepared(kind, tmp_path, venue, request)
    trader = Trader(venue)
    for number, side in enumerate(("Buy", "Sell", "Buy"), start=1):
        trader.order(
            symbol="XBTUSDT",
            side=side,
            orderQty=1000 * number,
            ordType="Market",
            clOrdID=f"{number}.gone" if number < 3 else "",
        )
    fills = len(trader.rows("execution/tradeHistory", count=500))
    with terminal(tmp_path) as wait_for:
        wait_for(" LIVE")
    before = look(settings, ROWS)
    assert len(before) == fills >= 3

    change(settings, "DELETE FROM coins WHERE REFER = 'gone'")
    assert len(look(settings, ROWS)) < fills
    (tmp_path / "history.ini").write_text("2000-01-01 00:00:00\n", encoding="utf-8")
    with terminal(tmp_path) as wait_for:
        wait_for(" LIVE")
        wait_until(lambda: len(look(settings, ROWS)) == fills, 30, "the rows to come back")
    assert look(settings, ROWS) == before
    with terminal(tmp_path) as wait_for:
        wait_for(" LIVE")
    assert look(settings, ROWS) == before
