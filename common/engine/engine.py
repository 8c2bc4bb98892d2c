"""The loop: take one item, apply it, do what is due, publish a snapshot.

Everything in here runs on one thread. It waits for nothing but its inbox and its own deadlines.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from common.domain.commands import (
    Shutdown,
)
from common.domain.executions import Network
from common.domain.instruments import Instrument
from common.engine.bring_up import Missing
from common.engine.deadlines import Deadlines
from common.engine.mailbox import Mailbox
from common.engine.market import Market
from common.engine.notices import NoticeBoard
from common.engine.order_gate import shut_for
from common.engine.pace import LIVE, Pace
from common.engine.ports import BotRunner, Clock, Gateway, Inbox, Ledger, Reports
from common.engine.problems import FROZEN, Problems, not_flat
from common.engine.reception import Reception
from common.engine.report_desk import ReportDesk
from common.engine.snapshot import Snapshot
from common.engine.state import MarketState
from common.engine.take_snapshot import take_snapshot
from common.engine.time_watch import TimeWatch
from common.engine.trading_switch import TradingSwitch
from common.engine.ui_watch import UiWatch
from common.errors import ConfigurationError

log = logging.getLogger(__name__)

MOST_ITEMS_A_TURN = 500  # then deadlines get their turn


class Engine:
    """The kernel: owns all trading state of a session (from one start or F3 to the next)."""

    def __init__(
        self,
        gateways: Sequence[tuple[Gateway, MarketState]],
        ledger: Ledger,
        runner: BotRunner,
        reports: Reports,
        clock: Clock,
        notices: NoticeBoard,
        *,
        refresh_rate: int,
        history_days: float,
        first_date: Callable[[MarketState, datetime | None], datetime | None],
        check: Callable[[str, Sequence[Instrument]], Missing],
        ledger_inbox: Callable[[Inbox], Inbox] = lambda inbox: inbox,
        reloads: int = 0,
        audit: bool = False,
        pace: Pace = LIVE,
    ) -> None:
        self.inbox = Mailbox()
        self.settled = threading.Event()  # the settings were checked against every exchange
        self._ledger = ledger
        self._runner = runner
        self._reports = reports
        self._clock = clock
        self._time_watch = TimeWatch(clock, pace.leap)
        self._notices = notices
        self.refresh_rate = refresh_rate  # snapshots a second
        self._ledger_inbox = ledger_inbox  # what stands between the ledger and the inbox
        self._deadlines = Deadlines(clock)
        self._beat = 0
        self._next_snapshot = 0.0
        self._snapshot_every = pace.snapshot_every or 1.0 / refresh_rate  # seconds
        self._thread: threading.Thread | None = None
        self._markets: dict[str, Market] = {}
        self._trading = TradingSwitch(self._markets, notices)
        self._ui = UiWatch(
            later=self._deadlines.later,
            trading=lambda: self._trading.on,
            stop_trading=self._trading.stop,
        )
        states = [state for _, state in gateways]
        self._report_desk = ReportDesk(reports, states, notices, lambda: self.snapshot)
        self._reception = Reception(
            self._markets,
            runner,
            self._trading,
            self._ui,
            self._report_desk,
            notices,
            reloads=reloads,
        )
        self._markets |= {
            state.market: Market(
                state,
                gateway,
                ledger,
                runner,
                clock,
                notices,
                later=self._deadlines.later,
                trading=lambda: self._trading.on,
                stop_trading=self._trading.stop,
                ledger_problem=lambda: self._reception.ledger_problem,
                first_date=partial(first_date, state),
                check=partial(check, state.market),
                history_days=history_days,
                confirmed=reloads > 0,
                audit=audit,
            )
            for gateway, state in gateways
        }
        for market in self._markets.values():
            market.verifier.interval = pace.verify_every
            market.dispatch.expect_leaps(pace.look_every)
        self._problems = Problems()
        networks = {state.network for state in states}
        self._network = next((n for n in Network if n in networks), Network.DEMO)
        self.snapshot = self._take_snapshot()

    # ---- from other threads ---------------------------------------------------------------

    @property
    def configuration_error(self) -> ConfigurationError | None:
        """What is wrong with the settings, as far as the exchange told."""
        return next((m.fatal for m in self._markets.values() if m.fatal), None)

    def start(self) -> None:
        """Start every adapter and the engine's thread."""
        self._ledger.start(self._ledger_inbox(self.inbox))
        self._runner.start(self.inbox)
        self._reports.start(self.inbox)
        for market in self._markets.values():
            market.gateway.start(self.inbox)
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def submit(self, command: object) -> None:
        """Take what a person wants; what it forbids to bots is forbidden when this returns."""
        reopen = shut_for(command, {name: m.desk.gate for name, m in self._markets.items()})
        for item in (command, *reopen):
            self.inbox.put(item)

    def wait(self, seconds: float) -> bool:
        """Wait until the engine has ended by itself; say whether it has."""
        if self._thread:
            self._thread.join(seconds)
        return not (self._thread and self._thread.is_alive())

    def stop(self, *, disarm: bool = True) -> None:
        """End the engine, then the adapters in the order in which they feed each other.

        not disarm: this is no proper end, and a dead man's switch stays as it is.
        """
        self._trading.shut_gates()
        self.inbox.put(Shutdown())
        if self._thread:
            self._thread.join()
        self.inbox.close()
        self._ledger.finish()  # it writes while the others end
        self._runner.stop()
        for market in self._markets.values():
            if disarm:
                market.dead_man.disarm()
            market.gateway.stop()
        self._ledger.stop()
        self._reports.stop()

    # ---- the loop -------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            for market in self._markets.values():
                market.start()
            while not self._reception.ended:
                self.turn()
        except Exception as error:  # the top of the thread: nothing may die silently
            log.exception("the engine stopped")
            self._trading.shut_gates()
            self._notices.error(f"the engine stopped: {error}; press F3 to start it again")
            self._trading.on = False
            self._reception.ledger_problem = "the engine stopped; press F3"
            self.snapshot = self._take_snapshot()
        finally:
            self.settled.set()

    def turn(self) -> None:
        """Wait for the next item or deadline, and handle all that is due."""
        item = self.inbox.get(self._patience())
        self._watch_time()
        taken = 0
        while item is not None:
            self.handle(item)
            taken += 1
            if self._reception.ended or taken >= MOST_ITEMS_A_TURN:
                break
            item = self.inbox.get(0)
        self._deadlines.run()
        for market in self._markets.values():
            market.close_due()
        if not self.settled.is_set() and all(m.checked or m.fatal for m in self._markets.values()):
            self.settled.set()
        if self._clock.monotonic() >= self._next_snapshot:
            self._next_snapshot = self._clock.monotonic() + self._snapshot_every
            self.snapshot = self._take_snapshot()

    def _watch_time(self) -> None:
        """After a sleep or a step of the clock nothing is believed that was known before."""
        leap = self._time_watch.leap()
        if leap:
            self._notices.warning(f"{leap}; everything is read again")
            for market in self._markets.values():
                market.leapt()

    def _patience(self) -> float:
        """Seconds until something is due without any item."""
        due = self._deadlines.patience(self._next_snapshot - self._clock.monotonic())
        for market in self._markets.values():
            close = market.next_close()
            if close is not None:
                due = min(due, (close - market.exchange_time()).total_seconds())
        return max(0.0, due)

    def handle(self, item: object) -> None:
        """Apply an item; the engine's thread only."""
        self._reception.take(item)

    # ---- the picture ----------------------------------------------------------------------

    def _take_snapshot(self) -> Snapshot:
        self._beat += 1
        snapshot = take_snapshot(
            self._markets,
            beat=self._beat,
            now=self._clock.now(),
            trading=self._trading.on,
            entries=self._trading.entries,
            network=self._network,
            reloads=self._reception.reloads,
            catalog=self._reception.catalog,
            notices=self._notices.all(),
            results=self._report_desk.results,
            stories=self._report_desk.stories.told,
        )
        more = [FROZEN] if self._ui.frozen else []
        failures = [m.flattener.failures for m in self._markets.values()]
        more += [not_flat(emi, why) for each in failures for emi, why in each.items()]
        return replace(snapshot, problems=self._problems.present(snapshot, more))
