"""`main.py --verify` after a session with everything in it; one wrong row is named."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.api.simulator.trader import Owner, Trader
from tests.support.database import MariaDB
from tests.support.profiles import demo_access, write_profile
from tests.support.program import run_program
from tests.support.venue import ExchangeProcess

SYMBOLS = {"LINEAR_SYMBOLS": "XBTUSDT", "INVERSE_SYMBOLS": "", "QUANTO_SYMBOLS": "ETHUSD"}


@dataclass
class Books:
    """A profile and a way into its database beside the program."""

    profile: Path
    settings: dict[str, str | None]
    query: Callable[[str], list[Any]]


@pytest.fixture(params=["sqlite", "mariadb"])
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    """Return empty books in either database."""
    profile = tmp_path / "profile"
    if request.param == "mariadb":
        server: MariaDB = request.getfixturevalue("mariadb")
        name = server.create_database()
        settings: dict[str, str | None] = {
            "MYSQL_HOST": server.host,
            "MYSQL_PORT": str(server.port),
            "MYSQL_USER": server.user,
            "MYSQL_PASSWORD": server.password,
            "MYSQL_DATABASE": name,
        }

        def ask(sql: str) -> list[Any]:
            return [tuple(row.values()) for row in server.execute(sql, database=name)]

        yield Books(profile, settings, ask)
        return

    def query(sql: str) -> list[Any]:
        connection = sqlite3.connect(profile / "tmatic.db")
        try:
            with connection:
                return connection.execute(sql).fetchall()
        finally:
            connection.close()

    yield Books(profile, {}, query)


def verdict(profile: Path) -> tuple[int, str, str]:
    """Return exit code, last line and all output of --verify."""
    ended = run_program(profile, "--verify")
    assert "Traceback" not in ended.stdout + ended.stderr
    lines = ended.stdout.splitlines()
    return ended.returncode, lines[-1] if lines else "", ended.stdout + ended.stderr


def buy(trader: Trader, **order: object) -> dict[str, Any]:
    return dict(trader.order(**order))


def session(trader: Trader, owner: Owner, first: int) -> None:
    """Trade as two bots, by hand and as a stranger, with partial fills, funding, settlement."""
    market = {"ordType": "Market"}
    buy(trader, symbol="XBTUSDT", side="Buy", orderQty=3000, clOrdID=f"{first}.one", **market)
    buy(trader, symbol="XBTUSDT", side="Sell", orderQty=1000, clOrdID=f"{first + 1}.two", **market)
    buy(trader, symbol="XBTUSDT", side="Buy", orderQty=700, **market)  # nobody's
    buy(
        trader, symbol="XBTUSD", side="Sell", orderQty=900, clOrdID="mm_strange/x.y", **market
    )  # not in the settings
    buy(trader, symbol="ETHUSD", side="Buy", orderQty=5, **market)
    buy(trader, symbol="XBT_USDT", side="Buy", orderQty=2000, **market)
    resting = {"symbol": "XBTUSDT", "ordType": "Limit", "price": 20_000}
    part = buy(trader, side="Buy", orderQty=1000, clOrdID=f"{first + 2}.one", **resting)
    owner.act("fill", orderID=part["orderID"], quantity=400, parts=2)
    owner.act("funding", symbol="XBTUSDT", rate=0.000317)
    owner.act("funding", symbol="XBTUSD", rate=-0.00011)
    buy(trader, symbol="XBTUSDT", side="Sell", orderQty=800, clOrdID=f"{first + 3}.one", **market)
    owner.act("funding", symbol="XBTUSDT", rate=-0.000203)


@pytest.fixture
def venue(exchange: Callable[..., ExchangeProcess], tmp_path: Path) -> ExchangeProcess:
    return exchange(seed=5, state=tmp_path / "exchange.json", no_limits=True)


def test_everything_agrees_after_a_session_and_one_wrong_row_is_named(
    books: Books, venue: ExchangeProcess
) -> None:
    access = demo_access(venue.rest, venue.ws, venue.key, venue.secret)
    write_profile(books.profile, {**access, **SYMBOLS, **books.settings})
    trader, owner = Trader(venue), Owner(venue)
    assert (
        run_program(books.profile, "--add-bot", "one", "XBTUSDT", "linear", "1", "99").returncode
        == 0
    )
    assert (
        run_program(books.profile, "--add-bot", "two", "XBTUSDT", "linear", "5", "99").returncode
        == 0
    )
    session(trader, owner, 1)
    account = int(trader.ask("GET", "user")["id"])  # type: ignore[index]
    owner.act("credit", account=account, currency="USDt", amount=123_456_789)

    code, last, told = verdict(books.profile)
    executions = len(trader.rows("execution/tradeHistory", count=500))
    assert (code, last) == (0, f"books verified: {executions} executions, 0 differences"), told
    assert executions == len(owner.truth(account)["executions"])
    assert books.query("SELECT COUNT(*) FROM executions") == [(executions,)]
    emis = {emi for (emi,) in books.query("SELECT DISTINCT EMI FROM coins WHERE SIDE = -1")}
    assert emis == {"one", "two", "XBTUSDT.linear", "XBTUSD.inverse"}

    # More happens while the program is off.
    session(trader, owner, 11)
    owner.act("expire", symbol="XBTUSD")
    owner.act("liquidate", account=account)
    code, last, told = verdict(books.profile)
    assert (code, last.startswith("books verified: ")) == (0, True), told

    books.query("UPDATE coins SET COMMISS_I = COMMISS_I + 1 WHERE CLORDID = 2 AND EMI = 'two'")
    code, last, told = verdict(books.profile)
    assert code == 1
    assert last.startswith("BOOKS DIFFER: "), told
    assert "COMMISS of two in execution" in told
    assert "XBTUSDT.linear" in told
    assert "USDt" in told
    books.query("UPDATE coins SET COMMISS_I = COMMISS_I - 1 WHERE CLORDID = 2 AND EMI = 'two'")
    assert verdict(books.profile)[0] == 0


def test_an_exchange_that_is_away_is_no_verdict(tmp_path: Path) -> None:
    access = demo_access("http://127.0.0.1:9/api/v1/", "ws://127.0.0.1:9/realtime", "k", "s")
    write_profile(tmp_path, access)
    code, last, _ = verdict(tmp_path)
    assert code == 1
    assert last.startswith("BOOKS NOT VERIFIED: Bitmex: ")


def test_a_demo_brings_its_exchange_along(tmp_path: Path) -> None:
    assert verdict(tmp_path)[:2] == (0, "books verified: 0 executions, 0 differences")


def test_a_demo_with_a_past_is_verified_against_its_state(
    exchange: Callable[..., ExchangeProcess], tmp_path: Path
) -> None:
    venue = exchange(state=tmp_path / "exchange.json", no_limits=True)  # where a demo keeps it
    trader, owner = Trader(venue), Owner(venue)
    for number, side in enumerate(("Buy", "Sell"), start=1):
        buy(trader, symbol="XBTUSDT", side=side, orderQty=2000 // number, clOrdID=f"{number}.x",
            ordType="Market")  # fmt: skip
    owner.act("funding", symbol="XBTUSDT", rate=0.000317)
    executions = len(trader.rows("execution/tradeHistory", count=500))
    venue.stop()
    assert verdict(tmp_path)[:2] == (0, f"books verified: {executions} executions, 0 differences")
    with closing(sqlite3.connect(tmp_path / "tmatic.db")) as books, books:
        books.execute("UPDATE coins SET SUMREAL_I = SUMREAL_I + 1 WHERE CLORDID = 2")
    code, last, told = verdict(tmp_path)
    assert (code, last.startswith("BOOKS DIFFER: ")) == (1, True), told
    assert "SUMREAL of XBTUSDT.linear in execution" in told
    assert "USDt" in told


def test_wrong_settings_end_with_two(tmp_path: Path) -> None:
    write_profile(tmp_path, {"REFRESH_RATE": "0"})
    code, _, told = verdict(tmp_path)
    assert code == 2
    assert "REFRESH_RATE" in told
