"""Orders as the exchange reports them and as the program asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from common.domain.instruments import Symbol


class Side(str, Enum):
    """Direction of an order or a fill; `sign` is +1 for Buy and -1 for Sell."""

    BUY = "Buy"
    SELL = "Sell"

    @property
    def sign(self) -> int:
        """+1 when contracts are bought, -1 when they are sold."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY

    def __str__(self) -> str:
        return self.value


class Phase(str, Enum):
    """Where an order is in its life, as this program knows it."""

    PENDING = "pending"  # registered here, not yet confirmed by the exchange
    OPEN = "open"  # confirmed: it may fill
    UNKNOWN = "unknown"  # a request was lost: being asked about
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to the order any more."""
        return self in (Phase.FILLED, Phase.CANCELED, Phase.REJECTED)


@dataclass(frozen=True, slots=True)
class Order:
    """An order as last reported by the exchange."""

    order_id: str  # the exchange's own
    cl_ord_id: str  # ours or another program's; "": none was given
    symbol: Symbol
    side: Side
    price: Decimal | None  # None: market or stop order
    stop_price: Decimal | None
    quantity: int  # contracts in all
    filled: int  # contracts, `cumQty`
    leaves: int  # contracts still open
    kind: str  # "Limit", "Market", "Stop", ...
    phase: Phase
    text: str  # the exchange's reason in words
    at: datetime  # of the last change, aware UTC


@dataclass(frozen=True, slots=True)
class OrderNumber:
    """The parts of a clOrdID."""

    number: int  # 0: none or not ours
    emi: str | None  # text after the first dot; None: no clOrdID or no dot


CL_ORD_ID_LENGTH = 36  # the exchange's limit, characters
NUMBER_DIGITS = 12  # kept free for the number before the dot


def parse_cl_ord_id(text: str | None) -> OrderNumber:
    """Split a clOrdID `number.EMI` at its first dot. Total: foreign text of any form is legal."""
    if not text or "." not in text:
        return OrderNumber(number=0, emi=None)
    head, emi = text.split(".", 1)
    is_number = head.isascii() and head.isdigit() and len(head) <= 18
    return OrderNumber(number=int(head) if is_number else 0, emi=emi)


def format_cl_ord_id(number: int, emi: str) -> str:
    """Return `number.EMI`; raises ValueError when the exchange would refuse its length."""
    text = f"{number}.{emi}"
    if number <= 0 or len(text) > CL_ORD_ID_LENGTH:
        raise ValueError(f"clOrdID {text!r} is longer than {CL_ORD_ID_LENGTH} characters")
    return text
