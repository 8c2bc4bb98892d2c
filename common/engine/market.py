"""One market inside the engine: takes its items, keeps its health, runs its desk and its bots."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from common.domain.books import Books
from common.domain.instruments import Instrument
from common.domain.robots import Status
from common.engine.bot_side import BotSide
from common.engine.bring_up import BringUp, Missing
from common.engine.clicks import Clicks
from common.engine.control_alarm import ControlAlarm
from common.engine.dead_man import DeadMan
from common.engine.desk import Desk
from common.engine.flatten import Flattener
from common.engine.follower import READ_ONLY, Follower
from common.engine.holdings import Holdings
from common.engine.items import Booked, RawText, Reply, StreamClosed
from common.engine.listener import Listener
from common.engine.notices import NoticeBoard
from common.engine.offsets import Offsets
from common.engine.ports import BotRunner, Clock, Gateway, Ledger
from common.engine.pulse import Pulse
from common.engine.snapshot import Health
from common.engine.standing import Standing
from common.engine.state import MarketState
from common.engine.verifier import Verifier
from common.errors import (
    AuthenticationFailed,
    ConfigurationError,
    KeyRefused,
    ProtocolError,
    TmaticError,
)

log = logging.getLogger(__name__)

STREAM_READY_WITHIN = 50.0  # seconds; a topic without image is asked for again after 10, 20, 30


class Market:
    """The engine's half of one exchange account."""

    def __init__(
        self,
        state: MarketState,
        gateway: Gateway,
        ledger: Ledger,
        runner: BotRunner,
        clock: Clock,
        notices: NoticeBoard,
        *,
        later: Callable[[float, Callable[[], None]], None],
        trading: Callable[[], bool],
        stop_trading: Callable[[str], None],
        ledger_problem: Callable[[], str],
        first_date: Callable[[datetime | None], datetime | None],
        check: Callable[[Sequence[Instrument]], Missing],
        history_days: float,
        confirmed: bool = True,
        audit: bool = False,
    ) -> None:
        self.state = state
        self.gateway = gateway
        self.fatal: ConfigurationError | None = None
        self._check = check
        self.checked = False  # the settings fit the exchange, or it could not be asked yet
        self.completed = 0  # how often the market came up
        self._announced = True  # that it is LIVE since it last came up
        self._ledger = ledger
        self._clock = clock
        self._notices = notices
        self._later = later
        self._stop_trading = stop_trading
        self._trading = trading
        self._ledger_problem = ledger_problem
        self.standing = Standing(state.market, notices)
        self.pulse = Pulse(clock, gateway)
        self.desk = Desk(
            state,
            gateway,
            ledger,
            clock,
            notices,
            later=later,
            is_live=lambda: self.health()[0] is Health.LIVE,
            in_touch=lambda: self.pulse.fresh() and not self.bring_up.running,
            bots_may_trade=self.may_trade,
            block=self._block,
            met=lambda symbol: self.holdings.meet(symbol),  # noqa: PLW0108 -- it comes later
        )
        self.holdings = Holdings(state, gateway, notices)
        self.offsets = Offsets(
            state,
            gateway,
            ledger,
            notices,
            later=later,
            ready=self._may_ask,
        )
        side = BotSide(
            state,
            gateway,
            ledger,
            runner,
            self.desk,
            clock,
            notices,
            history_days=history_days,
            may_trade=self.may_trade,
            now=self.exchange_time,
            connect_anew=self.leapt,
        )
        self.records, self.dispatch, self.switch = side.records, side.dispatch, side.switch
        self.keeper = side.keeper
        self.bot = side.take
        self.flattener = Flattener(
            state, gateway, self.desk, self.switch, clock, notices, later=later
        )
        self.clicks = Clicks(state, self.desk, self.flattener, notices)
        self.dead_man = DeadMan(state, gateway, clock, notices, later=later, now=self.exchange_time)
        self._audit = audit  # everything is verified, no bot runs
        self.verifier = Verifier(
            state,
            gateway,
            ledger,
            notices,
            later=later,
            now=self.exchange_time,
            ready=self._may_ask,
            heal=self._heal,
            whole=audit,
        )
        self.bring_up = BringUp(
            state,
            gateway,
            ledger,
            self.desk,
            self.dispatch,
            notices,
            now=self.exchange_time,
            later=later,
            first_date=first_date,
            check=self._compare,
            failed=self._failed,
            done=self._up,
            compared=self.verifier.doubt,
            confirmed=confirmed or audit,
        )
        self.follower = Follower(
            state,
            ledger,
            notices,
            later=later,
            running=lambda: self.bring_up.running,
            restart=self.start,
        )
        self._listener = Listener(
            state,
            gateway,
            ledger,
            self.desk,
            self.dispatch,
            self.holdings,
            self.offsets,
            self.verifier,
            clock,
            notices,
            now=self.exchange_time,
            complete=self._complete,
            stop_trading=stop_trading,
        )
        self.control = ControlAlarm(self.exchange_time, self.verifier.look_soon)

    # ---- state ----------------------------------------------------------------------------

    def start(self) -> None:
        """Bring the market up; called once at start and after every break."""
        if self.fatal is None:
            self.bring_up.start()

    def health(self) -> tuple[Health, str]:
        """Return what may be done here and, unless LIVE, why not in words."""
        watching = READ_ONLY if self.state.read_only and not self.standing.offline else ""
        blocked = self.standing.blocked or self._ledger_problem() or watching
        if blocked:
            return Health.BLOCKED, blocked
        if self.standing.offline:
            return Health.OFFLINE, self.standing.offline
        if self.verifier.problem:
            return Health.BLOCKED, self.verifier.problem
        if self.bring_up.running or not self.pulse.complete:
            return (Health.RECONCILING if self.completed else Health.STARTING), self.bring_up.step
        if unsettled := self._unsettled():
            return Health.RECONCILING, unsettled
        return (Health.STALE, stale) if (stale := self.pulse.stale()) else (Health.LIVE, "")

    def _unsettled(self) -> str:
        """Return what has to be learned before anybody may trade, "" when nothing has."""
        if self.verifier.doubted:
            return f"{self.verifier.doubted}: comparing books and exchange"
        inquiry = self.desk.wire.inquiry
        if not (before := inquiry.from_before):
            return ""
        requests = "1 request" if before == 1 else f"{before} requests"
        trouble = f" ({inquiry.trouble}; trying again)" if inquiry.trouble else ""
        return f"asking what became of {requests} of an earlier run{trouble}"

    def _may_ask(self) -> bool:
        """Whether what is compared with the exchange would be whole."""
        return self.pulse.complete and not self.bring_up.running and not self.state.read_only

    def fresh(self) -> bool:
        """Whether the prices are those of now."""
        return self.pulse.fresh()

    def may_trade(self, emi: str) -> bool:
        """Whether a bot's order may leave now."""
        robot = self.state.robots.get(emi)
        works = robot is not None and robot.status is Status.WORK
        return self._trading() and works and self.health()[0] is Health.LIVE

    def exchange_time(self) -> datetime:
        """Now, by the exchange's clock."""
        offset = self.gateway.clock_offset()
        return self._clock.now() + timedelta(seconds=offset) if offset else self._clock.now()

    # ---- items of the exchange ------------------------------------------------------------

    def opened(self, session: int) -> None:
        """The socket of a session is open."""
        if session == self.bring_up.session:
            self.pulse.opened()
            self._later(STREAM_READY_WITHIN, lambda: self._expect_ready(session))

    def text(self, item: RawText) -> None:
        """Take one message of the stream; one of an earlier session is not listened to."""
        if item.session != self.bring_up.session:
            return
        self.pulse.heard(item)
        try:
            self._listener.text(item)
        except ProtocolError as error:
            self._failed(error)

    def closed(self, item: StreamClosed) -> None:
        """The socket is gone: come up again from the first line."""
        if item.session != self.bring_up.session:
            return
        self._lose_stream()
        fall = self.bring_up.throw if self.bring_up.running else self._failed
        fall(item.error)

    def replied(self, reply: Reply) -> None:
        """Take the answer to a request."""
        others = (self.bring_up, self.dispatch, self.verifier, self.holdings)
        more = (self.flattener, self.dead_man, self.offsets)
        if not any(each.replied(reply) for each in (*others, *more)):
            self.desk.wire.replied(reply)
        if isinstance(reply.error, KeyRefused):
            self.verifier.look_soon()  # it asks with the same key
        elif isinstance(reply.error, AuthenticationFailed) and self.pulse.complete:
            self._failed(reply.error)

    # ---- items of the books ---------------------------------------------------------------

    def books_opened(self, books: Books) -> None:
        """Take what the ledger knows."""
        if not self.follower.opened(books):
            self.bring_up.books_opened(books)

    def writer_lost(self) -> None:
        """Another terminal has taken the account over: what has not left yet never will."""
        if not self.state.read_only:
            self.state.read_only = True
            self.desk.withdraw_all()
            self._notices.error(f"{self.state.market}: another terminal has taken over")
            self.start()

    def booked(self, item: Booked) -> None:
        """Follow rows that are durable."""
        self.state.durable(item.exec_ids)
        self.holdings.booked(item.entries, tell=self.completed > 0)
        self.dispatch.booked(item.entries)
        self.verifier.booked(len(item.entries))
        for problem in item.problems:
            self.standing.problem = problem
            self._notices.error(problem)
        self.state.drop_flat_strays()
        self.bring_up.booked(item)

    # ---- time -----------------------------------------------------------------------------

    def next_close(self) -> datetime | None:
        """Return the exchange time at which `close_due` is to be called next."""
        return self.dispatch.next_close(self.exchange_time()) if self.fresh() else None

    def close_due(self) -> None:
        """Close the bars that are over and call their bots; not while trades may be missing."""
        if self.desk.watch() and not self._announced:
            self._announced = True
            self._notices.info(f"{self.state.market}: LIVE")
        if self.fresh():
            self.dispatch.close_due(self.exchange_time())

    def leapt(self) -> None:
        """This computer slept or its clock was set: connect anew before any bot runs."""
        if self.fatal is None:
            self._heal()

    # ---- inside ---------------------------------------------------------------------------

    def _complete(self) -> None:
        """Every image of the stream is there."""
        self.pulse.complete = True
        self.bring_up.stream_ready()

    def _compare(self, instruments: Sequence[Instrument]) -> Missing:
        missing = self._check(instruments)
        self.checked = True
        return missing

    def _expect_ready(self, session: int) -> None:
        if session == self.bring_up.session and self.bring_up.connecting:
            error = ProtocolError(f"the stream was not complete after {STREAM_READY_WITHIN:.0f} s")
            self.bring_up.throw(error)

    def _block(self, reason: str) -> None:
        """Stop until a person has looked and pressed F3."""
        self.standing.problem = reason
        self._stop_trading(reason)

    def _lose_stream(self) -> None:
        """What happened after the last word is not known: its bars have to be read again."""
        self.desk.withdraw_bots()
        if self.pulse.complete:
            self.dispatch.doubt(self.exchange_time() - timedelta(seconds=self.pulse.quiet()))
        self.pulse.complete = False

    def _leave_stream(self) -> None:
        self._lose_stream()
        self.bring_up.session += 1  # nothing more is heard of the one that is left
        self.gateway.disconnect()

    def _failed(self, error: TmaticError) -> None:
        """The market could not be brought up or fell: say why and try again later."""
        self.bring_up.abandon()
        self.verifier.fell()
        self._leave_stream()
        if isinstance(error, ConfigurationError):
            self.fatal = error
        self.checked = True
        delay = self.standing.fell(error)
        if delay is not None:
            self._later(delay, self._try_again)

    def _heal(self) -> None:
        """The mirror may have missed something: read everything again, once for a difference."""
        self._leave_stream()
        self.start()

    def _try_again(self) -> None:
        if not self.bring_up.running and not self.pulse.complete:
            self.start()

    def _up(self) -> None:
        self.standing.up()
        self.completed += 1
        if self.state.read_only:
            self.follower.came_up()
            return
        self._announced = False
        if not self._audit:
            self.dispatch.complete(self.exchange_time())
            self.dead_man.came_up()
        self.offsets.look()
        self.verifier.came_up()
