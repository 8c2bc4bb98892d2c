"""The account as the exchange sees it: positions and margin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

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
    currency: str = ""  # settlement currency; "": not told


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
    amount: int | None = None  # in the wallet, without results that are still to be moved there


@dataclass(frozen=True, slots=True)
class PositionFigures:
    """The figures of a position row that must agree with each other; None: not told.

    Money in the smallest unit of `currency`, in the exchange's own signs.
    """

    symbol: Symbol
    currency: str  # settlement currency
    quantity: int  # contracts, long > 0
    unrealised_cost: int  # cost of what is open
    unrealised_pnl: int | None = None
    mark_value: int | None = None
    current_cost: int | None = None
    realised_cost: int | None = None
    current_comm: int | None = None
    realised_pnl: int | None = None


class WalletKind(str, Enum):
    """Why the balance of a wallet changed."""

    RESULT = "result"  # profit, loss and fees of derivatives
    FUNDING = "funding"
    SPOT = "spot"  # a leg of a spot trade with its fee
    EXTERNAL = "external"  # deposits, withdrawals, transfers: everything that is not trading
    UNKNOWN = "unknown"  # of a type that nobody knows: a person must say what it is


@dataclass(frozen=True, slots=True)
class WalletChange:
    """One completed row of the wallet's history, in the smallest unit of its currency."""

    change_id: str
    currency: str
    kind: WalletKind
    amount: int  # received > 0
    balance: int | None  # of the wallet after it; None: not told
    at: datetime  # aware UTC
    type_name: str = ""  # the exchange's word; of UNKNOWN
    raw: str = ""  # the row as it came, JSON text; of UNKNOWN


@dataclass(frozen=True, slots=True)
class WalletPage:
    """Completed rows of one page, newest first; `rows` counts what the exchange sent."""

    changes: tuple[WalletChange, ...]
    rows: int
    full: bool  # the page held as many rows as were asked for
