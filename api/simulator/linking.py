"""Orders linked by a clOrdLinkID: one cancels the others, or one triggers the others."""

from __future__ import annotations

from collections.abc import Iterable

from api.simulator.accounts import Account
from api.simulator.orders import Order

CANCELS, TRIGGERS = "OneCancelsTheOther", "OneTriggersTheOther"
CONTINGENCIES = frozenset({CANCELS, TRIGGERS})


def rivals(account: Account, order: Order) -> Iterable[Order]:
    """Return the open orders that end as soon as this one executes or is triggered."""
    return _linked(account, order) if order.contingency == CANCELS else ()


def dependants(account: Account, order: Order) -> Iterable[Order]:
    """Return the open orders that wait until this one is filled."""
    if order.contingency != TRIGGERS or order.awaits_fill:
        return ()
    return [other for other in _linked(account, order) if other.awaits_fill]


def has_primary(account: Account, order: Order) -> bool:
    """Tell whether an order must wait for the fill of one that was sent before it."""
    return any(
        other.contingency == TRIGGERS and not other.awaits_fill for other in _linked(account, order)
    )


def _linked(account: Account, order: Order) -> list[Order]:
    if order.link_id is None:
        return []
    return [
        other
        for other in account.open_orders()
        if other is not order and other.link_id == order.link_id
    ]
