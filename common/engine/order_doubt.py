"""What is asked about an order of unknown outcome, and what an answer means. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from common.domain.orders import Order
from common.engine.orders import LiveOrder
from common.engine.requests import SendAmend


@dataclass(frozen=True, slots=True)
class Doubt:
    """An order that is asked about: whether it was placed, or moved."""

    order: LiveOrder
    amend: SendAmend | None  # what was to become of it; None: whether it was placed


def is_same(order: LiveOrder, answer: Order) -> bool:
    """Whether what the exchange holds under our number is what we asked for."""
    if order.order_id:  # it may have been moved since
        return order.order_id == answer.order_id
    return order.may_be(answer)


def is_wanted(amend: SendAmend | None, order: Order) -> bool:
    """Whether an order is as an amendment wants it, whatever has been filled since."""
    return amend is not None and (
        (amend.price is None or amend.price == order.price)
        and (amend.quantity is None or amend.quantity == order.quantity)
    )
