"""Executions as the exchange reports them: the only source of the books."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum

from common.domain.instruments import Symbol
from common.domain.orders import Side


class Network(str, Enum):
    """Which kind of money an account holds; rows of different networks never mix."""

    REAL = "REAL"
    TEST = "TEST"
    DEMO = "DEMO"  # any endpoint on loopback

    def __str__(self) -> str:
        return self.value


class ExecutionKind(str, Enum):
    """What happened, as far as the books care."""

    TRADE = "Trade"  # also liquidations: quantity and money move
    FUNDING = "Funding"  # only money moves
    SETTLEMENT = "Settlement"  # closes the position at the settlement price
    TRANSFER = "Transfer"  # bots that offset each other closed at settlement; by this program
    REPORT = "Report"  # an order's life (New, Canceled, ...): nothing to book
    UNKNOWN = "Unknown"  # balance may be affected: journaled raw and shown
    UNREADABLE = "Unreadable"  # a row that lacks what books need (`text` says what): quarantined

    __hash__ = str.__hash__


@dataclass(frozen=True, slots=True)
class Executed:
    """One execution report.

    Money is in the smallest unit of its currency, in the exchange's own signs: `cost` is
    execCost (of a Funding row only the base of the payment), `fee` is execComm (> 0: paid).
    """

    exec_id: str
    kind: ExecutionKind
    exec_type: str  # the exchange's own word
    symbol: Symbol
    order_id: str  # "": none
    cl_ord_id: str  # "": none
    side: Side | None  # of Funding: the side of the position, Buy = long; None: not known
    quantity: int  # contracts, positive
    leaves: int  # contracts of the order still open after it; 0 where it is not told
    price: Decimal | None  # of the order; None: market order
    trade_price: Decimal | None  # of the fill; of Funding: the mark price
    rate: Decimal | None  # commission or signed funding rate
    cost: int
    fee: int
    currency: str  # settlement currency of `cost`, e.g. "XBt"
    fee_currency: str  # currency of `fee`
    account: int
    at: datetime  # when it happened (transactTime), aware UTC, milliseconds
    written_at: datetime  # when the exchange wrote the row (timestamp)
    raw: str  # the row as JSON text, for the journal
    text: str = ""
    forced: bool = False  # the exchange traded against the owner's will: a liquidation
    cumulative: int = 0  # contracts that the order has filled with it; 0 where it is not told
    base_delta: int = 0  # spot: change of the base currency in its smallest unit
    base_currency: str = ""  # spot: the wallet currency that `base_delta` is in
    # Of a transfer: what closing so many contracts brings (long > 0), received > 0.
    closing: Callable[[int], int] | None = field(default=None, compare=False, repr=False)
