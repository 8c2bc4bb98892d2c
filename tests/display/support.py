"""Snapshots of a busy and an empty account, and a window that remembers what it was asked for."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

from common.domain.books import SIDE_BUY, SIDE_FUNDING, SIDE_SELL, Entry
from common.domain.commands import Command
from common.domain.executions import ExecutionKind, Network
from common.domain.instruments import Category, Instrument, Symbol
from common.domain.market import Book
from common.domain.orders import Phase, Side
from common.domain.reports import Line, Period, Sums, Total
from common.domain.robots import Status, reserved_emi
from common.engine.snapshot import (
    AccountRow,
    BookView,
    EntryRow,
    Health,
    Level,
    MarketRow,
    Notice,
    OrderRow,
    PositionRow,
    ResultRow,
    Results,
    RobotRow,
    Snapshot,
    TotalRow,
)
from display.amend import AmendDialog
from display.app import Terminal
from display.dialogs import Dialog
from display.ticket import OrderTicket

MARKET = "Bitmex"
NOW = datetime(2026, 11, 23, 4, 5, 6, tzinfo=timezone.utc)
SCALES = {"XBt": 8, "USDt": 6}


def instrument(
    ticker: str,
    category: Category,
    tick: str,
    lot: int,
    per_unit: int,
    *,
    settled_in: str = "XBt",
    expiry: datetime | None = None,
) -> Instrument:
    """Return contract figures in the manner of the demo's instruments."""
    return Instrument(
        symbol=Symbol(ticker, category),
        tradable=True,
        state="Open",
        tick_size=Decimal(tick),
        lot_size=lot,
        multiplier=1,
        contracts_per_unit=per_unit,
        quote_currency="USDT" if settled_in == "USDt" else "USD",
        settlement_currency=settled_in,
        base_currency=ticker[:3],
        max_quantity=10**10,
        max_price=Decimal(1_000_000),
        expiry=expiry,
    )


XBTUSDT = instrument("XBTUSDT", Category.LINEAR, "0.5", 1000, 1_000_000, settled_in="USDt")
SOLUSDT = instrument("SOLUSDT", Category.LINEAR, "0.01", 1000, 10_000, settled_in="USDt")
XBTUSD = instrument("XBTUSD", Category.INVERSE, "0.5", 100, 1)
ETHUSD = instrument("ETHUSD", Category.QUANTO, "0.05", 1, 1)
XBT_USDT = instrument("XBT_USDT", Category.SPOT, "0.5", 1000, 100_000_000, settled_in="USDt")
XBTZ26 = instrument(
    "XBTZ26",
    Category.INVERSE,
    "0.5",
    100,
    1,
    expiry=datetime(2026, 12, 25, 12, tzinfo=timezone.utc),
)
INSTRUMENTS = (XBTUSDT, SOLUSDT, XBTUSD, ETHUSD, XBT_USDT, XBTZ26)
_MIDDLES = ("68412.5", "171.26", "68418.0", "2731.05", "68401.5", "69120.5")
_POSITIONS = (250_000, -1_230_000, -12_345_600, 0, 0, 0)
_PNLS = (12_345_678, -9_876_543_210, -123_456_789_012, 0, 0, 0)


def market_row(health: Health = Health.LIVE, reason: str = "", progress: str = "") -> MarketRow:
    """Return the exchange box of the demo."""
    return MarketRow(
        market=MARKET,
        network=Network.DEMO,
        endpoint="127.0.0.1:8700",
        account=100_001,
        account_name="trader",
        health=health,
        reason=reason,
        progress=progress,
    )


def position_row(number: int) -> PositionRow:
    """Return the position in the instrument of this number."""
    figures, middle = INSTRUMENTS[number], Decimal(_MIDDLES[number])
    quantity = _POSITIONS[number]
    spot = figures.symbol.category is Category.SPOT
    return PositionRow(
        market=MARKET,
        symbol=figures.symbol,
        instrument=figures,
        quantity=quantity,
        entry_price=middle - Decimal("3.333333") if quantity else None,
        pnl=_PNLS[number],
        currency=figures.settlement_currency,
        scale=SCALES[figures.settlement_currency],
        margin_call_price=middle / 2 if quantity else None,
        state="Open",
        volume24h=98_765_432_100 if number < 3 else 123_400,
        expiry=figures.expiry,
        funding_rate=None if spot or figures.expiry else Decimal("0.000127") * (1 - number),
    )


