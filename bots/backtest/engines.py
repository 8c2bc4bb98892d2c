"""The engines of a back-test: the one that plays, and the one that verifies the books after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from api.simulator.bar_gateway import BarGateway
from api.simulator.virtual_clock import VirtualClock
from bots.inline import InlineBotRunner
from bots.variables import Variables as Bots
from common.domain.books import AccountKey
from common.domain.bot_story import BotKey
from common.domain.commands import Shutdown
from common.domain.executions import Network
from common.domain.reports import Period
from common.domain.robots import Robot
from common.domain.verification import Verification
from common.engine.engine import Engine
from common.engine.mailbox import Mailbox
from common.engine.notices import NoticeBoard
from common.engine.pace import BAR_BY_BAR, Pace
from common.engine.ports import Inbox
from common.engine.snapshot import Snapshot
from common.engine.state import MarketState
from common.ledger.immediate import ImmediateLedger
from common.settings_types import SqliteSettings

VERIFY_WITHIN = 600.0  # seconds
MOST_IDLES = 1000
_AUDIT = replace(BAR_BY_BAR, snapshot_every=1.0)


class Engines:
    """Makes engines on one gateway, one database and one virtual clock."""

    def __init__(
        self,
        gateway: BarGateway,
        settings: SqliteSettings,
        clock: VirtualClock,
        notices: NoticeBoard,
    ) -> None:
        self._gateway = gateway
        self._settings = settings
        self._clock = clock
        self._notices = notices

    def playing(self, state: MarketState, runner: InlineBotRunner) -> Engine:
        """Return the engine that trades."""
        return self._make(state, runner, BAR_BY_BAR, audit=False)

    def verify(self, played: MarketState, robot: Robot) -> Verification:
        """Compare every row of the books with the exchange, as --verify does."""
        state = MarketState(played.market, Network.DEMO, played.symbols)
        runner = InlineBotRunner(robot, None, self._clock)
        engine = self._make(state, runner, _AUDIT, audit=True)
        engine.inbox = _PassingTime(self._clock, lambda: engine.snapshot)
        engine.start()
        engine.wait(VERIFY_WITHIN)
        engine.stop()
        return engine.snapshot.markets[0].verification

    def _make(
        self, state: MarketState, runner: InlineBotRunner, pace: Pace, *, audit: bool
    ) -> Engine:
        return Engine(
            [(self._gateway, state)],
            ImmediateLedger(self._settings, self._clock.now),
            runner,
            NoReports(),
            self._clock,
            self._notices,
            refresh_rate=1,
            history_days=Bots.missing_days_number,
            first_date=lambda *_: None,
            check=lambda _market, _found: {},
            audit=audit,
            pace=pace,
        )


class NoReports:
    """Satisfies `ports.Reports` where nobody looks at results before the end."""

    def start(self, inbox: Inbox) -> None:
        """Do nothing."""

    def read(self, keys: Sequence[AccountKey], period: Period) -> None:
        """Do nothing: nobody asks."""

    def tell(self, key: BotKey) -> None:
        """Do nothing: nobody asks."""

    def export(self, snapshot: Snapshot, keys: Sequence[AccountKey]) -> None:
        """Do nothing: nobody asks."""

    def stop(self) -> None:
        """Do nothing."""


class _PassingTime(Mailbox):
    """The inbox of an engine that verifies after the last bar: time passes where it would wait."""

    def __init__(self, clock: VirtualClock, snapshot: Callable[[], Snapshot]) -> None:
        super().__init__()
        self._clock = clock
        self._snapshot = snapshot
        self._idles = 0

    def get(self, timeout: float) -> object | None:
        """Return the oldest item; without one, let time pass until the verification is over."""
        item = super().get(0.0)
        if item is not None or timeout <= 0:
            return item
        self._idles += 1
        if self._snapshot().markets[0].verification.finished or self._idles > MOST_IDLES:
            return Shutdown()
        self._clock.move_to(self._clock.monotonic() + timeout)
        return None
