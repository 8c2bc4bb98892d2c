"""Routes that trade: new, amend, cancel, dead man's switch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from api.simulator.accounts import Account
from api.simulator.engine import Engine
from api.simulator.exchange import Exchange
from api.simulator.orders import Order
from api.simulator.parameters import Parameters
from api.simulator.ports import Json, Row
from api.simulator.position_routes import PositionRoutes
from api.simulator.queries import resolve
from api.simulator.refusals import Refused, invalid
from api.simulator.rows import order_row
from api.simulator.times import iso

_SIDE_OF = {"Buy": 1, "Sell": -1}


class OrderRoutes:
    """Answers the requests of traders."""

    def __init__(self, exchange: Exchange, engine: Engine) -> None:
        self._exchange = exchange
        self._engine = engine

    def table(self) -> Mapping[tuple[str, str], Callable[[Account, Parameters], Json]]:
        """Return the handlers by method and path."""
        return {
            ("POST", "/order"): self.place,
            ("PUT", "/order"): self.amend,
            ("DELETE", "/order"): self.cancel,
            ("DELETE", "/order/all"): self.cancel_all,
            ("POST", "/order/cancelAllAfter"): self.cancel_all_after,
            ("POST", "/order/closePosition"): self.close_position,
            **PositionRoutes(self._exchange).table(),
        }

    def place(self, account: Account, given: Parameters) -> Row:
        """Place an order."""
        return self._row(self._engine.place(account, given))

    def amend(self, account: Account, given: Parameters) -> Row:
        """Amend an order named by orderID or origClOrdID."""
        order_id, client_id = given.text("orderID"), given.text("origClOrdID")
        if order_id is None and client_id is None:
            raise Refused("orderID or origClOrdID must be sent.")
        order = self._find(account, order_id, client_id)
        if order is None:
            name = "orderID" if order_id is not None else "origClOrdID"
            raise Refused(f"Invalid {name}")
        self._engine.amend(account, order, given)
        return self._row(order)

    def cancel(self, account: Account, given: Parameters) -> list[Row]:
        """Cancel orders; every one asked for has its own element, with an error if it failed."""
        by_id, by_client = given.texts("orderID"), given.texts("clOrdID")
        if not by_id and not by_client:
            raise Refused("orderID or clOrdID must be sent.")
        note = given.text("text")
        canceled = [self._cancel_one(account, name, None, note) for name in by_id]
        return canceled + [self._cancel_one(account, None, name, note) for name in by_client]

    def cancel_all(self, account: Account, given: Parameters) -> list[Row]:
        """Cancel all open orders, perhaps of one symbol or side only."""
        symbol, conditions = given.text("symbol"), given.mapping("filter")
        side = conditions.get("side")
        if side is not None and side not in _SIDE_OF:
            raise invalid("filter columns are not valid")
        symbol = resolve(self._exchange, symbol)
        if symbol is not None and symbol not in self._exchange.instruments:
            raise Refused("Invalid symbol")
        canceled = []
        for order in account.open_orders(symbol):
            if order.is_open and (side is None or _SIDE_OF[str(side)] == order.side):
                self._engine.cancel(account, order, _reason(given.text("text")))
                canceled.append(self._row(order))
        return canceled

    def cancel_all_after(self, account: Account, given: Parameters) -> Row:
        """Arm or disarm the timer that cancels all orders."""
        timeout = given.integer("timeout")
        if timeout is None or timeout < 0:
            raise invalid("timeout is invalid")
        now = self._exchange.time
        account.cancel_at = now + timeout if timeout else None
        return {"now": iso(now), "cancelTime": iso(now + timeout) if timeout else 0}

    def close_position(self, account: Account, given: Parameters) -> Row:
        """Close a position with a market order, or at a limit price."""
        values: Row = {"symbol": given.text("symbol"), "execInst": "Close"}
        if "price" in given:
            values["price"] = given.text("price")
        return self._row(self._engine.place(account, Parameters(values)))

    def _cancel_one(
        self, account: Account, order_id: str | None, client_id: str | None, note: str | None
    ) -> Row:
        order = self._find(account, order_id, client_id)
        if order is not None and order.is_open:
            self._engine.cancel(account, order, _reason(note))
            return self._row(order)
        now = iso(self._exchange.time)
        if order is not None:
            error = f"Unable to cancel order due to existing state: {order.status}"
            return {**self._row(order), "error": error}
        stub: Row = {"account": account.number}
        stub |= {"orderID": order_id} if order_id is not None else {"clOrdID": client_id}
        return stub | {
            "error": "Unable to cancel order: Not found or not owned by user",
            "workingIndicator": False,
            "transactTime": now,
            "timestamp": now,
        }

    @staticmethod
    def _find(account: Account, order_id: str | None, client_id: str | None) -> Order | None:
        """Return an order; of several with one clOrdID the open one, else the latest."""
        if order_id is not None:
            return account.orders.get(order_id)
        found = [order for order in account.open_orders() if order.client_id == client_id]
        if not found:
            found = [order for order in account.orders.values() if order.client_id == client_id]
        return found[-1] if found else None

    def _row(self, order: Order) -> Row:
        row = order_row(order, self._exchange.instruments[order.symbol].contract)
        return dict(sorted(row.items()))


def _reason(note: str | None) -> str:
    return f"Canceled: {note}" if note else "Canceled\nCanceled via API."