def book_view(number: int, shift: int = 0, depth: int = 10) -> BookView:
    """Return a book of `depth` levels, moved by `shift` ticks, with an own order on each side."""
    figures = INSTRUMENTS[number]
    tick, lot = figures.tick_size, figures.lot_size
    middle = Decimal(_MIDDLES[number]) + shift * tick
    bids = tuple((middle - k * tick, lot * (7 + 13 * k + shift % 5)) for k in range(1, depth + 1))
    asks = tuple((middle + k * tick, lot * (5 + 17 * k + shift % 7)) for k in range(1, depth + 1))
    own_bids = {bids[3][0]: lot * 2} if depth > 3 else {}
    own_asks = {asks[2][0]: lot * 10} if depth > 2 else {}
    return BookView(figures.symbol, figures, Book(bids, asks), own_bids, own_asks)


def order_row(
    number: int, side: Side = Side.BUY, phase: Phase = Phase.OPEN, emi: str = "myBot"
) -> OrderRow:
    """Return an order of XBTUSDT."""
    step = Decimal(number) * XBTUSDT.tick_size
    return OrderRow(
        key=f"{1_109_594_183 + number}.{emi}",
        market=MARKET,
        at=NOW - timedelta(seconds=number),
        symbol=XBTUSDT.symbol,
        instrument=XBTUSDT,
        emi=emi,
        side=side,
        price=Decimal("68400.0") + (-step if side is Side.BUY else step + 25),
        stop_price=None,
        kind="Limit",
        quantity=3000 + 1000 * number,
        leaves=1000 + 1000 * number,
        phase=phase,
    )


def entry_row(number: int, *, funding: bool = False) -> EntryRow:
    """Return a booked trade or funding payment."""
    figures = INSTRUMENTS[number % len(INSTRUMENTS)]
    side = SIDE_FUNDING if funding else SIDE_BUY if number % 2 else SIDE_SELL
    entry = Entry(
        exec_id=f"00000000-0000-0000-0000-{number:012d}",
        kind=ExecutionKind.FUNDING if funding else ExecutionKind.TRADE,
        emi="myBot" if number % 3 else reserved_emi(figures.symbol),
        refer=None,
        symbol=figures.symbol,
        currency=figures.settlement_currency,
        side=side,
        quantity=figures.lot_size * (1 + number),
        rest=0,
        price=Decimal(_MIDDLES[number % len(_MIDDLES)]),
        theor_price=None,
        trade_price=Decimal(_MIDDLES[number % len(_MIDDLES)]) + figures.tick_size,
        sum_real=-1234,
        commission=(-1) ** number * 1234 * number,
        scale=SCALES[figures.settlement_currency],
        at=NOW - timedelta(minutes=7 * number),
        number=number,
    )
    return EntryRow(MARKET, entry, figures)


def robot_row(
    emi: str,
    figures: Instrument = XBTUSDT,
    status: Status = Status.WORK,
    position: int = 0,
    pnl: int | None = 0,
    problem: str = "",
) -> RobotRow:
    """Return a bot."""
    ordinary = status in (Status.WORK, Status.OFF, Status.ERROR)
    return RobotRow(
        market=MARKET,
        emi=emi,
        symbol=figures.symbol,
        instrument=None if status is Status.NOT_IN_LIST else figures,
        currency=figures.settlement_currency,
        scale=SCALES[figures.settlement_currency],
        timeframe=5 if ordinary else 0,
        capital=10 if ordinary else 0,
        status=status,
        problem=problem,
        volume=abs(position) * 37,
        pnl=pnl,
        position=position,
    )


