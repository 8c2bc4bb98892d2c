"""What passes between the engine and the bots: calls and orders of strategies, code, settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from common.domain.bot_form import BotForm
from common.domain.bots import BotCode, BotFill, BotLine
from common.domain.instruments import Currency, Instrument, Symbol
from common.domain.market import Candle, Ticker
from common.domain.orders import Side
from common.domain.parameters import Catalog
from common.domain.robots import Robot


@dataclass(frozen=True, slots=True)
class BotSaved:
    """What a person said of a bot is durable, or could not be written: `problem` says why."""

    market: str
    robot: Robot | None  # None: with a problem
    form: BotForm
    event: int  # the user action
    problem: str = ""


@dataclass(frozen=True, slots=True)
class BotDeleted:
    """A bot is out of the settings for good."""

    market: str
    emi: str
    event: int


@dataclass(frozen=True, slots=True)
class CatalogRead:
    """The strategies that the folder `algo` offers now."""

    catalog: Catalog


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as strategies see it in `var.orders`."""

    cl_ord_id: str
    emi: str
    symbol: Symbol
    side: Side
    price: Decimal
    leaves: int  # contracts
    market: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RobotView:
    """What a strategy is told of a bot."""

    robot: Robot
    instrument: Instrument
    position: int  # contracts
    volume: int  # contracts
    pnl: int  # smallest unit of the settlement currency
    currency: Currency


@dataclass(frozen=True, slots=True)
class BotCall:
    """One call of a strategy, after a bar has closed or orders were filled."""

    view: RobotView
    candles: Sequence[Candle]  # closed since the worker's last call, oldest first
    ticker: Ticker
    orders: Sequence[OrderView]
    fills: tuple[BotFill, ...] = ()  # not empty: the strategy is told of these, of no bar


@dataclass(frozen=True, slots=True)
class BotLoaded:
    """A worker has loaded its strategy (or failed to: `problem` says why, in words)."""

    emi: str
    problem: str = ""
    code: BotCode | None = None  # what the worker runs
    beside: bool = False  # new code was tried; with a problem, the former code goes on
    takes_fills: bool = False  # the strategy wants to be told of fills


@dataclass(frozen=True, slots=True)
class BotWanted:
    """A bot's strategy is to be started (anew): answered with `BotRunner.start_bot`."""

    emi: str


@dataclass(frozen=True, slots=True)
class BotSaid:
    """Lines for a bot's log, which are in its file already."""

    emi: str
    lines: tuple[BotLine, ...]


@dataclass(frozen=True, slots=True)
class BotOrder:
    """A strategy called post_order, put_order or del_order; answered with BotRunner.answer."""

    emi: str
    call: int
    verb: str  # "post", "put", "del"
    market: str
    symbol: Symbol | None
    on_behalf_of: str  # EMI named by the strategy (post)
    side: Side | None
    price: Decimal | None
    quantity: int | None  # contracts; of put: the wanted rest
    cl_ord_id: str = ""


@dataclass(frozen=True, slots=True)
class BotAnswer:
    """What a strategy's order call returns: the clOrdID, "" when it was refused."""

    cl_ord_id: str
    order: OrderView | None  # as it stands in var.orders now; None: not there (any more)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BotFinished:
    """A strategy returned from a call."""

    emi: str
    seconds: float


@dataclass(frozen=True, slots=True)
class BotFailed:
    """A strategy raised, hung or died; its worker is gone."""

    emi: str
    reason: str  # one line for the screen, with file and line where known
    detail: str  # traceback; it is in the bot's log already
    raised: bool = True  # the code is wrong; else it was too slow, or its process ended


# Of the runner of the bots; a `BotFinished` concerns nobody.
BotNews = BotOrder | BotLoaded | BotFailed | BotSaid | BotWanted
