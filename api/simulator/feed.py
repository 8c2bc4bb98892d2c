"""Table events of what happened: own rows when they happen, the market as differences.

Orders and executions leave at `flush`, once per operation, so that an order that fills at once
is one insert in its final state. Books, quotes, instruments, positions and margins are compared
with what was last shown when events are drained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.simulator.accounts import Account
from api.simulator.margin import margin, open_orders
from api.simulator.ports import Action, Row, TableEvent
from api.simulator.rows import margin_row, order_row, position_row, report_row, wallet_row
from api.simulator.shown import Shown
from api.simulator.times import iso

if TYPE_CHECKING:
    from api.simulator.exchange import Exchange
    from api.simulator.instruments import Instrument
    from api.simulator.orders import Order

_ALWAYS = {
    "order": ("orderID", "clOrdID", "account", "symbol", "timestamp"),
    "position": (
        "account",
        "symbol",
        "strategy",
        "currency",
        "currentQty",
        "markPrice",
        "liquidationPrice",
        "timestamp",
    ),
    "margin": ("account", "currency", "timestamp"),
    "wallet": ("account", "currency", "timestamp"),
}


class Feed:
    """Collects the events of all tables until they are drained."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.shown = Shown(exchange)
        self._events: list[TableEvent] = []
        self._orders: dict[str, tuple[Account, Order]] = {}
        self._executions: dict[int, list[Row]] = {}
        self._trades: dict[str, list[Row]] = {}
        self._positions: dict[tuple[int, str], None] = {}
        self._margins: dict[int, None] = {}
        self._rows: dict[tuple[str, int, str], Row] = {}  # own rows as last shown

    def order(self, account: Account, order: Order) -> None:
        """Note that an order of a customer changed."""
        order.updated = self._exchange.time
        self._orders[order.order_id] = (account, order)
        self.position(account, order.symbol)

    def position(self, account: Account, symbol: str) -> None:
        """Note that a position, or the orders counted in it, changed."""
        if not account.house:
            position = account.position(self._exchange.instruments[symbol].contract)
            position.touched = position.touched or self._exchange.time
            self._positions[account.number, symbol] = None
            self._margins[account.number] = None

    def report(self, account: Account, order: Order, exec_type: str) -> Row:
        """Record an execution report without a fill."""
        exchange = self._exchange
        contract = exchange.instruments[order.symbol].contract
        row = report_row(order, contract, exchange.ids.execution(), exec_type, exchange.time)
        self.execution(account, row)
        return row

    def execution(self, account: Account, row: Row) -> None:
        """Record an execution of a customer."""
        account.record(row)
        self._executions.setdefault(account.number, []).append(row)

    def transaction(
        self, account: Account, currency: str, kind: str, amount: int, balance: int, **more: object
    ) -> None:
        """Record a change of a customer's wallet."""
        now = iso(self._exchange.time)
        row: Row = {
            "transactID": self._exchange.ids.ledger(),
            "account": account.number,
            "currency": currency,
            "transactType": kind,
            "transactStatus": "Completed",
            "amount": amount,
            "walletBalance": balance,
            **more,
            "transactTime": now,
            "timestamp": now,
        }
        account.transactions.append(row)
        self._margins[account.number] = None
        self._events.append(TableEvent("transact", Action.INSERT, [row], account.number))

    def trade(self, instrument: Instrument, row: Row) -> None:
        """Record a public trade."""
        instrument.trades.append(row)
        self._trades.setdefault(instrument.symbol, []).append(row)

    def public(self, table: str, action: Action, rows: list[Row]) -> None:
        """Record rows of a public table as they are."""
        self._events.append(TableEvent(table, action, rows))

    def flush(self) -> None:
        """End an operation: emit its orders, executions and trades."""
        for account, order in self._orders.values():
            self._publish_order(account, order)
        self._orders.clear()
        for number, rows in self._executions.items():
            self._events.append(TableEvent("execution", Action.INSERT, rows, number))
        self._executions = {}
        for symbol, rows in self._trades.items():
            if self.shown.wants("trade", symbol):
                self._events.append(TableEvent("trade", Action.INSERT, rows))
        self._trades = {}

    def drain(self) -> list[TableEvent]:
        """Return all events since the last call."""
        self.flush()
        self._publish_accounts()
        events = self._events + self.shown.market_events()
        self._events = []
        return events

    def introduce(self, account: Account) -> None:
        """Take note of an account as it is, so that later changes of it are updates."""
        self._margins[account.number] = None
        for symbol, position in account.positions.items():
            if position.touched:
                self._positions[account.number, symbol] = None

    def position_rows(self, account: Account) -> list[Row]:
        """Return all positions ever touched, as they are now."""
        positions = account.positions.items()
        return [self.position_row(account, symbol) for symbol, p in positions if p.touched]

    def position_row(self, account: Account, symbol: str) -> Row:
        """Return one position as it is now."""
        exchange = self._exchange
        instrument = exchange.instruments[symbol]
        position = account.position(instrument.contract)
        balance = margin(account, instrument.contract.money, exchange.instruments, exchange.time)
        orders = open_orders(account, instrument.contract)
        return position_row(position, account, instrument, orders, balance, exchange.time)

    def margin_rows(self, account: Account) -> list[Row]:
        """Return the margin accounts of all currencies."""
        exchange = self._exchange
        return [
            margin_row(
                account,
                currency,
                margin(account, currency, exchange.instruments, exchange.time),
                exchange.time,
            )
            for currency in account.wallet
        ]

    def wallet_rows(self, account: Account) -> list[Row]:
        """Return the wallets of all currencies."""
        return [wallet_row(account, c, self._exchange.time) for c in account.wallet]

    def own_rows(self, table: str, account: Account) -> list[Row]:
        """Return the image of a table of an account; of executions there is none."""
        if table == "order":
            return [order.published for order in account.open_orders() if order.published]
        if table == "position":
            return self.position_rows(account)
        if table == "margin":
            return self.margin_rows(account)
        return self.wallet_rows(account) if table == "wallet" else []

    def _publish_order(self, account: Account, order: Order) -> None:
        contract = self._exchange.instruments[order.symbol].contract
        row = order_row(order, contract)
        if order.published is None:
            self._events.append(TableEvent("order", Action.INSERT, [row], account.number))
        elif change := _difference("order", order.published, row):
            self._events.append(TableEvent("order", Action.UPDATE, [change], account.number))
        order.published = row

    def _publish_accounts(self) -> None:
        for number in self._margins:  # a change of the balance moves every liquidation price
            for symbol, position in self._exchange.accounts[number].positions.items():
                if position.quantity:
                    self._positions[number, symbol] = None
        for number, symbol in self._positions:
            self._publish_position(self._exchange.accounts[number], symbol)
        for number in self._margins:
            account = self._exchange.accounts[number]
            for row in self.margin_rows(account):
                self._publish("margin", number, str(row["currency"]), row)
            for row in self.wallet_rows(account):
                self._publish("wallet", number, str(row["currency"]), row)
        self._positions.clear()
        self._margins.clear()

    def _publish_position(self, account: Account, symbol: str) -> None:
        row, position = self.position_row(account, symbol), account.positions[symbol]
        before = self._rows.get(("position", account.number, symbol))
        if before is None or _difference("position", before, row) is not None:
            if before is not None:
                position.touched = self._exchange.time
                row["timestamp"] = iso(position.touched)
            self._publish("position", account.number, symbol, row)

    def _publish(self, table: str, number: int, key: str, row: Row) -> None:
        before = self._rows.get((table, number, key))
        self._rows[table, number, key] = row
        if before is None:
            self._events.append(TableEvent(table, Action.INSERT, [row], number))
        elif change := _difference(table, before, row):
            self._events.append(TableEvent(table, Action.UPDATE, [change], number))


def _difference(table: str, before: Row, after: Row) -> Row | None:
    """Return the key columns and the changed ones; None for a column that became empty."""
    always = _ALWAYS[table]
    change: Row = {name: after[name] for name in always if name in after}
    changed = False
    for name in {**before, **after}:
        if name != "timestamp" and before.get(name) != after.get(name):
            change[name] = after.get(name)
            changed = True
    return change if changed else None