def robots() -> tuple[RobotRow, ...]:
    """Return twenty bots, with every status."""
    reserved = [
        robot_row(reserved_emi(each.symbol), each, Status.RESERVED, position=-100 * (number == 2))
        for number, each in enumerate(INSTRUMENTS)
    ]
    named = [
        robot_row("myBot", XBTUSDT, Status.WORK, 250_000, 12_345_678),
        robot_row("trendFollower", SOLUSDT, Status.WORK, -1_230_000, -9_876_543_210),
        robot_row("a.name.of.20.letters", XBTUSD, Status.OFF, -12_345_600, -123_456_789_012),
        robot_row("wrongRow", ETHUSD, Status.ERROR, problem="CAPITAL is not a number"),
        robot_row("leftover", XBTUSDT, Status.NOT_DEFINED, 5_000, 1_000),
        robot_row("forgotten", SOLUSDT, Status.NOT_IN_LIST, 40_000, None),
    ]
    more = [robot_row(f"grid{number:02d}", INSTRUMENTS[number % 6]) for number in range(8)]
    return (*named, *more, *reserved)


def notices() -> tuple[Notice, ...]:
    """Return a few lines of each level, oldest first."""
    texts = (
        (Level.INFO, "exchange connected, 6 instruments"),
        (Level.INFO, "trade history: 1,500 executions compared, 3 booked"),
        (Level.WARNING, "the clock of this machine is 1.4 s behind the exchange's"),
        (Level.ERROR, "wrongRow: CAPITAL is not a number; correct its row in the table robots"),
        (Level.INFO, "myBot: Buy 0.0010 XBTUSDT.linear at 68412.5 filled"),
    )
    return tuple(
        Notice(number, NOW - timedelta(seconds=60 - number), level, text)
        for number, (level, text) in enumerate(texts, start=1)
    )


def accounts() -> tuple[AccountRow, ...]:
    """Return two currencies, one with very large figures."""
    return (
        AccountRow(MARKET, "XBt", 8, 123_456_789, 98_765_432, Decimal("2.5"), -1234, 56, -7, 4321),
        AccountRow(
            MARKET,
            "USDt",
            6,
            987_654_321_098_765,
            123_456_789_012_345,
            Decimal("0.03"),
            -98_765_432_109,
            12_345_678,
            -1_234_567,
            987_753_098_765_432,
        ),
    )


