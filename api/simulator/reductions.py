"""Orders that may only reduce a position: cut or canceled where they exceed it."""

from __future__ import annotations

from api.simulator.accounts import Account
from api.simulator.contracts import Contract
from api.simulator.order_states import OrderStates
from api.simulator.orders import Order


class Reductions:
    """Keeps what reduces a position within it."""

    def __init__(self, states: OrderStates) -> None:
        self._states = states

    def shrink(self, account: Account, contract: Contract) -> None:
        """Cut or cancel resting reduce-only orders that together exceed the position.

        The least aggressive go first, the later of two at one price.
        """
        orders = account.open_orders(contract.symbol)
        reducing = [order for order in orders if order.reduces_only and order.resting is not None]
        if not reducing:
            return
        held = account.position(contract).quantity
        room = abs(held)
        for order in sorted(reducing, key=lambda order: -order.side * (order.ticks or 0)):
            if held * order.side >= 0 or not room:
                self.cancel(account, order)
                continue
            if order.leaves > room:
                self._states.cut(account, order, room)
            room -= order.leaves

    def cancel_beyond_position(self, account: Account, contract: Contract, closing: Order) -> None:
        """Cancel other orders of a Close order's side that together exceed the position."""
        held = abs(account.position(contract).quantity)
        others = [
            order
            for order in account.open_orders(closing.symbol)
            if order.side == closing.side and order.resting is not None
        ]
        if sum(order.leaves for order in others) + closing.leaves > held:
            for order in others:
                self._states.cancel(account, order, "Canceled: Order had execInst of Close")

    def cancel(self, account: Account, order: Order) -> None:
        """Cancel an order for which there is no position to reduce."""
        name = "Close" if "Close" in order.instructions else "ReduceOnly"
        self._states.cancel(account, order, f"Canceled: Order had execInst of {name}")
