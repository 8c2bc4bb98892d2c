"""The order calls of a strategy, on the worker's side: checked here, decided by the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal

from bots import dialect
from bots.channel import OrderCall
from bots.packed_orders import PackedOrder, order_values, order_view
from common.domain.instruments import Symbol
from common.domain.orders import Side
from common.engine.bot_items import BotAnswer, OrderView, RobotView
from common.errors import OrderRefused
from common.variables import Variables

Number = float | int | Decimal


class OrderTable:
    """Keeps `Variables.orders`: a new dict at every change, so that loops over it are safe."""

    def __init__(self) -> None:
        self._told: dict[str, PackedOrder] = {}  # at the beginning of the call
        self._views: dict[str, OrderView | None] = {}  # changed since; None: gone

    def replace(self, told: dict[str, PackedOrder]) -> None:
        """Take the open orders as they stand at the beginning of a call."""
        self._told, self._views = told, {}
        Variables.orders = {key: order_values(row) for key, row in self._told.items()}

    def get(self, cl_ord_id: str) -> OrderView | None:
        """Return an order as the terminal told it, whatever the strategy did to its dicts."""
        if cl_ord_id in self._views:
            return self._views[cl_ord_id]
        row = self._told.get(cl_ord_id)
        return None if row is None else order_view(row)

    def update(self, asked_for: str, answer: BotAnswer) -> None:
        """Take the answer to an order call in; `asked_for` is the order it named."""
        orders = dict(Variables.orders)
        if answer.order is not None:
            self._views[answer.order.cl_ord_id] = answer.order
            orders[answer.order.cl_ord_id] = dialect.order_dict(answer.order)
        for gone in {asked_for, answer.cl_ord_id} - {answer.order and answer.order.cl_ord_id, ""}:
            self._views[gone] = None
            orders.pop(gone, None)
        Variables.orders = orders


class TrialDesk:
    """Answers the order calls of a trial: every one succeeds, in the table alone."""

    def __init__(self, table: OrderTable) -> None:
        self._table = table
        self._number = 0

    def answer(self, call: OrderCall) -> BotAnswer:
        """Return what the terminal would say if it accepted the call."""
        order = self._table.get(call.cl_ord_id)
        if call.verb == "del" or call.price is None or call.quantity is None:
            return BotAnswer(call.cl_ord_id if order else "", None)
        if call.verb == "put":
            if order is None:
                return BotAnswer("", None, "the order is no longer open")
            moved = replace(order, price=call.price, leaves=call.quantity)
            return BotAnswer(call.cl_ord_id, moved)
        if call.symbol is None or call.side is None:
            return BotAnswer("", None, "an order needs symbol and side")
        self._number += 1
        placed = OrderView(
            cl_ord_id=f"trial{self._number}.{call.on_behalf_of}",
            emi=call.on_behalf_of,
            symbol=call.symbol,
            side=call.side,
            price=call.price,
            leaves=call.quantity,
            market=call.market,
            at=datetime.now(timezone.utc),
        )
        return BotAnswer(placed.cl_ord_id, placed)


class MarketDesk:
    """What `Websockets.connect[market]` holds in a worker; satisfies `functions.OrderDesk`.

    `ask` puts an order call to the terminal and returns its answer; `refuse` reports one that was
    not put at all. Both raise nothing.
    """

    def __init__(
        self,
        market: str,
        views: Mapping[str, RobotView],
        table: OrderTable,
        ask: Callable[[OrderCall], BotAnswer],
        refuse: Callable[[str], None],
    ) -> None:
        self._market = market
        self._views = views
        self._table = table
        self._ask = ask
        self._report = refuse
        self.refusal = ""  # why the last call returned "", in words

    def __repr__(self) -> str:
        return f"<order desk of {self._market}>"

    def post_order(
        self, *, name: str, symbol: str, emi: str, side: str, price: Number, qty: Number
    ) -> str:
        """Place a limit order; return its clOrdID, "" when it was refused."""
        try:
            if name != self._market:
                raise OrderRefused(f"{self!r} cannot trade on {name!r}")
            call = OrderCall(
                verb="post",
                market=self._market,
                symbol=self._symbol(symbol, emi),
                on_behalf_of=emi,
                side=_side(side),
                price=dialect.price(price),
                quantity=dialect.contracts(qty),
                cl_ord_id="",
            )
        except OrderRefused as error:
            self._refuse(f"post_order: {error}")
            return ""
        return self._put_to_terminal(call)

    def put_order(self, *, clOrdID: str, price: Number, qty: Number) -> str:  # noqa: N803 - API
        """Move an order; return its clOrdID, "" when that was refused."""
        try:
            call = self._change("put", clOrdID, dialect.price(price), dialect.contracts(qty))
        except OrderRefused as error:
            self._refuse(f"put_order: {error}")
            return ""
        order = self._table.get(clOrdID)
        if order and (order.price, order.leaves) == (call.price, call.quantity):
            return clOrdID  # it stands so already
        return self._put_to_terminal(call)

    def del_order(self, *, clOrdID: str) -> str:  # noqa: N803 - API
        """Cancel an order; return its clOrdID, "" when that was refused."""
        try:
            call = self._change("del", clOrdID, None, None)
        except OrderRefused as error:
            self._refuse(f"del_order: {error}")
            return ""
        return self._put_to_terminal(call)

    def _change(
        self, verb: str, cl_ord_id: object, price: Decimal | None, quantity: int | None
    ) -> OrderCall:
        if not isinstance(cl_ord_id, str) or not cl_ord_id:
            raise OrderRefused(f"clOrdID must be the text of an order's key, not {cl_ord_id!r}")
        return OrderCall(verb, self._market, None, "", None, price, quantity, cl_ord_id)

    def _symbol(self, ticker: object, emi: object) -> Symbol:
        """Return the symbol meant by a ticker: of the bot named, else of any bot of the market."""
        if not isinstance(emi, str) or not isinstance(ticker, str):
            raise OrderRefused(f"symbol and emi must be texts, not {ticker!r} and {emi!r}")
        named = self._views.get(emi)
        candidates = [named] if named else []
        for view in [*candidates, *self._views.values()]:
            symbol = view.robot.symbol
            if symbol.ticker == ticker and view.robot.market == self._market:
                return symbol
        raise OrderRefused(f"no bot of {self._market} trades {ticker!r}")

    def _put_to_terminal(self, call: OrderCall) -> str:
        answer = self._ask(call)
        self._table.update(call.cl_ord_id, answer)
        self.refusal = "" if answer.cl_ord_id else answer.reason
        return answer.cl_ord_id

    def _refuse(self, text: str) -> None:
        self.refusal = text
        self._report(text)


def _side(side: object) -> Side:
    try:
        return Side(side)
    except ValueError:
        raise OrderRefused(f'side must be "Buy" or "Sell", not {side!r}') from None
