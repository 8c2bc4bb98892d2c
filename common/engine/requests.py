"""What the engine may ask of an exchange over REST; each class names its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from common.domain.books import Waiting
from common.domain.executions import Executed
from common.domain.instruments import Symbol
from common.domain.orders import Side
from common.errors import Withdrawn


@dataclass(frozen=True, slots=True)
class FetchAccount:
    """Who are we? Result: Account."""


@dataclass(frozen=True, slots=True)
class FetchCurrencies:
    """Result: tuple[Currency, ...] (a shipped table stands in where the exchange has none)."""


@dataclass(frozen=True, slots=True)
class FetchInstruments:
    """Result: tuple[Instrument, ...] of those symbols that exist in the category asked for."""

    symbols: tuple[Symbol, ...]


@dataclass(frozen=True, slots=True)
class FetchSettlements:
    """Result: tuple[Settled, ...] of these symbols, oldest first."""

    symbols: tuple[Symbol, ...]


@dataclass(frozen=True, slots=True)
class ReadRows:
    """Read rows once more that could not be booked. Result: tuple[Executed, ...], one for each."""

    rows: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class FetchHistory:
    """One page of balance-affecting executions, oldest first. Result: HistoryPage."""

    since: datetime
    offset: int  # rows to skip from `since` on


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Rows of one page; `rows` counts what the exchange sent, decoded or not."""

    executions: tuple[Executed, ...]
    rows: int
    full: bool  # the page held as many rows as were asked for


@dataclass(frozen=True, slots=True)
class FetchOpenOrders:
    """Result: tuple[Order, ...] of the whole account."""


@dataclass(frozen=True, slots=True)
class FetchEndedOrders:
    """Result: tuple[Order, ...], those that have ended among the newest orders of the account."""

    count: int  # of the newest orders, at most 500


@dataclass(frozen=True, slots=True)
class FetchPositions:
    """Result: tuple[PositionFigures, ...] of every symbol ever touched, flat ones too."""


@dataclass(frozen=True, slots=True)
class FetchMargins:
    """Result: tuple[Margin, ...] of every currency."""


@dataclass(frozen=True, slots=True)
class FetchWallet:
    """One page of the wallets' history in all currencies, newest first. Result: WalletPage."""

    offset: int  # rows to skip


@dataclass(frozen=True, slots=True)
class FindOrder:
    """Look an order up by clOrdID, one without by the exchange's own id.

    Result: Order, or None when the exchange knows none.
    """

    cl_ord_id: str
    order_id: str = ""  # used where `cl_ord_id` is ""


@dataclass(frozen=True, slots=True)
class FetchCandles:
    """Closed bars, oldest first. Result: tuple[Candle, ...]. Any timeframe of whole minutes."""

    symbol: Symbol
    timeframe: int  # minutes
    since: datetime


class Permit(Protocol):
    """The right to write a request to a socket; asked for in the last moment."""

    def stands(self) -> bool:
        """Whether the request may be written now. Any thread."""

    def refusal(self) -> str:
        """Return why the request may not be written now, "" while it may. Any thread."""


def check_permit(permit: Permit | None) -> None:
    """Raise Withdrawn when a request may not be written any more."""
    refusal = "" if permit is None else permit.refusal()
    if refusal:
        raise Withdrawn(f"{refusal}: the order never left")


@dataclass(frozen=True, slots=True)
class SendOrder:
    """Place a limit order. Result: Order as answered.

    With a permit that does not stand any more, nothing is written: Withdrawn.
    """

    cl_ord_id: str
    symbol: Symbol
    side: Side
    quantity: int  # contracts
    price: Decimal
    permit: Permit | None = field(default=None, compare=False)  # None: it may leave at any time


@dataclass(frozen=True, slots=True)
class SendAmend:
    """Change an open order. `quantity` is the total (filled + wanted rest). Result: Order.

    The permit is that of a `SendOrder`.
    """

    order_id: str
    cl_ord_id: str
    quantity: int | None
    price: Decimal | None
    permit: Permit | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SendCancel:
    """Cancel an order. Result: Order. OrderNotFound when it had ended already."""

    order_id: str
    cl_ord_id: str  # used where the order id is not known yet


@dataclass(frozen=True, slots=True)
class ArmSwitch:
    """Have all orders of the account cancelled unless asked again in time. Result: datetime.

    The result is the exchange time at which that happens. Never held back by request limits.
    """

    seconds: int


@dataclass(frozen=True, slots=True)
class DisarmSwitch:
    """Take the switch back, after every other request, when the gateway stops. No result."""


Request = (
    FetchAccount
    | FetchCurrencies
    | FetchInstruments
    | FetchSettlements
    | ReadRows
    | FetchHistory
    | FetchOpenOrders
    | FetchEndedOrders
    | FetchPositions
    | FetchMargins
    | FetchWallet
    | FindOrder
    | FetchCandles
    | SendOrder
    | SendAmend
    | SendCancel
    | ArmSwitch
    | DisarmSwitch
)
