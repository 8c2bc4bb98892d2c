"""What becomes of the bots' strategies: loaded, failed, loaded anew with other code."""

from __future__ import annotations

import logging

from common.domain.robots import Status
from common.engine.bot_items import BotFailed, BotLoaded, BotSaid, BotWanted
from common.engine.bot_records import BotRecords
from common.engine.dispatch import Dispatch
from common.engine.notices import NoticeBoard
from common.engine.robot_switch import RobotSwitch
from common.engine.state import MarketState

log = logging.getLogger(__name__)


class BotProgram:
    """Follows the workers of one market's bots."""

    def __init__(
        self,
        state: MarketState,
        dispatch: Dispatch,
        switch: RobotSwitch,
        records: BotRecords,
        notices: NoticeBoard,
    ) -> None:
        self._state = state
        self._dispatch = dispatch
        self._switch = switch
        self._records = records
        self._notices = notices

    def take(self, item: BotLoaded | BotFailed | BotSaid | BotWanted) -> None:
        """Follow one item of the runner."""
        if isinstance(item, BotSaid):
            self._records.heard(item.emi, item.lines)
        elif isinstance(item, BotWanted):
            self._dispatch.start_bot(item.emi)
        elif isinstance(item, BotFailed):
            self._failed(item)
        elif not item.problem:
            self._loaded(item)
        elif item.beside:
            self._kept(item)
        else:
            self._not_loaded(item)

    def _loaded(self, item: BotLoaded) -> None:
        record = self._records.of(item.emi)
        record.loaded, record.note = True, ""
        changed = record.code is not None and item.code != record.code
        record.code = item.code
        self._dispatch.bot_loaded(item.emi, takes_fills=item.takes_fills)
        if record.resume is not None and item.emi in self._state.robots:
            self._state.failed_bots.pop(item.emi, None)
            self._state.set_status(item.emi, record.resume)
            self._notices.info(f"{item.emi}: its strategy is loaded now; {record.resume}")
            record.resume = None
        elif record.fault is not None and item.emi in self._state.failed_bots:
            self._state.failed_bots[item.emi] = record.fault  # a person decides, not better code
            self._state.set_status(item.emi, *record.fault)
        elif item.beside and changed and item.code is not None:
            self._notices.info(f"{item.emi}: new code {item.code.file} {item.code.digest} is used")

    def _kept(self, item: BotLoaded) -> None:
        """New code is no good; the former goes on."""
        record = self._records.of(item.emi)
        if record.note != item.problem:
            self._notices.error(
                f"{item.emi}: the new code is not used, the former goes on: {item.problem}"
            )
        record.note = item.problem

    def _not_loaded(self, item: BotLoaded) -> None:
        """There is no code to go on with. OFF or WORK of the database stays for better code."""
        record = self._records.of(item.emi)
        record.loaded, record.code = False, None
        self._dispatch.bot_gone(item.emi)
        robot = self._state.robots.get(item.emi)
        if robot is None:
            return
        if item.emi not in self._state.failed_bots:
            record.resume = robot.status
        self._state.failed_bots[item.emi] = (Status.ERROR, item.problem)
        self._state.set_status(item.emi, Status.ERROR, item.problem)
        self._notices.error(f"{item.emi} is stopped: {item.problem}")

    def _failed(self, item: BotFailed) -> None:
        """A strategy raised, hung or died: it is started anew, and trades when a person says so."""
        log.error("%s: %s\n%s", item.emi, item.reason, item.detail)
        self._records.of(item.emi).loaded = False
        self._dispatch.bot_gone(item.emi)
        status = Status.ERROR if item.raised else Status.OFF
        self._records.of(item.emi).fault = (status, item.reason)
        self._switch.stop(item.emi, status, item.reason)
        if self._records.may_start(item.emi):
            self._dispatch.start_bot(item.emi)
