"""The account as the exchange sees it: positions and margin."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from common.domain.instruments import Symbol


@dataclass(frozen=True, slots=True)
class Account:
    """Who trades."""

    number: int
    name: str


@dataclass(frozen=True, slots=True)
class Position:
    """One position of the whole account. Money in the smallest unit of the settlement currency."""

    symbol: Symbol
    quantity: int  # contracts, long > 0
    entry_price: Decimal | None
    mark_price: Decimal | None
    unrealised_pnl: int
    unrealised_cost: int  # exchange's sign: cost of what is open
    margin_call_price: Decimal | None  # liquidation price; None: none


@dataclass(frozen=True, slots=True)
class Margin:
    """The wallet of one currency, in its smallest unit."""

    currency: str
    wallet_balance: int
    margin_balance: int
    available: int
    unrealised_pnl: int
    realised_pnl: int
    leverage: Decimal | None  # marginLeverage