def results(period: Period = Period.DAY, left_off: int = 0) -> Results:
    """Return two bots over ten periods and the totals of two currencies."""
    rows = []
    for number in range(20):
        figures = (XBTUSDT, XBTUSD)[number % 2]
        closed = number % 3 == 0
        change = 0 if closed else figures.lot_size
        sums = Sums(3 + number, 7000 * number, change, (-1) ** number * 12_345_678, 1234, -56)
        start = period.start_of(date(2026, 11, 23) - timedelta(days=31 * (number // 2)))
        emi = ("myBot", reserved_emi(XBTUSD.symbol))[number % 2]
        scale = SCALES[figures.settlement_currency]
        line = Line(start, emi, figures.symbol, figures.settlement_currency, scale, sums, change)
        rows.append(ResultRow(MARKET, period, line, figures))
    totals = [Total(c, s, Sums(130, 0, 0, -98_765_432, 24_680, -560)) for c, s in SCALES.items()]
    return Results(
        period, NOW, tuple(TotalRow(MARKET, total) for total in totals), tuple(rows), left_off
    )


def busy_snapshot(beat: int = 1, trading: bool = False) -> Snapshot:
    """Return an account with everything in it; `beat` moves the books by ticks."""
    return Snapshot(
        at=NOW + timedelta(seconds=beat - 1),
        beat=beat,
        trading=trading,
        network=Network.DEMO,
        reloads=1,
        markets=(market_row(),),
        positions=tuple(position_row(number) for number in range(len(INSTRUMENTS))),
        books={
            figures.symbol: book_view(number, beat - 1)
            for number, figures in enumerate(INSTRUMENTS)
        },
        orders=(
            order_row(1, Side.SELL),
            order_row(2),
            order_row(3, phase=Phase.PENDING),
            order_row(4, phase=Phase.UNKNOWN, emi="XBTUSDT.linear"),
        ),
        trades=tuple(entry_row(number) for number in range(40)),
        funding=tuple(entry_row(number, funding=True) for number in range(12)),
        accounts=accounts(),
        robots=robots(),
        notices=notices(),
    )


def empty_snapshot() -> Snapshot:
    """Return the first moment of a start: nothing is known yet."""
    return Snapshot(
        at=NOW,
        beat=0,
        trading=False,
        network=Network.DEMO,
        markets=(market_row(Health.STARTING, "", "instruments"),),
    )


class Bench:
    """A terminal whose engine is a variable: set `snapshot`, call `turn`, look at `sent`."""

    def __init__(self, snapshot: Snapshot, size: str = "1280x800+0+0", theme: str = "dark") -> None:
        self.snapshot = snapshot
        self.take: Callable[[], Snapshot] = lambda: self.snapshot
        self.sent: list[Command] = []
        self.closed = 0
        self.expected_errors: list[str] = []  # of callbacks, for tests of such errors
        self.now = 100.0  # monotonic seconds, moved by the test
        self.terminal = Terminal(
            snapshot=self._take,
            submit=self.sent.append,
            refresh_rate=10,
            title="Tmatic",
            profile_name="demo",
            theme=theme,
            on_close=self._close,
            monotonic=lambda: self.now,
        )
        self.terminal.root.geometry(size)
        self.turn()

    def _take(self) -> Snapshot:
        return self.take()

    def _close(self) -> None:
        self.closed += 1

    @property
    def root(self) -> tk.Tk:
        """The window."""
        return self.terminal.root

    def turn(self, snapshot: Snapshot | None = None) -> None:
        """Let the terminal see a snapshot and Tk do all that it has to do."""
        if snapshot is not None:
            self.snapshot = snapshot
        self.root.update()
        self.terminal.refresh()
        self.root.update()

    def change(self, **values: object) -> None:
        """Let the terminal see the present snapshot with some fields changed."""
        beat = self.snapshot.beat + 1
        self.turn(replace(self.snapshot, beat=beat, **values))  # type: ignore[arg-type]

    def answer(self, event: int, *, refused: bool = False, text: str = "done") -> None:
        """Answer a user action, as the engine does."""
        number = max((notice.number for notice in self.snapshot.notices), default=0) + 1
        level = Level.ERROR if refused else Level.INFO
        notice = Notice(number, NOW, level, text, event, refused)
        self.change(notices=(*self.snapshot.notices, notice))

    def click(self, place: tuple[int, int], *, press_only: bool = False) -> Callable[[], None]:
        """Click at a point of the screen; returns the release, for a press that is held."""
        widget = self.root.winfo_containing(*place)
        assert widget is not None, f"no widget at {place}"
        x, y = place[0] - widget.winfo_rootx(), place[1] - widget.winfo_rooty()
        widget.event_generate("<Enter>", x=x, y=y)
        widget.event_generate("<ButtonPress-1>", x=x, y=y)
        self.root.update()

        def release() -> None:
            widget.event_generate("<ButtonRelease-1>", x=x, y=y)
            self.root.update()

        if not press_only:
            release()
        return release

    def ticket(self) -> OrderTicket:
        """The newest open order ticket."""
        return next(d for d in self._newest() if isinstance(d, OrderTicket))

    def amendment(self) -> AmendDialog:
        """The newest open window of an order."""
        return next(d for d in self._newest() if isinstance(d, AmendDialog))

    def _newest(self) -> list[Dialog]:
        return self.terminal.actions.dialogs()[::-1]

    def click_on(self, what: str, key: str | None = None) -> None:
        """Click on a thing of the window by its name."""
        self.click(self.terminal.geometry_of(what, key))


def option_of(canvas: tk.Canvas, item: int, option: str) -> str:
    """Return an option of a canvas item (tkinter's own method has no types)."""
    return str(canvas.tk.call(str(canvas), "itemcget", item, f"-{option}"))


def type_of(canvas: tk.Canvas, item: int) -> str:
    """Return "text", "rectangle", ... of a canvas item."""
    return str(canvas.tk.call(str(canvas), "type", item))
