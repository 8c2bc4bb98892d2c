"""What places and changes orders, and the switch that cancels them all later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from api.bitmex.wire import Row, as_object, parse_time
from common.domain.orders import Order
from common.engine.requests import ArmSwitch, DisarmSwitch, Permit, SendAmend, SendOrder
from common.errors import OutcomeUnknown, ProtocolError

_SWITCH = "/order/cancelAllAfter"


class SendsOrders(Protocol):
    """What sends orders."""

    def order(
        self, verb: str, path: str, body: Mapping[str, object], permit: Permit | None = None
    ) -> object:
        """Send a POST or PUT, once. Withdrawn: its permit was taken back before it was written."""

    def switch(self, path: str, body: Mapping[str, object]) -> object:
        """Send a POST that may be repeated and that no limit holds back."""


class OrderCalls:
    """Sends orders and changes of them, each once, and reads the answers."""

    def __init__(self, client: SendsOrders, order_of: Callable[[Row], Order]) -> None:
        self._client = client
        self._order_of = order_of

    def send(self, request: SendOrder) -> Order:
        """Place a limit order."""
        body = {
            "symbol": request.symbol.ticker,
            "side": request.side.value,
            "orderQty": request.quantity,
            "price": request.price,
            "ordType": "Limit",
            "clOrdID": request.cl_ord_id,
        }
        return self._answered(self._client.order("POST", "/order", body, request.permit))

    def amend(self, request: SendAmend) -> Order:
        """Change an order. orderQty is the total: a rest (leavesQty) would revive a filled one."""
        own, number = request.order_id, request.cl_ord_id
        body: dict[str, object] = {"orderID": own} if own else {"origClOrdID": number}
        if request.quantity is not None:
            body["orderQty"] = request.quantity
        if request.price is not None:
            body["price"] = request.price
        return self._answered(self._client.order("PUT", "/order", body, request.permit))

    def arm_switch(self, request: ArmSwitch) -> datetime:
        """Have the exchange cancel all orders later; return when."""
        answer = as_object(self._client.switch(_SWITCH, {"timeout": request.seconds * 1000}))
        return parse_time(answer.get("cancelTime"), "cancelTime")

    def disarm_switch(self, _: DisarmSwitch) -> None:
        """Have the exchange cancel nothing."""
        self._client.switch(_SWITCH, {"timeout": 0})

    def _answered(self, answer: object) -> Order:
        """Read the answer of an order that was accepted: whatever it says, it may be live."""
        try:
            return self._order_of(as_object(answer))
        except ProtocolError as error:
            raise OutcomeUnknown(f"accepted, but the answer cannot be read: {error}") from error
