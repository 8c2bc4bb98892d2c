"""Candles of the bots of one market, and the calls at their closes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from common.domain.books import Entry
from common.domain.instruments import Symbol
from common.domain.market import Candle, Trade
from common.domain.robots import Robot, Status
from common.engine.bars import Bars, SeriesKey
from common.engine.bot_items import BotCall, OrderView, RobotView
from common.engine.bot_records import BotRecords
from common.engine.fills import Fills
from common.engine.items import Reply
from common.engine.notices import NoticeBoard
from common.engine.orders import LiveOrder
from common.engine.ports import BotRunner, Gateway
from common.engine.state import MarketState


class Dispatch:
    """Keeps one candle series per symbol and timeframe and calls bots when a bar closes."""

    def __init__(
        self,
        state: MarketState,
        gateway: Gateway,
        runner: BotRunner,
        notices: NoticeBoard,
        records: BotRecords,
        *,
        history_days: float,
        may_trade: Callable[[str], bool],
    ) -> None:
        self._state = state
        self._gateway = gateway
        self._runner = runner
        self._notices = notices
        self._records = records
        self._may_trade = may_trade
        self._bars = Bars(gateway, timedelta(days=history_days), self._missed)
        self._handed: dict[str, datetime] = {}  # emi -> start of the first bar not handed over
        self._loaded: set[str] = set()
        self._awaiting: set[str] = set()  # taken in later; their bars are being downloaded
        self._fills = Fills()
        self._started = False  # the bots of this session were started

    @property
    def tapes(self) -> frozenset[Symbol]:
        """Symbols whose public trades are needed for candles."""
        return self._bars.symbols

    def arrange(self) -> None:
        """Keep a series for every bot that has a timeframe, and no others."""
        self._bars.arrange((r.symbol, r.timeframe) for r in self._dispatched())

    def expect_leaps(self, longest: timedelta) -> None:
        """Believe what is seen after a step of time of this length."""
        self._bars.still_after = longest

    def resume(self, now: datetime) -> None:
        """Public trades arrive from `now` (exchange time) on."""
        self._bars.resume(now)

    def doubt(self, since: datetime) -> None:
        """Public trades after `since` (exchange time) may not have been seen."""
        self._bars.doubt(since)

    def complete(self, now: datetime) -> None:
        """Download what the series miss; then, once per session, start the bots.

        The market is LIVE meanwhile: a person need not wait for candles.
        """
        self._bars.complete(now)
        self._load_when_complete()

    def replied(self, reply: Reply) -> bool:
        """Take downloaded bars in; say whether the reply was one of these downloads."""
        request = self._bars.replied(reply)
        if request is None:
            return False
        # Workers get revised bars with their next call.
        for robot in self._of(request.symbol, request.timeframe):
            if robot.emi in self._handed:
                self._handed[robot.emi] = min(self._handed[robot.emi], request.since)
        self._load_when_complete()
        self._start_awaiting()
        return True

    def _load_when_complete(self) -> None:
        if not self._started and self._bars.completed:
            self._started = True
            self._load_bots()

    def _load_bots(self) -> None:
        """Start a worker for every bot with a timeframe; the answers come as BotLoaded."""
        self._loaded.clear()
        self._handed.clear()
        history: dict[str, Sequence[Candle]] = {}
        views = []
        for robot in self._dispatched():
            view = self._view(robot)
            series = self._bars.get((robot.symbol, robot.timeframe))
            if view is None or series is None:
                continue
            views.append(view)
            bars = series.tail(len(series))
            history[robot.emi] = bars
            if bars:
                self._handed[robot.emi] = bars[-1].start + timedelta(minutes=robot.timeframe)
        self._runner.load(views, history)

    def start_bot(self, emi: str) -> None:
        """Start a bot's strategy anew, with every bar that is known."""
        robot = self._state.robots.get(emi)
        view = self._view(robot) if robot and self._started else None
        series = self._bars.get((robot.symbol, robot.timeframe)) if robot else None
        if robot is None or view is None or series is None:
            return
        bars = series.tail(len(series))
        ticker = self._gateway.ticker(robot.symbol)
        self._runner.start_bot(BotCall(view, bars, ticker, order_views(self._state)))
        if bars and emi not in self._handed:
            self._handed[emi] = bars[-1].start + timedelta(minutes=robot.timeframe)

    def admit(self, emi: str, now: datetime) -> bool:
        """Take a bot in while the market runs; False: the stream does not carry its trades yet.

        Its strategy is started when its bars are there.
        """
        robot = self._state.robots[emi]
        key = (robot.symbol, robot.timeframe)
        carried, fresh = robot.symbol in self.tapes, self._bars.get(key) is None
        self.arrange()
        self._handed.pop(emi, None)
        if not self._started or self._bars.get(key) is None:
            return True  # it is loaded together with all others
        self._awaiting.add(emi)
        if fresh and carried:
            self._bars.begin(key, now)
        self._start_awaiting()
        return carried

    def dismiss(self, emi: str) -> None:
        """A bot has no strategy any more: end its worker."""
        self._awaiting.discard(emi)
        self._handed.pop(emi, None)
        self.bot_gone(emi)
        self._runner.end_bot(emi)

    def _start_awaiting(self) -> None:
        """Start the bots whose bars are there now."""
        for emi in sorted(self._awaiting):
            robot = self._state.robots.get(emi)
            key = (robot.symbol, robot.timeframe) if robot else None
            series = self._bars.get(key) if key else None
            if key is None or series is None:
                self._awaiting.discard(emi)
            elif len(series) and not self._bars.busy(key):
                self._awaiting.discard(emi)
                self.start_bot(emi)

    def bot_loaded(self, emi: str, *, takes_fills: bool) -> None:
        """The worker of a bot can be called from now on."""
        self._loaded.add(emi)
        self._fills.set_taker(emi, takes_fills)

    def bot_gone(self, emi: str) -> None:
        """The worker of a bot has ended."""
        self._loaded.discard(emi)
        self._fills.forget(emi)

    def booked(self, entries: Sequence[Entry]) -> None:
        """Tell bots of their contracts that were bought or sold and are durable now."""
        for emi in self._fills.take(entries):
            self._hand_fills(emi)

    def finished(self, emi: str) -> None:
        """A call has returned: what had to wait for it follows."""
        robot = self._state.robots.get(emi)
        if self._fills.finished(emi) and robot is not None and self._may_trade(emi):
            self._call(robot, order_views(self._state))
        else:
            self._hand_fills(emi)

    def _hand_fills(self, emi: str) -> None:
        fills, robot = self._fills.pending(emi), self._state.robots.get(emi)
        if not fills or robot is None or emi not in self._loaded or not self._may_trade(emi):
            return
        view, ticker = self._view(robot), self._gateway.ticker(robot.symbol)
        if view is None:
            return
        if self._runner.call(emi, BotCall(view, (), ticker, order_views(self._state), fills)):
            self._fills.handed(emi)

    def add_trade(self, trade: Trade) -> None:
        """Take a public trade into every series of its symbol."""
        self._bars.add_trade(trade)

    def next_close(self, now: datetime) -> datetime | None:
        """Return when the next bar is over; None: no series."""
        return self._bars.next_close(now)

    def close_due(self, now: datetime) -> None:
        """Close the bars that are over at `now` (exchange time) and call their bots.

        In the order of the table of robots, each once for a bar.
        """
        closed = set(self._bars.close_due(now))
        if not closed:
            return
        due = [
            robot
            for robot in self._dispatched()
            if (robot.symbol, robot.timeframe) in closed
            and robot.emi in self._loaded
            and self._may_trade(robot.emi)
        ]
        orders = order_views(self._state) if due else []  # one list: it is packed once for all
        for robot in due:
            self._call(robot, orders)

    def _missed(self, key: SeriesKey, start: datetime, end: datetime, why: str) -> None:
        """Write into the logs of a series' bots that bars passed without them."""
        for robot in self._of(*key):
            if robot.emi in self._loaded:
                text = f"bar {start:%Y-%m-%d %H:%M} to {end:%H:%M} UTC is not traded: {why}"
                self._records.say(robot.emi, text)

    def _call(self, robot: Robot, orders: list[OrderView]) -> None:
        view = self._view(robot)
        series = self._bars.get((robot.symbol, robot.timeframe))
        if view is None or series is None:
            return
        since = self._handed.get(robot.emi)
        bars = series.tail(len(series)) if since is None else series.since(since)
        call = BotCall(view, bars, self._gateway.ticker(robot.symbol), orders)
        if self._runner.call(robot.emi, call):
            if bars:
                self._handed[robot.emi] = bars[-1].start + timedelta(minutes=robot.timeframe)
        elif not self._fills.hold_bar(robot.emi):
            text = "still busy with its last call; this bar is passed"
            self._notices.warning(f"{robot.emi}: {text}")
            self._records.say(robot.emi, text)

    def _view(self, robot: Robot) -> RobotView | None:
        instrument = self._state.instruments.get(robot.symbol)
        currency = instrument and self._state.currencies.get(instrument.settlement_currency)
        if instrument is None or not currency:
            return None
        return RobotView(
            robot=robot,
            instrument=instrument,
            position=self._state.position(robot.emi, robot.symbol),
            volume=self._state.volume(robot.emi, robot.symbol),
            pnl=self._state.pnl(robot, self._gateway) or 0,
            currency=currency,
        )

    def _dispatched(self) -> Iterator[Robot]:
        for robot in self._state.robots.values():
            failed = robot.emi in self._state.failed_bots
            if robot.timeframe > 0 and (failed or robot.status in (Status.WORK, Status.OFF)):
                yield robot

    def _of(self, symbol: Symbol, timeframe: int) -> list[Robot]:
        return [r for r in self._dispatched() if (r.symbol, r.timeframe) == (symbol, timeframe)]


def order_views(state: MarketState) -> list[OrderView]:
    """Return the open orders as strategies see them; orders without a price are left out."""
    return [view for order in state.orders if (view := order_view(state.market, order))]


def order_view(market: str, order: LiveOrder) -> OrderView | None:
    """Return one order as strategies see it; None while it is being cancelled or has no price."""
    if order.price is None or order.cancel_wanted or not order.cl_ord_id:
        return None
    change = order.next_change or order.amending
    price = change.price if change and change.price is not None else order.price
    leaves = change.leaves if change and change.leaves is not None else order.leaves
    return OrderView(
        cl_ord_id=order.cl_ord_id,
        emi=order.emi,
        symbol=order.symbol,
        side=order.side,
        price=price,
        leaves=leaves,
        market=market,
        at=order.at,
    )
