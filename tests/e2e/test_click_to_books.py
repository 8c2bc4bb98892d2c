"""The whole way in the real window, with a real pointer: a click becomes a row in `coins`."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from api.bitmex.auth import signature
from tests.e2e.user import User
from tests.support.database import MariaDB
from tests.support.profiles import demo_access, write_profile
from tests.support.venue import ExchangeProcess
from tests.support.waiting import wait_until

RESERVED = "XBTUSDT.linear"
FILLS = "FROM coins WHERE SIDE >= 0"  # funding may be paid meanwhile, three times a day


class Books:
    """Reads `coins` beside the program."""

    def __init__(self, settings: dict[str, str | None], query: Callable[[str], list[Any]]) -> None:
        self.settings = settings
        self.query = query


@pytest.fixture(params=["sqlite", "mariadb"])
def books(
    request: pytest.FixtureRequest, tmp_path: Path, mariadb: MariaDB
) -> Iterator[tuple[Path, Books]]:
    """A profile folder and a way to look into its books."""
    profile = tmp_path / "profile"
    if request.param == "mariadb":
        name = mariadb.create_database()
        settings: dict[str, str | None] = {
            "MYSQL_HOST": mariadb.host,
            "MYSQL_PORT": str(mariadb.port),
            "MYSQL_USER": mariadb.user,
            "MYSQL_PASSWORD": mariadb.password,
            "MYSQL_DATABASE": name,
        }
        yield (
            profile,
            Books(
                settings,
                lambda sql: [tuple(row.values()) for row in mariadb.execute(sql, database=name)],
            ),
        )
        return

    def query(sql: str) -> list[Any]:
        connection = sqlite3.connect(profile / "tmatic.db")
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    yield profile, Books({}, query)


@pytest.fixture
def venue(exchange: Callable[..., ExchangeProcess], tmp_path: Path) -> ExchangeProcess:
    return exchange(seed=5, state=tmp_path / "exchange.json")


def trade_history(venue: ExchangeProcess) -> list[dict[str, Any]]:
    """Ask the exchange itself which executions there were."""
    path = "/api/v1/execution/tradeHistory?count=500"
    expires = 4_000_000_000
    headers = {
        "api-key": venue.key,
        "api-expires": str(expires),
        "api-signature": signature(venue.secret, "GET", path, expires),
    }
    answer = requests.get(venue.rest.removesuffix("/api/v1/") + path, headers=headers, timeout=10)
    answer.raise_for_status()
    rows: list[dict[str, Any]] = answer.json()
    return rows


def best(user: User, side: str) -> Decimal:
    """Return the best price of a side of the book shown."""
    prices = [Decimal(row["price"]) for row in user.look()["book"] if row["side"] == side]
    return max(prices) if side == "Buy" else min(prices)


def balances(user: User) -> dict[str, list[str]]:
    """Return what must survive a restart: volume and position of bots, the account's books."""
    look = user.look()["tables"]
    bots = {row[1]: [row[9], row[11]] for row in look["robots"]}
    accounts = {row[1]: row[5:] for row in look["accounts"]}
    return bots | accounts


