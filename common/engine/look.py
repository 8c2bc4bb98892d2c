"""One look at an account: what it asks the exchange and the tables, and compares.

When looks are taken, and what follows from a difference, is `verifier`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from common.domain.account import Margin, PositionFigures, WalletKind, WalletPage
from common.domain.executions import Executed
from common.domain.instruments import Category, Symbol
from common.domain.orders import Order, Phase
from common.domain.verification import (
    BooksRead,
    Difference,
    ExchangeTruth,
    Frame,
    Memory,
    OpenOrder,
    WalletSums,
)
from common.engine.orders import LiveOrder
from common.engine.ports import Gateway, Ledger
from common.engine.requests import (
    FetchEndedOrders,
    FetchHistory,
    FetchMargins,
    FetchOpenOrders,
    FetchPositions,
    HistoryPage,
    Request,
)
from common.engine.state import MarketState
from common.ledger.history import BEGINNING, CatchUp
from common.ledger.verify import check
from common.ledger.wallet import WalletWalk

MANY_ORDERS, FEW_ORDERS = 500, 100  # newest ones that are looked at, thoroughly and usually
BOOKS = "books"  # what a look waits for when it is no request: the tables
Script = Generator[int | str, object, tuple[Difference, ...]]
Item = TypeVar("Item")


class Look:
    """Takes one look after another at one market; remembers what the wallet has told."""

    def __init__(
        self, state: MarketState, gateway: Gateway, ledger: Ledger, now: Callable[[], datetime]
    ) -> None:
        self.wallet = WalletWalk()
        self.executions = 0  # in the tables, as last read
        self._kinds: Mapping[str, WalletKind] = {}  # of types of the wallet, as a person has said
        self.token = 0  # of the newest reading of the tables
        self._state = state
        self._gateway = gateway
        self._ledger = ledger
        self._now = now
        self._first: datetime | None = None  # of the account's executions

    def take(self, since: datetime, *, every_row: bool) -> Script:
        """Compare what the exchange, the tables and the screen say; yields what it waits for.

        since: executions are compared one by one from here on. every_row: sums of all rows are
        made anew.
        """
        positions = _only(PositionFigures, (yield from self._ask(FetchPositions())))
        margins = _only(Margin, (yield from self._ask(FetchMargins())))
        yield from self._read_wallet()
        count = MANY_ORDERS if every_row else FEW_ORDERS
        ended = _only(Order, (yield from self._ask(FetchEndedOrders(count))))
        asked_at = self._now()
        orders = _only(Order, (yield from self._ask(FetchOpenOrders())))
        shown, passed_over = self._shown_orders(asked_at)
        executions = yield from self._read_history(since)
        first = yield from self._read_first()
        books = yield from self._read_books(since, every_row)
        self.executions, self._kinds = books.executions, books.wallet_kinds
        wallets = self.wallets()
        truth = ExchangeTruth(since, executions, first, positions, margins, wallets, orders, ended)
        balances = tuple(replace(each) for each in self._state.balances.values())
        return check(truth, books, Memory(balances, shown, passed_over), self.frame())

    def wallets(self) -> dict[str, WalletSums]:
        """Return the sums of the wallets by currency, types counted as a person has said."""
        return {code: sums.resolved(self._kinds) for code, sums in self.wallet.sums.items()}

    def _ask(self, request: Request) -> Generator[int | str, object, object]:
        return (yield self._gateway.request(request))

    def _read_wallet(self) -> Generator[int | str, object, None]:
        self.wallet.begin()
        while (request := self.wallet.next_request()) is not None:
            page = yield from self._ask(request)
            if isinstance(page, WalletPage):
                self.wallet.take(page)
        if self.wallet.unknown:
            self._ledger.keep_wallet(self._state.key, self.wallet.unknown)

    def _read_history(self, since: datetime) -> Generator[int | str, object, tuple[Executed, ...]]:
        pages = CatchUp(None if since == BEGINNING else since, None, self._now())
        found: dict[str, Executed] = {}
        while (request := pages.next_request()) is not None:
            page = yield from self._ask(request)
            if isinstance(page, HistoryPage):
                for execution in pages.take(page):
                    found[execution.exec_id] = replace(execution, raw="", text="")
        return tuple(found.values())

    def _read_first(self) -> Generator[int | str, object, datetime | None]:
        if self._first is None:
            page = yield from self._ask(FetchHistory(BEGINNING, 0))
            if isinstance(page, HistoryPage):
                self._first = min((e.at for e in page.executions), default=None)
        return self._first

    def _read_books(
        self, since: datetime, every_row: bool
    ) -> Generator[int | str, object, BooksRead]:
        self.token += 1
        self._ledger.read(self._state.key, since, self.token, every_row)
        answer = yield BOOKS
        if not isinstance(answer, BooksRead):
            raise TypeError(f"the ledger answered with {type(answer).__name__}")
        return answer

    def _shown_orders(self, asked_at: datetime) -> tuple[tuple[OpenOrder, ...], frozenset[str]]:
        """Return the orders shown, and those that changed after the exchange was asked."""
        orders = [order for order in self._state.orders if order.order_id]
        changed = [o.order_id for o in orders if o.at > asked_at or under_way(o)]
        return tuple(_open_order(order) for order in orders), frozenset(changed)

    def frame(self) -> Frame:
        """Return the decimal places of currencies, and what each spot pair is in."""
        wallets = {currency.major: code for code, currency in self._state.currencies.items()}
        bases: dict[Symbol, str] = {
            symbol: wallets[instrument.base_currency]
            for symbol, instrument in self._state.instruments.items()
            if symbol.category is Category.SPOT and instrument.base_currency in wallets
        }
        scales = {code: currency.scale for code, currency in self._state.currencies.items()}
        return Frame(scales, bases)


def under_way(order: LiveOrder) -> bool:
    """Tell whether something about an order is not decided yet."""
    pending = order.phase in (Phase.PENDING, Phase.UNKNOWN)
    return pending or order.amending is not None or order.cancel_sent


def _open_order(order: LiveOrder) -> OpenOrder:
    return OpenOrder(
        order.order_id,
        order.emi,
        order.symbol,
        order.side,
        order.price,
        order.quantity,
        order.leaves,
    )


def _only(kind: type[Item], value: object) -> tuple[Item, ...]:
    found = value if isinstance(value, tuple) else ()
    return tuple(each for each in found if isinstance(each, kind))
