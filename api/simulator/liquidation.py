"""Liquidation: what happens to an account whose margin no longer covers its positions."""

from __future__ import annotations

from api.simulator.accounts import EXCHANGE_ACCOUNT, Account
from api.simulator.contracts import BUY, MILLION, SELL, SIDE_NAMES
from api.simulator.engine import Engine
from api.simulator.exchange import MARGIN_CURRENCIES, Exchange
from api.simulator.margin import maintenance_margin, maintenance_ppm, margin
from api.simulator.orders import Order
from api.simulator.ports import Action, Row


class Liquidation:
    """Takes over positions that an account can no longer afford."""

    def __init__(self, exchange: Exchange, engine: Engine) -> None:
        self._exchange = exchange
        self._engine = engine

    def check(self) -> None:
        """Liquidate every account that is below its maintenance margin.

        First its orders go, then its positions are closed at the market. What is lost beyond the
        wallet is paid by the exchange. An isolated position is closed alone as soon as its own
        margin no longer covers it.
        """
        for account in self._exchange.customers():
            self._check_isolated(account)
            for currency in MARGIN_CURRENCIES:
                if self._is_short(account, currency):
                    self._cancel_orders(account, currency)
                    if self._is_short(account, currency):
                        self._close_positions(account, currency)
                        self._absorb(account, currency)

    def _check_isolated(self, account: Account) -> None:
        for symbol, position in list(account.positions.items()):
            if position.quantity and position.leverage:
                instrument = self._exchange.instruments[symbol]
                profit = instrument.signed_value(position.quantity) - position.cost
                bound = maintenance_margin(position, instrument.funding_ppm(self._exchange.time))
                required = abs(position.cost) * maintenance_ppm(position) // MILLION
                if instrument.is_open and bound + profit < required:
                    self._engine.cancel_symbol(account, symbol, "Canceled: Liquidation")
                    self._close(account, symbol, position.quantity)

    def take_over(self, account: Account) -> None:
        """Liquidate an account whatever its margin."""
        for currency in MARGIN_CURRENCIES:
            self._cancel_orders(account, currency)
            self._close_positions(account, currency)
            self._absorb(account, currency)

    def _is_short(self, account: Account, currency: str) -> bool:
        exchange = self._exchange
        state = margin(account, currency, exchange.instruments, exchange.time)
        return state.maintenance > 0 and state.balance < state.maintenance

    def _cancel_orders(self, account: Account, currency: str) -> None:
        for order in account.open_orders():
            contract = self._exchange.instruments[order.symbol].contract
            if order.is_open and contract.money == currency:
                self._engine.cancel(account, order, "Canceled: Liquidation")

    def _close_positions(self, account: Account, currency: str) -> None:
        for symbol, position in list(account.positions.items()):
            if position.quantity and position.contract.money == currency:
                self._close(account, symbol, position.quantity)

    def _close(self, account: Account, symbol: str, held: int) -> None:
        exchange = self._exchange
        instrument = exchange.instruments[symbol]
        order = Order(
            order_id=exchange.ids.order(),
            number=exchange.ids.number(),
            account=account.number,
            symbol=symbol,
            side=SELL if held > 0 else BUY,
            quantity=abs(held),
            leaves=abs(held),
            ticks=None,
            kind="Market",
            time_in_force="ImmediateOrCancel",
            text="Liquidation",
            transacted=exchange.time,
            updated=exchange.time,
        )
        row: Row = {
            "orderID": order.order_id,
            "symbol": symbol,
            "side": SIDE_NAMES[order.side],
            "price": instrument.mark / instrument.contract.mark_scale,
            "leavesQty": order.leaves,
        }
        exchange.feed.public("liquidation", Action.INSERT, [row])
        self._engine.accept(account, order)
        exchange.feed.public("liquidation", Action.DELETE, [{"orderID": order.order_id}])

    def _absorb(self, account: Account, currency: str) -> None:
        """Let the exchange pay what the account lost beyond its wallet."""
        flat = not any(
            p.quantity for p in account.positions.values() if p.contract.money == currency
        )
        deficit = -account.wallet.get(currency, 0)
        if flat and deficit > 0:
            self._exchange.house.credit(currency, -deficit)
            self._exchange.journal.transfer(EXCHANGE_ACCOUNT, account.number, currency, deficit)
            balance = account.credit(currency, deficit)
            self._exchange.feed.transaction(account, currency, "Transfer", deficit, balance)