def test_a_click_becomes_an_order_a_trade_and_one_row_per_execution(
    xvfb: str, books: tuple[Path, Books], venue: ExchangeProcess
) -> None:
    profile, ledger = books
    access = demo_access(venue.rest, venue.ws, venue.key, venue.secret)
    write_profile(profile, {**access, **ledger.settings})

    with User(xvfb, profile) as user:
        user.wait_live()
        user.click("position", "XBTUSDT")
        wait_until(lambda: user.look()["selected"] == RESERVED, 20, "the selection")

        # A passive order below the best bid shown.
        user.click_book("Buy")
        user.click("ticket", "buy")
        user.wait_closed()
        row = wait_until(lambda: user.table("orders"), 20, "the order in the table")[0]
        key, price = row[0], Decimal(row[6])
        wait_until(
            lambda: any(r["own"] and Decimal(r["price"]) == price for r in user.look()["book"]),
            20,
            "the own order in the book",
        )
        assert ledger.query("SELECT COUNT(*) FROM coins")[0][0] == 0

        # Moved through the ask it fills: one lot.
        user.click("order", key)
        user.fill("amend", "price", str(best(user, "Sell") + 50))
        user.click("amend", "move")
        wait_until(lambda: user.table("trades"), 20, "the trade in the Trades tab")
        wait_until(lambda: not user.table("orders"), 20, "the order to leave the table")
        user.click("tab", "Trades")
        executions = [row for row in trade_history(venue) if row["execType"] == "Trade"]
        rows = ledger.query(f"SELECT EXECID, EMI, QTY, SIDE, SUMREAL_I, COMMISS_I {FILLS}")
        assert sorted(rows) == sorted(
            (e["execID"], RESERVED, e["lastQty"], 0, -e["execCost"], e["execComm"])
            for e in executions
        )
        assert sum(e["lastQty"] for e in executions) == 100
        wait_until(
            lambda: balances(user)[RESERVED] == ["0.0001", "0.0001"], 20, "the bot's balance"
        )
        before = wait_until(lambda: settled(user), 20, "CONTROL to equal the deposits")
        assert user.close() == 0

    with User(xvfb, profile) as user:
        user.wait_live()
        wait_until(lambda: balances(user) == before, 20, f"the balances {before} after a restart")
        assert len(ledger.query(f"SELECT ID {FILLS}")) == len(executions)
        assert user.close() == 0


def settled(user: User) -> dict[str, list[str]] | None:
    """Return the balances once margin and books speak of the same moment."""
    found = balances(user)
    return found if found["USDt"][-1] == "10000.000000" else None


def test_a_fresh_demo_is_clicked_through(xvfb: str, tmp_path: Path) -> None:
    """What a newcomer does first: start, place and cancel an order, F9, F3, close."""
    with User(xvfb, tmp_path / "demo") as user:
        user.wait_live()
        assert user.look()["state"]["mode"] == "DEMO"
        assert user.look()["state"]["trading"] == "TRADING OFF"

        user.click_book("Buy")
        user.click("ticket", "buy")
        user.wait_closed()
        key = wait_until(lambda: user.table("orders"), 20, "the order")[0][0]
        user.click("order", key)
        user.click("amend", "cancel")
        wait_until(lambda: not user.table("orders"), 20, "the order to be cancelled")

        user.click("robot", "demoBot")
        wait_until(lambda: status(user, "demoBot") == "OFF", 20, "the bot to be OFF")

        user.press("F9")
        wait_until(lambda: user.look()["state"]["trading"] == "TRADING ON", 20, "TRADING ON")
        user.click_book("Sell")
        user.wait_notice("F9")
        assert user.look()["dialogs"] == []

        user.press("F3")
        user.wait_notice("read again")
        user.wait_live()
        assert user.look()["state"]["trading"] == "TRADING OFF"
        assert status(user, "demoBot") == "OFF"  # kept over the reload
        assert user.ask(heartbeat=True) < 2.0
        assert user.close() == 0


def test_f3_with_wrong_settings_changes_nothing(
    xvfb: str, tmp_path: Path, venue: ExchangeProcess
) -> None:
    access = demo_access(venue.rest, venue.ws, venue.key, venue.secret)
    profile = write_profile(tmp_path / "profile", access)
    with User(xvfb, profile) as user:
        user.wait_live()
        write_profile(profile, {**access, "REFRESH_RATE": "99"})
        pressed = time.monotonic()
        user.press("F3")
        user.wait_notice("REFRESH_RATE")
        assert "LIVE" in user.look()["state"]["health"]
        write_profile(profile, {**access, "LINEAR_SYMBOLS": "XBTUSDT", "REFRESH_RATE": "10"})
        wait_until(lambda: time.monotonic() > pressed + 0.4, 20, "the key to count as pressed anew")
        user.press("F3")
        user.wait_notice("read again")
        user.wait_live()
        wait_until(lambda: len(user.table("positions")) == 4, 20, "the symbols of the new settings")
        assert user.close() == 0


def status(user: User, emi: str) -> str:
    """Return the STATUS of a bot."""
    return next(row[7] for row in user.table("robots") if row[1] == emi)
