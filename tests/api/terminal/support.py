"""The engine with real books on a gateway of the test's choice: a terminal without a window."""

from __future__ import annotations

import itertools
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from common.clock import SystemClock
from common.domain.books import AccountKey, Intent
from common.domain.commands import CancelOrder, PlaceOrder
from common.domain.executions import Executed
from common.domain.instruments import Currency, Symbol
from common.domain.orders import Side
from common.domain.robots import reserved_emi
from common.engine.engine import Engine
from common.engine.notices import NoticeBoard
from common.engine.ports import BotRunner, Clock, Gateway, Inbox
from common.engine.snapshot import Health, OrderRow, Snapshot
from common.engine.state import MarketState
from common.ledger.database import DatabaseSettings
from common.ledger.writer import LedgerWriter
from common.settings_types import SqliteSettings
from tests.common.engine.support import FakeReports, FakeRunner
from tests.support.waiting import wait_until

MARKET = "Bitmex"


class CountingLedger(LedgerWriter):
    """Books that know how many jobs have not been answered yet."""

    def __init__(self, settings: DatabaseSettings) -> None:
        super().__init__(settings)
        self.waiting = 0

    def open(
        self, key: AccountKey, symbols: Sequence[Symbol], currencies: Sequence[Currency]
    ) -> None:
        self.waiting += 1
        super().open(key, symbols, currencies)

    def book(
        self, key: AccountKey, executions: Sequence[Executed], cursor: datetime | None
    ) -> None:
        self.waiting += 1
        super().book(key, executions, cursor)

    def reserve_numbers(self, market: str, count: int) -> None:
        self.waiting += 1
        super().reserve_numbers(market, count)

    def write_intent(self, key: AccountKey, intent: Intent) -> None:
        self.waiting += 1
        super().write_intent(key, intent)

    def read(self, key: AccountKey, since: datetime, token: int, every_row: bool) -> None:
        self.waiting += 1
        super().read(key, since, token, every_row)


_ANSWERS = ("LedgerOpened", "Booked", "NumbersReserved", "IntentWritten", "LedgerRead")


class Answered:
    """Stands between the ledger and the engine and counts the outcomes."""

    def __init__(self, ledger: CountingLedger, inbox: Inbox) -> None:
        self._ledger = ledger
        self._inbox = inbox

    def put(self, item: object) -> None:
        self._inbox.put(item)
        if type(item).__name__ in _ANSWERS:
            self._ledger.waiting -= 1


class Terminal:
    """One market, its engine and its books."""

    def __init__(
        self,
        gateway: Gateway,
        symbols: tuple[Symbol, ...],
        books: Path,
        clock: Clock | None = None,
        refresh_rate: int = 20,
        dead_man: int = 0,
        reloads: int = 0,
        runner: BotRunner | None = None,
        history_days: float = 0.0,
        database: DatabaseSettings | None = None,
        ledger: CountingLedger | None = None,
    ) -> None:
        self.books = books  # a file, unless there is another `database`
        self.gateway = gateway
        self.ledger = ledger or CountingLedger(database or SqliteSettings(books))
        clock = clock or SystemClock()
        self.notices = NoticeBoard(clock.now)
        self.engine = Engine(
            [(gateway, MarketState(MARKET, gateway.network, symbols, dead_man))],
            self.ledger,
            runner or FakeRunner(),
            FakeReports(),
            clock,
            self.notices,
            refresh_rate=refresh_rate,
            history_days=history_days,
            first_date=lambda *_: None,
            check=lambda _market, _found: {},
            reloads=reloads,
            ledger_inbox=lambda inbox: Answered(self.ledger, inbox),
        )
        self._events = itertools.count(1)

    @property
    def snapshot(self) -> Snapshot:
        return self.engine.snapshot

    @property
    def health(self) -> Health:
        return self.snapshot.markets[0].health

    def wait_live(self, seconds: float = 20.0) -> None:
        """Wait until the market is LIVE."""
        wait_until(
            lambda: self.health is Health.LIVE,
            seconds,
            f"LIVE, it is {self.health} ({self.snapshot.markets[0].reason})",
        )

    def place(
        self, symbol: Symbol, side: Side, quantity: int, price: Decimal, emi: str = ""
    ) -> int:
        """Click an order for a bot, or nobody's; return the number of the click."""
        event = next(self._events)
        emi = emi or reserved_emi(symbol)
        command = PlaceOrder(event, MARKET, symbol, emi, side, price, quantity)
        self.engine.inbox.put(command)
        return event

    def cancel(self, key: str) -> None:
        """Click an order away."""
        self.engine.inbox.put(CancelOrder(next(self._events), MARKET, key))

    def orders(self) -> tuple[OrderRow, ...]:
        return tuple(self.snapshot.orders)

    def booked(self) -> Counter[str]:
        """Return how often each execution stands in the books."""
        with closing(sqlite3.connect(self.books)) as connection:
            connection.execute("BEGIN")  # both tables as of one moment
            journal = connection.execute("SELECT EXECID FROM executions").fetchall()
            coins = connection.execute(
                "SELECT EXECID, EMI, KIND FROM coins WHERE QTY > 0"
            ).fetchall()
        booked = Counter(str(row[0]) for row in journal)
        shared = {(str(row[0]), row[1]) for row in coins if row[2] == "Settlement"}
        single = [str(row[0]) for row in coins if row[2] != "Settlement"]
        assert len(shared) + len(single) == len(coins)  # a settlement has a row for each EMI
        assert booked == Counter([*single, *{exec_id for exec_id, _ in shared}])
        return booked

    def position(self, symbol: Symbol) -> int:
        """Return the contracts that all bots of the books hold together."""
        return sum(row.position for row in self.snapshot.robots if row.symbol == symbol)


def money_moves(truth: Any, account: int) -> set[str]:
    """Return the execIDs of an account's executions by the exchange's own ledger."""
    books = next(row for row in truth["accounts"] if row["account"] == account)
    return {row["execID"] for row in books["executions"]}


def orders_by_name(truth: Any, account: int) -> Counter[str]:
    """Return how many orders the exchange ever had for each clOrdID."""
    books = next(row for row in truth["accounts"] if row["account"] == account)
    return Counter(row["clOrdID"] for row in books["orders"] if row["clOrdID"])


def position_of(truth: Any, account: int, symbol: Symbol) -> int:
    """Return the contracts that an account holds by the exchange's own ledger."""
    books = next(row for row in truth["accounts"] if row["account"] == account)
    held: int = books["ledger"]["instruments"].get(symbol.ticker, {"contracts": 0})["contracts"]
    return held
