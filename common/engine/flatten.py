"""Closing what a bot has: off, orders away, position counted, closed, counted again.

One bot after the other, so that two of them never trade with each other. A position is closed with
plain limit orders of the bot's own number through the book: the account's position may be another
one, or none, where bots offset each other, so that the exchange cannot be asked to close it.
Nothing is sent before the books, the stream and the exchange's own answer agree about the symbol:
a fill that is still on its way would be closed twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from common.domain.account import PositionFigures
from common.domain.closing import closable, closing_side, limit_price
from common.domain.commands import Flatten, SetRobotStatus
from common.domain.instruments import Category, Symbol
from common.domain.orders import Side
from common.domain.robots import Status
from common.engine.desk import Ask, Desk
from common.engine.items import Reply
from common.engine.notices import NoticeBoard
from common.engine.orders import LiveOrder
from common.engine.ports import Clock, Gateway
from common.engine.requests import FetchPositions
from common.engine.robot_switch import RobotSwitch
from common.engine.state import MarketState
from common.errors import OrderRefused

log = logging.getLogger(__name__)

TICK = 0.1  # seconds between two looks at how far it is
FILL_WITHIN = 3.0  # seconds; then the rest is taken back and priced anew
COMPARE_AGAIN = 0.5  # seconds until positions that differ are asked for again
SPOT_QUIET = 2.0  # seconds without any order of the bot: of spot there is no position to compare
PATIENCE = 60.0  # seconds for one bot
EVENT = 0  # of the orders sent here: a person's, and none of the numbered clicks


class Step(Enum):
    """How far the closing of one bot is."""

    CANCEL = "its orders are being cancelled"
    COUNT = "its position is being compared with the exchange"
    CLOSE = "its position is to be closed"
    FILL = "its closing order is at the exchange"


@dataclass(slots=True)
class _Job:
    """One bot whose position is to be closed."""

    emi: str
    symbol: Symbol
    side: Side | None  # on which a person agreed to close; None: had no position then
    step: Step = Step.CANCEL
    deadline: float = 0.0
    not_before: float = 0.0
    asked: int | None = None  # number of the request for positions that is under way
    order: str = ""  # key of the closing order
    problem: str = ""  # what kept it last
    gone_at: float = 0.0  # when the bot's last order was gone


class Flattener:
    """Closes the positions of bots of one market, driven by the engine's timers."""

    def __init__(
        self,
        state: MarketState,
        gateway: Gateway,
        desk: Desk,
        switch: RobotSwitch,
        clock: Clock,
        notices: NoticeBoard,
        *,
        later: Callable[[float, Callable[[], None]], None],
    ) -> None:
        self._state = state
        self._gateway = gateway
        self._desk = desk
        self._switch = switch
        self._clock = clock
        self._notices = notices
        self._later = later
        self._jobs: list[_Job] = []  # the first one is being worked on
        self._ticking = False
        self._failures: dict[tuple[str, Symbol], str] = {}

    @property
    def failures(self) -> dict[str, str]:
        """Return EMI -> why its position could not be closed, while it has that position."""
        held = {k: v for k, v in self._failures.items() if self._state.position(*k)}
        self._failures = held
        return {emi: why for (emi, _), why in held.items()}

    @property
    def running(self) -> dict[str, str]:
        """Return EMI -> what is being done."""
        return {job.emi: job.step.value for job in self._jobs}

    def start(self, command: Flatten) -> None:
        """Begin; the event is answered at once, the outcome is told when it is there."""
        emis = [command.emi] if command.emi else self._involved(command.symbol)
        known = [emi for emi in emis if emi in self._state.robots]
        problem = self._problem(command.symbol, known)
        if problem:
            self._notices.refuse(problem, command.event)
            return
        sides = dict(command.sides)
        fresh = [emi for emi in known if emi not in self.running]
        for emi in fresh:
            self._failures.pop((emi, command.symbol), None)
            self._switch_off(emi)
            self._jobs.append(_Job(emi, command.symbol, sides.get(emi)))
            self._cancel(self._orders(emi, command.symbol))
        names = ", ".join(known)
        self._notices.info(f"closing what {names} has in {command.symbol}", command.event)
        self._tick()

    def stop(self) -> None:
        """The session ends: say what remains undone."""
        for job in self._jobs:
            self._notices.error(f"{job.emi}: closing its position was broken off; {job.step.value}")
        self._jobs.clear()

    def replied(self, reply: Reply) -> bool:
        """Take the positions asked for; say whether the reply was one of these."""
        job = next((each for each in self._jobs if each.asked == reply.number), None)
        if job is None:
            return False
        job.asked = None
        if job.step is Step.COUNT:
            self._counted(job, reply)
        return True

    # ---- what is asked for ------------------------------------------------------------------

    def _involved(self, symbol: Symbol) -> list[str]:
        """Return the bots with a position or orders in a symbol, in the order of the screen."""
        robots = self._state.robots
        busy = {order.emi for order in self._state.orders if order.symbol == symbol}
        return [emi for emi in robots if emi in busy or self._state.position(emi, symbol)]

    def _problem(self, symbol: Symbol, emis: list[str]) -> str:
        if self._state.read_only:
            return "another terminal trades on this account: close positions there"
        if not emis:
            return f"no bot has a position or orders in {symbol}"
        if symbol not in self._state.instruments:
            return f"{symbol} is not subscribed: add it to the settings to close it"
        return ""

    def _switch_off(self, emi: str) -> None:
        robot = self._state.robots[emi]
        if robot.status is Status.WORK:
            self._switch.set(SetRobotStatus(self._state.market, emi, work=False))

    def _orders(self, emi: str, symbol: Symbol) -> list[LiveOrder]:
        return [o for o in self._state.orders if o.emi == emi and o.symbol == symbol]

    def _cancel(self, orders: list[LiveOrder]) -> None:
        for order in orders:
            if not order.cancel_wanted:
                self._desk.cancel(order.key)

    # ---- one bot after the other ------------------------------------------------------------

    def _tick(self) -> None:
        """Go on with the first job, and come again while there is one."""
        while self._jobs and self._advance(self._jobs[0]):
            del self._jobs[0]
        if self._jobs and not self._ticking:
            self._ticking = True
            self._later(TICK, self._again)

    def _again(self) -> None:
        self._ticking = False
        self._tick()

    def _advance(self, job: _Job) -> bool:
        """Do what can be done now; True when the job is over, well or not."""
        now = self._clock.monotonic()
        if not job.deadline:
            job.deadline = now + PATIENCE
            job.gone_at = now
        robot = self._state.robots.get(job.emi)
        if robot is None:  # a bot without a row in `robots` vanishes with its last contract
            return self._flat(job)
        if robot.status is Status.WORK:
            return self._give_up(job, "it was switched on again")
        if now >= job.deadline:
            return self._give_up(job, job.problem or job.step.value)
        if now < job.not_before:
            return False
        return self._work(job, now)

    def _work(self, job: _Job, now: float) -> bool:
        orders = self._orders(job.emi, job.symbol)
        if orders:
            job.gone_at = now
        if job.step is Step.FILL:
            if any(order.key == job.order for order in orders) and now < job.deadline:
                return self._wait_for_fill(job, now)
            job.step = Step.CANCEL
        if job.step is Step.CANCEL:
            self._cancel(orders)
            if orders:
                return False
            job.step = Step.COUNT
        if job.step is Step.COUNT:
            return self._count(job, now)
        return self._close(job, now)

    def _wait_for_fill(self, job: _Job, now: float) -> bool:
        if now >= job.not_before + FILL_WITHIN:
            job.step = Step.CANCEL
        return False

    # ---- counting ---------------------------------------------------------------------------

    def _count(self, job: _Job, now: float) -> bool:
        if self._state.unbooked:
            return False
        if job.symbol.category is Category.SPOT:
            if now - job.gone_at >= SPOT_QUIET:
                job.step = Step.CLOSE
        elif job.asked is None:
            job.asked = self._gateway.request(FetchPositions())
        return False

    def _counted(self, job: _Job, reply: Reply) -> None:
        """Go on when books, stream and exchange name the same position."""
        if reply.error is not None or not isinstance(reply.result, tuple):
            job.problem = f"the exchange was asked for its positions: {reply.error}"
            job.not_before = self._clock.monotonic() + COMPARE_AGAIN
            return
        told = sum(
            row.quantity
            for row in reply.result
            if isinstance(row, PositionFigures) and row.symbol == job.symbol
        )
        streamed = self._state.positions.get(job.symbol)
        booked = self._state.booked_position(job.symbol)
        shown = streamed.quantity if streamed else 0
        if self._state.unbooked or not told == shown == booked:
            job.problem = f"the exchange holds {told} contracts of {job.symbol}, the books {booked}"
            job.not_before = self._clock.monotonic() + COMPARE_AGAIN
            return
        job.problem = ""
        job.step = Step.CLOSE
        self._tick()

    # ---- closing ----------------------------------------------------------------------------

    def _close(self, job: _Job, now: float) -> bool:
        instrument = self._state.instruments[job.symbol]
        position = self._state.position(job.emi, job.symbol)
        quantity = closable(position, instrument)
        if not position:
            return self._flat(job)
        if not quantity:
            return self._give_up(job, "less than one lot is left, which cannot be traded")
        side = closing_side(position)
        if job.side is not side:
            return self._give_up(job, "its position is not the one that you agreed to close")
        best = self._best(job.symbol, side)
        if best is None:
            job.problem = "the order book has no price"
            return False
        ask = Ask(job.symbol, job.emi, side, limit_price(instrument, side, best), quantity, EVENT)
        try:
            job.order = self._desk.place(ask).key
        except OrderRefused as error:
            job.problem = str(error)
            job.step = Step.COUNT
            job.not_before = now + COMPARE_AGAIN
            return False
        job.step = Step.FILL
        job.not_before = now
        return False

    def _best(self, symbol: Symbol, side: Side) -> Decimal | None:
        book, ticker = self._gateway.book(symbol), self._gateway.ticker(symbol)
        levels = book.asks if side is Side.BUY else book.bids
        if levels:
            return levels[0][0]
        return ticker.ask if side is Side.BUY else ticker.bid

    # ---- the end ----------------------------------------------------------------------------

    def _flat(self, job: _Job) -> bool:
        self._notices.info(f"{job.emi} is flat in {job.symbol}")
        return True

    def _give_up(self, job: _Job, why: str) -> bool:
        self._cancel(self._orders(job.emi, job.symbol))
        self._failures[job.emi, job.symbol] = why
        self._notices.error(f"{job.emi}: its position in {job.symbol} is not closed: {why}")
        return True
