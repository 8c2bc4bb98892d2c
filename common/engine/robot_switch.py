"""What switches a bot: a person's click, or its own fault; both are kept in the database."""

from __future__ import annotations

from common.domain.bots import OnStop
from common.domain.commands import SetBotPolicy, SetRobotStatus
from common.domain.robots import Status
from common.engine.bot_records import BotRecords
from common.engine.desk import Desk
from common.engine.notices import NoticeBoard
from common.engine.ports import Ledger
from common.engine.state import MarketState


class RobotSwitch:
    """Switches the bots of one market between WORK, OFF and ERROR."""

    def __init__(
        self,
        state: MarketState,
        ledger: Ledger,
        desk: Desk,
        records: BotRecords,
        notices: NoticeBoard,
    ) -> None:
        self._state = state
        self._ledger = ledger
        self._desk = desk
        self._records = records
        self._notices = notices

    def set(self, command: SetRobotStatus) -> None:
        """Switch a bot, or say why it cannot be switched."""
        problem = self._problem(command.emi)
        if problem:
            self._notices.refuse(f"{command.emi} cannot be switched: {problem}", None)
            return
        status = Status.WORK if command.work else Status.OFF
        if not command.work:
            self._desk.withdraw_bot(command.emi)
        self._state.failed_bots.pop(command.emi, None)
        self._state.set_status(command.emi, status)
        self._ledger.save_status(self._state.market, command.emi, command.work)
        self._notices.info(f"{command.emi}: {status}")
        self._records.say(command.emi, f"switched to {status}")

    def set_policy(self, command: SetBotPolicy) -> None:
        """Keep what becomes of a bot's orders when it is stopped by its own fault."""
        if self._state.read_only:
            self._notices.refuse("another terminal trades on this account", None)
            return
        self._state.policies[command.emi] = command.on_stop
        self._ledger.save_policy(self._state.market, command.emi, command.on_stop)
        self._notices.info(f"{command.emi}: its orders when it is stopped: {command.on_stop}")

    def stop(self, emi: str, status: Status, reason: str) -> None:
        """Stop a bot by its own fault: at once, with its reason, and over restarts."""
        if emi not in self._state.robots:
            return
        self._state.failed_bots[emi] = (status, reason)
        self._state.set_status(emi, status, reason)
        self._desk.withdraw_bot(emi)
        if not self._state.read_only:
            self._ledger.save_status(self._state.market, emi, False)
        cancelled = self._cancel_orders(emi)
        self._notices.error(f"{emi} is stopped: {reason}{cancelled}")

    def startable(self, emi: str) -> bool:
        """Whether a click starts a bot that was stopped by its own fault."""
        return emi in self._state.failed_bots and self._records.of(emi).loaded

    def _cancel_orders(self, emi: str) -> str:
        if self._state.policies.get(emi) is not OnStop.CANCEL:
            return ""
        orders = [order for order in self._state.orders if order.emi == emi]
        for order in orders:
            self._desk.cancel(order.key)
        return f"; cancelling its {len(orders)} orders" if orders else ""

    def _problem(self, emi: str) -> str:
        robot = self._state.robots.get(emi)
        if self._state.read_only:
            return "another terminal trades on this account"
        if robot is not None and (robot.status in (Status.WORK, Status.OFF) or self.startable(emi)):
            return ""
        return robot.problem if robot and robot.problem else "it is not a bot of the table robots"
