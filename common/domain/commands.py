"""What a person asks for by click or key; the screen puts these into the engine's inbox.

`event` numbers one user action. The engine carries out an event at most once and answers it with
one `Notice` that repeats the number, so that a double click cannot send two orders.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from common.domain.instruments import Symbol
from common.domain.orders import Side
from common.domain.reports import Period


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Send a limit order for a bot."""

    event: int
    market: str
    symbol: Symbol
    emi: str
    side: Side
    price: Decimal
    quantity: int  # contracts


@dataclass(frozen=True, slots=True)
class AmendOrder:
    """Move an open order; None leaves price or rest as it is."""

    event: int
    market: str
    key: str  # OrderRow.key
    price: Decimal | None
    leaves: int | None  # contracts still wanted


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Cancel an open order; allowed in every state."""

    event: int
    market: str
    key: str


@dataclass(frozen=True, slots=True)
class SetTrading:
    """F9: switch automatic trading of all bots on or off."""

    on: bool


@dataclass(frozen=True, slots=True)
class SetRobotStatus:
    """Switch one bot between WORK and OFF; kept over restarts."""

    market: str
    emi: str
    work: bool


@dataclass(frozen=True, slots=True)
class ShowResults:
    """Sum the books by period for the screen; asked again while somebody looks."""

    period: Period


@dataclass(frozen=True, slots=True)
class ExportTables:
    """Write every table of the window, and the results by period, as CSV files."""


@dataclass(frozen=True, slots=True)
class Reload:
    """F3: read settings, robots and algo again and bring every market up anew."""


@dataclass(frozen=True, slots=True)
class VerifyBooks:
    """Compare the books with the exchange now."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End the engine."""


Command = (
    PlaceOrder
    | AmendOrder
    | CancelOrder
    | SetTrading
    | SetRobotStatus
    | ShowResults
    | ExportTables
    | VerifyBooks
    | Reload
    | Shutdown
)
