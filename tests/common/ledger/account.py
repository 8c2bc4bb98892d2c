"""A small account that is traded on, and the books of it: both sides of a verification."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from common.domain.account import Margin, PositionFigures, WalletChange, WalletKind
from common.domain.books import Balance, Entry
from common.domain.executions import Executed, ExecutionKind
from common.domain.instruments import Symbol
from common.domain.orders import Order, Phase, Side
from common.domain.verification import (
    BooksRead,
    CoinRow,
    Difference,
    ExchangeTruth,
    Frame,
    JournalRow,
    Memory,
    OpenOrder,
)
from common.ledger.account_books import BalanceKey
from common.ledger.booking import Standing, book
from common.ledger.verify import check
from common.ledger.wallet import add_up
from tests.common.ledger.support import START, XBT_USDT, XBTUSD, XBTUSDT, funding, settlement, trade

SCALES = {"XBt": 8, "USDt": 6}
BASES = {XBT_USDT: "XBt"}
CURRENCY = {XBTUSD: "XBt", XBTUSDT: "USDt"}
BOTS = {"a": XBTUSD, "b": XBTUSD, "c": XBTUSDT}


class Account:
    """The exchange keeps positions by average cost; the books are made by `book` alone."""

    def __init__(self) -> None:
        self.executions: list[Executed] = []
        self.changes: list[WalletChange] = []
        self.orders: list[Order] = []
        self.entries: list[Entry] = []
        self.journal: list[JournalRow] = []
        self.balances: dict[BalanceKey, Balance] = {}
        self.quantity: dict[Symbol, int] = defaultdict(int)
        self.cost: dict[Symbol, int] = defaultdict(int)
        self.wallet: dict[str, int] = defaultdict(int)

    # ---- what happens on the exchange ------------------------------------------------------

    def deposit(self, currency: str, amount: int) -> None:
        self._change(currency, WalletKind.EXTERNAL, amount)

    def trade(self, emi: str, quantity: int, cost: int, fee: int, symbol: Symbol = XBTUSD) -> None:
        number = len(self.executions) + 1
        self._happens(
            trade(
                number,
                quantity,
                cl_ord_id=f"{number}.{emi}" if emi else "",
                symbol=symbol,
                cost=cost,
                fee=fee,
                currency=CURRENCY[symbol],
            )
        )

    def spot(self, emi: str, quantity: int, cost: int, fee: int) -> None:
        number = len(self.executions) + 1
        fill = trade(
            number,
            quantity,
            cl_ord_id=f"{number}.{emi}",
            symbol=XBT_USDT,
            cost=cost,
            fee=fee,
            currency="USDt",
        )
        fill = replace(fill, base_delta=quantity, base_currency="XBt")
        self._change("XBt", WalletKind.SPOT, quantity)
        self._change("USDt", WalletKind.SPOT, -cost - fee)
        self._write(fill)

    def fund(self, fee: int, symbol: Symbol = XBTUSD) -> None:
        if self.quantity[symbol]:
            number = len(self.executions) + 1
            paid = funding(number, self.quantity[symbol], fee, symbol=symbol)
            paid = replace(paid, currency=CURRENCY[symbol], fee_currency=CURRENCY[symbol])
            self._change(paid.currency, WalletKind.FUNDING, -fee)
            self._write(paid)

    def settle(self, cost: int) -> None:
        if self.quantity[XBTUSD]:
            self._happens(settlement(len(self.executions) + 1, self.quantity[XBTUSD], cost))

    def order(self, emi: str = "a", quantity: int = 100, filled: int = 0) -> Order:
        number = len(self.orders) + 900
        at = START + timedelta(seconds=number)
        order = Order(
            order_id=f"open-{number}",
            cl_ord_id=f"{number}.{emi}",
            symbol=XBTUSD,
            side=Side.BUY,
            price=Decimal("49000"),
            stop_price=None,
            quantity=quantity,
            filled=filled,
            leaves=quantity - filled,
            kind="Limit",
            phase=Phase.OPEN,
            text="",
            at=at,
        )
        self.orders.append(order)
        return order

    def _happens(self, fill: Executed) -> None:
        assert fill.side is not None
        symbol, signed, cost = fill.symbol, fill.side.sign * fill.quantity, fill.cost
        held, profit = self.quantity[symbol], 0
        if held * signed < 0:
            closing = min(abs(held), abs(signed))
            released = self.cost[symbol] * closing // abs(held)
            leaving = cost * closing // abs(signed)
            profit = -(released + leaving)
            self.cost[symbol] += cost - leaving - released
        else:
            self.cost[symbol] += cost
        self.quantity[symbol] += signed
        if profit - fill.fee:
            self._change(fill.currency, WalletKind.RESULT, profit - fill.fee)
        self._write(fill)

    def _change(self, currency: str, kind: WalletKind, amount: int) -> None:
        self.wallet[currency] += amount
        at = START + timedelta(seconds=len(self.executions) + 1)
        number = len(self.changes)
        change = WalletChange(f"w{number}", currency, kind, amount, self.wallet[currency], at)
        self.changes.append(change)

    # ---- what the books make of it ---------------------------------------------------------

    def _write(self, execution: Executed) -> None:
        self.executions.append(execution)
        held = {
            emi: balance.position
            for (emi, symbol, _), balance in self.balances.items()
            if symbol == execution.symbol and balance.position
        }
        entries = book(execution, Standing(BOTS, held, SCALES))
        for entry in entries:
            key = (entry.emi, entry.symbol, entry.currency)
            self.balances.setdefault(key, Balance(*key)).add(entry)
        self.entries += entries
        self.journal.append(
            JournalRow(
                execution.exec_id,
                execution.kind,
                execution.symbol,
                execution.currency,
                execution.cost,
                execution.fee_currency,
                execution.fee,
                len(entries),
                execution.at,
            )
        )

    # ---- the sides of the verification -----------------------------------------------------

    def truth(self) -> ExchangeTruth:
        return ExchangeTruth(
            since=START,
            executions=tuple(self.executions),
            first=min((e.at for e in self.executions), default=None),
            positions=tuple(self._position(symbol) for symbol in (XBTUSD, XBTUSDT)),
            margins=tuple(self._margin(currency) for currency in SCALES),
            wallets=add_up(self.changes),
            orders=tuple(self.orders),
        )

    def books(self) -> BooksRead:
        return BooksRead(
            journal=tuple(self.journal),
            rows=tuple(coin(entry) for entry in self.entries),
            balances=tuple(self.balances.values()),
            first=min((e.at for e in self.executions), default=None),
            executions=len(self.journal),
        )

    def memory(self) -> Memory:
        return Memory(
            balances=tuple(replace(balance) for balance in self.balances.values()),
            orders=tuple(
                OpenOrder(o.order_id, "a", o.symbol, o.side, o.price, o.quantity, o.leaves)
                for o in self.orders
            ),
        )

    def check(
        self,
        truth: ExchangeTruth | None = None,
        books: BooksRead | None = None,
        memory: Memory | None = None,
    ) -> tuple[Difference, ...]:
        """Compare both sides, either of them changed by the test."""
        return check(
            truth or self.truth(),
            books or self.books(),
            memory or self.memory(),
            Frame(SCALES, BASES),
        )

    def _position(self, symbol: Symbol) -> PositionFigures:
        cost = self.cost[symbol]
        return PositionFigures(
            symbol=symbol,
            currency=CURRENCY[symbol],
            quantity=self.quantity[symbol],
            unrealised_cost=cost,
            unrealised_pnl=17,
            mark_value=cost + 17,
            current_cost=cost + 30,
            realised_cost=30,
            current_comm=4,
            realised_pnl=-34,
        )

    def _margin(self, currency: str) -> Margin:
        wallet = self.wallet[currency]
        return Margin(currency, wallet, wallet + 17, wallet, 17, 0, None, wallet)


def coin(entry: Entry) -> CoinRow:
    """Return a row whose decimal columns say what its integers say."""
    return CoinRow(
        entry,
        Decimal(entry.sum_real).scaleb(-entry.scale),
        Decimal(entry.commission).scaleb(-entry.scale),
    )


def busy() -> Account:
    """Return an account after a session with everything in it."""
    account = Account()
    account.deposit("XBt", 10**8)
    account.deposit("USDt", 10**10)
    account.trade("a", 300, -600_001, 45)
    account.trade("b", -469, 938_777, 70)
    account.trade("", 100, -200_020, 15)
    account.trade("a", -120, 250_000, 18)
    account.trade("c", 1000, 86_000_000, 43_000, XBTUSDT)
    account.trade("", -400, -34_600_000, 17_300, XBTUSDT)
    account.spot("x", 5_000, 4_300_000, 4_300)
    account.fund(-182)
    account.fund(5_001, XBTUSDT)
    account.order()
    account.deposit("USDt", -(10**6))
    return account


def kinds(account: Account) -> set[ExecutionKind]:
    return {e.kind for e in account.executions}
