"""What a person asks for by click or key; the screen puts these into the engine's inbox.

`event` numbers one user action. The engine carries out an event at most once and answers it with
one `Notice` that repeats the number, so that a double click cannot send two orders.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from common.domain.bot_form import BotForm
from common.domain.bots import OnStop
from common.domain.instruments import Symbol
from common.domain.orders import Side, parse_cl_ord_id
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
    """F9: switch automatic trading of all bots on or off.

    on and not entries: between the two. Bots are called, but only orders that reduce their
    positions leave.
    """

    on: bool
    entries: bool = True


@dataclass(frozen=True, slots=True)
class Scope:
    """Which orders of a market are meant: all of them, or those that fit what is named."""

    market: str
    symbol: Symbol | None = None
    emi: str | None = None
    own: bool = False  # only those whose number this program has given

    def means(self, symbol: Symbol, emi: str, cl_ord_id: str) -> bool:
        """Return whether an order with these marks is one of them."""
        return (
            (self.symbol is None or symbol == self.symbol)
            and (self.emi is None or emi == self.emi)
            and (not self.own or parse_cl_ord_id(cl_ord_id).number > 0)
        )

    def __str__(self) -> str:
        named = [str(each) for each in (self.emi, self.symbol) if each]
        whose = " in ".join(named) if named else self.market
        return f"{whose}, placed by this program" if self.own else whose


@dataclass(frozen=True, slots=True)
class CancelAll:
    """Cancel every open order of a scope; allowed in every state."""

    event: int
    scope: Scope

    @property
    def market(self) -> str:
        """Whose orders are meant."""
        return self.scope.market


@dataclass(frozen=True, slots=True)
class Flatten:
    """Switch bots off, cancel their orders in a symbol and close their positions there.

    `emi` None: of every bot that has something in the symbol. `sides`: the side on which each bot's
    position was said to be closed; a position that has turned since is left alone.
    """

    event: int
    market: str
    symbol: Symbol
    emi: str | None
    sides: tuple[tuple[str, Side], ...]  # (EMI, side)


@dataclass(frozen=True, slots=True)
class SetRobotStatus:
    """Switch one bot between WORK and OFF; kept over restarts."""

    market: str
    emi: str
    work: bool


@dataclass(frozen=True, slots=True)
class SetBotPolicy:
    """Say what becomes of a bot's orders when it is stopped by its own fault; kept."""

    market: str
    emi: str
    on_stop: OnStop


@dataclass(frozen=True, slots=True)
class SaveBot:
    """Create a bot, or change one: all of the form is written, and takes effect without F3.

    A new bot is OFF. The symbol of a bot that is there does not change.
    """

    event: int
    market: str
    form: BotForm
    new: bool


@dataclass(frozen=True, slots=True)
class DeleteBot:
    """Take a bot out of the settings; refused while it has orders or a position."""

    event: int
    market: str
    emi: str


@dataclass(frozen=True, slots=True)
class ShowResults:
    """Sum the books by period for the screen; asked again while somebody looks."""

    period: Period


@dataclass(frozen=True, slots=True)
class ShowBot:
    """Tell the story of a bot from the books; asked again while somebody looks."""

    market: str
    emi: str


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
class Drawn:
    """The window has painted what it was given: its sign of life, about once a second."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End the engine."""


# About orders; each is carried out once, however often it was sent.
Click = PlaceOrder | AmendOrder | CancelOrder | CancelAll | Flatten

Command = (
    Click
    | SetTrading
    | SetRobotStatus
    | SetBotPolicy
    | SaveBot
    | DeleteBot
    | ShowResults
    | ShowBot
    | ExportTables
    | VerifyBooks
    | Reload
    | Drawn
    | Shutdown
)
