"""The class style of a strategy: a `Strategy` with hooks, and the `Bot` it acts through.

    from bots.api import Bot, Parameter, Strategy

    class Dip(Strategy):
        depth = Parameter(3, low=1, high=100, help="ticks below the bid")

        def on_bar(self, bot: Bot) -> None:
            if bot.position == 0 and not bot.orders:
                bot.buy(bot.lot, bot.bid - self.depth * bot.tick)

It stands beside the function style and uses the same order desk: the same checks, the same limits.
Prices are Decimal, quantities whole contracts. docs/bots.md is the reference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from api.websockets import Websockets
from bots.declared import Parameter, parameters
from bots.frames import Frame
from bots.higher import aggregate
from common.domain.market import Candle
from common.domain.robots import fits_a_day
from common.variables import Variables

__all__ = ["Bot", "Candle", "Fill", "Order", "Parameter", "Strategy", "parameters"]

Price = Decimal | float | int


@dataclass(frozen=True, slots=True)
class Order:
    """An order of the bot, as it stood when this value was made.

    It is true while the order stands; an order that was refused is false and says why.
    """

    key: str  # "" when it was refused
    side: str  # "Buy" or "Sell"
    price: Decimal
    quantity: int  # contracts still open
    refusal: str = ""

    def __bool__(self) -> bool:
        """Whether the terminal has taken the order."""
        return bool(self.key)


@dataclass(frozen=True, slots=True)
class Fill:
    """Contracts that the bot has bought or sold; it is in the books already."""

    side: str  # "Buy" or "Sell"
    price: Decimal | None
    quantity: int  # contracts
    order: str  # key of the order; "" where it is not known
    at: datetime  # aware UTC


class Strategy:
    """What a strategy of the class style derives from. Every hook may be left out.

    One instance serves one bot. Attributes that are `Parameter`s hold the bot's own values.
    """

    def on_start(self, bot: Bot) -> None:
        """Do what comes before the first bar; bars of the past are there already."""

    def on_bar(self, bot: Bot) -> None:
        """Act on the bar that has just closed, `bot.candles(1)[-1]`."""

    def on_fill(self, bot: Bot, fill: Fill) -> None:
        """Act on contracts that were bought or sold and are booked."""

    def on_stop(self, bot: Bot) -> None:
        """Do what comes last on an orderly end. No order can be sent any more."""


@dataclass
class Moment:
    """What the terminal said at the beginning of a call."""

    robot: dict[str, Any]
    frame: Frame
    ticker: dict[str, Any]
    instrument: dict[str, Any]


@dataclass
class Bot:
    """A bot as its strategy sees it: what it has, what the market does, and what it may order."""

    _now: Moment = field(repr=False)
    _given: dict[int, datetime] = field(default_factory=dict, repr=False)  # by timeframe: to here

    # ---- what it is ---------------------------------------------------------------------------

    @property
    def emi(self) -> str:
        """Name of the bot in every order and row of the books."""
        return str(self._now.robot["EMI"])

    @property
    def symbol(self) -> str:
        """What it trades, e.g. XBTUSDT."""
        return str(self._now.robot["SYMBOL"])

    @property
    def timeframe(self) -> int:
        """Minutes of a bar."""
        return int(self._now.robot["TIMEFR"])

    @property
    def instrument(self) -> dict[str, Any]:
        """The contract's figures, as the function style has them."""
        return self._now.instrument

    @property
    def tick(self) -> Decimal:
        """Smallest step of the price."""
        return _decimal(self._now.instrument["tickSize"])

    @property
    def lot(self) -> int:
        """Smallest order in contracts; every quantity is a multiple of it."""
        return int(self._now.instrument["lotSize"])

    # ---- what it has --------------------------------------------------------------------------

    @property
    def position(self) -> int:
        """Contracts, long positive."""
        return int(self._now.robot["POS"])

    @property
    def pnl(self) -> float:
        """Result less fees, the position valued at bid or ask, in units of the currency."""
        return float(self._now.robot["PNL"])

    @property
    def limit(self) -> int:
        """Largest position in contracts, by the bot's CAPITAL."""
        return int(self._now.robot["CAPITAL"]) * self.lot

    @property
    def orders(self) -> tuple[Order, ...]:
        """The bot's own open orders."""
        mine = (o for o in Variables.orders.values() if o["emi"] == self.emi)
        return tuple(_order(each) for each in mine)

    # ---- what the market does -----------------------------------------------------------------

    @property
    def bid(self) -> Decimal:
        """Best price at which the market buys."""
        return _decimal(self._now.ticker["bid"])

    @property
    def ask(self) -> Decimal:
        """Best price at which the market sells."""
        return _decimal(self._now.ticker["ask"])

    @property
    def ticker(self) -> dict[str, Any]:
        """Prices of the moment, as the function style has them."""
        return self._now.ticker

    @property
    def frame(self) -> Frame:
        """The bars as the function style has them."""
        return self._now.frame

    def candles(self, count: int, timeframe: int | None = None) -> list[Candle]:
        """Return the last `count` closed bars, oldest first; fewer where there are not so many.

        `timeframe`: a multiple of the bot's own, in minutes; such a bar is there only when all of
        its time is over. ValueError: it is no multiple, or does not divide a day.
        """
        if count < 1:
            return []
        own, wanted = self.timeframe, self._checked(timeframe)
        if wanted == own:
            return self._now.frame.candles(count)
        enough = (count + 2) * (wanted // own)
        return aggregate(self._now.frame.candles(enough), own, wanted)[-count:]

    def new_candles(self, timeframe: int | None = None) -> list[Candle]:
        """Return the closed bars that this has not returned before, oldest first.

        The first time these are all bars of the past, then one a bar. After a time without calls
        (F9 OFF, a busy strategy) all that closed meanwhile are there: what an indicator is fed.
        """
        own, wanted = self.timeframe, self._checked(timeframe)
        since, frame = self._given.get(wanted), self._now.frame
        # One bar more than is wanted, so that one whose first part is missing is seen to be whole.
        longer = timedelta(minutes=wanted)
        bars = frame.candles(len(frame)) if since is None else frame.since(since - longer)
        if wanted != own:
            bars = aggregate(bars, own, wanted)
        bars = [bar for bar in bars if since is None or bar.start >= since]
        if bars:
            self._given[wanted] = bars[-1].start + timedelta(minutes=wanted)
        return bars

    @property
    def time(self) -> datetime | None:
        """End of the bar that has just closed, aware UTC; None before the first bar."""
        last = self._now.frame.candles(1)
        return last[-1].start + timedelta(minutes=self.timeframe) if last else None

    # ---- orders -------------------------------------------------------------------------------

    def buy(self, quantity: int, price: Price) -> Order:
        """Place a limit order; the price is rounded down to a tick."""
        return self._post("Buy", quantity, self.round_down(price))

    def sell(self, quantity: int, price: Price) -> Order:
        """Place a limit order; the price is rounded up to a tick."""
        return self._post("Sell", quantity, self.round_up(price))

    def move(self, order: Order, price: Price | None = None, quantity: int | None = None) -> Order:
        """Move an order to another price, or another quantity still open.

        An order that stands so already is left alone and keeps its place.
        """
        wanted = order.price if price is None else self._rounded(order.side, price)
        rest = order.quantity if quantity is None else quantity
        desk = self._desk()
        key = desk.put_order(clOrdID=order.key, price=wanted, qty=rest)
        if key:
            return Order(key, order.side, wanted, rest)
        return Order("", order.side, order.price, order.quantity, desk.refusal)

    def cancel(self, order: Order) -> bool:
        """Cancel an order; False when there is none any more."""
        return bool(self._desk().del_order(clOrdID=order.key))

    def cancel_all(self, side: str | None = None) -> None:
        """Cancel all of the bot's orders, or those of a side."""
        for order in self.orders:
            if side in (None, order.side):
                self.cancel(order)

    def round_down(self, price: Price) -> Decimal:
        """Return the highest price on the tick grid that is not above `price`."""
        return self._on_grid(price, ROUND_FLOOR)

    def round_up(self, price: Price) -> Decimal:
        """Return the lowest price on the tick grid that is not below `price`."""
        return self._on_grid(price, ROUND_CEILING)

    def log(self, text: object) -> None:
        """Write a line into the bot's log."""
        print(text)

    # ---- inside -------------------------------------------------------------------------------

    def _checked(self, timeframe: int | None) -> int:
        own = self.timeframe
        wanted = own if timeframe is None else timeframe
        if wanted < own or wanted % own or (wanted != own and not fits_a_day(wanted)):
            raise ValueError(
                f"timeframe is {timeframe}; it is a multiple of {own} minutes that divides a day"
            )
        return wanted

    def _desk(self) -> Any:  # noqa: ANN401 - whatever stands behind the façade
        return Websockets.connect[self._now.robot["MARKET"]]

    def _post(self, side: str, quantity: int, price: Decimal) -> Order:
        desk = self._desk()
        key = desk.post_order(
            name=self._now.robot["MARKET"],
            symbol=self.symbol,
            emi=self.emi,
            side=side,
            price=price,
            qty=quantity,
        )
        return Order(key, side, price, quantity, "" if key else desk.refusal)

    def _rounded(self, side: str, price: Price) -> Decimal:
        return self.round_down(price) if side == "Buy" else self.round_up(price)

    def _on_grid(self, price: Price, rounding: str) -> Decimal:
        exact = _decimal(price)
        if not exact.is_finite():
            raise ValueError(f"price is {price!r}, which is not a number")
        return (exact / self.tick).to_integral_value(rounding) * self.tick


def _order(each: dict[str, Any]) -> Order:
    return Order(each["clOrdID"], each["side"], _decimal(each["price"]), int(each["leavesQty"]))


def _decimal(value: Price) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))
