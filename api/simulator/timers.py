"""Orders that time ends: of a dead man's switch that ran out, and those for the day."""

from __future__ import annotations

from api.simulator.engine import Engine
from api.simulator.exchange import Exchange


def cancel_overdue(exchange: Exchange, engine: Engine) -> None:
    """Cancel the orders of accounts whose dead man's switch ran out."""
    for account in exchange.customers():
        if account.cancel_at is not None and account.cancel_at <= exchange.time:
            account.cancel_at = None
            for order in account.open_orders():
                if order.is_open:
                    engine.cancel(account, order, "Canceled: cancelAllAfter")


def cancel_day_orders(exchange: Exchange, engine: Engine) -> None:
    """Cancel the orders for the day that ends."""
    for account in exchange.customers():
        for order in account.open_orders():
            if order.time_in_force == "Day" and order.is_open:
                engine.cancel(account, order, "Canceled: Order had timeInForce of Day")
