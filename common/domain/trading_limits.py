"""Limits for every order that leaves, as the settings of a market say them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class TradingLimits:
    """0 means that there is no such limit."""

    price_band: Decimal = Decimal(5)  # percent that a bot's price may be worse than the best one
    order_lots: int = 0  # lots of one order
    order_value: Decimal = Decimal(0)  # value of one order, in the settlement currency
    position_lots: int = 0  # lots of a bot's position, whatever its CAPITAL
    bot_requests: int = 60  # orders and amendments of one bot in a minute
