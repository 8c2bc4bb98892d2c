"""Executions to book, and a ledger with an inbox that remembers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TypeVar

from common.domain.books import AccountKey, Books
from common.domain.executions import Executed, ExecutionKind, Network
from common.domain.instruments import Category, Currency, Symbol
from common.domain.orders import Side
from common.engine.items import Booked, LedgerOpened
from common.ledger.connecting import open_database
from common.ledger.database import Database, DatabaseSettings, Value
from common.ledger.robots_table import add_robot
from common.ledger.writer import LedgerWriter

MARKET = "Market"
KEY = AccountKey(MARKET, Network.DEMO, 1234567)
XBTUSD = Symbol("XBTUSD", Category.INVERSE)
XBTUSDT = Symbol("XBTUSDT", Category.LINEAR)
XBT_USDT = Symbol("XBT_USDT", Category.SPOT)
CURRENCIES = (Currency("XBt", "XBT", 8), Currency("USDt", "USDT", 6))
START = datetime(2026, 10, 1, 12, 0, tzinfo=timezone.utc)
Item = TypeVar("Item")
PATIENCE = 60.0  # seconds


def trade(
    number: int,
    quantity: int,
    *,
    cl_ord_id: str = "",
    symbol: Symbol = XBTUSD,
    cost: int | None = None,
    fee: int = 7,
    seconds: float | None = None,
    currency: str = "XBt",
) -> Executed:
    """Return a fill; quantity is signed: bought > 0."""
    side = Side.BUY if quantity > 0 else Side.SELL
    at = START + timedelta(seconds=number if seconds is None else seconds)
    return Executed(
        exec_id=f"exec-{number:06d}",
        kind=ExecutionKind.TRADE,
        exec_type="Trade",
        symbol=symbol,
        order_id=f"order-{number}",
        cl_ord_id=cl_ord_id,
        side=side,
        quantity=abs(quantity),
        leaves=0,
        price=Decimal("50000.5"),
        trade_price=Decimal("50000"),
        rate=Decimal("0.0005"),
        cost=-2000 * quantity if cost is None else cost,
        fee=fee,
        currency=currency,
        fee_currency=currency,
        account=KEY.account,
        at=at,
        written_at=at,
        raw=json.dumps({"execID": f"exec-{number:06d}"}),
    )


def funding(
    number: int, position: int, fee: int, *, symbol: Symbol = XBTUSD, seconds: float | None = None
) -> Executed:
    """Return a funding payment for a signed position of the account."""
    row = trade(number, position, symbol=symbol, cost=12345, fee=fee, seconds=seconds)
    return replace(
        row,
        kind=ExecutionKind.FUNDING,
        exec_type="Funding",
        order_id="",
        price=None,
        rate=Decimal("-0.0001"),
    )


def settlement(number: int, position: int, cost: int, fee: int = 0) -> Executed:
    """Return the settlement that closes a signed position of the account."""
    row = trade(number, -position, cost=cost, fee=fee)
    return replace(
        row,
        kind=ExecutionKind.SETTLEMENT,
        exec_type="Settlement",
        order_id="",
        price=Decimal(49000),
    )


class Recorder:
    """An inbox that remembers everything."""

    def __init__(self) -> None:
        self.items: list[object] = []
        self._changed = threading.Condition()

    def put(self, item: object) -> None:
        with self._changed:
            self.items.append(item)
            self._changed.notify_all()

    def of(self, kind: type[Item]) -> list[Item]:
        with self._changed:
            return [item for item in self.items if isinstance(item, kind)]

    def wait(self, kind: type[Item], count: int = 1, seconds: float = PATIENCE) -> list[Item]:
        """Return the items of a kind as soon as there are so many."""
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                found = [item for item in self.items if isinstance(item, kind)]
                if len(found) >= count:
                    return found
                left = end - time.monotonic()
                assert left > 0, f"{len(found)} of {count} {kind.__name__}; got {self.items}"
                self._changed.wait(left)


class Bench:
    """A running ledger and its inbox."""

    def __init__(self, writer: LedgerWriter, inbox: Recorder) -> None:
        self.writer = writer
        self.inbox = inbox

    def open(self) -> Books:
        before = len(self.inbox.of(LedgerOpened))
        self.writer.open(KEY, (XBTUSD, XBTUSDT), CURRENCIES)
        return self.inbox.wait(LedgerOpened, before + 1)[-1].books

    def book(self, *executions: Executed, cursor: datetime | None = None) -> Booked:
        before = len(self.inbox.of(Booked))
        self.writer.book(KEY, executions, cursor)
        return self.inbox.wait(Booked, before + 1)[-1]


@contextmanager
def running(settings: DatabaseSettings) -> Iterator[Bench]:
    """Run a ledger; it has ended when the block is left."""
    writer, inbox = LedgerWriter(settings, first_delay=0.05), Recorder()
    writer.start(inbox)
    try:
        yield Bench(writer, inbox)
    finally:
        writer.stop()


@contextmanager
def connected(settings: DatabaseSettings) -> Iterator[Database]:
    """Open a connection for a look at the tables."""
    database = open_database(settings)
    try:
        yield database
    finally:
        database.close()


def query(settings: DatabaseSettings, sql: str) -> list[tuple[Value, ...]]:
    with connected(settings) as database:
        return database.query(sql)


def run(settings: DatabaseSettings, sql: str) -> None:
    with connected(settings) as database:
        database.begin()
        database.execute(sql)
        database.commit()


def add_bots(settings: DatabaseSettings, *emis: str) -> None:
    for emi in emis:
        add_robot(settings, MARKET, emi, "XBTUSD", "inverse", 1, 1)


def positions(books: Books, symbol: Symbol = XBTUSD) -> dict[str, int]:
    return {b.emi: b.position for b in books.balances if b.symbol == symbol and b.position}


def coin_rows(settings: DatabaseSettings) -> list[Sequence[Value]]:
    return list(
        query(settings, "SELECT EXECID, EMI, QTY, SUMREAL_I, COMMISS_I FROM coins ORDER BY ID")
    )
